"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """:ivar projects: that are billed together
    :ivar entries: time entries of each of them
    :ivar lines: contract lines of each of them
    :ivar draft: entries of the draft that is recalculated
    :ivar few: open transactions where pages open quickly
    :ivar many: open transactions where they should open as quickly
    :ivar review: rows of the manual invoice that should be as handy as a hundred
    :ivar rounds: the best of which counts
    """

    projects: int = 100
    entries: int = 100
    lines: int = 3
    draft: int = 10_000
    few: int = 1_000
    many: int = 100_000
    review: int = 5_000
    rounds: int = 5
