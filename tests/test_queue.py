"""An invoice run by OCA's job runner and worker processes, which are killed."""

import os
import random
import signal
import time

import psutil
import pytest
from racing import TRIED_AGAIN, Racer
from witness import assert_billed_once, query

from tools import database, odoo_process

NAME = "psa_system_queue"
PROJECTS = 120
KILLS = 5
SEED = 20261123
HOURS = [1, 2.5]
SECONDS_TO_FINISH = 300
# What the job runner says when workers die.
DEATHS = (
    "Re-queued dead job",
    "exception in GET",
    "does not exist, or is not in state",
)
STARTED = """
    SELECT worker_pid FROM queue_job
     WHERE state = 'started' AND method_name = '_job_bill'
"""
OPEN_JOBS = """
    SELECT method_name, state FROM queue_job
     WHERE state NOT IN ('done', 'failed', 'cancelled')
"""
LINES = "SELECT state, COUNT(*) FROM psa_invoice_run_line WHERE run_id = %s GROUP BY 1"


@pytest.fixture(scope="module")
def site(start_site):
    """Three workers, of which two may be busy with jobs."""
    site = start_site(
        NAME,
        database.queue_template(),
        "--workers=3",
        "--load=base,web,queue_job",
        f"--gevent-port={odoo_process.free_port()}",
        ODOO_QUEUE_JOB_CHANNELS="root:2",
    )
    site.expected = (*TRIED_AGAIN, *DEATHS)
    # Only the work of these tests is billed.
    query_nothing("DELETE FROM psa_invoice_schedule")
    return site


@pytest.fixture(scope="module")
def racer(site):
    """A process beside the server, which prepares work."""
    racer = Racer.start(NAME, 1)
    yield racer
    racer.stop()


def query_nothing(statement: str, *values) -> None:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(statement, values)


def start_run(site) -> int:
    """Press Run Due Invoices.

    :return: the run, which goes on in the background
    """
    action = site.call("psa.invoice.run", "action_run_due")
    assert action["res_model"] == "psa.invoice.run"
    return action["res_id"]


def progress(run: int) -> tuple[str, int]:
    """State of a run, and how many of its rows were billed."""
    (row,) = query(NAME, "SELECT state, done FROM psa_invoice_run WHERE id = %s", run)
    return row


def wait_for_end(run: int) -> set[int]:
    """Wait, on a server where other jobs come and go: the job runner looks for dead
    ones whenever something happens, else once a minute.

    A job may outlast its run: of two that count at the same time, one ends the run,
    and the other tries again a second later and finds nothing to do.

    :return: the numbers of rows that the run said to be billed
    """
    deadline = time.monotonic() + SECONDS_TO_FINISH
    seen = set()
    state = "running"
    while state == "running" or query(NAME, OPEN_JOBS):
        assert time.monotonic() < deadline, (state, query(NAME, OPEN_JOBS))
        state, done = progress(run)
        seen.add(done)
        query(NAME, "SELECT pg_notify('queue_job', 'another')")
        time.sleep(0.5)
    return seen


def kill_a_worker(site, moments: random.Random) -> bool:
    """Kill -9 a worker in the middle of a job.

    :return: whether there was one
    """
    time.sleep(moments.uniform(0, 1))
    ours = {child.pid for child in psutil.Process(site.process.pid).children()}
    for (pid,) in query(NAME, STARTED):
        if pid in ours:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def assert_all_is_well(site, racer, run: int, projects: list[int]) -> None:
    assert_billed_once(
        NAME, projects, entries=PROJECTS * len(HOURS), rows=len(projects)
    )
    assert query(NAME, LINES, run) == [("billed", PROJECTS)]
    ended = site.one(
        "psa.invoice.run", [("id", "=", run)], "done", "failed", "skipped", "totals"
    )
    assert (ended["done"], ended["failed"], ended["skipped"]) == (PROJECTS, 0, 0)
    # 3.5 hours of 100.00 for each project.
    assert "42,000.00" in ended["totals"]
    assert racer.do("findings") == []
    assert query(NAME, "SELECT DISTINCT state FROM queue_job") == [("done",)]


def test_workers_that_are_killed(site, racer):
    moments = random.Random(SEED)  # noqa: S311 (no secret)
    projects = racer.do("new_projects", PROJECTS, HOURS)
    run = start_run(site)
    killed = 0
    deadline = time.monotonic() + SECONDS_TO_FINISH
    while killed < KILLS:
        assert time.monotonic() < deadline
        killed += kill_a_worker(site, moments)
        query(NAME, "SELECT pg_notify('queue_job', 'another')")
        assert progress(run)[0] == "running", "There was time to kill them."
    seen = wait_for_end(run)
    assert len(seen) > 2, "Its progress could be watched."
    ((tried_again,),) = query(NAME, "SELECT COUNT(*) FROM queue_job WHERE retry > 1")
    assert tried_again, "Jobs have died with their workers."
    assert_all_is_well(site, racer, run, projects)
    summaries = query(
        NAME,
        "SELECT id FROM mail_message WHERE model = 'psa.invoice.run' AND res_id = %s",
        run,
    )
    assert len(summaries) == 1, "It ended once."


def test_work_that_somebody_edits_meanwhile(site, racer):
    """He holds an entry of one project: its chunk is divided, the others go on."""
    projects = racer.do("new_projects", PROJECTS, HOURS)
    connection = database.server().connect(NAME)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE account_analytic_line SET name = 'Edited' WHERE id ="
            " (SELECT MIN(id) FROM account_analytic_line WHERE project_id = %s)",
            [projects[0]],
        )
        run = start_run(site)
        deadline = time.monotonic() + SECONDS_TO_FINISH
        while progress(run)[1] < PROJECTS / 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    connection.commit()
    connection.close()
    wait_for_end(run)
    assert_all_is_well(site, racer, run, projects)
