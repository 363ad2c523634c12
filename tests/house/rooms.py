"""The rooms of the add-on, bottom to top: each may use those before it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDON = ROOT / "psa_invoicing"
PICTURE = ROOT / "docs" / "rooms.svg"

# What lives there, by folder.
ROOMS = {
    "core": "arithmetic and words, without Odoo",
    "tools": "SQL that is a rule",
    "models/settings": "company, product, calendar of work",
    "models/shared": "rights, windows, arguments of other systems",
    "models/ledger": "what was billed: one row for each part of a transaction",
    "models/transaction": "time, cost, milestone, order line",
    "models/billing": "the engine: what is billed, and how it is put on invoices",
    "models/invoice": "life of an invoice",
    "models/schedule": "when it is billed, and the runs that do it",
    "models/project": "a project, its figures; order and customer beside it",
    "wizards": "a person's choices",
    "models/backlog": "all that is open, and what is decided about it",
    "models/api": "what other systems call",
    "hooks": "installing and removing it; what the web client fetches",
}
# Folders and files that are a room of another name.
BELONG = {"controllers": "hooks", "hooks.py": "hooks"}
ORDER = {room: place for place, room in enumerate(ROOMS)}
KNOWN = {*ROOMS, *BELONG}


def room_of(path: str) -> str:
    """:param path: of a file, in the add-on
    :return: '' for a file in no room
    """
    folders = [path, *map(str, Path(path).parents)]
    return next((BELONG.get(each, each) for each in folders if each in KNOWN), "")
