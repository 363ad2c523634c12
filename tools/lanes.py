"""Suites side by side: as many processes as there are cores, and one summary.

Every process has a database and a log file of its own. A suite whose files are shared
(see ``sharing.py``) gets another process whenever a lane has nothing else to do, so
that all lanes end together.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .console import Progress, say
from .settings import ROOT, settings
from .sharing import FOLDER

# A process of its own takes half a minute to begin: a file or two are not worth it.
WORTH_HELP = 3
SECONDS_TO_END = 40


@dataclass
class Work:
    """What is run by one process, or by several that share it.

    :param command: of each process
    :param environment: what is set besides
    :param is_shared: whether it runs pytest with the plugin ``sharing.py``
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    is_shared: bool = True
    processes: list["Process"] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """What its processes tell each other."""
        return settings().state / "lanes" / self.name

    def files(self) -> tuple[int, int]:
        """:return: how many files were begun, and how many there are (0: not known)"""
        known = [int(path.read_text()) for path in self.folder.glob("files-*")]
        return len(list(self.folder.glob("begun-*"))), max(known, default=0)

    def left(self) -> int:
        """How many files nobody has begun."""
        begun, known = self.files()
        return known - begun if self.is_shared else 0

    def reports(self) -> list[dict]:
        """What its processes have left at their end."""
        return [json.loads(file.read_text()) for file in self.folder.glob("figures-*")]

    def figures(self) -> dict[str, int]:
        """How many tests passed and failed; what did not run has failed."""
        figures = dict.fromkeys(("passed", "failed", "skipped"), 0)
        if not self.is_shared:
            figures["failed"] = sum(process.has_failed for process in self.processes)
            figures["passed"] = 1 - figures["failed"]
            return figures
        found = self.reports()
        for each in found:
            for name in figures:
                figures[name] += each[name]
        collected = max((each["collected"] for each in found), default=1)
        figures["failed"] += max(0, collected - sum(each["ran"] for each in found))
        if not figures["failed"]:
            # A warning in a log, say.
            figures["failed"] = sum(process.has_failed for process in self.processes)
        return figures


class Process:
    """One process of a work, in a session of its own."""

    def __init__(self, work: Work):
        self.name = f"{work.name}-{len(work.processes) + 1}"
        self.log = settings().logs / f"lane-{self.name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                work.command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment(work),
            )

    def _environment(self, work: Work) -> dict[str, str]:
        """Ours, without the folder that a suite which we are part of shares."""
        environment = {**os.environ, **work.environment}
        environment.pop(FOLDER, None)
        if work.is_shared:
            environment[FOLDER] = str(work.folder)
        environment["TEST_DB"] = f"{settings().test_database}_{self.name}"
        return environment

    @property
    def has_failed(self) -> bool:
        return self.process.returncode != 0

    def has_ended(self) -> bool:
        """Whether it has; what it started and left behind is ended as well."""
        if self.process.poll() is None:
            return False
        self.signal(signal.SIGKILL)
        return True

    def signal(self, number: int) -> None:
        """To it and to all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def seconds(self) -> str:
        return f"{time.monotonic() - self.started:.0f} s"


def run(works: list[Work]) -> int:
    """Carry out all of it, and say what came of it.

    :return: exit status
    """
    started = time.monotonic()
    for work in works:
        shutil.rmtree(work.folder, ignore_errors=True)
        work.folder.mkdir(parents=True)
    with _no_one_left_behind(works):
        _drive(works)
    return _summary(works, time.monotonic() - started)


def _drive(works: list[Work]) -> None:
    """Keep every lane busy until nothing is left to do."""
    progress = Progress("files of tests")
    running: list[Process] = []
    shown = 0
    while True:
        for process in [each for each in running if each.has_ended()]:
            running.remove(process)
            progress.close()
            outcome = f"FAILED ({process.log})" if process.has_failed else "done"
            say(f"    {process.name}: {outcome} in {process.seconds()}")
        while len(running) < settings().lanes and (work := _next(works)):
            running.append(Process(work))
            work.processes.append(running[-1])
            say(f"    {running[-1].name}: {running[-1].log}")
        if not running:
            break
        begun, known = map(sum, zip(*(work.files() for work in works), strict=True))
        if begun > shown:
            progress.show(begun, known)
            shown = begun
        time.sleep(0.5)
    progress.close()


def _next(works: list[Work]) -> Work | None:
    """What a free lane does: what nobody has begun, else where most is left."""
    for work in works:
        if not work.processes:
            return work
    # One helper at a time: how much is left for another shows when it has begun.
    busiest = max(works, key=Work.left)
    begins = len(busiest.processes) > len(list(busiest.folder.glob("files-*")))
    return busiest if busiest.left() >= WORTH_HELP and not begins else None


@contextmanager
def _no_one_left_behind(works: list[Work]) -> Iterator[None]:
    """End every process, also when this one is told to end."""
    # Lanes inherit what is ignored, as both are where a shell started this behind it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        processes = [each for work in works for each in work.processes]
        left = [each for each in processes if each.process.poll() is None]
        for process in left:
            # pytest ends a test in good order, and closes what it has opened.
            process.signal(signal.SIGINT)
        deadline = time.monotonic() + SECONDS_TO_END
        for process in left:
            with suppress(subprocess.TimeoutExpired):
                process.process.wait(max(0, deadline - time.monotonic()))
        for process in left:
            process.signal(signal.SIGKILL)


def _summary(works: list[Work], seconds: float) -> int:
    """Logs of what failed, then figures; the last line has those of all."""
    for work in works:
        for process in work.processes:
            if process.has_failed:
                say(f"\n=== {process.name} ({process.log})\n")
                say(process.log.read_text(errors="replace"))
    say()
    passed = failed = 0
    for work in works:
        figures = work.figures()
        passed += figures["passed"]
        failed += figures["failed"]
        skipped = f", {figures['skipped']} skipped" if figures["skipped"] else ""
        say(
            f"    {work.name:<12} {figures['passed']} passed, "
            f"{figures['failed']} failed{skipped}"
        )
        for line in (line for report in work.reports() for line in report["told"]):
            say(f"        {line}")
    say(f"    in {seconds:.0f} s with {settings().lanes} lanes")
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
