# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From an invoice to what is behind it, and what it is worth beside that."""

from math import fsum

from odoo import api, fields, models

from ..shared import actions


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    psa_detail_count = fields.Integer(
        string="Number of Transactions", compute="_compute_psa_detail_count"
    )
    billing_credit_note_ids = fields.Many2many(
        "account.move",
        string="Credit Notes",
        compute="_compute_billing_credit_note_ids",
        help="They take back transactions of this invoice.",
    )
    billing_credit_note_count = fields.Integer(
        compute="_compute_billing_credit_note_ids"
    )
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

    @api.depends("detail_ids")
    def _compute_psa_detail_count(self):
        counts = dict(
            self.env["psa.invoice.detail"]
            # sudo: the number is shown to whoever sees the invoice.
            .sudo()
            ._read_group([("move_id", "in", self.ids)], ["move_id"], ["__count"])
        )
        for move in self:
            move.psa_detail_count = counts.get(move._origin, 0)

    @api.depends("detail_ids")
    def _compute_billing_credit_note_ids(self):
        found: dict = {}
        # sudo: that there are some is shown to whoever sees the invoice.
        for invoice, credit_note in (
            self.env["psa.invoice.detail"]
            .sudo()
            ._read_group(
                [
                    ("origin_detail_id.move_id", "in", self.ids),
                    ("move_id.move_type", "=", "out_refund"),
                ],
                ["origin_detail_id", "move_id"],
            )
        ):
            found.setdefault(invoice.move_id.id, set()).add(credit_note.id)
        for move in self:
            ids = sorted(found.get(move._origin.id, ()))
            move.billing_credit_note_ids = self.browse(ids)
            move.billing_credit_note_count = len(ids)

    # === What it is worth beside what its contract is worth ===

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

    # === What is behind it ===

    def action_psa_view_details(self):
        """The transactions of these documents, to work on many at once."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_invoice_detail_action"
        )
        return {
            **action,
            "name": self.env._(
                "Transactions of %(invoice)s",
                invoice=", ".join(self.mapped("display_name")),
            ),
            "domain": [("move_id", "in", self.ids)],
        }

    def action_psa_view_projects(self):
        """The projects that are billed here."""
        self.check_access("read")
        return actions.open_records(
            self.billing_project_ids, self.env._("Projects"), "list,kanban,form"
        )

    def action_psa_view_credit_notes(self):
        """What takes transactions of this invoice back."""
        self.check_access("read")
        return actions.open_records(
            self.billing_credit_note_ids, self.env._("Credit Notes"), "list,form"
        )
