"""Every translation is complete: no string missing, none left over, nothing lost."""

import re
from pathlib import Path

import polib
import pytest

from tools.settings import ADDONS, ROOT

TEMPLATES = [ROOT / addon / "i18n" / f"{addon}.pot" for addon in ADDONS]
TRANSLATIONS = [
    path for template in TEMPLATES for path in sorted(template.parent.glob("*.po"))
]
FRENCH = [path for path in TRANSLATIONS if path.stem == "fr"]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}|</?\w+")
# What a string comes from: code of an add-on, or one of its records.
ORIGIN = r"code:addons/{addon}/[\w/.]+|model(_terms)?:[\w.]+,\w+:{addon}\.\S+"
# What French sets apart with a space that does not break, and its typewriter's sign.
FRENCH_SLIPS = {
    "a space before it that may break": re.compile(r" [:;?!»]|« "),
    "no space": re.compile(r"«[^\s]|[^\s]»|\w[?!;](?!\w)"),
    "another apostrophe": re.compile("[\u2019\u202f]"),
}
REMEDY = "make i18n adds what is new; then translate it"


@pytest.fixture(
    scope="module",
    params=TRANSLATIONS,
    ids=lambda path: f"{path.parent.parent.name}-{path.stem}",
)
def path(request) -> Path:
    return request.param


@pytest.fixture(scope="module")
def translation(path) -> polib.POFile:
    return polib.pofile(str(path))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_there_is_a_french_translation(template):
    assert template.with_name("fr.po").exists()


def test_no_string_is_missing_and_none_left_over(path, translation):
    template = polib.pofile(str(next(path.parent.glob("*.pot"))))
    wanted = {entry.msgid for entry in template}
    found = {entry.msgid for entry in translation if not entry.obsolete}
    assert not wanted - found, REMEDY
    assert not found - wanted, "make i18n drops what is gone"
    assert not translation.obsolete_entries(), "make i18n drops what is gone"


def test_no_string_is_there_twice(translation):
    """Odoo and gettext know one translation per string."""
    strings = [entry.msgid for entry in translation]
    assert len(strings) == len(set(strings))


def test_every_string_is_translated(translation):
    assert not [entry.msgid for entry in translation.untranslated_entries()], REMEDY
    assert not [entry.msgid for entry in translation.fuzzy_entries()], REMEDY


def test_placeholders_survive(translation):
    lost = {
        entry.msgid: entry.msgstr
        for entry in translation
        if set(PLACEHOLDER.findall(entry.msgid))
        != set(PLACEHOLDER.findall(entry.msgstr))
    }
    assert not lost


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_the_template_knows_not_where_or_when_it_was_made(path):
    """A run of make i18n on another machine, or day, changes nothing."""
    template = polib.pofile(str(path))
    assert not [header for header in template.metadata if header.endswith("-Date")]
    origins = {origin for entry in template for origin, _line in entry.occurrences}
    known = re.compile(ORIGIN.format(addon=path.stem))
    assert not {origin for origin in origins if not known.fullmatch(origin)}


def test_expressions_stay_code(translation):
    """Of subjects of mails, say: what is between the braces is Python."""
    for entry in translation:
        for expression in re.findall(r"{{(.*?)}}", entry.msgstr):
            compile(expression.strip(), entry.msgid, "eval")


@pytest.mark.parametrize("slip", FRENCH_SLIPS)
@pytest.mark.parametrize("path", FRENCH, ids=lambda path: path.parent.parent.name)
def test_french_spaces_and_apostrophes(path, slip):
    pattern = FRENCH_SLIPS[slip]
    text = re.compile(r"<[^>]*>|{{.*?}}|&\w+;|%\(\w+\)\w")
    strings = [entry.msgstr for entry in polib.pofile(str(path))]
    assert not [each for each in strings if pattern.search(text.sub("x", each))]
