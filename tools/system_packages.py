"""wkhtmltopdf and Chromium: installed when allowed, else named in one line."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from . import pdf_engine
from .console import Problem, say, step


@dataclass(frozen=True)
class Need:
    """A program and the Debian package that brings it."""

    programs: tuple[str, ...]
    package: str
    purpose: str

    @property
    def program(self) -> str | None:
        """Path of the program, or None."""
        found = (shutil.which(name, path=pdf_engine.path()) for name in self.programs)
        return next(filter(None, found), None)


PDF = Need((pdf_engine.PROGRAM,), "wkhtmltopdf", "PDF invoices")
BROWSER = Need(
    ("chromium", "chromium-browser", "google-chrome"), "chromium", "browser tests"
)


def ensure(*needs: Need, required: bool) -> None:
    """Install what is missing as root or with a sudo that asks no password.

    :param required: fail if something stays missing; else say so and go on
    """
    if PDF in needs:
        pdf_engine.fetch()
    missing = [need for need in needs if not need.program]
    if missing and (prefix := _become_root()) is not None:
        packages = [need.package for need in missing]
        with step(f"System packages {', '.join(packages)}"):
            for arguments in (
                ["update"],
                ["install", "--yes", "--no-install-recommends", *packages],
            ):
                subprocess.run(
                    [*prefix, "apt-get", "--quiet", *arguments],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                )
        # The static wkhtmltopdf runs as soon as its libraries are here.
        pdf_engine.forget()
        missing = [need for need in missing if not need.program]
    if PDF in needs:
        pdf_engine.explain()
    if not missing:
        return
    what = " and ".join(f"{need.package} (for {need.purpose})" for need in missing)
    remedy = f"sudo apt install {' '.join(need.package for need in missing)}"
    if required:
        raise Problem(f"Not installed: {what}.", remedy)
    say(f"Not installed: {what}; everything else works. To add it: {remedy}")


def _become_root() -> list[str] | None:
    """:return: what to put before a command, or None if nothing helps."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if (
        sudo
        and not subprocess.run([sudo, "-n", "true"], capture_output=True).returncode
    ):
        return [sudo, "-n", "DEBIAN_FRONTEND=noninteractive"]
    return None
