"""How much sooner an invoice run ends where two workers carry out its jobs.

A real job runner and real worker processes; ``compare`` takes two databases with the
same work in them, which ``prepare`` makes.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

import psutil
from conftest import free_port
from racing import Racer
from witness import query

from tools import database, odoo_process
from tools.settings import settings

HOURS = [1.0, 2.5] * 5
READY = "queue job runner ready for db"
SECONDS_TO_START = 60
SECONDS_TO_FINISH = 1800


class Timing(NamedTuple):
    """How long a run took.

    :ivar seconds: from its start until it had ended
    :ivar busy: how many jobs were carried out at the same time, on average
    :ivar cpu: processors' time of Odoo and its PostgreSQL, in seconds
    """

    seconds: float
    busy: float
    cpu: float


class Comparison(NamedTuple):
    """The same run by one worker and by two."""

    one: Timing
    two: Timing

    @property
    def measured(self) -> float:
        """How many times sooner two have ended."""
        return self.one.seconds / self.two.seconds

    @property
    def undisturbed(self) -> float:
        """The same with a core for each of them, whatever else went on here: what they
        do at the same time, less what it costs more processors' time."""
        return self.two.busy / self.one.busy * self.one.cpu / self.two.cpu


def prepare(name: str, projects: int) -> None:
    """Make a database in which so many projects are due, with ten entries each."""
    database.copy(database.queue_template(), name)
    with database.server().cursor(name) as cursor:
        cursor.execute("DELETE FROM psa_invoice_schedule")
    racer = Racer.start(name, 1)
    racer.do("new_projects", projects, HOURS)
    racer.stop()
    with database.server().cursor(name) as cursor:
        cursor.execute("VACUUM ANALYZE")


def compare(one: str, two: str) -> Comparison:
    """:param one: database whose run is carried out by one worker
    :param two: another one with the same work, for two
    """
    return Comparison(measure(one, 1), measure(two, 2))


def measure(name: str, workers: int) -> Timing:
    """Start what is due in a database as a run, and wait for its end.

    :param workers: how many jobs may be carried out at once
    """
    racer = Racer.start(name, 1)
    with _job_runner(name, workers) as server:
        before = _cpu(server, name)
        start = time.monotonic()
        run = racer.do("start_run")
        _wait_for_end(name, run)
        seconds = time.monotonic() - start
        cpu = _cpu(server, name) - before
    racer.stop()
    ((working,),) = query(name, "SELECT SUM(exec_time) FROM queue_job")
    return Timing(seconds, working / seconds, cpu)


@contextlib.contextmanager
def _job_runner(name: str, workers: int) -> Iterator[subprocess.Popen]:
    """Odoo with its processes; one beside the workers takes what else comes in."""
    log = settings().logs / f"{name}-{workers}.log"
    port = free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            odoo_process.command(
                name,
                f"--http-port={port}",
                f"--gevent-port={free_port()}",
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
        yield server
    finally:
        server.terminate()
        server.wait(30)


def _wait_for_end(name: str, run: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_FINISH
    while query(name, "SELECT state FROM psa_invoice_run WHERE id = %s", run) != [
        ("done",)
    ]:
        assert time.monotonic() < deadline, "It does not come to an end."
        time.sleep(0.1)


def _cpu(server: subprocess.Popen, name: str) -> float:
    """Seconds of processors that Odoo and its sessions of PostgreSQL used."""
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
    pids = [pid for (pid,) in query(name, sessions, name)]
    pids += [child.pid for child in psutil.Process(server.pid).children()]
    used = 0.0
    for pid in pids:
        # The session of the query above is gone by now.
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(pid).cpu_times()
            used += own.user + own.system
    return used
