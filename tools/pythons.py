"""``test-fast`` on this Python, ``test-pythons`` on each that Odoo 19 runs on."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from . import MAXIMUM, MINIMUM, database, odoo_process, testing
from .bootstrap import INSIDE
from .console import Problem, say, step
from .settings import ADDON, ROOT, settings

VERSIONS = tuple((MINIMUM[0], minor) for minor in range(MINIMUM[1], MAXIMUM[1] + 1))
# Says of a Python what it is; one that cannot make environments is of no use.
INTRODUCE = "import ensurepip, sys, venv; print(*sys.version_info[:3], sys.executable)"
# No database and no browser.
PLAIN_TESTS = ("test_properties.py", "test_translations.py")
# Where the product meets packages and the standard library: dates, decimals, XML,
# spreadsheets, PDF, SQL, threads, other systems.
ADDON_TESTS = (
    "test_annex.py",
    "test_billing.py",
    "test_dates.py",
    "test_export.py",
    "test_external_api.py",
    "test_import.py",
    "test_invoice_run.py",
    "test_ledger_audit.py",
    "test_run_failures.py",
    "test_send_and_pay.py",
)


def test_fast() -> int:
    """What would fail first on another Python: an install, and a part of the tests.

    :return: exit status
    """
    _install()
    folder = ROOT / ADDON / "tests"
    failed = testing.test([str(folder / name) for name in ADDON_TESTS])
    return testing.test([str(ROOT / "tests" / name) for name in PLAIN_TESTS]) or failed


def _install() -> None:
    """Templates may have been made by another Python: install once more.

    :raises Problem: if Odoo fails or warns
    """
    name = f"{settings().test_database}_install"
    log = settings().logs / f"{name}.log"
    with step(f"Installing {ADDON}"), database.scratch(name, database.base_template()):
        odoo_process.run_to_end(name, log, f"--init={ADDON}")


def test_pythons() -> int:
    """The fast part on every Python that is here.

    :return: exit status
    :raises Problem: if none is here
    """
    found = dict(_found())
    outcomes = {}
    for version, python in found.items():
        say(f"\n==> Python {version} ({python})")
        started = time.monotonic()
        failed = _fast_part_on(python)
        outcome = "FAILED" if failed else "passed"
        outcomes[version] = f"{outcome} in {time.monotonic() - started:.0f} s"
    say()
    for version, outcome in outcomes.items():
        say(f"    Python {version:<8} {outcome}")
    if not found:
        raise Problem(
            "No Python that Odoo 19 runs on was found.",
            "Name them: make test-pythons PYTHONS='/opt/a/python /opt/b/python'",
        )
    _say_missing(found)
    return int(any(outcome.startswith("FAILED") for outcome in outcomes.values()))


def _fast_part_on(python: str) -> int:
    """Start over with another Python, which makes an environment of its own."""
    env = {key: value for key, value in os.environ.items() if key != INSIDE}
    command = [python, "-m", "tools", "test-fast"]
    return subprocess.run(command, cwd=ROOT, env=env).returncode


def _say_missing(found: dict[str, str]) -> None:
    here = {tuple(map(int, version.split(".")[:2])) for version in found}
    missing = [
        f"{major}.{minor}" for major, minor in VERSIONS if (major, minor) not in here
    ]
    if missing and not settings().pythons:
        say(f"    Not found, not tested: Python {', '.join(missing)}")


def _found() -> Iterator[tuple[str, str]]:
    """:return: full version and program of each Python, one of each minor version"""
    if named := settings().pythons:
        for python in named:
            yield _introduced(python) or _refuse(python)
        return
    for version in VERSIONS:
        for python in _candidates(*version):
            if introduced := _introduced(python):
                yield introduced
                break


def _candidates(major: int, minor: int) -> Iterator[str]:
    name = f"python{major}.{minor}"
    yield from (str(Path(folder) / name) for folder in os.get_exec_path())
    # What pyenv puts on the path works only where a folder's settings choose it.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, pyenv.glob(f"versions/{major}.{minor}.*/bin/{name}"))


def _introduced(python: str) -> tuple[str, str] | None:
    """:return: version and real path of a Python, or None if it does not work"""
    try:
        done = subprocess.run([python, "-c", INTRODUCE], capture_output=True, text=True)
    except OSError:
        return None
    if done.returncode:
        return None
    *version, program = done.stdout.rstrip("\n").split(" ", 3)
    return ".".join(version), program


def _refuse(python: str):
    raise Problem(
        f"{python} is no Python that can make environments.",
        "Correct PYTHONS: programs with a blank between them.",
    )
