"""An Odoo process that measures what it is told to."""

import subprocess
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from tools import database, odoo_process
from tools.settings import settings

from . import peers

SECONDS_TO_ANSWER = 3600
SCRIPT = "from benchmark import subjects; subjects.serve(env)"


@dataclass
class Subject:
    """One of those that are compared: an Odoo process with a database of its own."""

    database: str
    process: subprocess.Popen
    pipe: Connection
    log: Path

    @classmethod
    def start(cls, name: str) -> "Subject":
        """:param name: of a database that exists, with all that it needs"""
        ours, theirs = Pipe()
        log = settings().logs / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = odoo_process.environment()
        tests = str(Path(__file__).resolve().parent.parent)
        environment["PYTHONPATH"] += f":{tests}"
        environment["BENCHMARK_PIPE"] = str(theirs.fileno())
        with log.open("wb") as output:
            process = subprocess.Popen(
                odoo_process.command(
                    name, *peers.options(), "--no-http", subcommand="shell"
                ),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[theirs.fileno()],
            )
        process.stdin.write(SCRIPT.encode())
        process.stdin.close()
        theirs.close()
        return cls(name, process, ours, log)

    def ask(self, what: str, *arguments, **options):
        """Have a function of ``subjects/`` executed.

        :param what: ``module.function``
        :return: what it returns
        """
        self.pipe.send((what, arguments, options))
        if not self.pipe.poll(SECONDS_TO_ANSWER):
            raise TimeoutError(f"{what} takes too long; see {self.log}.")
        try:
            result, error = self.pipe.recv()
        except EOFError:
            raise RuntimeError(f"{what} ended Odoo; see {self.log}.") from None
        if error:
            raise RuntimeError(f"{what} failed:\n{error}")
        return result

    def settle(self):
        """Have what was committed looked at by PostgreSQL, as some time later it is."""
        database.settle(self.database)

    def stop(self):
        """End the process; everything that is worth keeping was committed."""
        self.pipe.send(None)
        self.process.wait(60)
