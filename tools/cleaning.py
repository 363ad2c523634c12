"""``stop`` and ``clean``: nothing left running, nothing left behind."""

from __future__ import annotations

import shutil
import signal

from . import background
from .console import say
from .settings import settings

SERVICES = ("web", "mail-catcher")


def stop() -> int:
    """Stop the web server, the mail catcher and the embedded PostgreSQL."""
    for name in SERVICES:
        if background.stop(name):
            say(f"Stopped {name}.")
    postmaster = settings().state / "postgres" / "postmaster.pid"
    if postmaster.exists():
        pid = int(postmaster.read_text().splitlines()[0])
        # SIGINT is PostgreSQL's "fast" shutdown: it rolls back and closes its files.
        background.terminate(pid, 30, signal.SIGINT)
        say("Stopped postgres.")
    return 0


def clean() -> int:
    """Stop everything and remove databases, downloads and the environment."""
    if settings().postgres and (settings().venv / "complete").exists():
        say(
            "Databases on your own PostgreSQL are yours: drop those whose names "
            "start with 'psa_' if you do not need them."
        )
    stop()
    for place in (settings().state, settings().cache):
        if place.exists():
            shutil.rmtree(place)
            say(f"Removed {place}.")
    parent = settings().state.parent
    if parent.name == "psa_invoicing" and parent.exists() and not any(parent.iterdir()):
        parent.rmdir()
    return 0
