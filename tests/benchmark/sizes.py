"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """:ivar projects: that are billed together
    :ivar entries: time entries of each of them
    :ivar lines: contract lines of each of them
    :ivar draft: entries of the draft that is recalculated
    :ivar milestones: of the draft of a fixed price
    :ivar few: open transactions where pages open quickly
    :ivar many: open transactions where they should open as quickly
    :ivar review: rows of the manual invoice that should be as handy as a hundred
    :ivar together: invoices that are posted, paid and sent together
    :ivar installed: invoiced entries of a database that the add-on comes to
    :ivar run: projects of the large invoice run
    :ivar run_time: projects of the run that takes as long for each invoice
    :ivar run_memory: projects of the run that needs as much memory
    :ivar shared: projects of each run that several workers share
    :ivar rounds: of which the one counts whose ratio is the median
    """

    projects: int = 100
    entries: int = 100
    lines: int = 3
    draft: int = 10_000
    milestones: int = 1_000
    few: int = 1_000
    many: int = 100_000
    review: int = 5_000
    together: int = 20
    installed: int = 100_000
    run: int = 2_000
    run_time: int = 100
    run_memory: int = 500
    shared: int = 500
    rounds: int = 5
