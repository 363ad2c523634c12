"""``stop`` and ``clean``: nothing left running, nothing left behind."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from . import background
from .console import say
from .settings import settings

SERVICES = ("web", "mail-catcher")


def stop() -> int:
    """Stop web servers, mail catchers and every embedded PostgreSQL."""
    for state in settings().all_states:
        for name in SERVICES:
            if background.stop(name, state):
                say(f"Stopped {name}.")
        _stop_postgres(state / "postgres")
    return 0


def _stop_postgres(folder: Path) -> None:
    postmaster = folder / "postmaster.pid"
    if postmaster.exists():
        pid = int(postmaster.read_text().splitlines()[0])
        # SIGINT is PostgreSQL's "fast" shutdown: it rolls back and closes its files.
        background.terminate(pid, 30, signal.SIGINT)
        version = (folder / "PG_VERSION").read_text().strip()
        say(f"Stopped postgres {version}.")


def clean() -> int:
    """Stop everything and remove databases, downloads and the environment."""
    if settings().postgres and (settings().venv / "complete").exists():
        say(
            "Databases on your own PostgreSQL are yours: drop those whose names "
            "start with 'psa_' if you do not need them."
        )
    stop()
    for place in (settings().home, settings().cache):
        if place.exists():
            shutil.rmtree(place)
            say(f"Removed {place}.")
    parent = settings().home.parent
    if parent.name == "psa_invoicing" and parent.exists() and not any(parent.iterdir()):
        parent.rmdir()
    return 0
