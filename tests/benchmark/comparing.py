"""Taking turns. Of each comparison the round counts whose ratio is the median.

A machine is not as fast in one minute as in the next: only what was measured right
after each other is compared.
"""

from collections.abc import Callable, Hashable
from typing import Any

Figures = dict[str, float]
Taker = Callable[[], dict[str, Any]]
Round = dict[Hashable, Figures]
# What takes little time is measured more often: a hiccup weighs more in it.
QUICK = 3


def take_turns(rounds: int, takers: dict[Hashable, Taker]) -> list[Round]:
    """Have each taker measure once a round, first and last in turn.

    :param takers: measure and return figures by name
    :return: the figures of each round, by taker
    """
    order = list(takers.items())
    taken = []
    for _round in range(rounds):
        taken.append({who: take() for who, take in order})
        order.reverse()
    return taken


def of_equal_worth(takers: dict[Hashable, Taker]) -> dict[Hashable, Taker]:
    """Takers that make invoices, which must be worth the same to the cent.

    :param takers: return the ``totals`` of their invoices as well
    :raises AssertionError: when they measure, if totals differ
    """
    known: list = []

    def checked(take: Taker) -> Taker:
        def take_and_check() -> Figures:
            figures = take()
            known.append(figures.pop("totals"))
            assert known[-1] and known[-1] == known[0]
            return figures

        return take_and_check

    return {who: checked(take) for who, take in takers.items()}


def compared(
    rounds: list[Round], ours: tuple[Hashable, str], peer: tuple[Hashable, str]
) -> tuple[float, float]:
    """Both figures of the round in which their ratio is the median.

    :param ours: a taker, and the name of one of its figures
    :param peer: the same of what it is compared with
    """
    pairs = [tuple(taken[who][name] for who, name in (ours, peer)) for taken in rounds]
    pairs.sort(key=lambda pair: pair[0] / pair[1])
    return pairs[len(pairs) // 2]
