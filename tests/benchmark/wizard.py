"""The review of the manual invoice with thousands of rows, and with a hundred."""

from . import databases
from .comparing import best_of
from .process import Subject
from .sizes import Sizes
from .table import Line

MARK = 2.0
FEW = 100
# Contract lines of each project. With two, a hundred rows of fifty projects are on as
# many contract lines as thousands.
LINES = 2
STEPS = {
    "Next": "show",
    "tick all": "tick_all",
    "Back and Next": "back_and_next",
}


def run(sizes: Sizes) -> list[Line]:
    """Make the data and measure.

    Rows of one project are compared with rows of one project, those of many with a
    hundred of as many, and, without a mark, with a hundred of one.
    """
    number = max(1, sizes.review // FEW)
    made = databases.prepare_one(
        lambda process: {
            (projects, rows): process.ask(
                "data.make_projects", projects, max(1, rows // projects), LINES
            )
            for projects in {1, number}
            for rows in {FEW, sizes.review}
        }
    )
    with databases.subject(databases.WITH) as process:
        found = _measure(process, made, sizes.rounds)
    return [
        Line(
            f"wizard, {label}, {sizes.review:,} rows of {_of(projects)}",
            found[projects, sizes.review][step] * 1000,
            f"{FEW:,} of {_of(others)}",
            found[others, FEW][step] * 1000,
            mark,
        )
        for projects, others, mark in (
            (1, 1, MARK),
            (number, number, MARK),
            (number, 1, None),
        )
        for label, step in STEPS.items()
    ]


def _measure(
    process: Subject, made: dict[tuple[int, int], list[int]], rounds: int
) -> dict[tuple[int, int], dict[str, float]]:
    """:return: seconds by number of projects and of rows, and by step"""

    def taker(project_ids: list[int]):
        return lambda: {
            step: process.ask(f"wizard.{step}", project_ids) for step in STEPS.values()
        }

    found = best_of(rounds, *(taker(project_ids) for project_ids in made.values()))
    return dict(zip(made, found, strict=True))


def _of(projects: int) -> str:
    return "one project" if projects == 1 else f"{projects} projects"
