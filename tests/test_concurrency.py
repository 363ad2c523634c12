"""Several processes bill, edit and credit the same work at the same moment.

Nothing is billed twice; whoever comes second finds the work done, or is told so.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest
import requests
from racing import TRIED_AGAIN, Outcome, Racer

from tools import database

NAME = "psa_system_concurrency"
ROUNDS = 3
MEANWHILE = "billed or changed meanwhile"
NOTHING_TO_INVOICE = "No items are available to invoice"
SENDING = ("changing or sending", "changed or sent since")

# Independent of the queries of the add-on: what each document says about an entry.
LIVE = """
    (move.id IS NULL
     OR move.state <> 'cancel'
        AND (move.move_type <> 'out_refund' OR move.state = 'posted'))
"""
ENTRIES_WITH_OTHER_FIGURES = f"""
    SELECT entry.id, entry.unit_amount, entry.billed_quantity,
           SUM(detail.source_quantity) AS ledger
      FROM account_analytic_line AS entry
      JOIN psa_invoice_detail AS detail ON detail.analytic_line_id = entry.id
 LEFT JOIN account_move AS move ON move.id = detail.move_id
     WHERE {LIVE}
  GROUP BY entry.id
    HAVING SUM(detail.source_quantity) < -0.000001
        OR ABS(SUM(detail.source_quantity)
                   FILTER (WHERE detail.is_write_off IS NOT TRUE)
               - entry.billed_quantity) > 0.000001
        OR SUM(detail.source_quantity) > entry.unit_amount + 0.000001
           AND NOT BOOL_OR(move.needs_recalculation)
"""
LINES_THAT_ARE_NO_SUMS = """
    SELECT line.id, line.quantity, SUM(detail.quantity)
      FROM account_move_line AS line
      JOIN psa_invoice_detail AS detail ON detail.move_line_id = line.id
      JOIN account_move AS move ON move.id = line.move_id
     WHERE detail.billing_type = 'chargeable' AND move.state <> 'cancel'
  GROUP BY line.id, move.move_type
    HAVING ABS(line.quantity * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
               - SUM(detail.quantity)) > 0.0100001
"""
CONTRACT_LINES_BILLED_BEYOND_DELIVERY = """
    SELECT contract.id, contract.qty_delivered, SUM(
               line.quantity
               * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END) AS billed
      FROM sale_order_line AS contract
      JOIN sale_order_line_invoice_rel AS rel ON rel.order_line_id = contract.id
      JOIN account_move_line AS line ON line.id = rel.invoice_line_id
      JOIN account_move AS move ON move.id = line.move_id
     WHERE move.state <> 'cancel'
       AND (move.move_type <> 'out_refund' OR move.state = 'posted')
       AND contract.qty_delivered_method = 'timesheet'
  GROUP BY contract.id
    HAVING SUM(line.quantity
               * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END)
           > contract.qty_delivered + 0.0000001
       AND NOT BOOL_OR(move.needs_recalculation)
"""
BILLED = """
    SELECT detail.project_id, move.id, SUM(detail.source_quantity)
      FROM psa_invoice_detail AS detail
      JOIN account_move AS move ON move.id = detail.move_id
     WHERE detail.project_id = ANY(%s) AND move.state <> 'cancel'
       AND move.move_type = 'out_invoice'
  GROUP BY detail.project_id, move.id
"""


@pytest.fixture(scope="module")
def site(start_site):
    site = start_site(NAME, database.addon_template())
    site.expected = (*TRIED_AGAIN, MEANWHILE, NOTHING_TO_INVOICE, *SENDING)
    return site


@pytest.fixture(scope="module")
def judge(site):
    """Two processes beside that of the server."""
    judge = Judge([Racer.start(NAME, number) for number in (1, 2)])
    yield judge
    for racer in judge.racers:
        racer.stop()


@dataclass
class Judge:
    """Lets two racers go at once and looks at what they leave behind."""

    racers: list[Racer]

    def prepare(self, name: str, *arguments):
        return self.racers[0].do(name, *arguments)

    def race(self, *orders: tuple, head_start: int = 0) -> list[Outcome]:
        """:param head_start: who of them is told first to go; both have seen the same
        database then"""
        for racer, order in zip(self.racers, orders, strict=True):
            racer.line_up(*order)
        for racer in (self.racers[head_start], self.racers[1 - head_start]):
            racer.go()
        outcomes = [racer.come_home() for racer in self.racers]
        assert_ledger()
        return outcomes


def query(statement: str, *values) -> list[tuple]:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def assert_ledger() -> None:
    """Nothing is billed twice, and every figure agrees with the ledger."""
    assert not query(ENTRIES_WITH_OTHER_FIGURES)
    assert not query(LINES_THAT_ARE_NO_SUMS)
    assert not query(CONTRACT_LINES_BILLED_BEYOND_DELIVERY)


def hours_by_project(project_ids: list[int]) -> dict[int, float]:
    """On invoices that are drafts or posted."""
    found: Counter = Counter()
    for project_id, _move_id, hours in query(BILLED, project_ids):
        found[project_id] += hours
    return found


def drafts_of(project_ids: list[int]) -> list[int]:
    return sorted({move_id for _project, move_id, _hours in query(BILLED, project_ids)})


def hours_by_draft(project_ids: list[int]) -> list[float]:
    """In the order in which the drafts were made."""
    rows = query(BILLED, project_ids)
    return [hours for _project, _move, hours in sorted(rows, key=lambda row: row[1])]


def assert_one_won(outcomes: list[Outcome], *messages: str) -> None:
    """At most one was refused, and was told in words that mean something to him."""
    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal]
    assert len(refusals) < len(outcomes), refusals
    for refusal in refusals:
        assert any(message in refusal for message in messages), refusal


# === Runs and wizards ===


def test_two_runs_share_the_work(judge):
    """Every row is billed by one of them."""
    projects = judge.prepare("new_projects", 32, [1, 2.5])
    for attempt in range(ROUNDS):
        if attempt:
            judge.prepare("new_work", projects, [1, 2.5])
        outcomes = judge.race(
            ("run_due", projects), ("run_due", projects), head_start=attempt % 2
        )
        assert not any(outcome.refusal for outcome in outcomes)
        assert sum(outcome.result[1] for outcome in outcomes) == 32
        assert not any(outcome.result[2] for outcome in outcomes)
        expected = dict.fromkeys(projects, 3.5 * (attempt + 1))
        assert hours_by_project(projects) == expected
        assert len(drafts_of(projects)) == 32 * (attempt + 1)
    assert not query(
        "SELECT FROM psa_invoice_schedule"
        " WHERE project_id = ANY(%s) AND state NOT IN ('done', 'nothing')",
        projects,
    )


@pytest.mark.parametrize("is_released_meanwhile", [False, True])
def test_a_busy_row_keeps_the_later_ones_back(judge, is_released_meanwhile):
    """An hour of the first month, two of the second, each on the invoice of its month,
    although somebody else holds the first row of a project during a run."""
    busy, free = projects = judge.prepare("new_projects", 2, [])
    judge.prepare("run_due", projects)
    held, *_others = judge.prepare("new_months", projects)
    if is_released_meanwhile:
        judge.prepare("run_due_beside", projects, held)
    else:
        with database.server().cursor(NAME) as other:
            other.execute("BEGIN")
            other.execute(
                "SELECT FROM psa_invoice_schedule WHERE id = %s FOR NO KEY UPDATE",
                (held,),
            )
            judge.prepare("run_due", projects)
    assert hours_by_draft([free]) == [1, 2]
    assert hours_by_draft([busy]) == []
    judge.prepare("run_due", projects)
    assert hours_by_draft([busy]) == [1, 2]


def test_a_run_and_the_wizard(judge):
    projects = judge.prepare("new_projects", 1, [2, 3])
    for attempt in range(1, ROUNDS + 1):
        wizard = judge.prepare("new_wizard", projects)
        run, finish = judge.race(
            ("run_due", projects), ("finish_wizard", wizard), head_start=attempt % 2
        )
        assert not run.refusal
        assert not finish.refusal or MEANWHILE in finish.refusal
        assert len(drafts_of(projects)) == attempt
        assert hours_by_project(projects) == {projects[0]: 5.0 * attempt}
        judge.prepare("new_work", projects, [2, 3])


def test_a_run_and_odoos_own_button(judge):
    projects = judge.prepare("new_projects", 1, [2, 3])
    for attempt in range(1, ROUNDS + 1):
        run, button = judge.race(
            ("run_due", projects), ("bill_order", projects), head_start=attempt % 2
        )
        assert not run.refusal
        assert not button.refusal or NOTHING_TO_INVOICE in button.refusal
        assert len(drafts_of(projects)) == attempt
        assert hours_by_project(projects) == {projects[0]: 5.0 * attempt}
        judge.prepare("new_work", projects, [2, 3])


def test_runs_of_two_projects_on_one_contract_line(judge):
    """10 and 20 minutes: 0.17 h and 0.33 h, together the half hour delivered."""
    for attempt in range(ROUNDS):
        first = judge.prepare("new_projects", 1, [1 / 6])
        second = judge.prepare("new_projects", 1, [1 / 3])
        judge.prepare("share_contract_line", first + second)
        judge.race(("run_due", first), ("run_due", second), head_start=attempt % 2)
        quantities = query(
            "SELECT line.quantity FROM account_move_line AS line"
            " WHERE line.move_id = ANY(%s) AND line.display_type = 'product'",
            drafts_of(first + second),
        )
        assert sum(quantity for (quantity,) in quantities) == pytest.approx(0.5)


# === An entry changes while it is billed ===


@pytest.mark.parametrize(
    "change",
    ["more hours", "fewer hours", "moved", "deleted", "held", "written off"],
)
def test_an_entry_changes_during_a_run(judge, change):
    project, other = judge.prepare("new_projects", 2, [2])
    for attempt in range(2):
        entry, stays = judge.prepare("new_work", [project], [2, 3])
        action = {
            "more hours": ("edit_entries", [entry], {"unit_amount": 5}),
            "fewer hours": ("edit_entries", [entry], {"unit_amount": 1}),
            "moved": ("edit_entries", [entry], {"project_id": other}),
            "deleted": ("delete_entries", [entry]),
            "held": ("hold", [entry]),
            "written off": ("write_off", [entry]),
        }[change]
        run, edit = judge.race(("run_due", [project]), action, head_start=attempt % 2)
        assert not run.refusal
        assert_one_won([run, edit], "Nothing is open")
        billed = billed_of(entry)
        if not edit.refusal:
            # Either the run saw the change, or the draft asks for Recalculate.
            expected = {"more hours": 5, "fewer hours": 1}.get(change, 0)
            (draft,) = query(
                "SELECT move.id, move.needs_recalculation FROM account_move AS move"
                " JOIN psa_invoice_detail AS detail ON detail.move_id = move.id"
                " WHERE detail.analytic_line_id = %s"
                " AND detail.is_write_off IS NOT TRUE",
                stays,
            )
            assert billed == expected or draft[1]
            judge.prepare("recalculate", [draft[0]])
            assert billed_of(entry) == (2 if change == "held" and billed else expected)
            assert_ledger()


def billed_of(entry_id: int) -> float:
    ((hours,),) = query(
        f"""SELECT COALESCE(SUM(detail.source_quantity), 0)
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
             WHERE detail.analytic_line_id = %s AND {LIVE}""",
        entry_id,
    )
    return hours


def test_a_project_is_put_on_hold_during_a_run(judge):
    """The run was first, or it leaves the project out."""
    for attempt in range(ROUNDS):
        projects = judge.prepare("new_projects", 1, [2])
        run, held = judge.race(
            ("run_due", projects), ("hold_projects", projects), head_start=attempt % 2
        )
        assert not held.refusal
        assert not run.refusal
        assert len(drafts_of(projects)) <= 1


# === Credit notes, cancelled invoices ===


def test_two_credit_notes_of_one_invoice(judge):
    """What is credited is open again, once; who comes second is told."""
    for attempt in range(ROUNDS):
        projects = judge.prepare("new_projects", 1, [2, 3])
        drafts = judge.prepare("new_draft", projects)
        first, second = judge.prepare("new_credit_notes", drafts, 2)
        outcomes = judge.race(
            ("post", [first]), ("post", [second]), head_start=attempt % 2
        )
        assert_one_won(outcomes, "was credited meanwhile")
        entries = query(
            "SELECT unit_amount, billed_quantity, billing_credited_quantity"
            " FROM account_analytic_line WHERE project_id = %s",
            projects[0],
        )
        assert sorted(entries) == [(2, 0, 2), (3, 0, 3)]


def test_a_cancelled_invoice_is_revived_during_a_run(judge):
    for attempt in range(ROUNDS):
        projects = judge.prepare("new_projects", 1, [2, 3])
        drafts = judge.prepare("new_draft", projects)
        judge.prepare("cancel", drafts)
        outcomes = judge.race(
            ("run_due", projects), ("revive", drafts), head_start=attempt % 2
        )
        assert not any(outcome.refusal for outcome in outcomes)
        assert hours_by_project(projects) == {projects[0]: 5.0}


def test_posted_while_an_entry_on_it_is_edited(judge):
    """Either the edit is refused, or the draft asks for Recalculate first."""
    for attempt in range(ROUNDS):
        projects = judge.prepare("new_projects", 1, [2])
        (entry,) = judge.prepare("new_work", projects, [3])
        drafts = judge.prepare("new_draft", projects)
        outcomes = judge.race(
            ("post", drafts),
            ("edit_entries", [entry], {"unit_amount": 5}),
            head_start=attempt % 2,
        )
        assert_one_won(outcomes, "Press Recalculate first", "already invoiced")
        assert any(outcome.refusal for outcome in outcomes)


# === A double click ===


class Click(NamedTuple):
    """A button that is pressed in two browser tabs.

    :ivar model: that has the button
    :ivar record: id of the record
    :ivar refusals: parts of what the second one may be told
    """

    model: str
    record: int
    method: str
    refusals: tuple[str, ...] = ()


@contextmanager
def two_sessions(site):
    """Two clients of one person."""
    with requests.Session() as first, requests.Session() as second:
        clients = [replace(site, session=session) for session in (first, second)]
        for client in clients:
            client.log_in()
        yield clients


def double_click(clients, click: Click) -> list[Outcome]:
    def press(client):
        try:
            result = client.call(click.model, click.method, [click.record])
            return Outcome(result, "")
        except RuntimeError as error:
            return Outcome(None, str(error))

    with ThreadPoolExecutor(len(clients)) as threads:
        outcomes = list(threads.map(press, clients))
    assert_one_won(outcomes, *click.refusals)
    assert_ledger()
    return outcomes


def test_double_clicks(site, judge):
    """Each button twice at once, on one record."""
    with two_sessions(site) as clients:
        for _attempt in range(2):
            projects = judge.prepare("new_projects", 1, [2, 3])
            wizard = judge.prepare("new_wizard", projects)
            finish = Click("psa.manual.invoice", wizard, "action_finish", (MEANWHILE,))
            double_click(clients, finish)
            (draft,) = drafts_of(projects)

            (entry,) = judge.prepare("new_work", projects, [4])
            double_click(
                clients, Click("account.move", draft, "action_psa_recalculate")
            )
            assert hours_by_project(projects) == {projects[0]: 9.0}

            dialog = clients[0].create("account.move.send.wizard", move_id=draft)
            send = Click(
                "account.move.send.wizard", dialog, "action_send_and_print", SENDING
            )
            double_click(clients, send)
            assert query(
                "SELECT COUNT(DISTINCT message.id) FROM mail_message AS message"
                " JOIN mail_notification AS told ON told.mail_message_id = message.id"
                " WHERE told.notification_type = 'email'"
                " AND message.model = 'account.move' AND message.res_id = %s",
                draft,
            ) == [(1,)]
            assert query("SELECT state FROM account_move WHERE id = %s", draft) == [
                ("posted",)
            ]

            judge.prepare("new_work", projects, [1])
            button = Click(
                "sale.advance.payment.inv",
                judge.prepare("new_order_wizard", projects),
                "create_invoices",
                (NOTHING_TO_INVOICE,),
            )
            double_click(clients, button)
            assert hours_by_project(projects) == {projects[0]: 10.0}
            assert len(drafts_of(projects)) == 2
