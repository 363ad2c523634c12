"""The review of the manual invoice with thousands of rows, and with a hundred."""

from . import databases
from .comparing import QUICK, Taker, compared, take_turns
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
        takers = {size: _taker(process, ids) for size, ids in made.items()}
        rounds = take_turns(sizes.rounds * QUICK, takers)
    lines = []
    for projects, others, mark in (
        (1, 1, MARK),
        (number, number, MARK),
        (number, 1, None),
    ):
        for label in STEPS:
            many, few = compared(
                rounds, ((projects, sizes.review), label), ((others, FEW), label)
            )
            what = f"wizard, {label}, {sizes.review:,} rows of {_of(projects)}"
            peer = f"{FEW:,} of {_of(others)}"
            lines.append(Line(what, many * 1000, peer, few * 1000, mark))
    return lines


def _taker(process: Subject, project_ids: list[int]) -> Taker:
    return lambda: {
        label: process.ask(f"wizard.{step}", project_ids)
        for label, step in STEPS.items()
    }


def _of(projects: int) -> str:
    return "one project" if projects == 1 else f"{projects} projects"
