"""An invoice run whose process is killed again and again.

Nothing is billed twice, nothing is lost, and no run stays unfinished.
"""

import random
import time

import pytest
from racing import Racer
from witness import assert_billed_once, query

from tools import database

NAME = "psa_system_killed_runs"
PROJECTS = 200
KILLS = 30
SEED = 20261122
LONGEST_LIFE = 3.0
SECONDS_TO_FINISH = 300
HOURS = [1, 2.5]


@pytest.fixture(scope="module")
def racer():
    """A process that lets others die."""
    database.copy(database.addon_template(), NAME)
    racer = Racer.start(NAME, 1)
    yield racer
    racer.stop()
    database.drop(NAME)


def unfinished_rows(projects: list[int]) -> int:
    ((count,),) = query(
        NAME,
        "SELECT COUNT(*) FROM psa_invoice_schedule"
        " WHERE project_id = ANY(%s) AND state NOT IN ('done', 'nothing')",
        projects,
    )
    return count


def unfinished_runs() -> int:
    ((count,),) = query(
        NAME, "SELECT COUNT(*) FROM psa_invoice_run WHERE state = 'running'"
    )
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
        racer.do("die_during_the_nightly_run", SECONDS_TO_FINISH / 3)

    entries = PROJECTS * len(HOURS) * rounds
    assert_billed_once(NAME, projects, entries, rows=PROJECTS * rounds)
    assert racer.do("findings") == []
