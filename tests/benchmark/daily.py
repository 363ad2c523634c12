"""Time entries, posting and paying: with the add-on, and without."""

from .comparing import QUICK, Taker, compared, of_equal_worth, take_turns
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

    def taker(process: Subject, move_ids: list[int]) -> Taker:
        return lambda: {
            "time entry saved": process.ask("daily.time_entry", project_ids),
            **process.ask("daily.invoices", move_ids),
        }

    takers = {
        "with": taker(ours, invoices["ours"]),
        "without": taker(others, invoices["odoo's"]),
    }
    rounds = take_turns(sizes.rounds * QUICK, of_equal_worth(takers))
    lines = []
    for name in rounds[0]["with"]:
        own, peer = compared(rounds, ("with", name), ("without", name))
        lines.append(Line(name, own * 1000, "without", peer * 1000, MARK))
    return lines
