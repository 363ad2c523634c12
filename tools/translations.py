"""``i18n``: the add-ons' strings, for translators, and into every translation."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

from . import database, odoo_process
from .console import Problem, say
from .odoo_source import odoo_source
from .postgres import server
from .settings import ADDONS, GUESTS, ROOT, settings

SERIES = "Odoo Server 19.0"
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
        _run(_command(addon, name, target))
        template = polib.pofile(str(target))
    for header in DATES:
        template.metadata.pop(header, None)
    template.metadata["Project-Id-Version"] = SERIES
    return template


def _run(command: list[str]) -> None:
    """Run Odoo's export.

    :raises Problem: if it fails or warns
    """
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=_environment(),
        cwd=ROOT,
    )
    log = settings().logs / "i18n.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout)
    found = odoo_process.warnings_in(done.stdout)
    if done.returncode or found:
        for line in found[:20] or done.stdout.splitlines()[-20:]:
            say(line)
        raise Problem(
            "Odoo could not export the strings of the add-on.",
            f"The lines above are from {log}.",
        )


def _command(addon: str, name: str, target: Path) -> list[str]:
    """Odoo's own export; it takes the rest of its options from the environment."""
    folders = [*odoo_source().addons, ROOT]
    return [
        sys.executable,
        "-m",
        "odoo",
        f"--addons-path={','.join(map(str, folders))}",
        "i18n",
        "export",
        f"--config={os.devnull}",
        f"--database={name}",
        f"--output={target}",
        addon,
    ]


def _environment() -> dict[str, str]:
    """What every other command is told by ``odoo_process.options``."""
    return {
        **odoo_process.environment(),
        "ODOO_DATA_DIR": str(settings().data_dir),
        "PGHOST": server().host,
        "PGPORT": str(server().port),
        "PGUSER": server().user,
        "PGPASSWORD": server().password,
    }


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
