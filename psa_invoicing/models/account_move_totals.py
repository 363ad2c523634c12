# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an invoice is worth beside what its contract is worth."""

from math import fsum

from odoo import api, fields, models


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    billing_complimentary_value = fields.Monetary(
        string="Complimentary",
        compute="_compute_billing_values",
        help="What is offered on this invoice, at the price of its contract, untaxed.",
    )
    billing_written_off_value = fields.Monetary(
        string="Written Off",
        compute="_compute_billing_values",
        help="The rest of transactions on this invoice that is never billed, untaxed.",
    )
    billing_contract_total = fields.Monetary(
        string="Contract",
        compute="_compute_billing_contract",
        help="What was ordered with the contracts behind this invoice, untaxed.",
    )
    billing_billed_before = fields.Monetary(
        string="Billed Before",
        compute="_compute_billing_contract",
        help="With other confirmed invoices, less their credit notes, untaxed.",
    )
    billing_contract_rest = fields.Monetary(
        string="Remaining",
        compute="_compute_billing_contract",
        help="The contract less what was billed before and what this invoice charges; "
        "below zero, more is billed than was ordered.",
    )

    @api.depends("detail_ids.amount", "detail_ids.billing_type", "detail_ids.quantity")
    def _compute_billing_values(self):
        # sudo: who sees the invoice need not read the ledger.
        Detail = self.env["psa.invoice.detail"].sudo()
        for move in self:
            details = move.sudo().detail_ids
            rests = Detail
            if details and move.is_project_invoice:
                rests = Detail.search(
                    [
                        ("is_write_off", "=", True),
                        ("move_id", "=", False),
                        ("origin_detail_id", "in", details.ids),
                    ]
                )
            move.billing_complimentary_value = details.filtered(
                lambda detail: detail.billing_type == "complimentary"
            )._value()
            move.billing_written_off_value = rests._value()

    @api.depends("is_project_invoice", "amount_untaxed", "state")
    def _compute_billing_contract(self):
        for move in self:
            # sudo: who sees the invoice need not see the order.
            orders = (
                move.sudo().line_ids.sale_line_ids.order_id
                if move.is_project_invoice
                else self.env["sale.order"]
            )
            lines = orders.order_line.filtered(
                lambda line: not (line.is_downpayment or line.display_type)
            )
            move.billing_contract_total = fsum(lines.mapped("price_subtotal"))
            move.billing_billed_before = fsum(
                item.price_subtotal * (-1 if item.move_type == "out_refund" else 1)
                for item in lines.invoice_lines
                if item.parent_state == "posted" and item.move_id != move._origin
            )
            move.billing_contract_rest = (
                move.billing_contract_total
                - move.billing_billed_before
                - move.amount_untaxed
            )
