"""An invoice run whose process is killed again and again.

Nothing is billed twice, nothing is lost, and no run stays unfinished.
"""

import random
import time

import pytest
from racing import Racer

from tools import database

NAME = "psa_system_killed_runs"
PROJECTS = 200
KILLS = 30
SEED = 20261122
LONGEST_LIFE = 3.0
SECONDS_TO_FINISH = 120
HOURS = [1, 2.5]
# Independent of the queries of the add-on.
BILLED = """
    SELECT entry.id, entry.unit_amount, COUNT(move.id),
           SUM(detail.source_quantity) FILTER (WHERE move.id IS NOT NULL)
      FROM account_analytic_line AS entry
 LEFT JOIN psa_invoice_detail AS detail ON detail.analytic_line_id = entry.id
 LEFT JOIN account_move AS move ON move.id = detail.move_id AND move.state <> 'cancel'
     WHERE entry.project_id = ANY(%s)
  GROUP BY entry.id
"""
INVOICES_BY_ROW = """
    SELECT due.id, due.state, COUNT(rel.move_id)
      FROM psa_invoice_schedule AS due
 LEFT JOIN psa_invoice_schedule_move_rel AS rel ON rel.schedule_id = due.id
     WHERE due.project_id = ANY(%s)
  GROUP BY due.id
"""


@pytest.fixture(scope="module")
def racer():
    """A process that lets others die."""
    database.copy(database.addon_template(), NAME)
    racer = Racer.start(NAME, 1)
    yield racer
    racer.stop()
    database.drop(NAME)


def query(statement: str, *values) -> list[tuple]:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def unfinished_rows(projects: list[int]) -> int:
    ((count,),) = query(
        "SELECT COUNT(*) FROM psa_invoice_schedule"
        " WHERE project_id = ANY(%s) AND state NOT IN ('done', 'nothing')",
        projects,
    )
    return count


def unfinished_runs() -> int:
    ((count,),) = query("SELECT COUNT(*) FROM psa_invoice_run WHERE state = 'running'")
    return count


def test_kill_minus_nine_at_any_moment(racer):
    moments = random.Random(SEED)  # noqa: S311 (no secret)
    projects = racer.do("new_projects", PROJECTS, HOURS)
    killed, rounds, resumed = 0, 1, 0
    while killed < KILLS:
        if not unfinished_rows(projects):
            racer.do("new_work", projects, HOURS)
            rounds += 1
        before = unfinished_runs()
        ended = racer.do(
            "die_during_the_nightly_run", moments.uniform(0.05, LONGEST_LIFE)
        )
        killed += not ended
        resumed += bool(before)
    assert resumed > KILLS / 3, "Most of them went on with what another had begun."

    deadline = time.monotonic() + SECONDS_TO_FINISH
    while unfinished_rows(projects) or unfinished_runs():
        assert time.monotonic() < deadline, "It does not come to an end."
        racer.do("die_during_the_nightly_run", SECONDS_TO_FINISH)

    entries = query(BILLED, projects)
    assert len(entries) == PROJECTS * len(HOURS) * rounds
    wrong = [row for row in entries if row[2] != 1 or row[3] != pytest.approx(row[1])]
    assert not wrong, "Every entry is on one invoice, with all its hours."
    rows = query(INVOICES_BY_ROW, projects)
    assert len(rows) == PROJECTS * rounds
    assert {(state, invoices) for _id, state, invoices in rows} == {("done", 1)}
    assert racer.do("findings") == []
