"""First pages where little is open, and where a lot is."""

from .comparing import best_of
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.5
PAGES = {
    "backlog": "backlog",
    "backlog by customer": "backlog_by_customer",
    "backlog, counts by status": "backlog_statuses",
    "wizard, step 2": "wizard",
}


def make_small(process: Subject, sizes: Sizes) -> int:
    """A few open entries.

    :return: id of one of the projects
    """
    number = max(1, sizes.few // sizes.entries)
    return process.ask("data.make_projects", number, sizes.entries, sizes.lines)[0]


def make_large(process: Subject, sizes: Sizes):
    """All the others."""
    number = max(1, (sizes.many - sizes.few) // sizes.entries)
    process.ask("data.make_projects", number, sizes.entries, sizes.lines)


def measure(
    small: Subject, large: Subject, project_id: int, sizes: Sizes
) -> list[Line]:
    """:param project_id: with as many entries in either"""

    def taker(process: Subject):
        return lambda: {
            label: process.ask(f"screens.{page}", project_id)
            for label, page in PAGES.items()
        }

    few, many = best_of(sizes.rounds, taker(small), taker(large))
    return [
        Line(
            f"{label}, {sizes.many:,} open",
            many[label] * 1000,
            f"{sizes.few:,} open",
            few[label] * 1000,
            MARK,
        )
        for label in PAGES
    ]
