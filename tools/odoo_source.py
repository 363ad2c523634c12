"""Where Odoo 19 Community comes from: a checkout, git, or Debian's package.

Debian is the way that needs no root and no account: the package ``odoo-19`` of the
suite ``sid``, taken through whatever mirror this machine already uses, checked by
apt's own signatures, and unpacked into the cache without being installed.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from .console import Problem, say, step
from .settings import settings

GIT_URL = "https://github.com/odoo/odoo.git"
DEBIAN_PACKAGES = (
    "odoo-19",
    # What the package links to instead of shipping.
    "fonts-inconsolata",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
)
DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The oldest Odoo 19.0 that the add-ons are tested with, as `OdooSource.built` tells it.
TESTED = date(2026, 2, 6)
EXPORTED = re.compile(rb"POT-Creation-Date: (\d{4})-(\d\d)-(\d\d)")
BLUR_LIBRARY = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


@dataclass(frozen=True)
class OdooSource:
    """An Odoo that can be started.

    :ivar python_path: folder that holds the package ``odoo``
    :ivar script: starts it; its server starts helpers by the same file
    :ivar addons: folders with add-ons, Odoo's own ``odoo/addons`` included
    """

    python_path: Path
    script: Path
    addons: tuple[Path, ...]

    @property
    def identity(self) -> str:
        """Changes when this is another Odoo than before."""
        release = self.python_path / "odoo" / "release.py"
        stat = release.stat()
        return f"{release}:{stat.st_mtime_ns}:{stat.st_size}"

    @cached_property
    def built(self) -> date | None:
        """About when it was made, if that can be told.

        Every week Odoo exports the texts of the add-ons that have changed. The newest
        of them tell the age of a checkout, a nightly build and a package alike;
        all are just "19.0".
        """
        templates = (
            path for addons in self.addons for path in addons.glob("*/i18n/*.pot")
        )
        exported = filter(None, map(_exported, templates))
        return max(exported, default=None)

    @property
    def is_old(self) -> bool:
        return self.built is not None and self.built < TESTED

    @property
    def age(self) -> str:
        """A sentence for those whose Odoo is old."""
        return (
            f"The Odoo 19.0 in {self.python_path} is of about {self.built}, older than "
            f"that of {TESTED} with which the add-ons are tested."
        )


def _exported(template: Path) -> date | None:
    with template.open("rb") as file:
        found = EXPORTED.search(file.read(1000))
    return date(*map(int, found.groups())) if found else None


@cache
def odoo_source() -> OdooSource:
    """Find Odoo, or fetch it.

    :raises Problem: if it is nowhere to be had
    """
    found = _at(settings().odoo_path or _fetched())
    if found.is_old:
        say(f"{found.age} If something fails, update it first.")
    return found


def check_given() -> None:
    """Say that an Odoo cannot be used before anything is built for it.

    :raises Problem: if it cannot
    """
    if given := settings().odoo_path:
        _at(given)


def _fetched() -> Path:
    target = settings().cache / "odoo-19"
    marker = target / "complete.json"
    if not marker.exists():
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        root = _clone(target) or _unpack_debian(target)
        marker.write_text(json.dumps({"root": str(root.relative_to(target))}))
    return target / json.loads(marker.read_text())["root"]


def _at(root: Path) -> OdooSource:
    """:raises Problem: if it is no Odoo 19.0 that can be started"""
    try:
        found, version = _read(root)
    except (OSError, LookupError, SyntaxError) as error:
        raise Problem(
            f"{root} is no complete Odoo checkout that can be read.",
            "Point ODOO_PATH to the folder that holds odoo/ and addons/.",
        ) from error
    if version["version_info"][:2] != (19, 0):
        raise Problem(
            f"{root} is Odoo {version['version']}.", "The add-ons need Odoo 19.0."
        )
    return found


def _read(root: Path) -> tuple[OdooSource, dict]:
    """:return: the Odoo in a folder, and what it says of its version
    :raises LookupError: if a part of it is missing
    :raises OSError: if it cannot be read
    """
    own = root / "odoo" / "addons"
    # Debian's build has all of them in one folder, git has most of them beside it.
    addons = (own,) if (own / "sale_timesheet").is_dir() else (root / "addons", own)
    # Beside the package, or where an installation has its programs.
    scripts = [root / "odoo-bin", *(each / "bin" / "odoo" for each in root.parents)]
    script = next(filter(Path.is_file, scripts), None)
    if not script or not any((path / "sale_timesheet").is_dir() for path in addons):
        raise LookupError(root)
    version: dict = {}
    exec((root / "odoo" / "release.py").read_text(), version)
    return OdooSource(root, script, addons), version


def _clone(target: Path) -> Path | None:
    """Clone Odoo's repository, where it can be reached."""
    git = shutil.which("git")
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    if not git or not _reachable(git, env):
        return None
    with step("Odoo 19.0 from its repository"):
        command = [git, "clone", "--quiet", "--depth=1", "--branch=19.0", GIT_URL]
        if subprocess.run([*command, str(target)], env=env).returncode:
            shutil.rmtree(target, ignore_errors=True)
            return None
    return target


def _reachable(git: str, env: dict) -> bool:
    try:
        done = subprocess.run(
            [git, "ls-remote", "--heads", GIT_URL, "19.0"],
            env=env,
            capture_output=True,
            timeout=15,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and bool(done.stdout)


def _unpack_debian(target: Path) -> Path:
    """Fetch and unpack Debian's package with a private apt state: no root needed."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Problem(
            "Odoo's repository cannot be reached and this is no Debian-like machine.",
            "Give a checkout of Odoo 19.0: make run ODOO_PATH=/path/to/odoo",
        )
    work = target.with_name("apt-work")
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial", "etc", "debs"):
        (work / folder).mkdir(parents=True)
    (work / "etc" / "sources.list").write_text(_sid_source())
    options = [
        f"-oDir::State::Lists={work}/lists",
        f"-oDir::Cache={work}/cache",
        f"-oDir::Etc::sourcelist={work}/etc/sources.list",
        "-oDir::Etc::sourceparts=-",
        "-oAPT::Sandbox::User=",
        "-oAcquire::Languages=none",
    ]
    with step("Odoo 19.0 as Debian packages (130 MB)"):
        _apt(["apt-get", *options, "--quiet", "update"], work)
        _apt(
            ["apt-get", *options, "--quiet", "download", *DEBIAN_PACKAGES],
            work / "debs",
        )
    with step("Unpacking"):
        tree = target / "tree"
        tree.mkdir(parents=True)
        for deb in sorted((work / "debs").glob("*.deb")):
            _unpack(deb, tree)
        shutil.rmtree(work)
        root = tree / "usr" / "lib" / "python3" / "dist-packages"
        _complete_debian_tree(root / "odoo" / "addons")
    return root


def _unpack(package: Path, target: Path) -> None:
    if subprocess.run(["dpkg-deb", "--extract", package, target]).returncode:
        raise Problem(
            f"{package.name} could not be unpacked (dpkg's own words are above).",
            "Check the disk, then run again.",
        )


def _sid_source() -> str:
    """The machine's own mirror, asked for ``sid``; no mirror is named here."""
    targets = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
            "Component: main",
            "Origin: Debian",
        ],
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    if not targets:
        raise Problem(
            "apt knows no Debian mirror with package lists.",
            "Run 'apt-get update' once (as root), or give a checkout of Odoo 19.0: "
            "make run ODOO_PATH=/path/to/odoo",
        )
    return f"deb [signed-by={DEBIAN_KEYS}] {targets[0]} sid main\n"


def _apt(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        say(done.stdout + done.stderr)
        raise Problem(
            "apt could not fetch Odoo (its own words are above).",
            "Check the network, or give a checkout: make run ODOO_PATH=/path/to/odoo",
        )


def _complete_debian_tree(addons: Path) -> None:
    """Put back what Debian's build lacks, so that pages load without errors."""
    # Odoo 19 draws its icons with Font Awesome 4.7; Debian's links lead to a newer
    # one that names its files differently.
    fonts = Path(str(resources.files("xstatic.pkg.font_awesome"))) / "data" / "fonts"
    for folder in ("web/static/lib/fontawesome/fonts", "web/static/src/libs"):
        for link in (addons / folder).rglob("*"):
            if link.is_symlink() and not link.exists():
                link.unlink()
                shutil.copy(fonts / link.name, link)
    # The library that blurs the background of video calls is not free enough for
    # Debian, but still named in the asset bundle.
    blur = addons / BLUR_LIBRARY
    if not blur.exists():
        blur.parent.mkdir(parents=True, exist_ok=True)
        blur.write_text("/* Background blur of video calls: not part of Debian. */\n")
