"""Invoices sent to customers, several at once: ours, and Odoo's own dialog for it."""

from .comparing import best_of_invoices
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.2
PREPARED, DELIVERED = "prepared and posted", "rendered and mailed"


def measure(
    ours: Subject, others: Subject, project_ids: list[int], sizes: Sizes
) -> list[Line]:
    """:param project_ids: whose entries are billed"""
    ids = project_ids[: sizes.together]
    mine, batch, plain = best_of_invoices(
        sizes.rounds,
        lambda: ours.ask("sending.ours", ids),
        lambda: others.ask("sending.odoo", ids),
        lambda: others.ask("sending.plain", ids),
    )
    return [
        Line(
            f"invoice of {len(ids)} sent together, {step}",
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
