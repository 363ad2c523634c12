# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Odoo derives from order lines, kept true where something is never billed."""

from odoo import api, fields, models

from ...core.allocation import is_zero


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    @api.depends("billing_excluded_quantity", "psa_never_billed_quantity")
    def _compute_invoice_status(self):
        """Invoiced: nothing is open, and what was billed, offered and written off
        makes up what was ordered."""
        result = super()._compute_invoice_status()
        for line in self.filtered("psa_never_billed_quantity"):
            unit = line.product_uom_id
            treated = line.qty_invoiced + line.psa_never_billed_quantity
            if (
                line.invoice_status == "no"
                and line.state == "sale"
                and is_zero(
                    line.billing_excluded_quantity - line.psa_never_billed_quantity
                )
                and unit.compare(treated, line.product_uom_qty) >= 0
            ):
                line.invoice_status = "invoiced"
        return result

    @api.depends("psa_never_billed_quantity", "qty_invoiced_posted")
    def _compute_untaxed_amount_to_invoice(self):
        """What is never billed is worth nothing any more."""
        result = super()._compute_untaxed_amount_to_invoice()
        for line in self.filtered("psa_never_billed_quantity"):
            if line.state != "sale":
                continue
            price = line.price_unit * (1 - line.discount / 100.0)
            line.untaxed_amount_to_invoice = line.tax_ids.compute_all(
                price,
                currency=line.currency_id,
                quantity=line._psa_quantity_to_pay() - line.qty_invoiced_posted,
                product=line.product_id,
                partner=line.order_id.partner_shipping_id,
            )["total_excluded"]
        return result

    @api.depends("psa_never_billed_quantity")
    def _compute_amount_to_invoice(self):
        """What is never billed is no credit that the customer takes up."""
        result = super()._compute_amount_to_invoice()
        for line in self.filtered("psa_never_billed_quantity"):
            if line.product_uom_qty:
                price = line.price_total / line.product_uom_qty
                line.amount_to_invoice -= price * line.psa_never_billed_quantity
        return result

    @api.depends("psa_never_billed_quantity")
    def _compute_amount_to_invoice_at_date(self):
        """What is never billed is no revenue to accrue."""
        result = super()._compute_amount_to_invoice_at_date()
        lines = self.filtered("psa_never_billed_quantity")
        never_billed = lines._psa_never_billed_at_date()
        for line in lines:
            quantity = never_billed.get(line.id, 0.0)
            line.amount_to_invoice_at_date -= quantity * line.price_unit
        return result

    def _psa_never_billed_at_date(self) -> dict[int, float]:
        """Quantities for which the customer never pays, of what was delivered by the
        day that an accrual asks about."""
        if not self or not self._date_in_the_past():
            return {line.id: line.psa_never_billed_quantity for line in self}
        until = fields.Date.to_date(self.env.context["accrual_entry_date"])
        self.env.flush_all()
        return {
            line_id: never
            for line_id, _excluded, never in self.env.execute_query(
                self._psa_excluded_sql(self.ids, until)
            )
        }

    def _psa_quantity_to_pay(self) -> float:
        """What the customer pays for in all, in the line's unit."""
        quantity = (
            self.qty_delivered
            if self._psa_is_billed_when_delivered()
            else self.product_uom_qty
        )
        return quantity - self.psa_never_billed_quantity
