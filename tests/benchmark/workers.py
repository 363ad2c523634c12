"""An invoice run that two workers carry out as jobs, beside one that one worker does.

A real job runner and real worker processes, and the clock on the wall.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator

from tools import database, odoo_process
from tools.settings import settings

from . import databases, peers
from .comparing import Figures, Taker, compared, take_turns
from .process import Subject
from .sizes import Sizes
from .table import Line

# Two workers do at least 1.7 times as much.
MARK = 1 / 1.7
ROUNDS = 3
TIME = "seconds of a run"
READY = "queue job runner ready for db"
SECONDS_TO_START = 60
SECONDS_TO_FINISH = 3600
STATE = "SELECT state FROM psa_invoice_run WHERE id = %s"


def make(process: Subject, sizes: Sizes) -> list[int]:
    """Projects for all the runs.

    :return: their ids
    """
    number = ROUNDS * sizes.shared
    return process.ask("runs.make_due", number, sizes.entries, sizes.lines)


def measure(projects: list[int], sizes: Sizes) -> list[Line]:
    """:param projects: that are due in both databases"""
    with (
        _taker(databases.ONE_WORKER, 1, projects, sizes) as take_one,
        _taker(databases.TWO_WORKERS, 2, projects, sizes) as take_two,
    ):
        rounds = take_turns(ROUNDS, {1: take_one, 2: take_two})
    two, one = compared(rounds, (2, TIME), (1, TIME))
    return [
        Line(
            f"invoice run over {sizes.shared:,} projects, two workers, an invoice",
            two / sizes.shared * 1000,
            "one worker",
            one / sizes.shared * 1000,
            MARK,
        )
    ]


@contextlib.contextmanager
def _taker(
    name: str, workers: int, projects: list[int], sizes: Sizes
) -> Iterator[Taker]:
    """Measures how long a run takes, from its start to its end, each time of others.

    :param workers: how many jobs may be carried out at once
    """
    parts = iter(
        projects[begin : begin + sizes.shared]
        for begin in range(0, len(projects), sizes.shared)
    )
    with databases.subject(name) as process, _job_runner(name, workers):

        def take() -> Figures:
            begin = time.perf_counter()
            _wait_for_end(name, process.ask("runs.make_jobs", next(parts)))
            return {TIME: time.perf_counter() - begin}

        yield take


@contextlib.contextmanager
def _job_runner(name: str, workers: int) -> Iterator[None]:
    """Odoo with its processes; one beside the workers takes what else comes in."""
    log = settings().logs / f"{name}.server.log"
    port = odoo_process.free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            odoo_process.command(
                name,
                *peers.options(),
                f"--http-port={port}",
                f"--gevent-port={odoo_process.free_port()}",
                f"--workers={workers + 1}",
                "--max-cron-threads=0",
                "--load=base,web,queue_job",
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **odoo_process.environment(),
                "ODOO_QUEUE_JOB_CHANNELS": f"root:{workers}",
            },
        )
    try:
        odoo_process.wait_until_up(server, log, f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + SECONDS_TO_START
        while READY not in log.read_text():
            assert time.monotonic() < deadline, f"No job runner: see {log}."
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(30)


def _wait_for_end(name: str, run: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_FINISH
    while _state(name, run) != "done":
        assert time.monotonic() < deadline, "The run does not come to an end."
        time.sleep(0.1)


def _state(name: str, run: int) -> str:
    with database.server().cursor(name) as cursor:
        cursor.execute(STATE, (run,))
        ((state,),) = cursor.fetchall()
        return state
