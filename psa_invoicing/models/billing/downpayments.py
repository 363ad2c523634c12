# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Down payments: what is left of them, and who deducts it: a person, or every invoice
where the company says so. And what is left to invoice of an order line."""

from math import fsum

from odoo import api, fields, models

from .selection import Selection
from .step import in_customer_language


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

    def _psa_apply_advances(self):
        """Deduct from new project invoices, or credit notes of what is due to the
        customer, what was paid before. Advances of other kinds come in here: see
        ``psa.billing.terms``."""
        for move in self:
            if move.company_id.billing_deduct_downpayments:
                move._psa_deduct_downpayments()

    def _psa_fit_advances(self):
        """Deduct no more than what project invoices still charge, since their
        transactions have changed."""
        for move in self:
            deductions = move.invoice_line_ids.filtered("is_downpayment")
            if (
                deductions
                and move.currency_id.compare_amounts(move.amount_total, 0) < 0
            ):
                deductions.unlink()
                move._psa_deduct_downpayments()


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    @api.depends("billing_excluded_quantity")
    def _compute_qty_to_invoice(self):
        """What is on hold, offered or written off is not offered for invoicing."""
        result = super()._compute_qty_to_invoice()
        excluded = self.filtered("billing_excluded_quantity")
        by_amount = excluded._billing_by_amount()
        for line in self:
            if line in excluded - by_amount and line.state == "sale":
                line.qty_to_invoice -= line.billing_excluded_quantity
            if line.is_downpayment and line._psa_is_partly_deducted():
                line.qty_to_invoice = -1.0 if line._psa_undeducted() > 0 else 0.0
        return result

    def _recompute_qty_to_invoice(self, start_date, end_date):
        """Odoo's wizard asks for the hours of a period; the ledger knows them.

        Its own answer overwrites a stored figure: invoices of other periods would then
        find nothing. Ours is taken back as soon as the invoice is made (see
        ``sale.order``).
        """
        lines = self.filtered(
            lambda line: line.product_id and line.product_id._is_delivered_timesheet()
        )
        # sudo: whoever invoices an order need not read timesheets.
        selection = Selection(self.sudo().env)
        found = selection.open_in_period(lines, start_date, end_date)
        result = super()._recompute_qty_to_invoice(start_date, end_date)
        for line in lines:
            line.qty_to_invoice = line._psa_round(found.get(line.id, 0.0))
        return result

    # === Down payments ===

    def _psa_undeducted(self) -> float:
        """What is left of a down payment, untaxed, in the order's currency.

        A down payment counts once it is posted, a deduction from the draft on.
        """
        return self.currency_id.round(
            fsum(
                -item.price_subtotal
                if item.move_type == "out_refund"
                else item.price_subtotal
                for item in self.invoice_lines
                if item.parent_state == "posted"
                or (item.parent_state == "draft" and item._psa_is_deduction())
            )
        )

    def _psa_is_partly_deducted(self) -> bool:
        """Whether a project invoice has deducted from this down payment: quantities,
        by which Odoo goes, then say nothing of what is left."""
        return self.is_downpayment and any(
            item._psa_is_deduction()
            and item.parent_state != "cancel"
            and item.move_id.is_project_invoice
            for item in self.invoice_lines
        )

    def _psa_prepare_deduction(self, amount: float) -> dict:
        """Values of an invoice line that deducts from a down payment.

        :param amount: untaxed, at most what is left
        """
        order = in_customer_language(self.order_id)
        line = self.with_env(order.env)
        whole = self.currency_id.compare_amounts(amount, self._psa_undeducted()) == 0
        if whole and not self._psa_is_partly_deducted():
            # To the cent what was paid down, with its taxes.
            return line._prepare_invoice_line(
                quantity=-1.0,
                extra_tax_data=self.env[
                    "account.tax"
                ]._reverse_quantity_base_line_extra_tax_data(self.extra_tax_data),
            )
        return {
            **line._prepare_invoice_line(quantity=-1.0),
            "price_unit": self._psa_downpayment_price(amount),
            "extra_tax_data": False,
        }

    def _psa_downpayment_price(self, untaxed: float) -> float:
        """The price whose untaxed amount is this share of the down payment's own."""
        paid_down = fsum(
            item.price_subtotal
            for item in self.invoice_lines
            if item.parent_state == "posted"
            and item.move_type == "out_invoice"
            and not item._psa_is_deduction()
        )
        return self.price_unit * untaxed / paid_down if paid_down else untaxed

    def _prepare_invoice_line(self, **optional_values):
        """Odoo deducts what is left of a down payment, if a part was deducted here."""
        values = super()._prepare_invoice_line(**optional_values)
        if self.is_downpayment and self._psa_is_partly_deducted():
            values["price_unit"] = self._psa_downpayment_price(self._psa_undeducted())
            values["extra_tax_data"] = False
        return values
