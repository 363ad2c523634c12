# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which quantities and amounts go where. Nothing is rounded twice, nothing is lost."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from math import fsum

# Quantities are sums of what people typed: two that differ by less are the same.
TOLERANCE = 1e-6

Rounding = Callable[[float], float]


def is_zero(quantity: float) -> bool:
    """Whether an unrounded quantity is nothing but floating-point noise."""
    return abs(quantity) < TOLERANCE


def fine(quantity: float) -> float:
    """An unrounded quantity without that noise."""
    return round(quantity, 9)


def is_rounding(quantity: float, rounding: Rounding) -> bool:
    """Whether it is less than one rounding step: by so much a line may differ from what
    it bills, as it takes what a rounded running total grows by.

    >>> is_rounding(9 - 8.99, lambda quantity: round(quantity, 2))
    False
    """
    return is_zero(rounding(fine(quantity) / 2))


def is_part(quantity: float, whole: float) -> bool:
    """Whether a quantity is between nothing and all of another one, of the same sign;
    what is no number is not."""
    sign = -1.0 if whole < 0 else 1.0
    return 0 <= sign * quantity <= sign * whole + TOLERANCE


def share(quantities: Sequence[float], target: float, rounding: Rounding) -> tuple:
    """What each transaction gives to a quantity on an invoice line.

    The last ones are lowered first. A target that is their sum but for rounding takes
    them whole: 20 minutes three times are an hour, and nothing stays open.

    >>> share([1.0, 2.0], 2.5, lambda quantity: round(quantity, 2))
    ([1.0, 1.5], 0.0)
    >>> share([1.0, 2.0], 4.0, lambda quantity: round(quantity, 2))
    ([1.0, 2.0], 1.0)
    >>> share([-1.0, -2.0], -1.5, lambda quantity: round(quantity, 2))
    ([-1.0, -0.5], 0.0)
    >>> share([1 / 3], 0.34, lambda quantity: round(quantity, 2)) == ([1 / 3], 0.0)
    True

    :param target: in the same unit; negative where transactions are credited
    :param rounding: rounds to that unit's precision
    :return: the parts, and what is left of the target when all have given theirs
    """
    whole = fsum(quantities)
    if is_rounding(target - whole, rounding):
        return list(quantities), 0.0
    sign = -1.0 if target < 0 else 1.0
    parts = trim([sign * quantity for quantity in quantities], sign * target)
    parts = [sign * part for part in parts]
    rest = target - fsum(parts)
    return parts, 0.0 if is_rounding(rest, rounding) else rest


def spread(total: float, weights: Sequence[float], rounding: Rounding) -> list[float]:
    """Divide an amount by weight so that the parts add up to it.

    Every part is the difference of two rounded running totals: no part is further
    from its exact share than one rounding step, and the sum is exact.

    >>> spread(10.0, [1, 1, 1], lambda amount: round(amount, 2))
    [3.33, 3.34, 3.33]
    """
    whole = fsum(weights)
    if not weights:
        return []
    if is_zero(whole):
        return [0.0] * len(weights)
    parts, before, running = [], 0.0, 0.0
    for weight in weights:
        running += weight
        after = rounding(total * running / whole)
        parts.append(rounding(after - before))
        before = after
    return parts


def trim(quantities: Sequence[float], target: float) -> list[float]:
    """Lower quantities, the last ones first, so that they add up to ``target``.

    Corrections (negative quantities) stay as they are; the others make room for them.

    >>> trim([3.0, 2.0, 4.0], 4.5)
    [3.0, 1.5, 0.0]
    >>> trim([3.0, -1.0], 1.0)
    [2.0, -1.0]

    :param quantities: in the order in which they should survive
    :return: as close to the target as lowering can come
    """
    left = target - fsum(quantity for quantity in quantities if quantity < 0)
    kept = []
    for quantity in quantities:
        part = quantity if quantity < 0 else max(0.0, min(quantity, left))
        part = 0.0 if is_zero(part) else part
        kept.append(part)
        if quantity > 0:
            left -= part
    return kept


def taken_back(
    quantities: Mapping[int, float],
    reversed_ids: Mapping[int, int | None],
    settled: Set[int],
) -> set[int]:
    """Which costs are worth nothing: those that were taken back as a whole, at once or
    in parts, and what takes them back.

    >>> sorted(taken_back({1: 2.0, 2: -1.5, 3: -0.5}, {2: 1, 3: 1}, set()))
    [1, 2, 3]
    >>> sorted(taken_back({1: 2.0, 2: -2.0, 3: 2.0}, {2: 1, 3: 2}, set()))
    [2, 3]

    :param quantities: of costs and, negative, of what takes them back
    :param reversed_ids: what each reversal takes back
    :param settled: what a posted document has billed or credited on its own
    """
    reversals: dict[int, list[int]] = defaultdict(list)
    for id_ in quantities:
        reversals[reversed_ids.get(id_) or 0].append(id_)

    def family(id_: int) -> list[int]:
        return [id_, *(each for own in reversals[id_] for each in family(own))]

    found: set[int] = set()
    waiting = list(reversals[0])
    while waiting:
        id_ = waiting.pop()
        _cost, *others = members = family(id_)
        is_whole = is_zero(fsum(quantities[each] for each in members))
        if others and is_whole and settled.isdisjoint(others):
            found.update(members)
        else:
            waiting += reversals[id_]
    return found
