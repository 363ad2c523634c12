"""Starting Odoo, and reading what it says: a warning in its log is a failure."""

import os
import re
import subprocess
import sys
from pathlib import Path

from .console import Problem, Progress, say
from .odoo_source import odoo_source
from .postgres import Server, server
from .settings import ROOT, settings

RECORD = re.compile(r"^\S+ \S+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>\S+): (?P<text>.*)")
LOADING = re.compile(r"Loading module (\S+) \((\d+)/(\d+)\)")


def environment() -> dict[str, str]:
    """Process environment in which ``import odoo`` finds the right Odoo."""
    path = os.pathsep.join([str(odoo_source().python_path), str(ROOT)])
    # PG* would silently win over the options below.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


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


def command(database: str, *arguments: str) -> list[str]:
    """Full command line of an Odoo process."""
    return [sys.executable, "-m", "odoo", *options(database), *arguments]


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
    found = warnings_in(log.read_text())
    if process.wait() or found:
        for line in found[:20] or log.read_text().splitlines()[-20:]:
            say(line)
        raise Problem(
            f"Odoo failed or warned while working on {database!r}.",
            f"The lines above are from {log}.",
        )


def warnings_in(text: str) -> list[str]:
    """Log records of level WARNING and above.

    A record may go on over several lines (a traceback); they belong to it.
    """
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        match = RECORD.match(line)
        if match:
            inside = match["level"] in ("WARNING", "ERROR", "CRITICAL")
        if inside:
            found.append(line)
    return found
