"""Invoices sent to customers, several at once: ours, and Odoo's own dialog for it."""

from .comparing import best_of_invoices
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.2
PREPARED, DELIVERED = "prepared and posted", "rendered and mailed"


def measure(
    ours: Subject, others: Subject, invoices: dict[str, list[int]], sizes: Sizes
) -> list[Line]:
    """:param invoices: drafts as of ``drafts.make_invoices``"""
    mine, batch, plain = best_of_invoices(
        sizes.rounds,
        lambda: ours.ask("sending.ours", invoices["ours"]),
        lambda: others.ask("sending.plain", invoices["odoo's"]),
        lambda: others.ask("sending.plain", invoices["plain"]),
    )
    return [
        Line(
            f"invoice of {len(invoices['ours'])} sent together, {step}",
            mine[step] * 1000,
            name,
            peer[step] * 1000,
            mark,
        )
        for step, name, peer, mark in (
            (PREPARED, "Odoo's batch", batch, MARK),
            (PREPARED, "of plain invoices", plain, None),
            # Ours has an annex: a line for each entry.
            (DELIVERED, "Odoo's batch", batch, None),
        )
    ]
