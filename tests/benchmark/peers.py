"""Add-ons of others to compare with, got from the package index."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools import odoo_process
from tools.console import Problem, step
from tools.settings import settings

PINS = Path(__file__).parent / "requirements.txt"


def folder() -> Path:
    """Where they are, fetched if they are not there yet."""
    key = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    target = settings().cache / f"peers-{key}"
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        with step("Peers to compare with"):
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            done = subprocess.run([*command, "--target", target, "--requirement", PINS])
            if done.returncode:
                raise Problem(
                    "pip could not install the peers (its own words are above).",
                    "Check the network and pip's configuration, then run again.",
                )
        (target / "complete").touch()
    return target / "odoo" / "addons"


def options() -> list[str]:
    """Odoo finds them, too: of an option given twice, the last one counts."""
    given = next(
        option.partition("=")[2]
        for option in odoo_process.options("any")
        if option.startswith("--addons-path=")
    )
    return [f"--addons-path={given},{folder()}"]
