"""Every translation is complete: no string missing, none left over, nothing lost."""

import re

import polib
import pytest

from tools.settings import ADDON, ROOT

FOLDER = ROOT / ADDON / "i18n"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}|</?\w+")
# What a string comes from: code of the add-on, or one of its records.
ORIGIN = re.compile(
    rf"code:addons/{ADDON}/[\w/.]+|model(_terms)?:[\w.]+,\w+:{ADDON}\.\S+"
)
REMEDY = "make i18n adds what is new; then translate it"


@pytest.fixture(scope="module")
def template() -> polib.POFile:
    return polib.pofile(str(FOLDER / f"{ADDON}.pot"))


@pytest.fixture(
    scope="module", params=sorted(FOLDER.glob("*.po")), ids=lambda path: path.stem
)
def translation(request) -> polib.POFile:
    return polib.pofile(str(request.param))


def test_there_is_a_french_translation():
    assert (FOLDER / "fr.po").exists()


def test_no_string_is_missing_and_none_left_over(template, translation):
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


def test_the_template_knows_not_where_or_when_it_was_made(template):
    """A run of make i18n on another machine, or day, changes nothing."""
    assert not [header for header in template.metadata if header.endswith("-Date")]
    origins = {origin for entry in template for origin, _line in entry.occurrences}
    assert not {origin for origin in origins if not ORIGIN.fullmatch(origin)}
