# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A quantity that a person typed on the line of a draft."""

from math import fsum

from ...core.allocation import is_zero, trim
from ...core.billing import Transaction
from .details import Details
from .recalculation import Recalculation
from .step import Step


class Quantities(Step):
    """Makes the ledger agree with what was typed."""

    def fit_to_quantity(self, move_line):
        """Make the ledger agree with a quantity that a person typed on a draft.

        Less than the transactions: the latest ones are lowered, and their rest is open
        again. More: what was taken off before comes back first; beyond that the
        difference becomes an adjustment, since there is nothing behind it.
        """
        move = move_line.move_id
        contract_line = move_line._psa_contract_line()
        uom = contract_line.product_uom_id
        rows = [
            row
            for row in move._psa_ledger_rows()
            if row.move_line_id == move_line.id and row.is_charged
        ]
        target = move_line.product_uom_id._compute_quantity(
            move_line.quantity, uom, round=False
        )
        if uom.compare(target, fsum(row.item.quantity for row in rows)) == 0:
            return
        items = self._lowerable(move, move_line, contract_line)
        kept = trim([item.quantity for item in items], target)
        wanted, caps = [], {}
        for item, quantity in zip(items, kept, strict=True):
            share = quantity / item.quantity
            whole = is_zero(item.quantity - quantity)
            caps[item.key] = None if whole else item.source_quantity * share
            if quantity:
                wanted.append(
                    item if whole else item.lowered(item.source_quantity * share)
                )
        move._psa_cap(caps)
        # Adjustments have no transaction: the former one goes, whatever comes instead.
        recalculation = Recalculation(self.env)
        recalculation.apply(move, recalculation.difference(rows, wanted), move_line)
        if uom.compare(target, fsum(kept)) != 0:
            rest = target - fsum(kept)
            Details(self.env).add_adjustment(move_line, contract_line, rest)
        move._psa_spread_amounts()

    def _lowerable(self, move, move_line, contract_line) -> list[Transaction]:
        """Chargeable transactions that are or were on a line of a draft.

        :return: with their whole open quantity, in order of date
        """
        rows = move._psa_ledger_rows()
        on_line = [row for row in rows if row.item.sale_line_id == contract_line.id]
        brief = move._billing_brief()
        keys = {row.key for row in on_line} | set(brief.caps)
        keys -= {row.key for row in on_line if not row.is_charged}
        items = [
            item
            for item in Recalculation(self.env).asked(move, rows)
            if item.sale_line_id == contract_line.id
            and item.key in keys
            and item.is_chargeable
            and item.slice_key(brief.layout, brief.is_consolidated)
            == (move_line.billing_slice or "")
        ]
        return sorted(items, key=lambda item: (item.date, item.source_id))
