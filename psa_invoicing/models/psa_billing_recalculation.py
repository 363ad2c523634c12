# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recalculate: what should be on a draft, minus what is on it."""

from dataclasses import dataclass, field
from math import fsum

from odoo import api, models

from ..core.allocation import is_zero, trim
from ..core.billing import ADJUSTMENT, Key, Transaction


@dataclass
class Difference:
    """What would have to change in the ledger of a draft.

    :ivar dropped: details whose transaction is gone, moved, or no longer due
    :ivar changed: details with the transaction as it is now
    :ivar added: transactions that are due and not on the draft
    """

    dropped: list[models.BaseModel] = field(default_factory=list)
    changed: list[tuple[models.BaseModel, Transaction]] = field(default_factory=list)
    added: list[Transaction] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.dropped or self.changed or self.added)


class PsaBilling(models.AbstractModel):
    _inherit = "psa.billing"

    @api.model
    def _recalculate(self, move) -> Difference:
        """Bring a draft in line with its transactions; keep what a person edited.

        :return: what was changed
        """
        details = move.detail_ids.filtered(
            lambda detail: detail.transaction_type != ADJUSTMENT
        )
        difference = self._difference(details, self._wanted(move))
        if difference:
            self._apply(move, difference)
            move._follow_details()
        return difference

    @api.model
    def _fit_to_quantity(self, move_line):
        """Make the ledger agree with a quantity that a person typed on a draft.

        Less than the transactions: the latest ones are lowered, and their rest is open
        again. More: what was lowered before comes back first; beyond that the
        difference becomes an adjustment, since there is nothing behind it.
        """
        move = move_line.move_id
        details = move_line.detail_ids.filtered(
            lambda detail: detail.billing_type == "chargeable"
        )
        contract_line = details.sale_line_id
        unit = contract_line.product_uom_id
        target = move_line.product_uom_id._compute_quantity(
            move_line.quantity, unit, round=False
        )
        if unit.compare(target, fsum(details.mapped("quantity"))) == 0:
            return
        items = self._lowerable(move, details)
        kept = trim(
            [item.quantity for item in items],
            max(0.0, min(target, fsum(item.quantity for item in items))),
        )
        wanted = []
        for item, quantity in zip(items, kept, strict=True):
            rest = item.source_quantity * (1 - quantity / item.quantity)
            move._leave_out({item.key}, rest)
            if quantity:
                wanted.append(item.lowered(item.source_quantity - rest))
        # Adjustments have no key: the former one goes, whatever comes instead.
        self._apply(move, self._difference(details, wanted))
        if unit.compare(target, fsum(kept)) > 0:
            self._add_adjustment(move_line, contract_line, target - fsum(kept))
        move._spread_amounts()

    @api.model
    def _lowerable(self, move, details) -> list[Transaction]:
        """Transactions of these details, and what was lowered off their line before.

        :return: with their whole open quantity, in order of date
        """
        mine = {detail._key for detail in details}
        lowered = {key for key, rest in move._left_out().items() if rest is not None}
        items = [
            item
            for item in self._select(move._billing_request(), self._released(move))
            if item.sale_line_id == details.sale_line_id.id
            and item.key in mine | lowered
        ]
        return sorted(items, key=lambda item: (item.date, item.source_id))

    @api.model
    def _add_adjustment(self, move_line, contract_line, quantity: float):
        """:param quantity: in the contract line's unit"""
        move = move_line.move_id
        self.env["psa.invoice.detail"].create(
            {
                "move_id": move.id,
                "move_line_id": move_line.id,
                "transaction_type": ADJUSTMENT,
                "sale_line_id": contract_line.id,
                "project_id": move.billing_project_ids[:1].id,
                "date": move.billing_cutoff_date,
                "employee_name": self.env.user.name,
                "name": self.env._("Adjustment"),
                "quantity": quantity,
                "source_quantity": quantity,
                "price_unit": move_line.price_unit,
                "billing_type": "chargeable",
            }
        )

    # === Desired minus ledger ===

    @api.model
    def _difference(self, details, wanted: list[Transaction]) -> Difference:
        missing = {item.key: item for item in wanted}
        difference = Difference()
        for detail in details:
            item = missing.get(detail._key)
            if item is None or item.sale_line_id != detail.sale_line_id.id:
                difference.dropped.append(detail)
                continue
            del missing[item.key]
            if self._differs(detail, item):
                difference.changed.append((detail, item))
        difference.added = list(missing.values())
        return difference

    @api.model
    def _differs(self, detail, item: Transaction) -> bool:
        return (
            not is_zero(detail.source_quantity - item.source_quantity)
            or detail.date != item.date
            or (detail.name or "") != item.text
            or (detail.employee_name or "") != item.who
            or (detail.task_name or "") != item.task
        )

    @api.model
    def _apply(self, move, difference: Difference):
        """Write a difference to the ledger; the invoice lines follow separately."""
        Detail = self.env["psa.invoice.detail"]
        Detail.browse(detail.id for detail in difference.dropped)._drop()
        for detail, item in difference.changed:
            values = self._detail_values(item, detail.sale_line_id)
            del values["billing_type"]
            detail.with_context(psa_ledger=True).write(values)
        changed = Detail.browse(detail.id for detail, _item in difference.changed)
        Detail._refresh_sources(changed._sources())
        added: dict[int, list[Transaction]] = {}
        for item in difference.added:
            added.setdefault(item.sale_line_id, []).append(item)
        self._add_details([(move, added)])

    @api.model
    def _wanted(self, move) -> list[Transaction]:
        """What should be on a draft: its request, less what a person took off."""
        left_out = move._left_out()
        orders = self._orders_that_agree(move)
        wanted = []
        for item in self._select(move._billing_request(), self._released(move)):
            line = self.env["sale.order.line"].browse(item.sale_line_id)
            if line.order_id not in orders:
                continue
            if item.key in left_out:
                quantity = left_out[item.key]
                rest = 0.0 if quantity is None else item.source_quantity - quantity
                if rest <= 0 or is_zero(rest):
                    continue
                item = item.lowered(rest)
            wanted.append(item)
        return wanted

    @api.model
    def _released(self, move) -> dict[Key, float]:
        """What is on a draft counts as open while the draft is looked at anew."""
        released: dict[Key, float] = {}
        for detail in move.detail_ids:
            if key := detail._key:
                released[key] = released.get(key, 0.0) + detail.source_quantity
        return released

    @api.model
    def _orders_that_agree(self, move):
        """Orders of the draft's projects that belong on it.

        Those it was made from stay on it, even if a person changed its terms since;
        another one joins if it would have been put on the same invoice.
        """
        own = self.env["sale.order"].browse(move.billing_request.get("orders") or ())
        orders = own | move.billing_project_ids._contracts()
        headers = self._headers(set(orders.ids))
        keys = {self._grouping_key(*headers[order.id]) for order in own}
        return own | orders.filtered(
            lambda order: self._grouping_key(*headers[order.id]) in keys
        )
