# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Odoo derives from an order line, where invoices bill amounts of it."""

from collections.abc import Callable
from math import fsum
from typing import NamedTuple

from odoo import api, models

# Quantities that differ by less are the same.
TOLERANCE = 1e-6
DIGITS = 9


class Billed(NamedTuple):
    """What invoices have billed of an order line; credit notes count down.

    :ivar quantity: in the unit of the order line, unrounded
    :ivar residue: by how much the amounts differ from the exact value of that
    """

    quantity: float
    residue: float


def stands(item) -> bool:
    """Whether Odoo counts an invoice line as invoiced."""
    move = item.move_id
    return move.state != "cancel" or move.payment_state == "invoicing_legacy"


def is_posted(item) -> bool:
    move = item.move_id
    return move.state == "posted" or move.payment_state == "invoicing_legacy"


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _billing_by_amount(self):
        """Lines that are billed by amount: their quantities are not rounded."""
        # sudo: customers read what follows, and not all invoices.
        shares = self.sudo().invoice_lines.filtered("billing_share").sale_line_ids
        return self.filtered(lambda line: line in shares)

    def _billing_billed(self, counts: Callable) -> Billed:
        """:param counts: whether an invoice line does"""
        self.ensure_one()
        # sudo: as above
        line = self.sudo()
        parts = [
            Billed(
                -item.move_id.direction_sign * item._billing_exact_quantity(line),
                -item.move_id.direction_sign * item._billing_residue(line),
            )
            for item in line._get_invoice_lines()
            if counts(item)
        ]
        return Billed(
            round(fsum(part.quantity for part in parts), DIGITS),
            fsum(part.residue for part in parts),
        )

    def _billing_kept_back(self, for_good: bool) -> dict:
        """What of these lines is not to be invoiced, in their unit: now, or for good.

        :return: by line; nothing of those that are left out
        """
        return {}

    def _billing_due(self, delivered: str = "qty_delivered") -> dict:
        """What is to be invoiced of these lines in all, unrounded; a delivered quantity
        that a person has set wins.

        :param delivered: name of the field that has it rounded
        """
        found = {line: line.product_uom_qty for line in self}
        # sudo: customers do not read milestones.
        by_delivery = self.sudo().filtered(
            lambda line: line.product_id.invoice_policy == "delivery"
        )
        exact = by_delivery._prepare_qty_delivered()
        for line in by_delivery:
            is_set = line.product_uom_id.compare(exact[line], line[delivered])
            quantity = line[delivered] if is_set else exact[line]
            found[line.with_env(self.env)] = quantity
        return found

    def _billing_to_invoice(self, counts: Callable, delivered="qty_delivered") -> dict:
        """What is left to invoice of these lines for good.

        :param counts: which invoice lines have done so
        :return: quantity, unrounded, and amount by line: as prices are, with the taxes
            that they include
        """
        due, kept = self._billing_due(delivered), self._billing_kept_back(for_good=True)
        found = {}
        for line in self:
            billed = line._billing_billed(counts)
            quantity = due[line] - kept.get(line, 0.0) - billed.quantity
            amount = 0.0
            if abs(quantity) > TOLERANCE:
                rate = line.price_unit * (1 - line.discount / 100)
                amount = line.currency_id.round(quantity * rate - billed.residue)
            found[line] = quantity, amount
        return found

    def _billing_untaxed(self, amount: float) -> float:
        """An amount of this line without the taxes that its price includes."""
        if not any(tax.price_include for tax in self.tax_ids):
            return amount
        return self.tax_ids.compute_all(
            amount,
            currency=self.currency_id,
            product=self.product_id,
            partner=self.order_id.partner_shipping_id,
        )["total_excluded"]

    # === Quantities ===

    def _prepare_qty_invoiced(self):
        """Odoo counts the quantity of an invoice line, whatever its share."""
        quantities = super()._prepare_qty_invoiced()
        for line in self._billing_by_amount():
            differences = [
                -item.move_id.direction_sign
                * (
                    item._billing_exact_quantity(line)
                    - item.product_uom_id._compute_quantity(
                        item.quantity, line.product_uom_id
                    )
                )
                for item in line._get_invoice_lines()
                if stands(item)
            ]
            quantities[line] = round(fsum([quantities[line], *differences]), DIGITS)
        return quantities

    @api.depends("invoice_lines.billing_share")
    def _compute_qty_invoiced(self):
        return super()._compute_qty_invoiced()

    @api.depends("invoice_lines.billing_share")
    def _compute_qty_invoiced_posted(self):
        result = super()._compute_qty_invoiced_posted()
        for line in self._billing_by_amount():
            line.qty_invoiced_posted = line._billing_billed(is_posted).quantity
        return result

    @api.depends("invoice_lines.billing_share")
    def _compute_qty_to_invoice(self):
        """At least one step as long as anything is open: Odoo's button passes over a
        line of which nothing is left to see."""
        result = super()._compute_qty_to_invoice()
        lines = self._billing_by_amount().filtered(lambda line: line.state == "sale")
        for line, quantity in lines._billing_open().items():
            line.qty_to_invoice = line._billing_visible(quantity)
        return result

    def _billing_open(self) -> dict:
        """What may be invoiced of these lines now, unrounded."""
        if not self:
            return {}
        due, kept = self._billing_due(), self._billing_kept_back(for_good=False)
        invoiced = self._prepare_qty_invoiced()
        return {line: due[line] - invoiced[line] - kept.get(line, 0.0) for line in self}

    def _billing_visible(self, quantity: float) -> float:
        """A quantity as the order shows it; never nothing while there is something."""
        if abs(quantity) < TOLERANCE:
            return 0.0
        unit = self.product_uom_id
        if unit.is_zero(quantity):
            return unit.rounding if quantity > 0 else -unit.rounding
        return unit.round(quantity)

    # === Amounts ===

    @api.depends("invoice_lines.billing_share")
    def _compute_untaxed_amount_to_invoice(self):
        """What was conceded on an amount is not left to invoice."""
        result = super()._compute_untaxed_amount_to_invoice()
        lines = self._billing_by_amount().filtered(lambda line: line.state == "sale")
        for line, (_, amount) in lines._billing_to_invoice(is_posted).items():
            line.untaxed_amount_to_invoice = line._billing_untaxed(amount)
        return result

    @api.depends("invoice_lines.billing_share")
    def _compute_amount_to_invoice(self):
        result = super()._compute_amount_to_invoice()
        lines = self._billing_by_amount().filtered("product_uom_qty")
        for line, (quantity, _) in lines._billing_to_invoice(is_posted).items():
            line.amount_to_invoice = line.currency_id.round(
                line.price_total / line.product_uom_qty * quantity
            )
        return result

    @api.depends("discount", "invoice_lines.billing_share")
    def _compute_amount_to_invoice_at_date(self):
        """Odoo's own figure knows no discount."""
        result = super()._compute_amount_to_invoice_at_date()
        lines = self._billing_by_amount()
        if lines:
            left = lines._billing_to_invoice(stands, "qty_delivered_at_date")
            for line, (_, amount) in left.items():
                line.amount_to_invoice_at_date = line._billing_untaxed(amount)
        return result

    # === Online payment ===

    def _billing_unordered(self) -> float:
        """What was ordered and is not invoiced, unrounded."""
        return self.product_uom_qty - self._prepare_qty_invoiced()[self]
