# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A firm in which people do anything at random: the rules of ``test_state_machine.py``.

Every rule is a thing that somebody can do on a screen. What Odoo refuses with a message
must change nothing. After every step the ledger is checked by queries of its own.
"""

from collections import Counter, defaultdict
from datetime import date, timedelta
from math import fsum

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from odoo.exceptions import UserError, ValidationError

from ..models.billing.grouping import Grouping
from ..models.billing.recalculation import Recalculation
from ..models.billing.settled import Settled
from .one_by_one import assert_same_rows

# Minutes that are no round hundredths of an hour, quarters, whole days, corrections.
MINUTES = st.sampled_from([15, 50, 225, 75, 35, 6.66 * 60, 6.67 * 60, 480, -30, -75])
DAYS = st.integers(1, 60)
CUTOFFS = st.sampled_from([date(2026, 1, 15), date(2026, 1, 31), date(2099, 1, 1)])
TYPES = st.sampled_from(
    [None, None, None, ["time"], ["milestone"], ["expense", "material", "order_line"]]
)
ANY = st.integers(0, 999)
SOME = st.integers(1, 255)
TOLERANCE = 0.000001

# What counts, in words of its own: drafts and posted documents, write-offs; what a
# credit note takes back only once it is posted and reopens something.
LIVE = """
    (move.id IS NULL AND detail.is_suspended IS NOT TRUE OR move.state <> 'cancel'
     AND (move.move_type <> 'out_refund'
          OR detail.origin_detail_id IS NULL
             AND (detail.transaction_type <> 'adjustment'
                  OR move.reversed_entry_id IS NULL)
          OR move.state = 'posted' AND move.psa_reopens_transactions))
"""
SOURCES = {
    "account.analytic.line": "analytic_line_id",
    "project.milestone": "milestone_id",
    "psa.reinvoiced.cost": "cost_id",
    "sale.order.line": "sale_line_id",
}
OWN = {
    "sale.order.line": "detail.transaction_type IN ('order_line', 'material')"
    " AND detail.cost_id IS NULL"
}
LEDGER_BY_SOURCE = """
    SELECT detail.{column} AS source_id,
           SUM(detail.source_quantity) FILTER (WHERE detail.is_write_off IS NOT TRUE)
               AS billed,
           SUM(detail.source_quantity) FILTER (WHERE move.state = 'draft') AS draft,
           SUM(detail.source_quantity) FILTER (WHERE detail.is_write_off)
               AS written_off,
           BOOL_OR(move.state = 'draft' AND move.needs_recalculation) AS flagged,
           LEAST(
               COALESCE(SUM(detail.source_quantity) FILTER (
                   WHERE detail.origin_detail_id IS NULL
                     AND detail.source_quantity > 0), 0),
               COALESCE(SUM(-detail.source_quantity) FILTER (
                   WHERE detail.origin_detail_id IS NULL
                     AND detail.source_quantity < 0), 0)) AS corrected
      FROM psa_invoice_detail AS detail
 LEFT JOIN account_move AS move ON move.id = detail.move_id
     WHERE detail.{column} IS NOT NULL AND {live} AND {own}
  GROUP BY detail.{column}
"""
INVOICE_LINES = """
    SELECT line.id, move.name, contract.id,
           line.quantity
               * COALESCE(NULLIF(line.billing_share, 0),
                          unit.factor / contract_unit.factor)
               * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END,
           SUM(detail.quantity),
           line.price_subtotal
               * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END,
           SUM(detail.amount),
           MAX(currency.rounding)
      FROM account_move_line AS line
      JOIN account_move AS move ON move.id = line.move_id
      JOIN res_currency AS currency ON currency.id = line.currency_id
      JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = line.id
      JOIN sale_order_line AS contract ON contract.id = rel.order_line_id
      JOIN uom_uom AS unit ON unit.id = line.product_uom_id
      JOIN uom_uom AS contract_unit ON contract_unit.id = contract.product_uom_id
 LEFT JOIN psa_invoice_detail AS detail
        ON detail.move_line_id = line.id AND detail.billing_type = 'chargeable'
       AND detail.is_write_off IS NOT TRUE
     WHERE move.state <> 'cancel' AND line.display_type = 'product'
       AND contract.id = ANY(%s)
  GROUP BY line.id, move.id, contract.id, unit.id, contract_unit.id
"""
POSTED = """
    SELECT detail.move_id, detail.id, detail.source_quantity, detail.quantity,
           detail.amount, detail.price_unit, detail.billing_type,
           detail.analytic_line_id
      FROM psa_invoice_detail AS detail
      JOIN account_move AS move ON move.id = detail.move_id
     WHERE move.state = 'posted'
"""
DRAFTS_THAT_WERE_NOT_TOLD = """
    SELECT move.id, detail.id, detail.name
      FROM psa_invoice_detail AS detail
      JOIN account_move AS move ON move.id = detail.move_id
 LEFT JOIN account_analytic_line AS entry ON entry.id = detail.analytic_line_id
     WHERE move.state = 'draft' AND move.is_project_invoice
       AND NOT move.needs_recalculation AND detail.transaction_type = 'time'
       AND (entry.id IS NULL OR entry.so_line IS DISTINCT FROM detail.sale_line_id
            OR entry.date <> detail.date
            OR entry.project_id IS DISTINCT FROM detail.project_id)
"""


def given(what: str):
    """A rule for when there is something to act on: see ``look_around``."""
    return precondition(lambda machine: machine.seen[what])


class BillingMachine(RuleBasedStateMachine):
    """One story: every example starts from the world of the test case.

    :cvar case: the test case, with its world
    """

    case = None

    def __init__(self):
        super().__init__()
        self.env = self.case.env
        self.savepoint = self.env.cr.savepoint()
        self.posted: dict = {}
        self.excess: dict = self.excesses()
        # Whether the last step changed what there is to bill.
        self.edited = False
        self.seen: dict[str, bool] = {}
        self.look_around()

    def teardown(self):
        self.savepoint.close(rollback=True)
        self.env.invalidate_all()

    # === Doing something ===

    def act(self, name: str, action, edits: bool = False):
        """Do something, or be told why not; then nothing has changed.

        :param edits: it changes what there is to bill, rather than how it is billed
        :return: what the action returns; None if it was refused
        """
        self.edited = edits
        try:
            with self.env.cr.savepoint():
                result = action()
                self.env.flush_all()
        except (UserError, ValidationError) as error:
            self.case.assertTrue(str(error).strip())
            self.case.refused[name] += 1
            return None
        self.case.done[name] += 1
        return result

    @staticmethod
    def pick(records, index: int):
        """One of some records, or none if there are none."""
        return records[index % len(records)] if records else records

    @staticmethod
    def some(records, mask: int):
        """A subset of some records, by the bits of a number."""
        return records.filtered(
            lambda record: mask >> (records.ids.index(record.id) % 8) & 1
        )

    def look_around(self):
        """What there is to act on in the next step."""
        moves = self.moves()
        drafts = moves.filtered(lambda move: move.state == "draft")
        ours = drafts.filtered("is_project_invoice")
        self.seen = {
            "entries": bool(self.entries()),
            "bills": bool(self.bills()),
            "posted bills": bool(
                self.bills(("state", "=", "posted"), ("move_type", "=", "in_invoice"))
            ),
            "posted sources": bool(self.bills(("state", "=", "posted"))),
            "draft sources": bool(self.bills(("state", "=", "draft"))),
            "documents": bool(moves),
            "drafts": bool(drafts),
            "lines of drafts": bool(
                drafts.invoice_line_ids.filtered(
                    lambda line: line.display_type == "product"
                )
            ),
            "drafts of ours": bool(ours),
            "drafts of others": bool(drafts - ours),
            "rows": bool(ours.detail_ids),
            "posted": any(move.state == "posted" for move in moves),
        }

    def bills(self, *domain):
        """Of vendors, what expenses became, and entries that nobody sent a bill for."""
        costs = (self.case.flight + self.case.train).ids
        return self.env["account.move"].search(
            [
                "|",
                "|",
                ("partner_id", "=", self.case.vendor.id),
                ("line_ids.expense_id", "!=", False),
                "&",
                ("move_type", "=", "entry"),
                ("line_ids.product_id", "in", costs),
                *domain,
            ],
            order="id",
        )

    def entries(self):
        return self.env["account.analytic.line"].search(
            [("project_id", "in", self.case.projects.ids)], order="id"
        )

    def entries_to_edit(self):
        """Most of them: what is invoiced would have the whole edit refused."""
        entries = self.entries()
        return entries.filtered(lambda entry: entry.billing_status != "invoiced")

    def moves(self, *domain):
        return self.env["account.move"].search(
            [
                ("partner_id", "child_of", self.case.customer.id),
                ("move_type", "in", ("out_invoice", "out_refund")),
                *domain,
            ],
            order="id",
        )

    def drafts(self, *domain):
        return self.moves(("state", "=", "draft"), *domain)

    def transactions(self, index: int):
        """Of one kind, those that can be held, offered, written off."""
        models = [
            self.entries(),
            self.case.milestones,
            self.case.orders.order_line.filtered(
                lambda line: line._psa_is_billed_itself() or line.billable_quantity
            ),
            self.env["psa.reinvoiced.cost"].search(
                [("project_id", "in", self.case.projects.ids)], order="id"
            ),
        ]
        # Most are entries.
        return models[(index % 7) - 3 if index % 7 > 3 else 0]

    # === Work ===

    @rule(project=ANY, day=DAYS, minutes=MINUTES, who=ANY)
    def log_time(self, project, day, minutes, who):
        project = self.pick(self.case.projects, project)
        employee = self.pick(self.case.employees[project.company_id], who)
        self.act(
            "log time",
            lambda: self.case.log(
                project,
                date(2026, 1, 1) + timedelta(days=day - 1),
                minutes / 60,
                employee,
                task_id=self.pick(project.task_ids, who).id,
            ),
            edits=True,
        )

    @rule(project=ANY, day=DAYS, minutes=MINUTES, who=ANY)
    def log_more_time(self, project, day, minutes, who):
        """There is more work than anything else."""
        self.log_time(project, day, minutes, who)

    @given("entries")
    @rule(entry=ANY, minutes=MINUTES)
    def edit_hours(self, entry, minutes):
        entry = self.pick(self.entries(), entry)
        self.act(
            "edit hours",
            lambda: entry.write({"unit_amount": minutes / 60}),
            edits=True,
        )

    @given("entries")
    @rule(
        entries=SOME,
        values=st.sampled_from(
            [
                {"unit_amount": 0.25},
                {"unit_amount": 0},
                {"date": "2026-01-12"},
                {"name": "Checked"},
                {"name": "Checked", "unit_amount": 3, "date": "2026-02-03"},
                {"task_id": False},
            ]
        ),
    )
    def edit_many(self, entries, values):
        """In a list, with one write of all that are ticked."""
        entries = self.some(self.entries_to_edit(), entries)
        self.act("edit many", lambda: entries.write(values), edits=True)

    @given("entries")
    @rule(entries=SOME, minutes=MINUTES, day=DAYS, is_new=st.booleans())
    def import_file(self, entries, minutes, day, is_new):
        """Hours and days of some entries, perhaps with a new one; all or nothing."""
        entries = self.some(self.entries_to_edit(), entries)
        rows = [
            [
                entry.id,
                entry.name,
                entry.project_id.id,
                entry.employee_id.id,
                minutes / 60,
                f"2026-01-{day % 28 + 1:02}",
            ]
            for entry in entries
        ]
        if is_new:
            rows += [[False, "Imported", *row[2:]] for row in rows[:1]]
        names = [".id", "name", "project_id/.id", "employee_id/.id"]

        def load():
            result = self.env["account.analytic.line"].load(
                [*names, "unit_amount", "date"], rows
            )
            if not result["ids"]:
                raise UserError(str(result["messages"]))

        if rows:
            self.act("import a file", load, edits=True)

    @given("entries")
    @rule(entry=ANY, day=DAYS)
    def edit_date(self, entry, day):
        entry = self.pick(self.entries(), entry)
        self.act(
            "edit date",
            lambda: entry.write({"date": date(2026, 1, 1) + timedelta(days=day - 1)}),
            edits=True,
        )

    @given("entries")
    @rule(entry=ANY, project=ANY)
    def move_entry(self, entry, project):
        entry = self.pick(self.entries(), entry)
        project = self.pick(self.case.projects, project)
        company = project.company_id or self.env.company
        if entry.company_id == company:
            self.act(
                "move entry",
                lambda: entry.write(
                    {"project_id": project.id, "task_id": project.task_ids[:1].id}
                ),
                edits=True,
            )

    @rule(project=ANY, line=ANY)
    def change_contract_line(self, project, line):
        """What is not billed goes to another contract line, with its write-offs."""
        project = self.pick(self.case.projects, project)
        lines = self.case.orders.order_line.filtered(
            lambda each: (
                each.product_id
                and each.product_id._is_delivered_timesheet()
                and each.company_id == (project.company_id or self.env.company)
            )
        )
        self.act(
            "change contract line",
            lambda: project.write({"sale_line_id": self.pick(lines, line).id}),
            edits=True,
        )

    @given("entries")
    @rule(entry=ANY)
    def delete_entry(self, entry):
        entry = self.pick(self.entries(), entry)
        self.act("delete entry", entry.unlink, edits=True)

    @rule(milestone=ANY, day=DAYS)
    def reach_or_unreach(self, milestone, day):
        milestone = self.pick(self.case.milestones, milestone)
        reached = not milestone.is_reached
        self.act(
            "reach or un-reach a milestone",
            lambda: milestone.write(
                {
                    "is_reached": reached,
                    "reached_date": reached
                    and date(2026, 1, 1) + timedelta(days=day - 1),
                }
            ),
            edits=True,
        )

    @rule(line=ANY, quantity=st.sampled_from([0, 1, 2, 2.5, 3, 7]))
    def order_or_deliver(self, line, quantity):
        line = self.pick(self.case.goods, line)
        delivered = line.product_id.invoice_policy == "delivery"
        name = "qty_delivered" if delivered else "product_uom_qty"
        self.act(
            "order or deliver",
            lambda: line.write({name: quantity}),
            edits=True,
        )

    @rule(
        day=DAYS,
        quantity=st.sampled_from([1, 2, 3]),
        shared=st.booleans(),
        abroad=st.booleans(),
    )
    def vendor_bill(self, day, quantity, shared, abroad):
        self.act(
            "vendor bill",
            lambda: self.case.vendor_bill(
                date(2026, 1, 1) + timedelta(days=day - 1), quantity, shared, abroad
            ),
            edits=True,
        )

    @rule(day=DAYS, who=ANY, own=st.booleans(), abroad=st.booleans())
    def expense(self, day, who, own, abroad):
        self.act(
            "expense",
            lambda: self.case.expense(
                date(2026, 1, 1) + timedelta(days=day - 1),
                self.pick(self.case.orders[:2], who),
                "own_account" if own else "company_account",
                abroad,
            ),
            edits=True,
        )

    @rule(day=DAYS, amount=st.sampled_from([50, 99.99]), shared=st.booleans())
    def journal_entry(self, day, amount, shared):
        self.act(
            "journal entry",
            lambda: self.case.journal_entry(
                date(2026, 1, 1) + timedelta(days=day - 1), amount, shared
            ),
            edits=True,
        )

    @rule(expense=ANY, amount=st.sampled_from([None, None, 60, 100]))
    def expense_again(self, expense, amount):
        """One whose entry was reversed or cancelled is approved, and posted anew;
        perhaps corrected before."""
        waiting = self.env["hr.expense"].search(
            [("state", "=", "approved"), ("account_move_id", "=", False)], order="id"
        )
        if expense := self.pick(waiting, expense):
            self.act(
                "post an expense again",
                lambda: self.case.post_expense_again(expense, amount),
                edits=True,
            )

    @given("posted sources")
    @rule(bill=ANY, half=st.booleans())
    def reverse_a_source(self, bill, half):
        """Whoever was paid, and also what was reversed before."""
        bill = self.pick(self.bills(("state", "=", "posted")), bill)

        def reverse():
            wizard = (
                self.env["account.move.reversal"]
                .with_context(active_model="account.move", active_ids=bill.ids)
                .create({"journal_id": bill.journal_id.id})
            )
            wizard.refund_moves()
            made = wizard.new_move_ids
            if made.move_type != "entry":
                made.invoice_date = bill.invoice_date
                if half:
                    made.invoice_line_ids.price_unit /= 2
            elif half:
                made.button_draft()
                for line in made.line_ids:
                    line.with_context(check_move_validity=False).balance /= 2
            made.filtered(lambda each: each.state == "draft").action_post()

        self.act(f"reverse {bill.move_type}", reverse, edits=True)

    @given("draft sources")
    @rule(bill=ANY, line=st.booleans())
    def delete_a_source(self, bill, line):
        """Or one of its lines."""
        bill = self.pick(self.bills(("state", "=", "draft")), bill)
        gone = line and bill.invoice_line_ids[:1] or bill
        self.act(
            f"delete of a bill: {gone._description}",
            gone.with_context(force_delete=True).unlink,
            edits=True,
        )

    @given("posted bills")
    @rule(bill=ANY)
    def vendor_credit(self, bill):
        """A vendor takes back half of a bill."""
        bill = self.pick(
            self.bills(("state", "=", "posted"), ("move_type", "=", "in_invoice")), bill
        )

        def credit():
            made = bill._reverse_moves([{"invoice_date": bill.invoice_date}])
            made.invoice_line_ids.price_unit /= 2
            made.action_post()

        self.act("vendor credit", credit, edits=True)

    @given("bills")
    @rule(bill=ANY)
    def reset_or_post_a_bill(self, bill):
        bill = self.pick(self.bills(), bill)
        self.act(
            "reset or post a vendor bill",
            bill.button_draft if bill.state == "posted" else bill.action_post,
            edits=True,
        )

    @given("posted bills")
    @rule(
        bill=ANY,
        values=st.sampled_from(
            [
                {"price_unit": 20},
                {"price_unit": 50},
                {"quantity": 4},
                {"quantity": 1, "price_unit": 80},
                {"discount": 25},
            ]
        ),
        elsewhere=st.booleans(),
    )
    def correct_a_bill(self, bill, values, elsewhere):
        """Or its project."""
        bill = self.pick(
            self.bills(("state", "=", "posted"), ("move_type", "=", "in_invoice")), bill
        )

        def correct():
            bill.button_draft()
            for line in bill.invoice_line_ids:
                line.write(values)
                if elsewhere:
                    account = self.case.days.account_id
                    line.analytic_distribution = {str(account.id): 100.0}
            bill.action_post()

        self.act("correct a vendor bill", correct, edits=True)

    @rule(rate=st.sampled_from([1.25, 2, 2.5]))
    def change_rate(self, rate):
        """Of the other currency, while drafts in it wait."""
        self.act(
            "change a rate",
            lambda: self.case.other_currency.rate_ids[:1].write({"rate": rate}),
        )

    # === Billing ===

    @rule(projects=SOME, cutoff=CUTOFFS, types=TYPES)
    def bill(self, projects, cutoff, types):
        projects = self.some(self.case.projects, projects)
        moves = self.act("bill", lambda: projects._psa_invoice(cutoff, types))
        if moves is None:
            return
        self.case.assertTrue(all(move.amount_total > 0 for move in moves))
        again = projects._psa_invoice(cutoff, types)
        self.case.assertFalse(again, "Billing again finds nothing.")
        if cutoff.year == 2099 and not types:
            self.check_nothing_left(moves)

    def check_nothing_left(self, moves):
        """Of a contract line that was just billed nothing stays ready, but where a
        correction counts or somebody typed a quantity."""
        lines = moves.invoice_line_ids.sale_line_ids
        entries = self.entries().filtered(
            lambda entry: (
                entry.so_line in lines and entry.project_id in moves.billing_project_ids
            )
        )
        counting = self.entries().filtered(
            lambda entry: (
                not entry.billing_hold
                and entry.billing_type != "complimentary"
                and entry.open_quantity < 0
            )
        )
        typed = self.env["psa.invoice.detail"].search(
            [("sale_line_id", "in", lines.ids), ("transaction_type", "=", "adjustment")]
        )
        left = entries.filtered(
            lambda entry: (
                entry.billing_status == "ready"
                and entry.open_quantity > 0
                and entry.so_line not in counting.so_line + typed.sale_line_id
            )
        )
        self.case.assertFalse(left, "Ready, and on no invoice")

    @rule(projects=SOME, cutoff=CUTOFFS, picks=SOME)
    def wizard(self, projects, cutoff, picks):
        projects = self.some(self.case.projects, projects)
        if not projects:
            return
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": projects.ids, "cutoff_date": cutoff}
        )

        def finish():
            wizard.action_next()
            assert_same_rows(self.case, wizard)
            self.some(wizard.line_ids, 255 - picks).selected = False
            wizard.action_finish()

        self.act("wizard", finish)

    @rule(project=ANY)
    def consolidate(self, project):
        """Or do so no longer."""
        project = self.pick(self.case.projects, project)
        self.act(
            "consolidate",
            lambda: project.write(
                {"billing_consolidate": not project.billing_consolidate}
            ),
        )

    @rule(order=ANY, amount=st.sampled_from([10, 99.99, 500]))
    def down_payment(self, order, amount):
        order = self.pick(self.case.orders, order)

        def pay_down():
            before = order.invoice_ids
            wizard = self.env["sale.advance.payment.inv"].create(
                {
                    "sale_order_ids": order.ids,
                    "advance_payment_method": "fixed",
                    "fixed_amount": amount,
                }
            )
            wizard.create_invoices()
            (order.invoice_ids - before).action_post()

        self.act("down payment", pay_down)

    @given("drafts of ours")
    @rule(move=ANY)
    def deduct(self, move):
        move = self.pick(self.drafts(("is_project_invoice", "=", True)), move)
        self.act("deduct a down payment", move.action_psa_deduct_downpayment)

    @rule(order=ANY, days=st.none() | st.tuples(DAYS, DAYS))
    def odoos_button(self, order, days):
        order = self.pick(self.case.orders, order)
        ((known,),) = self.query("SELECT COALESCE(MAX(id), 0) FROM psa_invoice_detail")
        values = {}
        if days:
            values = {
                "date_start_invoice_timesheet": date(2026, 1, 1)
                + timedelta(days=min(days) - 1),
                "date_end_invoice_timesheet": date(2026, 1, 1)
                + timedelta(days=max(days) - 1),
            }

        def create_invoices():
            self.env["sale.advance.payment.inv"].create(
                {"sale_order_ids": order.ids, **values}
            ).create_invoices()

        self.act("Odoo's button", create_invoices)
        for detail in self.env["psa.invoice.detail"].search([("id", ">", known)]):
            self.case.assertTrue(
                detail.transaction_type != "adjustment"
                or abs(detail.quantity) < 0.05
                or self.is_unsettled(detail.sale_line_id, known),
                f"Odoo's button found nothing behind {detail.quantity}.",
            )

    def is_unsettled(self, contract_line, before: int) -> bool:
        """Whether Odoo's button settles quantities that somebody typed, or what a draft
        bills that was changed, deleted, or moved to this contract line, since."""
        return bool(
            self.env["psa.invoice.detail"].search_count(
                [
                    ("id", "<=", before),
                    "|",
                    ("sale_line_id", "=", contract_line.id),
                    ("analytic_line_id.so_line", "=", contract_line.id),
                    "|",
                    "|",
                    ("transaction_type", "=", "adjustment"),
                    ("move_id.needs_recalculation", "=", True),
                    "&",
                    ("transaction_type", "=", "time"),
                    ("analytic_line_id", "=", False),
                ],
                limit=1,
            )
        )

    @given("drafts of ours")
    @rule(move=ANY)
    def recalculate(self, move):
        move = self.pick(self.drafts(("is_project_invoice", "=", True)), move)
        self.check_settled(move)
        if self.act("recalculate", move.action_psa_recalculate):
            self.check_settled(move)
            message = move.action_psa_recalculate()["params"]["message"]
            self.case.assertIn("Nothing has changed", message)

    def check_settled(self, move):
        """What Recalculate does not look at, it would not change."""
        env = self.env["psa.billing"].sudo().env
        recalculation = Recalculation(env)
        self.case.assert_rows(move.detail_ids)
        lines = Grouping(env).lines_that_agree(move)
        looked_at = Settled(env).rows_to_look_at(move, lines)
        self.case.assertEqual(
            recalculation.difference_of(move, lines, looked_at),
            recalculation.difference_of(move, lines, move._psa_ledger_rows()),
        )

    # === Changes on a draft ===

    @given("lines of drafts")
    @rule(move=ANY, line=ANY, quantity=st.sampled_from([0, 0.5, 1, 2.25, 5, 9]))
    def type_a_quantity(self, move, line, quantity):
        line = self.draft_line(move, line)
        self.act("type a quantity", lambda: line.write({"quantity": quantity}))

    @given("lines of drafts")
    @rule(
        move=ANY,
        line=ANY,
        quantity=st.sampled_from([0.5, 2.25, 9]),
        day=DAYS,
        minutes=MINUTES,
    )
    def type_a_quantity_and_work_on(self, move, line, quantity, day, minutes):
        """On the contract line of which somebody has typed a quantity, and then
        Recalculate."""
        line = self.draft_line(move, line)
        draft, contract_line = line.move_id, line.sale_line_ids[:1]
        project = self.case.projects.filtered(
            lambda each: each.sale_line_id == contract_line
        )[:1]
        self.act("type a quantity", lambda: line.write({"quantity": quantity}))
        if not project or not contract_line:
            return
        self.log_time(self.case.projects.ids.index(project.id), day, minutes, 0)
        if draft.exists() and draft.state == "draft" and draft.is_project_invoice:
            self.recalculate(
                self.drafts(("is_project_invoice", "=", True)).ids.index(draft.id)
            )
            # Two steps in one: the first one was an edit.
            self.edited = True

    @given("lines of drafts")
    @rule(move=ANY, line=ANY, price=st.sampled_from([80, 99.99, 100]))
    def type_a_price(self, move, line, price):
        line = self.draft_line(move, line)
        self.act("type a price", lambda: line.write({"price_unit": price}))

    @given("lines of drafts")
    @rule(move=ANY, line=ANY)
    def delete_a_line(self, move, line):
        self.act("delete a line", self.draft_line(move, line).unlink)

    def draft_line(self, move: int, line: int):
        lines = self.drafts().invoice_line_ids.filtered(
            lambda each: each.display_type == "product"
        )
        of_move = lines.grouped("move_id")
        return self.pick(of_move[self.pick(lines.move_id, move)].sorted("id"), line)

    @given("rows")
    @rule(
        detail=ANY,
        change=st.sampled_from(
            ["chargeable", "complimentary", "non_chargeable", "lower", "remove"]
        ),
    )
    def change_a_row(self, detail, change):
        details = self.drafts(("is_project_invoice", "=", True)).detail_ids
        detail = self.pick(details.sorted("id"), detail)
        action = {
            "lower": lambda: detail.write({"quantity": detail.quantity / 3}),
            "remove": detail.unlink,
        }.get(change, lambda: detail.write({"billing_type": change}))
        self.act(f"row: {change}", action)

    @given("drafts of others")
    @rule(move=ANY)
    def switch_type(self, move):
        """An invoice of Odoo's button becomes a credit note, or the other way round."""
        drafts = self.drafts(("is_project_invoice", "=", False))
        move = self.pick(drafts, move)
        self.act("switch the type of a draft", move.action_switch_move_type)

    @given("lines of drafts")
    @rule(move=ANY, line=ANY)
    def add_a_second_line(self, move, line):
        """Of a contract line, as other add-ons and clients do."""
        line = self.draft_line(move, line)
        contract_line = line.sale_line_ids[:1]
        if not contract_line or contract_line.is_downpayment:
            return
        values = contract_line._prepare_invoice_line(quantity=1)
        self.act(
            "add a second line",
            lambda: line.move_id.write({"invoice_line_ids": [(0, 0, values)]}),
        )

    # === Decisions ===

    @rule(
        kind=ANY,
        index=ANY,
        decision=st.sampled_from(
            [
                "hold",
                "release",
                "chargeable",
                "complimentary",
                "non_chargeable",
                "write off",
                "write off a part",
                "undo",
            ]
        ),
    )
    def decide(self, kind, index, decision):
        records = self.transactions(kind)
        # There is little to decide about what is billed already.
        record = self.pick(records.filtered("open_quantity") or records, index)
        if not record:
            return
        action = {
            "hold": record.action_psa_hold,
            "release": record.action_psa_release,
            "write off": lambda: record.action_psa_write_off("Goodwill"),
            "write off a part": lambda: record.action_psa_write_off(
                "Goodwill", {record.id: record.open_quantity / 3}
            ),
            "undo": record.action_psa_undo_write_off,
        }.get(decision, lambda: record.action_psa_set_billing_type(decision))
        self.act(f"decide: {decision}", action, edits=True)

    # === Life of an invoice ===

    @given("drafts")
    @rule(move=ANY)
    def post(self, move):
        self.act("post", self.pick(self.drafts(), move).action_post)

    @given("drafts")
    @rule(move=ANY)
    def post_another(self, move):
        """Most drafts get posted."""
        self.post(move)

    @given("documents")
    @rule(
        move=ANY,
        fate=st.sampled_from(["delete", "cancel", "reset", "reset", "duplicate"]),
    )
    def change_state(self, move, fate):
        moves = {
            "delete": self.moves(("state", "!=", "posted")),
            "cancel": self.drafts(),
            "reset": self.moves(("state", "!=", "draft")),
            "duplicate": self.moves(),
        }[fate]
        move = self.pick(moves, move)
        if not move:
            return
        revived = " a cancelled one" if move.state == "cancel" else ""
        actions = {
            "delete": move.unlink,
            "cancel": move.button_cancel,
            "reset": move.button_draft,
            "duplicate": move.copy,
        }
        self.act(f"{fate}{revived} {move.move_type}", actions[fate])

    @given("posted")
    @rule(
        move=ANY,
        extent=st.sampled_from(["full", "part", "price", "modify"]),
        at_once=st.booleans(),
    )
    def credit(self, move, extent, at_once):
        """Also a credit note, which is then taken back itself."""
        move = self.pick(self.moves(("state", "=", "posted")), move)

        def reverse():
            wizard = (
                self.env["account.move.reversal"]
                .with_context(active_model="account.move", active_ids=move.ids)
                .create({"journal_id": move.journal_id.id, "reason": "Agreed"})
            )
            wizard.reverse_moves(is_modify=extent == "modify")
            made = wizard.new_move_ids
            for line in made.invoice_line_ids.filtered("quantity"):
                if extent == "part":
                    line.quantity = line.quantity / 2
                if extent == "price":
                    line.price_unit = line.price_unit / 10
            if at_once and extent != "modify":
                made.action_post()

        self.act(f"credit: {extent} of {move.move_type}", reverse)

    @given("posted")
    @rule(move=ANY, line=ANY, share=st.sampled_from([0, 1 / 3]), at_once=st.booleans())
    def correct(self, move, line, share, at_once):
        """One transaction of an invoice, with our own dialog."""
        invoices = self.moves(
            ("state", "=", "posted"), ("move_type", "=", "out_invoice")
        )
        move = self.pick(invoices.filtered("is_project_invoice"), move)
        if not move:
            return

        def apply():
            correction = move._psa_correction()
            corrected = self.pick(correction.line_ids, line)
            corrected.quantity = corrected.billed_quantity * share
            made = self.env["account.move"].browse(correction.action_apply()["res_id"])
            if at_once:
                made.action_post()

        self.act("correct an invoice", apply)

    # === What must hold ===

    @invariant()
    def the_ledger_holds(self):
        self.env.flush_all()
        self.env.invalidate_all()
        self.check_stored_figures()
        self.check_never_twice()
        self.check_invoice_lines()
        self.check_contract_lines()
        self.check_posted_is_posted()
        told = self.query(DRAFTS_THAT_WERE_NOT_TOLD)
        self.case.assertFalse(told, "Drafts say when an entry was changed.")
        self.case.assertFalse(self.env["psa.ledger.audit"]._findings())
        self.look_around()

    def query(self, statement: str, *values) -> list[tuple]:
        self.env.cr.execute(statement, values)
        return self.env.cr.fetchall()

    def ledger(self, model: str) -> dict[int, tuple]:
        """``(billed, on drafts, written off, asks for Recalculate, corrected)`` by
        transaction."""
        rows = self.query(
            LEDGER_BY_SOURCE.format(
                column=SOURCES[model], live=LIVE, own=OWN.get(model, "TRUE")
            )
        )
        return {
            id_: (
                billed or 0.0,
                draft or 0.0,
                written_off or 0.0,
                flagged,
                corrected or 0.0,
            )
            for id_, billed, draft, written_off, flagged, corrected in rows
        }

    def check_stored_figures(self):
        """What is stored with a transaction is what the ledger says of it."""
        for model, column in SOURCES.items():
            table = self.env[model]._table
            ledger = LEDGER_BY_SOURCE.format(
                column=column, live=LIVE, own=OWN.get(model, "TRUE")
            )
            wrong = self.query(
                f"""
                SELECT source.id, source.billed_quantity, ledger.billed,
                       source.billing_draft_quantity, ledger.draft,
                       source.billing_written_off_quantity, ledger.written_off
                  FROM {table} AS source
             LEFT JOIN ({ledger}) AS ledger ON ledger.source_id = source.id
                 WHERE ABS(COALESCE(source.billed_quantity, 0)
                           - COALESCE(ledger.billed, 0)) > 0.00001
                    OR ABS(COALESCE(source.billing_draft_quantity, 0)
                           - COALESCE(ledger.draft, 0)) > 0.00001
                    OR ABS(COALESCE(source.billing_written_off_quantity, 0)
                           - COALESCE(ledger.written_off, 0)) > 0.00001
                """
            )
            self.case.assertFalse(wrong, f"Stored figures of {model}")

    def excesses(self) -> dict[tuple, tuple]:
        """By how much transactions are billed beyond what there is to bill; whether a
        draft says so; and what corrections have taken off."""
        found = {}
        for model in SOURCES:
            ledger = self.ledger(model)
            for record in self.env[model].browse(ledger).exists():
                billed, _draft, written_off, flagged, corrected = ledger[record.id]
                whole = record.billable_quantity
                treated = billed + written_off
                sign = -1.0 if whole < 0 or (not whole and treated < 0) else 1.0
                excess = max(sign * (treated - whole), -sign * treated)
                # Where a correction was credited, it is due to the customer again.
                excess += min(sign * record.billing_credited_quantity, 0.0)
                if excess > TOLERANCE or corrected:
                    found[model, record.id] = (excess, flagged, corrected)
        return found

    def check_never_twice(self):
        """Nothing is billed beyond what there is, or more than it was before.

        Only a person who changes the transaction itself can make it so: then a draft
        asks for Recalculate, or the difference is due to the customer. What a draft
        corrected is due again when that is taken off the draft.
        """
        excess = self.excesses()
        for key, (quantity, flagged, corrected) in excess.items():
            before, _flagged, corrected_before = self.excess.get(key, (0.0, False, 0.0))
            before = max(before, 0.0) + max(corrected_before - corrected, 0.0)
            record = self.env[key[0]].browse(key[1])
            if not self.edited:
                self.case.assertLessEqual(
                    quantity,
                    before + TOLERANCE,
                    f"{record} is billed twice: {quantity} too much.",
                )
            elif key[0] == "account.analytic.line" and quantity > before + TOLERANCE:
                self.case.assertTrue(
                    flagged, f"{record}: {quantity} too much and no draft says so."
                )
        self.excess = excess

    def check_invoice_lines(self):
        """Quantities and amounts of lines are those of their details."""
        closing = Counter()
        rows = self.query(INVOICE_LINES, self.case.orders.order_line.ids)
        for _line, _name, contract_id, *_figures in rows:
            closing[contract_id] += 1
        # Read together: one by one, they would take a quarter of the test's time.
        contracts = self.env["sale.order.line"].browse(closing)
        in_ledger = contracts.filtered(lambda line: line._psa_is_in_ledger())
        for (
            line_id,
            name,
            contract_id,
            quantity,
            details,
            subtotal,
            amount,
            unit,
        ) in rows:
            if contract_id not in in_ledger._ids:
                continue
            self.case.assertAlmostEqual(
                quantity,
                details or 0.0,
                delta=0.0051 * (1 + closing[contract_id]),
                msg=f"Line {line_id} of {name} is the sum of its details.",
            )
            if details is not None:
                self.case.assertAlmostEqual(
                    subtotal,
                    amount,
                    delta=unit / 10,
                    msg=f"The details of line {line_id} of {name} add up.",
                )

    def check_contract_lines(self):
        """What Odoo still offers for invoicing is what is there and not billed."""
        lines = self.case.orders.order_line.filtered(
            lambda line: line._psa_is_in_ledger() or line.is_expense
        )
        lines = lines | self.env["sale.order.line"].search(
            [("order_id", "in", self.case.orders.ids), ("is_expense", "=", True)]
        )
        stored = {line.id: line.qty_to_invoice for line in lines}
        expected = defaultdict(list)
        for model in SOURCES:
            name = self.env[model]._billing_columns["sale_line_id"]
            for record in self.env[model].search([(name, "in", lines.ids)]):
                line = record if name == "id" else record[name]
                quantity = record.billable_quantity
                if record.billing_hold or record.billing_type not in (
                    False,
                    "chargeable",
                ):
                    quantity = (
                        record.billed_quantity + record.billing_written_off_quantity
                    )
                expected[line.id].append(self.in_unit_of(line, record, quantity))
        for line_id, quantity in self.query(
            f"""SELECT detail.sale_line_id, -SUM(detail.quantity)
                  FROM psa_invoice_detail AS detail
             LEFT JOIN account_move AS move ON move.id = detail.move_id
                 WHERE {LIVE}
              GROUP BY detail.sale_line_id"""
        ):
            expected[line_id].append(quantity)
        documents = Counter(
            contract_id
            for (contract_id,) in self.query(
                "SELECT order_line_id FROM sale_order_line_invoice_rel"
                " WHERE order_line_id = ANY(%s)",
                lines.ids,
            )
        )
        for line in lines:
            self.case.assertAlmostEqual(
                stored[line.id],
                fsum(expected[line.id]),
                delta=0.0051 * (3 + 2 * documents[line.id]),
                msg=f"Quantity to invoice of {line.display_name} ({line})",
            )
        names = ["billing_excluded_quantity", "psa_never_billed_quantity"]
        stored = lines.read(names)
        lines._psa_refresh_excluded_quantity()
        self.case.assertEqual(stored, lines.read(names))

    @staticmethod
    def in_unit_of(line, record, quantity: float) -> float:
        """A transaction's quantity in its contract line's unit, unrounded."""
        own = {
            "account.analytic.line": "product_uom_id",
            "psa.reinvoiced.cost": "uom_id",
        }
        unit = record._name in own and record[own[record._name]]
        if not unit:
            return quantity
        return unit._compute_quantity(quantity, line.product_uom_id, round=False)

    def check_posted_is_posted(self):
        found = defaultdict(set)
        for move_id, *figures in self.query(POSTED):
            found[move_id].add(tuple(figures))
        for move_id, rows in found.items():
            if move_id in self.posted:
                self.case.assertEqual(
                    self.posted[move_id], rows, f"Posted invoice {move_id} changed."
                )
        self.posted = dict(found)
