"""Time entries, posting and paying: with the add-on, and without."""

from .comparing import best_of_invoices
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.2


def measure(
    ours: Subject,
    others: Subject,
    project_ids: list[int],
    invoices: dict[str, list[int]],
    sizes: Sizes,
) -> list[Line]:
    """:param project_ids: on which entries are made
    :param invoices: drafts as of ``drafts.make_invoices``
    """
    with_it, without = best_of_invoices(
        sizes.rounds,
        lambda: {
            "time entry saved": ours.ask("daily.time_entry", project_ids),
            **ours.ask("daily.invoices", invoices["ours"]),
        },
        lambda: {
            "time entry saved": others.ask("daily.time_entry", project_ids),
            **others.ask("daily.invoices", invoices["odoo's"]),
        },
    )
    return [
        Line(name, with_it[name] * 1000, "without", without[name] * 1000, MARK)
        for name in with_it
    ]
