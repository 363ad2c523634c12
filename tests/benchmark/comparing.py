"""Taking turns: of each figure the best of several rounds counts."""

from collections.abc import Callable

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
