"""Time entries, posting and paying: with the add-on, and without."""

from .comparing import best_of_invoices
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.2


def measure(
    ours: Subject, others: Subject, project_ids: list[int], sizes: Sizes
) -> list[Line]:
    """:param project_ids: whose entries are billed"""
    ids = project_ids[: sizes.together]
    with_it, without = best_of_invoices(
        sizes.rounds,
        lambda: {
            "time entry saved": ours.ask("daily.time_entry", ids),
            **ours.ask("daily.our_invoices", ids),
        },
        lambda: {
            "time entry saved": others.ask("daily.time_entry", ids),
            **others.ask("daily.odoo_invoices", ids),
        },
    )
    return [
        Line(name, with_it[name] * 1000, "without", without[name] * 1000, MARK)
        for name in with_it
    ]
