# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a bill costs more, or less, than when it was re-invoiced."""

from math import fsum

from odoo import models
from odoo.tools import formatLang


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_correct_prices(self, values_list: list[dict]):
        """Charge or take back what a corrected price makes a difference.

        What is billed keeps its price. The difference has a contract line of its own,
        of quantity 1 or -1; one that is billed stays, too, and counts in the next.

        :param values_list: of this line's analytic items; those of the corrections
            are added
        """
        # sudo: whoever corrects a bill need not see the order.
        costs = (
            self.env["psa.reinvoiced.cost"]
            .sudo()
            .search(
                [
                    ("source_move_line_id", "=", self.id),
                    ("correction_line_id", "=", False),
                ]
            )
        )
        by_line = {cost.sale_line_id.id: cost for cost in costs}
        for values in list(values_list):
            if cost := by_line.get(values.get("so_line")):
                price = self._sale_get_invoice_price(cost.sale_line_id.order_id)
                now = values["unit_amount"] * price
                values["unit_amount"] = self._psa_quantity_to_keep(cost, values, now)
                corrections = self._psa_corrections(cost, values["unit_amount"], now)
                values_list += corrections._psa_as_items(values)

    def _psa_quantity_to_keep(self, cost, values: dict, now: float) -> float:
        """What was billed, if it comes to the same: nothing is due where three at 100
        turn out to be one at 300.

        :param values: of the analytic item
        :param now: what it costs by now
        """
        line = cost.sale_line_id
        billed = cost.billed_quantity - cost.billing_draft_quantity
        sign = self._psa_cost_sign()
        before = billed * cost.reinvoiced_price + line._psa_corrected_by()
        is_same = billed and line.currency_id.is_zero(sign * now - before)
        return sign * billed if is_same else values["unit_amount"]

    def _psa_corrections(self, cost, quantity: float, now: float):
        """The contract lines that settle what this bill line costs by now.

        :param cost: what is re-invoiced of it to a project
        :param quantity: of it, in the unit of the bill line
        :param now: what it costs by now
        """
        line = cost.sale_line_id
        if not (line.qty_invoiced_posted and cost.reinvoiced_price):
            # The contract line itself has followed.
            cost.reinvoiced_price = self._sale_get_invoice_price(line.order_id)
        currency, sign = line.currency_id, self._psa_cost_sign()
        before = currency.round(sign * quantity * cost.reinvoiced_price)
        before += line._psa_corrected_by()
        now = currency.round(sign * now)
        billed = line.psa_correction_ids.filtered("qty_invoiced_posted")
        if currency.is_zero(now - before):
            return billed
        values = self._sale_prepare_sale_line_values(line.order_id, abs(now - before))
        values |= {
            "name": line._psa_correction_name(before, now),
            "product_uom_qty": 1 if now > before else -1,
            "psa_corrected_line_id": line.id,
        }
        # Of an expense, Odoo sets its own contract line alone to nothing at a reset.
        values.pop("expense_ids", None)
        if waiting := (line.psa_correction_ids - billed)[:1]:
            kept = ("name", "price_unit", "product_uom_qty")
            waiting.write({name: values[name] for name in kept})
            return billed | waiting
        return billed | line.create(values)


class SaleOrderLine(models.Model):
    # One file per side of an order line.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "sale.order.line"

    def _psa_corrected_by(self) -> float:
        """What is billed of the corrections of a line, in the order's currency."""
        billed = self.psa_correction_ids.filtered("qty_invoiced_posted")
        return fsum(each.product_uom_qty * each.price_unit for each in billed)

    def _psa_correction_name(self, before: float, now: float) -> str:
        """:param before: amount of what was re-invoiced, in the order's currency
        :param now: what it costs by now"""
        line = self.with_context(lang=self.order_partner_id.lang)
        return line.env._(
            "Correction of %(cost)s: %(now)s instead of %(before)s",
            cost=self.name,
            now=formatLang(line.env, now, currency_obj=self.currency_id),
            before=formatLang(line.env, before, currency_obj=self.currency_id),
        )

    def _psa_as_items(self, values: dict, part: float = 1.0) -> list[dict]:
        """Analytic items through which Odoo finds corrections delivered: worth
        nothing, as the bill's own items say what it costs.

        :param values: of the item of the line that is corrected
        :param part: of the corrections
        """
        return [
            {
                **values,
                "so_line": line.id,
                "amount": 0.0,
                "unit_amount": line.product_uom_qty * part,
            }
            for line in self
        ]
