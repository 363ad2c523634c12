# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What invoice lines charge: a quantity, or an amount of a fixed price."""

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

from .allocation import TOLERANCE, Rounding, is_zero

# Percentages are typed with two digits: each of them may be this far off.
TYPED = 0.00005


class Charge(NamedTuple):
    """What an invoice line charges.

    :ivar quantity: in the contract line's unit; of an amount 1 (or -1)
    :ivar share: of an amount: the quantity of the contract line that it bills; 0: the
        line bills its quantity, at the price of the contract line
    :ivar amount: its price, in the terms of the contract line's own
    :ivar rate: price of 1 of the contract line, net of its discount
    :ivar to_date: of an amount: what is billed of the contract line with it
    :ivar own_price: of a cost that is taken back: what a unit of it was billed for, if
        that is not the price of the contract line
    """

    quantity: float
    share: float = 0.0
    amount: float = 0.0
    rate: float = 0.0
    to_date: float = 0.0
    own_price: float | None = None

    def price(self, net_price: float) -> float:
        """Of 1 of the invoice line.

        :param net_price: of 1 of the contract line
        """
        if self.own_price is not None:
            return self.own_price
        return self.amount if self.share else net_price


class RunningTotal:
    """What lines bill of one contract line: each takes what the rounded total grows by.

    No line is further from its exact quantity than one rounding step, and together
    they never are further than half a step from what they bill.

    >>> total = RunningTotal(lambda quantity: round(quantity, 2))
    >>> [total.next_line([1 / 3]) for _line in range(3)]
    [0.33, 0.34, 0.33]
    """

    def __init__(
        self,
        rounding: Rounding,
        exact: float = 0.0,
        billed: float = 0.0,
        price_back: float | None = None,
    ):
        """
        :param rounding: to the precision of the contract line's unit
        :param exact: quantity of what other lines bill, unrounded
        :param billed: quantities of those lines
        :param price_back: at which a cost is taken back, if that is another one
        """
        self.price_back = price_back
        self.rounding = rounding
        self.exact = exact
        self.billed = billed

    def next_line(self, quantities: Sequence[float]) -> float:
        """The quantity of the next invoice line.

        :param quantities: details in the contract line's unit, unrounded
        """
        self.exact = fsum([self.exact, *quantities])
        quantity = self.rounding(self.rounding(self.exact) - self.billed)
        self.billed += quantity
        return quantity

    def next_charge(self, quantities: Sequence[float]) -> Charge:
        """The same, as what the next invoice line charges."""
        quantity = self.next_line(quantities)
        return Charge(quantity, own_price=self.price_back if quantity < 0 else None)

    def settle(self, charge: Charge, charged: Charge):
        """Go on from what a line charges in the end, as a person has changed it."""
        self.billed += charged.quantity - charge.quantity


class RunningAmount:
    """What shares of a fixed price come to: each takes what the amounts before it have
    left of the exact value. No cent is lost, whatever was credited, conceded or billed
    by quantity meanwhile, and at whatever price.

    >>> total = RunningAmount(lambda amount: round(amount, 2), rate=10000.0)
    >>> [total.next_charge([1 / 12]).amount for _line in range(3)]
    [833.33, 833.34, 833.33]
    """

    def __init__(
        self,
        rounding: Rounding,
        rate: float,
        billed: float = 0.0,
        residue: float = 0.0,
        planned: float = 0.0,
        agreed: float = 0.0,
        later: float = 0.0,
    ):
        """
        :param rounding: to the currency of the order
        :param rate: price of 1 of the contract line, net of its discount
        :param billed: what other lines bill, in the contract line's unit
        :param residue: by how much their amounts differ from its exact value
        :param planned: what all milestones bill in the end
        :param agreed: what they are meant to: 33.33 % three times are all of it
        :param later: of ``billed`` what later drafts do
        """
        self.rounding = rounding
        self.rate = rate
        self.billed = billed
        self.residue = residue
        self.planned = planned
        self.agreed = agreed
        self.later = later

    def next_charge(self, quantities: Sequence[float]) -> Charge:
        """What the next invoice line charges.

        :param quantities: details in the contract line's unit, unrounded
        """
        share = fsum(quantities)
        if is_zero(share):
            return Charge(0.0)
        self.billed += share
        exact = self.rate * share
        missing = self.agreed - self.planned
        closes = share > 0 and self.billed >= self.planned - TOLERANCE
        amount = self.rounding(
            exact - self.residue + (self.rate * missing if closes else 0.0)
        )
        self.residue += amount - exact
        sign = -1.0 if share < 0 else 1.0
        to_date = self.billed - self.later
        return Charge(sign, abs(share), sign * amount, self.rate, to_date)

    def settle(self, charge: Charge, charged: Charge):
        """See :meth:`RunningTotal.settle`."""
        self.residue += self.rounding(charged.quantity * charged.amount)
        self.residue -= charge.quantity * charge.amount


def agreed_quantity(ordered: float, planned: float, count: int) -> float:
    """What milestones are meant to bill of a contract line in all.

    >>> agreed_quantity(1.0, 0.9999, 3)
    1.0
    >>> agreed_quantity(1.0, 0.999, 3)
    0.999

    :param planned: what they make up as they were typed
    :param count: of milestones
    """
    is_all = abs(ordered - planned) <= abs(ordered) * TYPED * count + TOLERANCE
    return ordered if is_all else planned
