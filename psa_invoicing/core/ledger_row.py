# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows of the ledger as plain data: read by the thousand."""

from typing import NamedTuple

from .billing import Transaction
from .kinds import Key


class Row(NamedTuple):
    """A row of the ledger.

    :ivar move_line_id: that bills it, or 0
    :ivar price_unit: in the invoice's currency
    :ivar amount: untaxed, in the same
    :ivar item: its transaction as the row has it; the ``source_id`` of one that was
        deleted since, and of an adjustment, is 0
    """

    id: int
    move_line_id: int
    is_write_off: bool
    price_unit: float
    amount: float
    item: Transaction

    @property
    def key(self) -> Key | None:
        """Its transaction, None if there is none."""
        return self.item.key if self.item.source_id else None

    @property
    def is_charged(self) -> bool:
        """Whether an invoice line charges it, or a credit note takes it back."""
        return self.item.is_chargeable and not self.is_write_off


class Part(NamedTuple):
    """What a row has of the invoice line that bills it.

    :ivar move_line_id: that bills it, or 0
    :ivar quantity: in the contract line's unit
    :ivar price_unit: in the invoice's currency
    :ivar amount: untaxed, in the same
    """

    id: int
    move_line_id: int
    is_write_off: bool
    is_chargeable: bool
    quantity: float
    price_unit: float
    amount: float
