"""A draft of thousands of entries."""

from .comparing import best_of
from .process import Subject
from .sizes import Sizes
from .table import Line

MARKS = {
    "recalculated, nothing changed": 0.1,
    "recalculated, 100 entries changed": 0.5,
}


def make(process: Subject, sizes: Sizes) -> int:
    """:return: id of the project"""
    return process.ask("data.make_projects", 1, sizes.draft, sizes.lines)[0]


def measure(ours: Subject, project_id: int, sizes: Sizes) -> list[Line]:
    """Its life, each step beside building it."""
    (seconds,) = best_of(
        sizes.rounds,
        lambda: ours.ask("recalculation.life", project_id),
    )
    return [
        Line(
            f"draft of {sizes.draft:,} entries {name}",
            seconds[name] * 1000,
            "built",
            seconds["built"] * 1000,
            MARKS.get(name),
        )
        for name in seconds
        if name != "built"
    ]
