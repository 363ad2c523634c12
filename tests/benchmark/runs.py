"""Invoice runs over many projects, beside such over few."""

from . import databases
from .comparing import best_of_invoices
from .process import Subject
from .sizes import Sizes
from .table import Line

TIME_MARK = 1.1
MEMORY_MARK = 1.2
ROUNDS = 2
# What a process does only once is not what an invoice costs.
WARM_UP = 5


def make_few(process: Subject, sizes: Sizes) -> list[int]:
    """Projects for all the runs over few.

    :return: their ids
    """
    number = WARM_UP + ROUNDS * sizes.run_time + sizes.run_memory
    return process.ask("runs.make_due", number, sizes.entries, sizes.lines)


def make_many(process: Subject, sizes: Sizes, few: list[int]):
    """All the others that the large run bills."""
    number = max(1, WARM_UP + sizes.run - len(few))
    process.ask("runs.make_due", number, sizes.entries, sizes.lines)


def measure(few: list[int], sizes: Sizes) -> list[Line]:
    """Each peak of memory is that of a process of its own.

    :param few: projects where there are no others, and that are due in both databases
    """
    ids = iter(few)
    warm_up = _next(ids, WARM_UP)
    with databases.subject(databases.FEW_DUE) as process:
        process.ask("runs.make_run", warm_up)
        (small,) = best_of_invoices(
            ROUNDS, lambda: process.ask("runs.make_run", _next(ids, sizes.run_time))
        )
    with databases.subject(databases.FEW_DUE) as process:
        medium = process.ask("runs.make_run", list(ids))
    with databases.subject(databases.MANY_DUE) as process:
        process.ask("runs.make_run", warm_up)
        large = process.ask("runs.make_run")
    assert large["totals"] == medium["totals"]
    what = f"invoice run over {large['invoices']:,} projects"
    return [
        Line(
            f"{what}, an invoice",
            large["seconds"] * 1000,
            f"over {small['invoices']:,}",
            small["seconds"] * 1000,
            TIME_MARK,
            queries=large["queries"],
        ),
        Line(
            f"{what}, memory",
            large["peak"],
            f"over {medium['invoices']:,}",
            medium["peak"],
            MEMORY_MARK,
            unit="MB",
        ),
    ]


def _next(ids, number: int) -> list[int]:
    return [next(ids) for _index in range(number)]
