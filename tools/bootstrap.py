"""The Python environment: built once from pinned packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .console import Problem, step
from .settings import PINS, settings

# Says to a command that it runs in the environment.
INSIDE = "PSA_TOOLS_INSIDE"
FREE_DISK_GIB = 4


def _check_writable(place: Path) -> None:
    """:raises Problem: if nothing can be kept there"""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise Problem(
            f"{place} cannot be written ({error.strerror}).",
            "Name folders of your own: make run PSA_CACHE=... PSA_STATE=...",
        ) from error


def _check_disk() -> None:
    """Say beforehand that Odoo, its packages and a database will not fit."""
    for place in (settings().cache, settings().state):
        free = shutil.disk_usage(place).free / 2**30
        if free < FREE_DISK_GIB:
            raise Problem(
                f"{place} has {free:.1f} GiB free; {FREE_DISK_GIB} GiB are needed.",
                "Make room, or name another folder: make run PSA_CACHE=... "
                "PSA_STATE=...",
            )


def ensure_environment() -> str:
    """Build the environment unless it is there.

    :return: path of its Python
    """
    _check_writable(settings().state)
    target = settings().venv
    python = target / "bin" / "python"
    # Somebody else's cache will do, if it is complete.
    if os.access(target / "complete", os.F_OK):
        return str(python)
    _check_writable(settings().cache)
    _check_disk()
    shutil.rmtree(target, ignore_errors=True)
    with step(f"Python environment in {target}"):
        try:
            # Not every distribution has it in the package of Python.
            import venv

            venv.create(target, with_pip=True, symlinks=True)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            raise Problem(
                f"Python could not make a virtual environment ({error}).",
                "On Debian and Ubuntu: sudo apt install python3-venv",
            ) from error
        packages, addons = PINS
        _install(python, "--requirement", packages)
        _install(python, "--no-deps", "--requirement", addons)
        (target / "complete").touch()
    return str(python)


def _install(python: Path, *what: str | Path) -> None:
    """Let pip install packages.

    :raises Problem: if it cannot
    """
    command = [python, "-m", "pip", "install", "--quiet", "--use-pep517", *what]
    env = {
        # Where `make clean` finds it, unless somebody has chosen a place.
        "PIP_CACHE_DIR": str(settings().cache / "pip"),
        **os.environ,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(command, env=env)
    if done.returncode:
        raise Problem(
            "pip could not install the packages (its own words are above).",
            "Check the network and pip's configuration, then run again; "
            "what was done so far is kept.",
        )
