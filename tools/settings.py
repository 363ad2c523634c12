"""Where things are kept, and what can be set from outside.

Everything has a default. The environment (or ``make NAME=value``) overrides it:

====================  ===========================================================
``ODOO_PATH``         an Odoo 19 checkout to use instead of fetching one
``PGHOST`` ...        an existing PostgreSQL (also ``PGPORT``, ``PGUSER``,
                      ``PGPASSWORD``, or ``DATABASE_URL``)
``DB``                name of the demo database (``psa_demo``)
``TEST_DB``           name of the tests' database (``psa_test``): another one lets two
                      ``make test`` run side by side
``PORT``              port of the web client (8069)
``PYTHONS``           programs that ``make test-pythons`` tests with, a blank between
                      them, instead of those that it finds
``PSA_CACHE``         downloads: Odoo and the Python environment
``PSA_STATE``         databases, attachments, logs, caught mail of this checkout
====================  ===========================================================
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .console import Problem

ROOT = Path(__file__).resolve().parent.parent
# What the Python environment is built from.
PINS = tuple(ROOT / "tools" / name for name in ("requirements.txt", "addons.txt"))
# The product, after which everything is named.
ADDON = "psa_invoicing"
# It and the glue between it and what may be installed beside it.
ADDONS = tuple(sorted(path.parent.name for path in ROOT.glob("*/__manifest__.py")))
# Glue to what is not Odoo's own (tools/addons.txt): only databases for its own tests
# have the two.
GUESTS = {"psa_invoicing_queue": "queue_job"}
# What every other database has.
RESIDENTS = tuple(addon for addon in ADDONS if addon not in GUESTS)
# What the add-on builds on, installed once into the template of all databases.
DEPENDENCIES = ("sale_timesheet", "project_account", "project_sale_expense")


@dataclass(frozen=True)
class PostgresTarget:
    """Connection parameters of an existing PostgreSQL."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True)
class Settings:
    """The places and names that all tools share."""

    cache: Path
    state: Path
    odoo_path: Path | None
    postgres: PostgresTarget | None
    database: str
    test_database: str
    port: int
    pythons: tuple[str, ...]

    @property
    def venv(self) -> Path:
        """The Python environment, named after what it was built from."""
        pins = b"".join(path.read_bytes() for path in PINS)
        key = hashlib.sha256(pins + os.fsencode(base_python())).hexdigest()[:12]
        return self.cache / f"python-{key}"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def mail(self) -> Path:
        """Where the local mail catcher puts what the demo sends."""
        return self.state / "mail"

    @property
    def data_dir(self) -> Path:
        """Odoo's data directory: attachments of every database."""
        return self.state / "odoo-data"


def base_python() -> str:
    """The interpreter that the environment is built on, also from inside it."""
    import sys

    return os.path.realpath(sys.executable)


def _default_home(kind: str, variable: str, fallback: str) -> Path:
    """Per-user folder; the system's own for root.

    As root the embedded PostgreSQL runs under an account of its own and must be
    able to walk down to its files, which it could not under root's home.
    """
    if os.geteuid() == 0:
        return Path("/var") / kind / ADDON
    return Path(os.environ.get(variable) or Path.home() / fallback) / ADDON


def _existing_postgres() -> PostgresTarget | None:
    url = os.environ.get("DATABASE_URL")
    if url:
        parts = urlsplit(url)
        if not parts.hostname:
            raise Problem(
                "DATABASE_URL names no host.",
                "Give it as postgresql://user:password@host:port/.",
            )
        return PostgresTarget(
            parts.hostname,
            parts.port or 5432,
            unquote(parts.username or "odoo"),
            unquote(parts.password or ""),
        )
    if os.environ.get("PGHOST"):
        return PostgresTarget(
            os.environ["PGHOST"],
            int(os.environ.get("PGPORT") or 5432),
            os.environ.get("PGUSER") or "odoo",
            os.environ.get("PGPASSWORD") or "",
        )
    return None


def _port() -> int:
    text = os.environ.get("PORT") or "8069"
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise Problem(
            f"PORT is {text!r}.", "Give a free port between 1024 and 65535, e.g. 8070."
        )
    return int(text)


def _database(variable: str, default: str) -> str:
    name = os.environ.get(variable) or default
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", name):
        raise Problem(
            f"{variable} is {name!r}.", "Use letters, digits, '_', '-' and '.' only."
        )
    return name


@cache
def settings() -> Settings:
    """Read the settings from the environment.

    :raises Problem: if one of them makes no sense
    """
    checkout = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]
    odoo_path = os.environ.get("ODOO_PATH")
    return Settings(
        cache=Path(
            os.environ.get("PSA_CACHE")
            or _default_home("cache", "XDG_CACHE_HOME", ".cache")
        ),
        state=Path(
            os.environ.get("PSA_STATE")
            or _default_home("lib", "XDG_STATE_HOME", ".local/state") / checkout
        ),
        odoo_path=Path(odoo_path).expanduser().resolve() if odoo_path else None,
        postgres=_existing_postgres(),
        database=_database("DB", "psa_demo"),
        test_database=_database("TEST_DB", "psa_test"),
        port=_port(),
        pythons=tuple(os.environ.get("PYTHONS", "").split()),
    )
