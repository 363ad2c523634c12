# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Down payments are deducted by a person, or where the company says so."""

from math import fsum

from odoo import api, fields, models


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_downpayment_to_deduct = fields.Monetary(
        string="Not Yet Deducted",
        compute="_compute_billing_downpayment_to_deduct",
        help="What the customer paid down on these contracts and no invoice has "
        "deducted, untaxed.",
    )

    @api.depends(
        "is_project_invoice", "state", "billing_request", "invoice_line_ids.quantity"
    )
    def _compute_billing_downpayment_to_deduct(self):
        for move in self:
            move.billing_downpayment_to_deduct = fsum(
                line._psa_undeducted() for line in move._psa_downpayment_lines()
            )

    def _psa_downpayment_lines(self):
        """Down payments on the contracts behind a draft."""
        # sudo: who may edit an invoice need not see the order.
        Order = self.env["sale.order"].sudo()
        if not (self.is_project_invoice and self.state == "draft"):
            return Order.order_line
        orders = Order.browse(self._billing_brief().order_ids)
        return orders.exists().order_line.filtered(
            lambda line: (
                line.is_downpayment
                and not line.display_type
                and line.currency_id == self.currency_id
            )
        )

    def _psa_deduct_downpayments(self) -> bool:
        """Deduct up to the untaxed total, each down payment with its own taxes.

        :return: whether there was something to deduct
        """
        self.ensure_one()
        left = self.amount_untaxed
        values = []
        for line in self._psa_downpayment_lines():
            amount = min(line._psa_undeducted(), left)
            if self.currency_id.compare_amounts(amount, 0) > 0:
                values.append(line._psa_prepare_deduction(amount))
                left -= amount
        if not values:
            return False
        sequence = max(self.invoice_line_ids.mapped("sequence"), default=0) + 1
        if not self.invoice_line_ids.filtered("is_downpayment"):
            order = self._psa_downpayment_lines().order_id[:1]
            values.insert(0, order._prepare_down_payment_section_line())
        self.env["account.move.line"].create(
            [
                {**each, "move_id": self.id, "sequence": sequence + index}
                for index, each in enumerate(values)
            ]
        )
        return True

    def _psa_fit_downpayments(self):
        """Deduct no more than what an invoice still charges."""
        deductions = self.invoice_line_ids.filtered("is_downpayment")
        if deductions and self.currency_id.compare_amounts(self.amount_untaxed, 0) < 0:
            deductions.unlink()
            self._psa_deduct_downpayments()
