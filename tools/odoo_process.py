"""Starting Odoo, and reading what it says: a warning in its log is a failure."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from . import pdf_engine
from .console import Problem, Progress, say
from .odoo_source import odoo_source
from .postgres import Server, server
from .settings import ROOT, settings

RECORD = re.compile(r"^\S+ \S+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>\S+): (?P<text>.*)")
# Two requests of a web client met on one row; Odoo logs the first try and repeats it.
RETRIED = "could not serialize access due to concurrent update"
LOADED = "Modules loaded."
SECONDS_TO_START = 120
LOADING = re.compile(r"Loading module (\S+) \((\d+)/(\d+)\)")


def environment() -> dict[str, str]:
    """Process environment in which ``import odoo`` finds the right Odoo."""
    path = os.pathsep.join([str(odoo_source().python_path), str(ROOT)])
    # PG* would silently win over the options below.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return {
        **kept,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        # Odoo that reloads itself starts a Python by its name, and finds packages by
        # where that stands.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), pdf_engine.path()]),
    }


def tools_environment() -> dict[str, str]:
    """The same for what starts Odoo through these tools: they read PG* there."""
    return {**os.environ, **environment()}


def options(database: str, postgres: Server | None = None) -> list[str]:
    """Command-line options that every Odoo process of ours shares."""
    folders = [*odoo_source().addons, ROOT]
    return [
        *(postgres or server()).odoo_options(),
        f"--database={database}",
        f"--addons-path={','.join(map(str, folders))}",
        f"--data-dir={settings().data_dir}",
        "--http-interface=127.0.0.1",
        "--workers=0",
        "--no-database-list",
        "--config=/dev/null",
    ]


def command(database: str, *arguments: str, subcommand: str = "server") -> list[str]:
    """Full command line of an Odoo process."""
    script = str(odoo_source().script)
    return [sys.executable, script, subcommand, *options(database), *arguments]


def run_to_end(database: str, log: Path, *arguments: str) -> None:
    """Run Odoo until it stops by itself, with progress, and check its log.

    :raises Problem: if it fails or logs a warning
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress("module")
    process = subprocess.Popen(
        command(database, "--stop-after-init", "--no-http", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment(),
        cwd=ROOT,
    )
    with log.open("w") as file:
        for line in process.stdout:
            file.write(line)
            if match := LOADING.search(line):
                name, done, total = match.groups()
                progress.show(int(done), int(total), name)
    progress.close()
    _check(database, log, process.wait())


def _check(database: str, log: Path, status: int) -> None:
    """:raises Problem: if Odoo has failed or logged a warning"""
    found = warnings_in(log.read_text())
    if status or found:
        _blame_age(database, log)
        for line in found[:20] or log.read_text().splitlines()[-20:]:
            say(line)
        raise Problem(
            f"Odoo failed or warned while working on {database!r}.",
            f"The lines above are from {log}.",
        )


def _blame_age(database: str, log: Path) -> None:
    """An Odoo older than ours lacks what it lacks: its traceback helps nobody.

    :raises Problem: if this one is
    """
    source = odoo_source()
    if source.is_old:
        raise Problem(
            f"Odoo failed or warned while working on {database!r}. {source.age}",
            f"Update it, then run the command again. What went wrong is in {log}.",
        )


def shell(
    database: str, script: str, log: Path, *arguments: str
) -> subprocess.CompletedProcess:
    """Have Odoo's shell execute a script, to its end.

    :param log: where Odoo's own messages go
    :param arguments: of Odoo, besides
    :return: the process, with what the script has printed
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        return subprocess.run(
            command(database, "--no-http", *arguments, subcommand="shell"),
            input=script,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment(),
            cwd=ROOT,
            check=False,
        )


def run_script(database: str, script: str, log: Path) -> None:
    """The same, where nothing may go wrong.

    :raises Problem: if it fails or logs a warning
    """
    _check(database, log, shell(database, script, log).returncode)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(process: subprocess.Popen, log: Path, address: str) -> None:
    """Wait for a server that was just started with an empty log.

    :raises Problem: if it ends or takes too long
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        # Odoo answers before its registry is complete, and then with errors.
        if LOADED in log.read_text(errors="replace"):
            with suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(f"{address}/web/health", timeout=5).close()
                return
        time.sleep(0.2)
    raise Problem("Odoo did not come up.", f"See {log}.")


def warnings_in(text: str) -> list[str]:
    """Log records of level WARNING and above.

    A record may go on over several lines (a traceback); they belong to it.
    """
    records: list[list[str]] = []
    for line in text.splitlines():
        if RECORD.match(line):
            records.append([line])
        elif records:
            records[-1].append(line)
    return [
        "\n".join(lines)
        for lines in records
        if RECORD.match(lines[0])["level"] in ("WARNING", "ERROR", "CRITICAL")
        and not any(RETRIED in line for line in lines)
    ]
