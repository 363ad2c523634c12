# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core.allocation import is_part, is_zero
from ..models.shared.external_arguments import as_text


class PsaInvoiceCorrection(models.TransientModel):
    """Ask what should have been invoiced, and credit the difference."""

    _name = "psa.invoice.correction"
    _inherit = "psa.pointing"
    _description = "Correct an Invoice"

    move_id = fields.Many2one(
        "account.move", string="Customer Invoice", required=True, readonly=True
    )
    currency_id = fields.Many2one(related="move_id.currency_id")
    line_ids = fields.One2many(
        "psa.invoice.correction.line", "correction_id", string="Transactions"
    )
    reason = fields.Char(help="The customer reads it on the credit note.")
    amount = fields.Monetary(
        string="Credit Note, Untaxed",
        compute="_compute_amount",
        help="About, untaxed; the credit note has it to the cent.",
    )

    @api.depends("line_ids.quantity")
    def _compute_amount(self):
        for correction in self:
            correction.amount = sum(
                line.detail_id.amount
                * (line.billed_quantity - line.quantity)
                / line.detail_id.quantity
                for line in correction.line_ids
            )

    def action_credit_all(self):
        """Nothing should have been invoiced."""
        self.line_ids.quantity = 0.0
        return self.move_id._psa_correction_dialog(self)

    def action_apply(self):
        """Make the credit note of the difference, as a draft.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nothing was changed, a quantity makes no sense, or the
            invoice is not posted
        :return: an action that opens it
        """
        self.ensure_one()
        self.move_id._psa_check_may_correct()
        billed = self.move_id.detail_ids._chargeable()
        parts = {
            line.detail_id: part
            for line in self.line_ids
            if line.detail_id in billed and (part := line._part())
        }
        if not parts:
            raise UserError(
                self.env._(
                    "Enter what should have been invoiced: lower the quantity of at "
                    "least one transaction."
                )
            )
        move, reason = self.move_id, as_text(self.reason)
        context = {"active_model": "account.move", "active_ids": move.ids}
        Reversal = self.env["account.move.reversal"].with_context(**context)
        reversal = Reversal.create({"journal_id": move.journal_id.id, "reason": reason})
        action = reversal.reverse_moves()
        # sudo: the administrator was just checked; the ledger is the engine's.
        reversal.new_move_ids.sudo()._psa_credit_exactly(parts)
        return action


class PsaInvoiceCorrectionLine(models.TransientModel):
    """A transaction of the invoice, and how much of it should have been billed."""

    _name = "psa.invoice.correction.line"
    _inherit = "psa.pointing"
    _description = "Transaction to Correct"

    correction_id = fields.Many2one(
        "psa.invoice.correction", required=True, ondelete="cascade"
    )
    detail_id = fields.Many2one("psa.invoice.detail", required=True, readonly=True)
    product_id = fields.Many2one(related="detail_id.product_id", string="Contract Line")
    date = fields.Date(related="detail_id.date")
    employee_name = fields.Char(related="detail_id.employee_name")
    task_name = fields.Char(related="detail_id.task_name")
    name = fields.Char(related="detail_id.name")
    uom_id = fields.Many2one(related="detail_id.uom_id")
    billed_quantity = fields.Float(
        string="Invoiced",
        compute="_compute_billed_quantity",
        help="Less what was credited, in the unit of the contract line.",
    )
    quantity = fields.Float(
        string="Should Be",
        help="What should have been invoiced, in the unit of the contract line. The "
        "difference is credited.",
    )

    @api.depends("detail_id")
    def _compute_billed_quantity(self):
        left = self.detail_id._left()
        for line in self:
            line.billed_quantity = left.get(line.detail_id, 0.0)

    def _part(self) -> float:
        """What is credited, negative; 0: nothing.

        :raises UserError: if it is more than what was invoiced, or below zero
        """
        part = self.quantity - self.billed_quantity
        if is_zero(part):
            return 0.0
        if not is_part(self.quantity, self.billed_quantity):
            raise UserError(
                self.env._(
                    "“%(transaction)s”: enter between 0 and %(billed)s. What was "
                    "billed too low goes on a new invoice.",
                    transaction=self.name or self.product_id.display_name,
                    billed=self.uom_id.round(self.billed_quantity),
                )
            )
        return -self.billed_quantity if is_zero(self.quantity) else part
