"""Taking turns: of each figure the best of several rounds counts."""

from collections.abc import Callable
from typing import Any

Figures = dict[str, float]


def best_of(rounds: int, *takers: Callable[[], Figures]) -> list[Figures]:
    """Have each taker measure once a round.

    :param takers: measure and return seconds by name
    :return: the least seconds of each, by name, in the order of the takers
    """
    best: list[Figures] = [{} for _taker in takers]
    for _round in range(rounds):
        for found, taker in zip(best, takers, strict=True):
            for name, seconds in taker().items():
                found[name] = min(seconds, found.get(name, seconds))
    return best


def best_of_invoices(
    rounds: int, *takers: Callable[[], dict[str, Any]]
) -> list[Figures]:
    """The same with invoices, which must be worth the same to the cent.

    :param takers: return the ``totals`` of their invoices as well
    :raises AssertionError: if totals differ
    """
    known: list = []

    def checked(taker):
        def take() -> Figures:
            figures = taker()
            known.append(figures.pop("totals"))
            assert known[-1] and known[-1] == known[0]
            return figures

        return take

    return best_of(rounds, *map(checked, takers))
