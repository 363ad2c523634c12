"""Draft invoices: ours, Odoo's wizard, OCA contract, and the floor of the ORM."""

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
        best = {}
        for _round in range(sizes.rounds):
            _keep(best, "ours", ours.ask("drafts.ours", ids))
            for peer in MARKS:
                _keep(best, peer, others.ask(f"drafts.{peer}", ids))
        for peer in ("floor", "wizard"):
            assert best[peer]["totals"] == best["ours"]["totals"], (kind, peer)
        lines += [_line(kind, best, peer) for peer in MARKS]
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
        subject.ask("data.make_statistics")
    return made


def _keep(best: dict, who: str, result: dict):
    if who not in best or result["seconds"] < best[who]["seconds"]:
        best[who] = result


def _line(kind: str, best: dict, peer: str) -> Line:
    ours, other = best["ours"], best[peer]
    return Line(
        f"draft invoice, {kind}",
        ours["seconds"] * 1000 / ours["invoices"],
        NAMES[peer],
        other["seconds"] * 1000 / other["invoices"],
        MARKS[peer],
        queries=ours["queries"] / ours["invoices"],
    )
