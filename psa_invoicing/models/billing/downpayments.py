# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Down payments: who deducts them, a person or every invoice where the company says so,
and from what. And what is left to invoice of an order line."""

from collections import defaultdict
from math import fsum

from odoo import api, fields, models
from odoo.tools import formatLang

from .deductions import Charged, amounts_of, set_of_taxes
from .selection import Selection


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

    def _psa_deduct_downpayments(self, at_most: dict | None = None) -> bool:
        """Deduct each down payment, the oldest first, from what has the same taxes.

        No more than is charged: neither the untaxed amount of a set of taxes nor one of
        its taxes falls below zero.

        :param at_most: untaxed amount by down payment (default: all that is left)
        :return: whether there was something to deduct
        """
        self.ensure_one()
        if self.move_type != "out_invoice":
            return False
        charged = self._psa_charged_by_taxes()
        values = []
        for line in self._psa_downpayment_lines().sorted("id"):
            taxes = set_of_taxes(line)
            left = line._psa_undeducted()
            if at_most is not None:
                left = min(left, at_most.get(line, 0.0))
            amount = min(left, charged[taxes].untaxed, charged[None].untaxed)
            if self.currency_id.compare_amounts(amount, 0) > 0:
                part = line._psa_next_part(amount, charged[taxes].taxes)
                values.append(line._psa_prepare_deduction(part))
                for each in (charged[taxes], charged[None]):
                    each.take(part)
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

    def _psa_charged_by_taxes(self) -> defaultdict:
        """What an invoice charges, less what is deducted already.

        :return: by set of taxes, and for None all of it
        """
        charged = defaultdict(Charged)
        for base_line in self._get_rounded_base_and_tax_lines()[0]:
            amounts = amounts_of(base_line)
            taxes = set_of_taxes(base_line["record"])
            for each in (charged[taxes], charged[None]):
                each.add(amounts)
        return charged

    def _psa_downpayments_of_other_taxes(self) -> list[str]:
        """What cannot be deducted from an invoice that charges nothing with the same
        taxes: a sentence for each down payment."""
        charged = self._psa_charged_by_taxes()
        return [
            self.env._(
                "%(amount)s that was paid down on %(order)s with %(taxes)s cannot be "
                "deducted: nothing on the invoice has these taxes.",
                amount=formatLang(
                    self.env, line._psa_undeducted(), currency_obj=line.currency_id
                ),
                order=line.order_id.display_name,
                taxes=", ".join(line.tax_ids.mapped("display_name"))
                or self.env._("no taxes"),
            )
            for line in self._psa_downpayment_lines()
            if set_of_taxes(line) not in charged
            and self.currency_id.compare_amounts(line._psa_undeducted(), 0) > 0
        ]

    def _psa_say_what_is_not_deducted(self):
        """In the log of a draft, as far as taxes are the reason."""
        for sentence in self._psa_downpayments_of_other_taxes():
            self.message_post(body=sentence)

    def _psa_apply_advances(self):
        """Deduct from new project invoices, or credit notes of what is due to the
        customer, what was paid before. Advances of other kinds come in here: see
        ``psa.billing.terms``."""
        for move in self:
            if move.company_id.billing_deduct_downpayments:
                move._psa_deduct_downpayments()
                move._psa_say_what_is_not_deducted()

    def _psa_fit_advances(self):
        """Deduct no more than what project invoices still charge, since their
        transactions have changed. What a person has lowered stays lowered."""
        for move in self:
            deductions = move.invoice_line_ids.filtered("is_downpayment")
            if deductions and move._psa_deducts_too_much(deductions):
                deducted = defaultdict(float)
                for item in deductions:
                    deducted[item.sale_line_ids.sudo()] -= item.price_subtotal
                deductions.unlink()
                move._psa_deduct_downpayments(deducted)

    def _psa_deducts_too_much(self, deductions) -> bool:
        """Whether something of what they are deducted from has fallen below zero."""
        charged = self._psa_charged_by_taxes()
        sets = set(map(set_of_taxes, deductions))
        return self.currency_id.compare_amounts(self.amount_total, 0) < 0 or any(
            self.currency_id.compare_amounts(amount, 0) < 0
            for taxes in sets
            for amount in (charged[taxes].untaxed, *charged[taxes].taxes.values())
        )


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
