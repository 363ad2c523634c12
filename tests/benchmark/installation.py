"""Installing where Odoo has invoiced before, beside writing the ledger in one pass."""

import statistics

from . import databases
from .sizes import Sizes
from .table import Line

MARK = 2.0
# Projects made by Odoo; the others are copies.
ORIGINALS = 100


def make(process, sizes: Sizes):
    """Invoices of as many entries as the sizes say."""
    originals = min(ORIGINALS, _projects(sizes))
    copies = _projects(sizes) // originals - 1
    process.ask(
        "installation.make_history", originals, copies, sizes.entries, sizes.lines
    )


def measure(sizes: Sizes) -> list[Line]:
    """Install the add-on once: the next time there would be nothing to take over.

    :raises AssertionError: if the ledger is not what the invoices bill, to the cent
    """
    with databases.subject(databases.HISTORY) as process:
        seconds = process.ask("installation.make_installation")
    with databases.subject(databases.HISTORY) as process:
        passes = [
            process.ask("installation.sequential_pass")
            for _round in range(sizes.rounds)
        ]
    rows = passes[0]["rows"]
    assert rows == _projects(sizes) * sizes.entries
    billed, invoiced = passes[0]["untaxed"]
    assert billed == invoiced
    one_pass = statistics.median(each["seconds"] for each in passes)
    return [
        Line(
            f"installation, {rows:,} invoiced entries, {what}",
            seconds[part] * 1000,
            "one INSERT",
            one_pass * 1000,
            mark,
        )
        for part, what, mark in (
            ("history", "their ledger", MARK),
            ("all", "all of it", None),
        )
    ]


def _projects(sizes: Sizes) -> int:
    number = max(1, sizes.installed // sizes.entries)
    return number - number % ORIGINALS if number > ORIGINALS else number
