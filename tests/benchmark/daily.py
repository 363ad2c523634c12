"""Time entries, posting and paying: with the add-on, and without."""

from .comparing import best_of
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.2
INVOICES = 20


def measure(
    ours: Subject, others: Subject, project_ids: list[int], sizes: Sizes
) -> list[Line]:
    """:param project_ids: whose entries are billed"""
    ids = project_ids[:INVOICES]
    with_it, without = best_of(
        sizes.rounds,
        lambda: {
            "time entry saved": ours.ask("daily.time_entry", ids),
            **_named(ours.ask("daily.our_invoices", ids)),
        },
        lambda: {
            "time entry saved": others.ask("daily.time_entry", ids),
            **_named(others.ask("daily.odoo_invoices", ids)),
        },
    )
    return [
        Line(name, with_it[name] * 1000, "without", without[name] * 1000, MARK)
        for name in with_it
    ]


def _named(seconds: dict) -> dict:
    return {f"invoice {name}": value for name, value in seconds.items()}
