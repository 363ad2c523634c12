# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Parts of amounts that belong together: an amount and its taxes."""

from collections.abc import Callable, Hashable, Mapping


def next_part(
    whole: Mapping[Hashable, float],
    taken: Mapping[Hashable, float],
    share: float,
    rounding: Callable[[Hashable, float], float],
) -> dict[Hashable, float]:
    """The next of several parts: what the rounded running total of each grows by.

    Together the parts are the whole, to the cent, whatever rounding each of them has
    seen.

    :param whole: what is divided
    :param taken: what earlier parts have of it
    :param share: of the whole, that earlier parts and this one have together; 1: this
        one takes all that is left
    :param rounding: of one of the amounts, by its name

    >>> parts, taken = [], {}
    >>> for share in (1 / 3, 2 / 3, 1):
    ...     part = next_part({"tax": 22.0}, taken, share, lambda name, x: round(x, 2))
    ...     taken = {"tax": taken.get("tax", 0.0) + part["tax"]}
    ...     parts.append(part["tax"])
    >>> parts
    [7.33, 7.34, 7.33]
    """
    return {
        name: rounding(name, rounding(name, amount * share) - taken.get(name, 0.0))
        for name, amount in whole.items()
    }
