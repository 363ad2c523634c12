"""Databases: one template with Odoo's own modules, cheap copies of it for the rest."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

from psycopg2 import errors, sql

from .background import alone
from .console import step
from .odoo_process import run_script, run_to_end
from .odoo_source import odoo_source
from .postgres import server
from .settings import ADDON, ADDONS, DEPENDENCIES, GUESTS, RESIDENTS, ROOT, settings

IGNORED = {"__pycache__", "tests"}
# A chart of accounts of no particular country comes with the module of the United
# States; an empty database has none of its own.
EMPTY_CHART = "l10n_us"
# Countries whose taxes the tests bill with.
TEST_CHARTS = ("l10n_fr_account", "l10n_de")
# A company like the one that Odoo's test cases make in each class of tests.
FOUND_FIRM = """
firm = env["res.company"].create({"name": "Consulting Firm"})
charts = env["account.chart.template"]
usual = charts._guess_chart_template(firm.country_id)
charts.try_loading(usual, company=firm, install_demo=False)
firm.account_fiscal_country_id = firm.account_fiscal_country_id or env.ref("base.us")
env.cr.commit()
"""


def addon_fingerprint(addons: Iterable[str] = RESIDENTS) -> str:
    """Changes with whatever a database must be upgraded for."""
    digest = hashlib.sha256()
    for addon in addons:
        for path in sorted((ROOT / addon).rglob("*")):
            if path.is_file() and not IGNORED & set(path.parts):
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _template_name(kind: str, *parts: str) -> str:
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    return f"psa_{kind}_{key}"


def base_template() -> str:
    """Database with what the add-on builds on, and Odoo's demo data.

    :return: its name
    """
    return _base("base", DEPENDENCIES, "--with-demo")


def addon_template() -> str:
    """Database with the add-on as it stands in this checkout, and its demo data.

    :return: its name
    """
    return _with_addon("addon", base_template(), "--with-demo")


def test_template() -> str:
    """Database for the tests of the add-ons: the same, with charts of accounts.

    :return: its name
    """
    return _with_addon("charts", _charts_base(), "--with-demo")


def empty_template() -> str:
    """Database with the add-on and a chart of accounts, and no demo data.

    :return: its name
    """
    return _with_addon("empty", empty_base())


def empty_base() -> str:
    """Database with what the add-on builds on and a chart of accounts, no demo data.

    :return: its name
    """
    return _base("empty_base", (*DEPENDENCIES, EMPTY_CHART))


def queue_template() -> str:
    """Database with the add-on, the job queue, and the glue between the two.

    :return: its name
    """
    base = addon_template()
    guests = ",".join(sorted(GUESTS.values()))
    return _with_addon(
        "queue", base, fingerprint=addon_fingerprint(GUESTS), init=guests
    )


def core_template(modules: tuple[str, ...]) -> str:
    """Database for Odoo's own suites: with these modules, the add-on, and demo data.

    :return: its name
    """
    base = core_base(modules)
    if base == base_template():
        return addon_template()
    return _with_addon("core", base, "--with-demo")


def core_base(modules: tuple[str, ...]) -> str:
    """The same without the add-on.

    :return: its name
    """
    others = sorted({*modules} - _built_upon())
    if not others:
        return base_template()
    return _base("suites", (*DEPENDENCIES, *others), "--with-demo")


def _built_upon() -> set[str]:
    """Modules that every template has, since the add-on builds on them."""
    with server().cursor(base_template()) as cursor:
        cursor.execute("SELECT name FROM ir_module_module WHERE state = 'installed'")
        return {name for (name,) in cursor.fetchall()}


def neighbours_template(modules: tuple[str, ...]) -> str:
    """Database with other modules, and after them all of our add-ons; no demo data.

    :return: its name
    """
    stack = (*DEPENDENCIES, EMPTY_CHART, *modules)
    base = _base("stack", stack, content=f"{', '.join(modules)} (minutes)")
    return _with_addon(
        "beside", base, fingerprint=addon_fingerprint(GUESTS), init=",".join(ADDONS)
    )


def _base(kind: str, modules: tuple[str, ...], *options: str, content: str = "") -> str:
    name = _template_name(kind, odoo_source().identity, *modules)
    content = content or "Odoo's own modules (2 minutes)"

    def build():
        create(name)
        _install(name, ",".join(modules), *options)
        _quieten(name)

    _build_once(kind, name, content, build)
    return name


def _charts_base() -> str:
    base = base_template()
    name = _template_name("charts_base", base, *TEST_CHARTS, FOUND_FIRM)

    def build():
        copy(base, name)
        with _without_demo_of(name, "account"):
            _install(name, ",".join(TEST_CHARTS))
        _found_firm(name)

    _build_once("charts_base", name, "charts of accounts", build)
    return name


def _build_once(kind: str, name: str, content: str, build: Callable[[], None]) -> None:
    """Build a template unless it is there; who wants it meanwhile waits for it."""
    with alone(f"template-{kind}"):
        if not is_complete(name):
            with step(f"Template {name}: {content}"):
                build()
                _mark_complete(name)


def _found_firm(name: str) -> None:
    """Make the company of the tests once: loading its accounts takes a second."""
    run_script(name, FOUND_FIRM, settings().logs / f"{name}_firm.log")


@contextmanager
def _without_demo_of(name: str, module: str):
    """Nothing that depends on a module gets demo data: companies, for a chart."""
    query = "UPDATE ir_module_module SET demo = %s WHERE name = %s"
    with server().cursor(name) as cursor:
        cursor.execute(query, [False, module])
    yield
    with server().cursor(name) as cursor:
        cursor.execute(query, [True, module])


def _with_addon(
    kind: str, base: str, *options: str, fingerprint: str = "", init: str = ADDON
) -> str:
    """:param fingerprint: what else it depends on
    :param init: what to install; glue comes by itself"""
    name = _template_name(kind, base, addon_fingerprint() + fingerprint)

    def build():
        # Those of earlier states of the code; each key has eight characters.
        for old in _names(f"psa_{kind}_" + "_" * 8):
            drop(old)
        copy(base, name)
        _install(name, init, *options)
        _quieten(name)

    _build_once(kind, name, "the add-on", build)
    return name


def _install(name: str, modules: str, *options: str) -> None:
    log = settings().logs / f"{name}.log"
    run_to_end(name, log, f"--init={modules}", *options)


def _quieten(name: str) -> None:
    """Odoo's demo data would mail its demo people and ask the internet about them."""
    with server().cursor(name) as cursor:
        cursor.execute("DELETE FROM mail_mail")
        cursor.execute("UPDATE res_company SET iap_enrich_auto_done = true")


def upgrade(name: str) -> None:
    """Bring the add-ons in a database up to the code of this checkout.

    All of them: glue that is new here does not install itself in an upgrade.
    """
    addons = ",".join(RESIDENTS)
    log = settings().logs / f"{name}.log"
    with step(f"Upgrading the add-ons in {name}"):
        run_to_end(name, log, f"--init={addons}", f"--update={addons}")
        mark_current(name)


def exists(name: str) -> bool:
    with server().cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return bool(cursor.fetchone())


def installed_version(name: str) -> str:
    """The version of the add-on in a database, '' without it."""
    with server().cursor(name) as cursor:
        cursor.execute("SELECT to_regclass('ir_module_module') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return ""
        cursor.execute(
            "SELECT latest_version FROM ir_module_module "
            "WHERE name = %s AND state = 'installed'",
            [ADDON],
        )
        row = cursor.fetchone()
    return (row and row[0]) or ""


def _names(pattern: str) -> list[str]:
    with server().cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]
        )
        return [name for (name,) in cursor.fetchall()]


def _comment(name: str) -> str:
    with server().cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
            "WHERE datname = %s",
            [name],
        )
        row = cursor.fetchone()
    return (row and row[0]) or ""


def _set_comment(name: str, comment: str) -> None:
    with server().cursor() as cursor:
        cursor.execute(
            sql.SQL("COMMENT ON DATABASE {} IS %s").format(sql.Identifier(name)),
            [comment],
        )


def is_complete(name: str) -> bool:
    """Whether a template was finished; an interrupted one is built again.

    One whose attachments are gone, as well: a PostgreSQL of one's own outlives them.
    """
    return _comment(name) == "complete" and filestore(name).is_dir()


def _mark_complete(name: str) -> None:
    # Copies inherit what PostgreSQL knows of it.
    settle(name)
    _set_comment(name, "complete")


def settle(name: str) -> None:
    """What autovacuum does to a database some time later.

    Until then the planner guesses, sometimes a plan that takes minutes, and rows are
    looked up of which an index would be enough.
    """
    with server().cursor(name) as cursor:
        cursor.execute("VACUUM ANALYZE")


def mark_current(name: str) -> None:
    """Remember with which code a database was last brought up to date."""
    _set_comment(name, f"add-on {addon_fingerprint()}")


def is_current(name: str) -> bool:
    return _comment(name) == f"add-on {addon_fingerprint()}"


def create(name: str) -> None:
    """Make an empty database, in place of one of this name.

    Odoo would make it as well, and complain about extensions of PostgreSQL that are
    not there and that it can do without.
    """
    drop(name)
    with server().cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE DATABASE {} ENCODING 'UTF8' LC_COLLATE 'C' TEMPLATE template0"
            ).format(sql.Identifier(name))
        )
    _extend(name)


def _extend(name: str) -> None:
    """Add what Odoo uses where it is: search by similarity, and without accents.

    It adds them so, too, as somebody who may.
    """
    with server().cursor(name) as cursor:
        cursor.execute(
            "SELECT name FROM pg_available_extensions, pg_roles "
            "WHERE name IN ('pg_trgm', 'unaccent') "
            "AND rolname = current_user AND rolsuper"
        )
        for (extension,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(
                    sql.Identifier(extension)
                )
            )
            if extension == "unaccent":
                # Odoo's indexes use it only then.
                cursor.execute("ALTER FUNCTION unaccent(text) IMMUTABLE")


def copy(source: str, target: str) -> None:
    """Copy a database with its attachments; seconds instead of minutes."""
    drop(target)
    for attempt in range(20):
        try:
            with server().cursor() as cursor:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(target), sql.Identifier(source)
                    )
                )
            break
        except errors.ObjectInUse:
            # Another copy of the same template is under way.
            if attempt == 19:
                raise
            time.sleep(1)
    if filestore(source).is_dir():
        shutil.copytree(filestore(source), filestore(target))


def drop(name: str) -> None:
    """Remove a database and its attachments, whoever is connected."""
    with server().cursor() as cursor:
        cursor.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                sql.Identifier(name)
            )
        )
    shutil.rmtree(filestore(name), ignore_errors=True)


def filestore(name: str) -> Path:
    return settings().data_dir / "filestore" / name


@contextmanager
def scratch(name: str, source: str):
    """A copy that lives as long as the ``with`` block."""
    copy(source, name)
    try:
        yield name
    finally:
        drop(name)
