"""Invoice runs over many projects, beside such over few."""

from collections import Counter

from . import databases
from .process import Subject
from .sizes import Sizes
from .table import Line

TIME_MARK = 1.1
MEMORY_MARK = 1.2
# Parts of the large run, after each of which one over few takes its turn: a machine is
# not as fast in one minute as in the next.
ROUNDS = 5
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


class Run:
    """An invoice run in one of the processes, which goes on when it is told to.

    :ivar chunks: that are left
    :ivar spent: ``seconds`` and ``queries`` so far
    """

    def __init__(self, process: Subject, project_ids: list[int] | None = None):
        self.process = process
        begun = process.ask("runs.make_begin", project_ids)
        self.run_id, self.chunks = begun.pop("run"), begun.pop("chunks")
        self.spent = Counter(begun)

    def go_on(self, chunks: int):
        self.chunks -= chunks
        self.spent.update(self.process.ask("runs.make_part", self.run_id, chunks))

    def end(self) -> dict:
        """:return: what it has made, and what that cost"""
        # Nothing is left, and that ends it.
        self.go_on(self.chunks + 1)
        return self.process.ask("runs.made", self.run_id) | self.spent


def measure(few: list[int], sizes: Sizes) -> list[Line]:
    """Each peak of memory is that of a process of its own.

    :param few: projects where there are no others, and that are due in both databases
    """
    ids = iter(few)
    warm_up = _next(ids, WARM_UP)
    with (
        databases.subject(databases.FEW_DUE) as one,
        databases.subject(databases.MANY_DUE) as other,
    ):
        Run(one, warm_up).end()
        Run(other, warm_up).end()
        run = Run(other)
        part = run.chunks // ROUNDS
        small = []
        for _round in range(ROUNDS):
            run.go_on(part)
            small.append(Run(one, _next(ids, sizes.run_time)).end())
        large = run.end()
    with databases.subject(databases.FEW_DUE) as process:
        medium = Run(process, list(ids)).end()
    assert large["totals"] == medium["totals"] == small[0]["totals"]
    what = f"invoice run over {large['invoices']:,} projects"
    return [
        Line(
            f"{what}, an invoice",
            large["seconds"] / large["invoices"] * 1000,
            f"over {sizes.run_time:,}",
            sum(each["seconds"] for each in small)
            / sum(each["invoices"] for each in small)
            * 1000,
            TIME_MARK,
            queries=large["queries"] / large["invoices"],
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
