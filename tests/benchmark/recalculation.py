"""A draft of thousands of entries."""

from .comparing import Figures, best_of
from .process import Subject
from .sizes import Sizes
from .table import Line

BUILT = "built"
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
    ours.ask("data.make_statistics")

    def take() -> Figures:
        return {
            BUILT: ours.ask("recalculation.built", to_build),
            "opened": ours.ask("recalculation.opened", draft),
            NOTHING: ours.ask("recalculation.recalculated", draft),
            "posted": ours.ask("recalculation.posted", draft),
        }

    def take_changed() -> Figures:
        return {CHANGED: ours.ask("recalculation.recalculated", draft)}

    (seconds,) = best_of(sizes.rounds, take)
    ours.ask("recalculation.make_changes", draft)
    (changed,) = best_of(sizes.rounds, take_changed)
    seconds |= changed
    return [
        Line(
            f"draft of {sizes.draft:,} entries {name}",
            seconds[name] * 1000,
            "built",
            seconds[BUILT] * 1000,
            MARKS.get(name),
        )
        for name in seconds
        if name != BUILT
    ]
