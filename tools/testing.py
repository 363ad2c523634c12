"""``test`` and its kin: pytest over fresh copies of the template databases."""

import os
import subprocess
import sys
from pathlib import Path

from . import database, failing, odoo_process, sharing, system_packages
from .console import Problem, say
from .lanes import Work, run
from .odoo_source import odoo_source
from .settings import ADDON, GUESTS, POSTGRES_VERSIONS, RESIDENTS, ROOT, settings

CORE_SUITES = (
    "sale_timesheet",
    "sale_project",
    "sale_expense",
    "project_sale_expense",
    "hr_timesheet",
    "project_account",
)
# Those of modules that firms have beside it.
NEIGHBOUR_SUITES = (
    "account_debit_note",
    "account_edi_ubl_cii",
    "hr_expense",
    "portal",
    "project",
    "sale",
    "sale_loyalty",
    "sale_management",
    "sale_margin",
    "sale_purchase",
    "sale_stock",
    "sale_timesheet_margin",
)
# What is told with others installed, as far as they are.
BESIDE = "test_beside_*.py"
# Of people who do anything at random, where there is time: half an hour.
RANDOM_STEPS = "6000"
# Tests of Odoo that fail on this build without the add-on, too.
KNOWN_CORE_FAILURES = ROOT / "tools" / "known_core_failures.txt"


def test(rest: list[str]) -> int:
    """All suites, side by side; or some tests of ours: ``rest`` goes to pytest."""
    _ensure_programs()
    if not rest:
        version = {"add-ons": settings().addons_postgres}
        return run([_work(name, version.get(name)) for name in SUITES])
    if any(_is_in(ROOT / "tests", argument) for argument in rest):
        return _pytest_system(rest)
    return _pytest_addons(rest)


def test_core(names: list[str]) -> int:
    """Odoo's own suites, with the add-on installed; what fails is tried without it.

    :param names: of modules (default: of those that it builds on)
    """
    _ensure_programs()
    work = _work("core")
    work.command += names
    return run([work])


def test_with() -> int:
    """A billing life with the add-ons installed beside other modules."""
    _ensure_programs()
    return run([_work("neighbours")])


def test_all() -> int:
    """Every suite on the oldest and the newest PostgreSQL, and on every Python; with
    many more random steps."""
    _ensure_programs()
    os.environ.setdefault("PSA_STEPS", RANDOM_STEPS)
    suites = [
        _work(name, str(version))
        for version in (POSTGRES_VERSIONS[0], POSTGRES_VERSIONS[-1])
        for name in (*SUITES, *LONG_SUITES)
    ]
    pythons = [sys.executable, "-m", "tools", "test-pythons"]
    return run([*suites, Work("pythons", pythons, is_shared=False)])


def suite(name: str, rest: list[str]) -> int:
    """One of the suites, whole: what a lane does.

    :param rest: which ones of Odoo's
    """
    return {**SUITES, **LONG_SUITES}[name](*rest)


def _work(name: str, postgres: str | None = None) -> Work:
    """:param postgres: version of it, if not the embedded one"""
    command = [sys.executable, "-m", "tools", "suite", name]
    if postgres:
        return Work(f"{name}-pg{postgres}", command, {"PG": postgres})
    return Work(name, command)


def _ensure_programs() -> None:
    system_packages.ensure(system_packages.PDF, system_packages.BROWSER, required=True)


def _addons() -> int:
    return _pytest_addons([str(ROOT / addon) for addon in RESIDENTS])


def _guests() -> int:
    return _pytest_addons([str(ROOT / addon) for addon in GUESTS])


def _system() -> int:
    return _pytest_system([str(ROOT / "tests")])


def _neighbours() -> int:
    return _pytest_odoo(
        settings().test_database,
        database.neighbours_template(settings().modules),
        [str(path) for path in sorted((ROOT / ADDON / "tests").glob(BESIDE))],
    )


def _core(*names: str) -> int:
    names = names or CORE_SUITES
    folder = next(
        path for path in odoo_source().addons if (path / "sale_timesheet").is_dir()
    )
    suites = [str(folder / name / "tests") for name in names]
    if not all(map(os.path.isdir, suites)):
        raise Problem(
            "This Odoo comes without its tests.",
            "Point ODOO_PATH to a checkout that has them.",
        )
    known = [
        f"--deselect={line.strip()}"
        for line in KNOWN_CORE_FAILURES.read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    name, rootdir = settings().test_database, f"--rootdir={folder}"
    found = settings().state / f"{name}-failed"
    found.unlink(missing_ok=True)
    os.environ[failing.FILE] = str(found)
    status = _pytest_odoo(
        name,
        database.core_template(names),
        ["-p", "tools.failing", rootdir, *suites, *known],
        strict=False,
    )
    failed = found.read_text().splitlines() if found.exists() else []
    if failed:
        say("\nWhat failed, without the add-on:\n")
        # All of it, whoever else is at work on these suites.
        os.environ.pop(sharing.FOLDER, None)
        paths = [str(folder / each) for each in failed]
        _pytest_odoo(name, database.core_base(names), [rootdir, *paths], strict=False)
    return status


def _core_neighbours() -> int:
    return _core(*NEIGHBOUR_SUITES)


# In the order in which lanes begin them.
SUITES = {
    "add-ons": _addons,
    "system": _system,
    "queue": _guests,
    "neighbours": _neighbours,
    "core": _core,
}
# Half an hour and more: for ``test_all`` alone.
LONG_SUITES = {"core-neighbours": _core_neighbours}


def _pytest_addons(arguments: list[str]) -> int:
    """Tests of our add-ons, on the database that has them."""
    guests = any(_is_in(ROOT / addon, path) for addon in GUESTS for path in arguments)
    template = database.queue_template() if guests else database.test_template()
    options = ["-p", "tools.sql_watch", *arguments]
    return _pytest_odoo(settings().test_database, template, options)


def bench(rest: list[str]) -> int:
    """Measure beside the peers; ``rest`` says how much (``--projects=1000``)."""
    return _benchmark("benchmark", rest)


def profile(rest: list[str]) -> int:
    """Where the time of a draft goes; ``rest`` as of :func:`bench`."""
    return _benchmark("benchmark.profiling", rest)


def _benchmark(module: str, rest: list[str]) -> int:
    environment = odoo_process.tools_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{ROOT / 'tests'}"
    command = [sys.executable, "-m", module, *rest]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def _pytest_odoo(
    name: str, template: str, arguments: list[str], strict: bool = True
) -> int:
    """Run pytest-odoo on a copy of a template that is thrown away afterwards.

    :param strict: a warning in Odoo's log is a failure
    """
    log = settings().logs / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    with database.scratch(name, template):
        status = _pytest(
            [
                f"--odoo-config={_config(name, log)}",
                "--odoo-log-level=warn",
                "--odoo-http",
                *arguments,
            ],
            odoo_process.environment(),
        )
    if strict and (found := odoo_process.warnings_in(log.read_text())):
        say(f"\nOdoo warned during the tests ({log}):")
        for line in found[:40]:
            say(line)
        return 1
    return status


def _is_in(folder: Path, argument: str) -> bool:
    path = Path(argument.partition("::")[0]).resolve()
    return folder in (path, *path.parents)


def _pytest_system(arguments: list[str]) -> int:
    """Tests that drive a whole system from outside do not load Odoo themselves."""
    # Made before them, lest one of them waits for it.
    database.addon_template()
    return _pytest(["-p", "no:odoo", *arguments], odoo_process.tools_environment())


def _pytest(arguments: list[str], env: dict[str, str]) -> int:
    options = [f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={ROOT}"]
    command = [
        *(sys.executable, "-m", "pytest"),
        *("-p", "tools.sharing"),
        *options,
        *arguments,
    ]
    with subprocess.Popen(command, cwd=ROOT, env=env) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # Said to pytest as well: what it has begun, it ends in good order.
                continue


def _config(name: str, log: Path) -> Path:
    """Odoo's options as the file that pytest-odoo wants."""
    path = settings().state / f"{name}.conf"
    lines = ["[options]", f"logfile = {log}"]
    for option in odoo_process.options(name):
        key, _equals, value = option.lstrip("-").partition("=")
        key = {"database": "db_name", "no-database-list": "list_db"}.get(key, key)
        if key == "config":
            continue
        lines.append(f"{key.replace('-', '_')} = {value or 'False'}")
    path.write_text("\n".join(lines) + os.linesep)
    return path
