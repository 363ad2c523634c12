"""``make lint`` and ``.pre-commit-config.yaml`` do the same, by the same versions."""

import json
import re

from tools import linting
from tools.settings import ROOT

HOOKS = (ROOT / ".pre-commit-config.yaml").read_text()
PINS = (ROOT / "tools" / "requirements.txt").read_text()


def hooks_of(repository: str) -> str:
    """What the configuration says of one repository."""
    for part in HOOKS.split("  - repo: ")[1:]:
        if part.startswith(repository):
            return part
    raise AssertionError(f"{repository} is gone")


def pinned(package: str) -> list[str]:
    return re.findall(rf"(?m)^{re.escape(package)}==(\S+)", PINS)


def revision(repository: str) -> list[str]:
    return re.findall(r"rev: v(\S+)", hooks_of(repository))


def test_ruff():
    assert revision("https://github.com/astral-sh/ruff-pre-commit") == pinned("ruff")


def test_pylint_odoo():
    assert revision("https://github.com/OCA/pylint-odoo") == pinned("pylint-odoo")
    rules = re.findall(
        r"--rcfile=([^\]\s]+)", hooks_of("https://github.com/OCA/pylint")
    )
    assert tuple(rules) == linting.PYLINT_RULES
    (checked,) = set(
        re.findall(r"files: (\S+)", hooks_of("https://github.com/OCA/pyl"))
    )
    assert all(re.match(checked, addon) for addon in linting.ADDONS)


def test_prettier():
    local = hooks_of("local")
    versions = dict(re.findall(r'- "(\S+)@([\d.]+)"', local))
    package = json.loads((linting.PRETTIER / "package.json").read_text())
    assert versions == package["devDependencies"]
    lock = json.loads((linting.PRETTIER / "package-lock.json").read_text())
    for name, version in versions.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    (kinds,) = re.findall(r"files: \\\.\(([a-z|]+)\)\$", local)
    assert linting.PRETTIER_FILES == f"**/*.{{{kinds.replace('|', ',')}}}"
