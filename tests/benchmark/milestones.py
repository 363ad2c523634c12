"""A draft of a fixed price with many milestones, beside a create of the same lines."""

from .comparing import compared, of_equal_worth, take_turns
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 1.0


def make(process: Subject, sizes: Sizes) -> int:
    """:return: id of a project whose milestones are reached"""
    return process.ask("milestones.make_project", sizes.milestones)


def measure(
    ours: Subject, others: Subject, project_id: int, sizes: Sizes
) -> list[Line]:
    """Half of them are billed already: the others take up what that has left."""
    ours.ask("milestones.make_invoice", project_id)
    ours.settle()
    takers = of_equal_worth(
        {
            "ours": lambda: ours.ask("milestones.ours", project_id),
            "floor": lambda: others.ask("milestones.floor", project_id),
        }
    )
    rounds = take_turns(sizes.rounds, takers)
    own, other = compared(rounds, ("ours", "seconds"), ("floor", "seconds"))
    what = f"draft of {sizes.milestones:,} milestones"
    return [Line(what, own * 1000, "account.move.create", other * 1000, MARK)]
