"""``test`` and ``test-core``: pytest over a fresh copy of the template database."""

import os
import subprocess
import sys
from pathlib import Path

from . import database, odoo_process, system_packages
from .console import Problem, say
from .odoo_source import odoo_source
from .settings import GUESTS, RESIDENTS, ROOT, settings

CORE_SUITES = (
    "sale_timesheet",
    "sale_project",
    "sale_expense",
    "project_sale_expense",
    "hr_timesheet",
    "project_account",
)
# Tests of Odoo that fail on this build without the add-on, too.
KNOWN_CORE_FAILURES = ROOT / "tools" / "known_core_failures.txt"


def test(rest: list[str]) -> int:
    """The add-ons' tests, then the system tests; ``rest`` goes to pytest."""
    system_packages.ensure(system_packages.PDF, system_packages.BROWSER, required=True)
    if any(_is_in(ROOT / "tests", argument) for argument in rest):
        return _pytest_system(rest)
    if rest:
        return _pytest_addons(rest)
    failed = _pytest_addons([str(ROOT / addon) for addon in RESIDENTS])
    failed = _pytest_addons([str(ROOT / addon) for addon in GUESTS]) or failed
    return _pytest_system([str(ROOT / "tests")]) or failed


def _pytest_addons(arguments: list[str]) -> int:
    """Tests of our add-ons, on the database that has them."""
    guests = any(_is_in(ROOT / addon, path) for addon in GUESTS for path in arguments)
    template = database.queue_template() if guests else database.test_template()
    options = ["-p", "tools.sql_watch", *arguments]
    return _pytest_odoo(settings().test_database, template, options)


def test_core() -> int:
    """Odoo's own suites, with the add-on installed."""
    system_packages.ensure(system_packages.BROWSER, required=True)
    folder = next(
        path for path in odoo_source().addons if (path / "sale_timesheet").is_dir()
    )
    suites = [str(folder / name / "tests") for name in CORE_SUITES]
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
    return _pytest_odoo(
        "psa_test_core",
        database.addon_template(),
        [f"--rootdir={folder}", *suites, *known],
        strict=False,
    )


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
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env).returncode


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
