"""A draft of thousands of entries."""

from .comparing import Figures, compared, take_turns
from .process import Subject
from .sizes import Sizes
from .table import Line

BUILT, OPENED, POSTED = "built", "opened", "posted"
NOTHING, CHANGED = "recalculated, nothing changed", "recalculated, 100 entries changed"
MARKS = {NOTHING: 0.1, CHANGED: 0.5}


def make(process: Subject, sizes: Sizes) -> list[int]:
    """:return: ids of two projects that are alike"""
    return process.ask("data.make_projects", 2, sizes.draft, sizes.lines)


def measure(ours: Subject, project_ids: list[int], sizes: Sizes) -> list[Line]:
    """Its life, each step beside building it: one is built again and again, and one of
    another project is there."""
    to_build, to_keep = project_ids
    draft = ours.ask("recalculation.make_draft", to_keep)
    ours.settle()

    def take() -> Figures:
        return {
            BUILT: ours.ask("recalculation.built", to_build),
            OPENED: ours.ask("recalculation.opened", draft),
            NOTHING: ours.ask("recalculation.recalculated", draft),
            POSTED: ours.ask("recalculation.posted", draft),
        }

    def take_changed() -> Figures:
        return {
            BUILT: ours.ask("recalculation.built", to_build),
            CHANGED: ours.ask("recalculation.recalculated", draft),
        }

    rounds = take_turns(sizes.rounds, {"": take})
    ours.ask("recalculation.make_changes", draft)
    changed = take_turns(sizes.rounds, {"": take_changed})
    lines = []
    for taken, names in ((rounds, (OPENED, NOTHING, POSTED)), (changed, (CHANGED,))):
        for name in names:
            own, built = compared(taken, ("", name), ("", BUILT))
            what = f"draft of {sizes.draft:,} entries {name}"
            mark = MARKS.get(name)
            lines.append(Line(what, own * 1000, BUILT, built * 1000, mark))
    return lines
