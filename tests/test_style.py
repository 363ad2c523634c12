"""``make lint`` and ``.pre-commit-config.yaml`` do the same, by the same versions; and
what neither of them looks at."""

import json
import re
from collections import Counter

import pytest
from lxml import etree

from tools import linting
from tools.settings import ADDONS, ROOT

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


@pytest.mark.parametrize("addon", ADDONS)
def test_odoo_finds_every_test(addon):
    """Its own runner, and that of others, take what the package imports."""
    folder = ROOT / addon / "tests"
    named = re.findall(
        r"(?m)^from \. import (test_\w+)$", (folder / "__init__.py").read_text()
    )
    assert named == sorted(path.stem for path in folder.glob("test_*.py"))


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


# === Views and scripts ===

# Of these a view has one, or its first is the one that is meant.
PLACES = {"form", "footer", "header", "list", "search", "sheet", "templates"}
BY_POSITION = re.compile(
    r"\[\s*\d|\*|\.\.|\b(last|position|count)\(|\b(following|preceding)"
)


def steps_of(expression: str) -> list[str]:
    """The steps of an XPath, with a # for what it asks of a node."""
    expression = by_tag(expression)
    while (shorter := re.sub(r"\[[^\[\]]*\]", "#", expression)) != expression:
        expression = shorter
    return [step for step in re.split("/+", expression) if step]


def by_tag(expression: str) -> str:
    """Tags of another namespace, written as those of views are."""
    return re.sub(r"\*\[local-name\(\)='(\w+)'\]", r"\1[@name]", expression)


def anchors_of(text: str) -> list[str]:
    """Where the views in a file change those of others, as XPath."""
    anchors = []
    for node in etree.fromstring(text.encode()).iter():
        if node.tag == "xpath":
            anchors.append(node.get("expr"))
        elif isinstance(node.tag, str) and "position" in node.attrib:
            names = {"name", "id"} & set(node.attrib)
            anchors.append(f"//{node.tag}{'[@name]' if names else ''}")
    return anchors


def is_by_name(anchor: str) -> bool:
    return not BY_POSITION.search(by_tag(anchor)) and all(
        step.endswith("#") or step in PLACES for step in steps_of(anchor)
    )


@pytest.mark.parametrize(
    ("anchor", "good"),
    [
        ("//page[@name='billing']/*[1]", False),
        ("//header/button[1]", False),
        ("//field[@name='partner_id']/..", False),
        ("//page[@name='accounting']//group[1]", False),
        ("//footer/div", False),
        ("//search/*[last()]", False),
        ("//header/field[@name='state']", True),
        ("//div[field[@name='partner_id']]", True),
        ("//search", True),
        ("//*[local-name()='Invoice']", True),
        ("//*[local-name()='Invoice']/*[1]", False),
    ],
)
def test_what_counts_as_a_name(anchor, good):
    assert is_by_name(anchor) is good


def test_views_find_their_place_by_name():
    """What somebody adds before it does not lead a view astray."""
    anchors = [
        (path.relative_to(ROOT), anchor)
        for path in sorted(ROOT.glob("psa_*/**/*.xml"))
        for anchor in anchors_of(path.read_text())
    ]
    assert len(anchors) > 40
    assert not [(path, anchor) for path, anchor in anchors if not is_by_name(anchor)]


# A component's own t-on-keydown, and the hot keys of Odoo's service.
GLOBAL_KEYS = re.compile(r"""["'`]key(down|up|press)|\bonkey|\bglobal:|\.synthetic""")


def test_scripts_leave_other_peoples_keys_alone():
    """No listener on the window sees the keys that are pressed elsewhere."""
    sources = [
        path
        for kind in ("js", "xml")
        for path in sorted(ROOT.glob(f"psa_*/static/src/**/*.{kind}"))
    ]
    assert len(sources) > 20
    assert not [path for path in sources if GLOBAL_KEYS.search(path.read_text())]


def test_an_action_has_one_button():
    """Whether it stands out, and what it is called, follows the record."""
    buttons = Counter(
        (path.relative_to(ROOT), record.get("id"), button.get("name"))
        for path in sorted(ROOT.glob("psa_*/*/*.xml"))
        for record in etree.fromstring(path.read_bytes()).iter("record")
        for bar in record.iter("header", "footer", "xpath")
        for button in bar.iterchildren("button")
        if button.get("name")
    )
    assert len(buttons) > 40
    assert not [button for button, count in buttons.items() if count > 1]
