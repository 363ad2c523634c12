"""Invoices sent to customers, several at once: ours, and Odoo's own dialog for it."""

from .comparing import compared, of_equal_worth, take_turns
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.2
PREPARED, DELIVERED = "prepared and posted", "rendered and mailed"
BATCH, PLAIN = "Odoo's batch", "of plain invoices"


def measure(
    ours: Subject, others: Subject, invoices: dict[str, list[int]], sizes: Sizes
) -> list[Line]:
    """:param invoices: drafts as of ``drafts.make_invoices``"""
    takers = {
        "ours": lambda: ours.ask("sending.ours", invoices["ours"]),
        BATCH: lambda: others.ask("sending.plain", invoices["odoo's"]),
        PLAIN: lambda: others.ask("sending.plain", invoices["plain"]),
    }
    rounds = take_turns(sizes.rounds, of_equal_worth(takers))
    lines = []
    for step, peer, mark in (
        (PREPARED, BATCH, MARK),
        (PREPARED, PLAIN, None),
        # Ours has an annex: a line for each entry.
        (DELIVERED, BATCH, None),
    ):
        own, other = compared(rounds, ("ours", step), (peer, step))
        what = f"invoice of {len(invoices['ours'])} sent together, {step}"
        lines.append(Line(what, own * 1000, peer, other * 1000, mark))
    return lines
