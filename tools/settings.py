"""Where things are kept, and what can be set from outside.

Everything has a default. The environment (or ``make NAME=value``) overrides it:

====================  ===========================================================
``ODOO_PATH``         an Odoo 19 checkout to use instead of fetching one
``PG``                version of the embedded PostgreSQL (13 to 18)
``PGHOST`` ...        an existing PostgreSQL (also ``PGPORT``, ``PGUSER``,
                      ``PGPASSWORD``, or ``DATABASE_URL``)
``DB``                name of the demo database (``psa_demo``)
``TEST_DB``           name of the tests' databases (``psa_test``): another one lets two
                      ``make test`` run side by side
``LANES``             how many tests run at once (one for each core)
``ADDONS_PG``         version of PostgreSQL for the add-ons' tests of ``make test``
``PORT``              port of the web client (8069)
``MODULES``           what ``make test-with`` installs the add-ons beside, a comma
                      between them (a large stack of Odoo's own)
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
# What Odoo 19 runs on, and what was the newest when this was written.
POSTGRES_VERSIONS = range(13, 19)
# A stack of Odoo's own modules as a firm has them beside the add-ons.
NEIGHBOURS = (
    "account_debit_note",
    "account_edi_ubl_cii",
    "account_payment",
    "hr_holidays",
    "l10n_de",
    "l10n_fr_account",
    "pos_sale",
    "repair",
    "sale_loyalty",
    "sale_margin",
    "sale_mrp",
    "sale_purchase",
    "sale_stock",
    "website_sale",
)
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
    home: Path
    odoo_path: Path | None
    postgres: PostgresTarget | None
    postgres_version: int | None
    database: str
    test_database: str
    lanes: int
    addons_postgres: str | None
    port: int
    pythons: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def state(self) -> Path:
        """Databases and attachments; each version of PostgreSQL has its own."""
        version = self.postgres_version
        return self.home / f"pg{version}" if version else self.home

    @property
    def all_states(self) -> list[Path]:
        """Those of every version that was used so far."""
        return [self.home, *sorted(self.home.glob("pg[0-9]*"))]

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
        try:
            parts = urlsplit(url)
            port = parts.port or 5432
        except ValueError:
            parts = port = None
        if not parts or not parts.hostname:
            raise Problem(
                "DATABASE_URL names no host and port.",
                "Give it as postgresql://user:password@host:port/.",
            )
        return PostgresTarget(
            parts.hostname,
            port,
            unquote(parts.username or "odoo"),
            unquote(parts.password or ""),
        )
    if os.environ.get("PGHOST"):
        return PostgresTarget(
            os.environ["PGHOST"],
            _number("PGPORT", 5432),
            os.environ.get("PGUSER") or "odoo",
            os.environ.get("PGPASSWORD") or "",
        )
    return None


def _postgres_version() -> int | None:
    text = os.environ.get("PG")
    if not text:
        return None
    oldest, newest = POSTGRES_VERSIONS[0], POSTGRES_VERSIONS[-1]
    if not text.isdecimal() or int(text) not in POSTGRES_VERSIONS:
        raise Problem(
            f"PG is {text!r}.",
            f"Give a version from {oldest} to {newest}, e.g. PG={oldest}.",
        )
    if os.environ.get("PGHOST") or os.environ.get("DATABASE_URL"):
        raise Problem(
            f"PG={text} asks for an embedded PostgreSQL, and PGHOST or DATABASE_URL "
            "for one of your own.",
            "Leave one of them out.",
        )
    return int(text)


def _number(variable: str, default: int, lowest: int = 1) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or not lowest <= int(text) <= 65535:
        raise Problem(
            f"{variable} is {text!r}.",
            f"Give a port between {lowest} and 65535, e.g. {default}.",
        )
    return int(text)


def _lanes() -> int:
    text = os.environ.get("LANES") or str(len(os.sched_getaffinity(0)))
    if not text.isdigit() or not int(text):
        raise Problem(f"LANES is {text!r}.", "Give how many tests run at once, e.g. 2.")
    return int(text)


def _modules() -> tuple[str, ...]:
    """In the order of their names: the same ones are the same database."""
    text = os.environ.get("MODULES") or ",".join(NEIGHBOURS)
    if not re.fullmatch(r"\w+(,\w+)*", text):
        raise Problem(
            f"MODULES is {text!r}.",
            "Give names of modules, a comma between them, e.g. MODULES=sale_stock.",
        )
    return tuple(sorted({*text.split(",")}))


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
        home=Path(
            os.environ.get("PSA_STATE")
            or _default_home("lib", "XDG_STATE_HOME", ".local/state") / checkout
        ),
        odoo_path=Path(odoo_path).expanduser().resolve() if odoo_path else None,
        postgres=_existing_postgres(),
        postgres_version=_postgres_version(),
        database=_database("DB", "psa_demo"),
        test_database=_database("TEST_DB", "psa_test"),
        lanes=_lanes(),
        addons_postgres=os.environ.get("ADDONS_PG"),
        port=_number("PORT", 8069, lowest=1024),
        pythons=tuple(os.environ.get("PYTHONS", "").split()),
        modules=_modules(),
    )
