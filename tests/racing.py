"""Odoo processes that are told what to do, and when (``racer.py``)."""

import subprocess
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from tools import odoo_process
from tools.settings import settings

SECONDS_TO_ANSWER = 120
# What the log says of a transaction that was tried again.
TRIED_AGAIN = ("could not serialize access", "deadlock detected", "could not obtain")


class Outcome(NamedTuple):
    """What one of the racers came home with.

    :ivar refusal: Odoo's message to the user, '' if nothing was refused
    """

    result: Any
    refusal: str


@dataclass
class Racer:
    """An Odoo process that waits for orders (``racer.py``)."""

    process: subprocess.Popen
    pipe: Connection
    log: Path

    @classmethod
    def start(cls, name: str, number: int) -> "Racer":
        ours, theirs = Pipe()
        log = settings().logs / f"{name}-racer-{number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                odoo_process.command(name, subcommand="shell"),
                stdin=(Path(__file__).parent / "racer.py").open(),
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**odoo_process.environment(), "RACE_PIPE": str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
            )
        theirs.close()
        return cls(process, ours, log)

    def line_up(self, name: str, *arguments) -> None:
        self.pipe.send((name, arguments))
        assert self._answer() == "ready"

    def go(self) -> None:
        self.pipe.send("go")

    def come_home(self) -> Outcome:
        return Outcome(*self._answer())

    def do(self, name: str, *arguments):
        """Act alone."""
        self.line_up(name, *arguments)
        self.go()
        result, refusal = self.come_home()
        assert not refusal
        return result

    def stop(self) -> None:
        self.pipe.send(None)
        self.process.wait(30)
        warnings = odoo_process.warnings_in(self.log.read_text())
        assert not [
            text for text in warnings if not any(known in text for known in TRIED_AGAIN)
        ]

    def _answer(self):
        assert self.pipe.poll(SECONDS_TO_ANSWER), f"No answer: see {self.log}."
        return self.pipe.recv()
