"""First pages where little is open, and where a lot is.

Either database fills a page: it shows as many rows, customers, invoices or cards. What
differs is how much there is besides, and how much is open of each customer: ten entries
where little is open, as many as were asked for where a lot is.
"""

from .comparing import QUICK, Taker, compared, take_turns
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.5
PAGES = {
    "backlog": "backlog",
    "backlog by customer": "backlog_by_customer",
    "backlog by project": "backlog_by_project",
    "backlog of a customer, by project": "backlog_of_customer",
    "backlog, counts by status": "backlog_statuses",
    "wizard, step 2": "wizard",
    "invoices": "invoices",
    "invoices by status": "invoices_by_status",
    "overview": "overview",
}
# Nobody's first page, but a choice: the order of projects, which no index has.
SORTED_BY_ODOO = "backlog by project"
# Enough customers for a page, where little is open.
ENTRIES_OF_SMALL = 10
INVOICED = 120
# Made by Odoo where a lot is open; the others are copies.
ORIGINALS = 100


def make_small(process: Subject, sizes: Sizes) -> int:
    """A few open entries, and a page of invoices.

    :return: id of one of the projects
    """
    each = min(ENTRIES_OF_SMALL, sizes.entries)
    customers = max(1, (sizes.few - sizes.entries) // each)
    _invoice(process, INVOICED if customers > 1 else 3, sizes)
    process.ask("data.make_projects", customers, each, sizes.lines)
    return process.ask("data.make_projects", 1, sizes.entries, sizes.lines)[0]


def make_large(process: Subject, sizes: Sizes):
    """All the others, and as many invoices as projects."""
    number = max(1, (sizes.many - sizes.few) // sizes.entries)
    originals = min(ORIGINALS, number)
    made = [
        *process.ask("data.make_projects", originals, sizes.entries, sizes.lines),
        *_invoice(process, originals, sizes),
    ]
    process.ask("copies.make_copies", made, number // originals - 1)


def _invoice(process: Subject, number: int, sizes: Sizes) -> list[int]:
    """Projects on which nothing is open any more."""
    projects = process.ask("data.make_projects", number, sizes.lines, sizes.lines)
    process.ask("screens.make_invoices", projects)
    return projects


def measure(
    small: Subject, large: Subject, project_id: int, sizes: Sizes
) -> list[Line]:
    """:param project_id: with as many entries in either"""

    def taker(process: Subject) -> Taker:
        return lambda: {
            label: process.ask(f"screens.{page}", project_id)
            for label, page in PAGES.items()
        }

    takers = {"few": taker(small), "many": taker(large)}
    rounds = take_turns(sizes.rounds * QUICK, takers)
    lines = []
    for label in PAGES:
        many, few = compared(rounds, ("many", label), ("few", label))
        lines.append(
            Line(
                f"{label}, {sizes.many:,} open",
                many * 1000,
                f"{sizes.few:,} open",
                few * 1000,
                None if label == SORTED_BY_ODOO else MARK,
            )
        )
    return lines
