"""``i18n``: the add-ons' strings, for translators, and into every translation."""

import tempfile
from pathlib import Path

import polib

from . import database, odoo_process
from .console import say
from .settings import ADDONS, GUESTS, ROOT, settings

SERIES = "Odoo Server 19.0"
EXPORT = """
from odoo.tools.translate import trans_export

with open({target!r}, "wb") as file:
    trans_export(None, [{addon!r}], file, "po", env)
"""
# Headers that would change with every run.
DATES = ("POT-Creation-Date", "PO-Revision-Date")


def update() -> int:
    """Write the templates of translations anew and merge each into its translations.

    Nothing changes in the files unless a string of an add-on has changed.

    :return: exit status
    """
    for addon in ADDONS:
        guest = addon in GUESTS
        name = database.queue_template() if guest else database.addon_template()
        _update(addon, _export(addon, name))
    return 0


def _update(addon: str, template: polib.POFile) -> None:
    folder = ROOT / addon / "i18n"
    target = folder / f"{addon}.pot"
    folder.mkdir(exist_ok=True)
    template.save(str(target))
    say(f"{target.relative_to(ROOT)}: {len(template)} strings")
    for path in sorted(folder.glob("*.po")):
        translation = polib.pofile(str(path))
        _merge(template, translation)
        translation.save(str(path))
        say(f"{path.relative_to(ROOT)}: {_to_do(translation)} left to translate")


def _export(addon: str, name: str) -> polib.POFile:
    """The strings in the code and in a database, without what differs by the run."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{addon}.pot"
        odoo_process.run_script(
            name,
            EXPORT.format(target=str(target), addon=addon),
            settings().logs / "i18n.log",
        )
        template = polib.pofile(str(target))
    for header in DATES:
        template.metadata.pop(header, None)
    template.metadata["Project-Id-Version"] = SERIES
    return template


def _merge(template: polib.POFile, translation: polib.POFile) -> None:
    """Bring a translation in line with the template.

    New strings are added empty, strings that are gone are dropped, the order is the
    template's; what was translated stays, and so does the header.
    """
    translation[:] = [entry for entry in translation if not entry.obsolete]
    translation.merge(template)
    order = {entry.msgid: position for position, entry in enumerate(template)}
    translation[:] = sorted(
        (entry for entry in translation if not entry.obsolete),
        key=lambda entry: order[entry.msgid],
    )


def _to_do(translation: polib.POFile) -> int:
    return len(translation.untranslated_entries()) + len(translation.fuzzy_entries())
