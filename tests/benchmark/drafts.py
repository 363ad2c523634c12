"""Draft invoices: ours, Odoo's wizard, OCA contract, and the floor of the ORM."""

from .comparing import Round, Taker, compared, of_equal_worth, take_turns
from .process import Subject
from .sizes import Sizes
from .table import Line

KINDS = ("untaxed", "taxed", "foreign currency")
MARKS = {"floor": 0.6, "wizard": 1 / 2.7, "contract": 1.0}
NAMES = {
    "floor": "account.move.create",
    "wizard": "Odoo's wizard",
    "contract": "OCA contract",
}


def make(process: Subject, sizes: Sizes) -> dict[str, list[int]]:
    """Projects of each kind.

    :return: their ids by kind
    """
    return {
        kind: process.ask(
            "data.make_projects", sizes.projects, sizes.entries, sizes.lines, kind
        )
        for kind in KINDS
    }


def measure(
    ours: Subject, others: Subject, projects: dict[str, list[int]], sizes: Sizes
) -> list[Line]:
    """Bill the projects of each kind in turn, by each of the four.

    :raises AssertionError: if their totals differ by a cent
    """
    lines = []
    for kind, ids in projects.items():

        def taker(process: Subject, who: str, ids=ids) -> Taker:
            return lambda: process.ask(f"drafts.{who}", ids)

        takers = of_equal_worth(
            {
                "ours": taker(ours, "ours"),
                "floor": taker(others, "floor"),
                "wizard": taker(others, "wizard"),
            }
        ) | {"contract": taker(others, "contract")}
        rounds = take_turns(sizes.rounds, takers)
        lines += [_line(kind, rounds, peer) for peer in MARKS]
    return lines


def make_invoices(
    ours: Subject, others: Subject, project_ids: list[int]
) -> dict[str, list[int]]:
    """Drafts that stay, of the same projects.

    :return: their ids: ours, those of Odoo's own button, and plain ones
    """
    made = {
        "ours": ours.ask("drafts.make_ours", project_ids),
        **others.ask("drafts.make_odoos", project_ids),
    }
    for subject in (ours, others):
        subject.settle()
    return made


def _line(kind: str, rounds: list[Round], peer: str) -> Line:
    own, other = compared(rounds, ("ours", "seconds"), (peer, "seconds"))
    first = rounds[0]
    return Line(
        f"draft invoice, {kind}",
        own * 1000 / first["ours"]["invoices"],
        NAMES[peer],
        other * 1000 / first[peer]["invoices"],
        MARKS[peer],
        queries=first["ours"]["queries"] / first["ours"]["invoices"],
    )
