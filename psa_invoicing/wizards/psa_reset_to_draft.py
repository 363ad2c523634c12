# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models
from odoo.exceptions import UserError

from ..models.invoice.account_move_agreement import Reason
from ..models.shared.external_arguments import as_text


class PsaResetToDraft(models.TransientModel):
    """Ask why an invoice that the customer has is taken back."""

    _name = "psa.reset.to.draft"
    _inherit = "psa.pointing"
    _description = "Reset to Draft"
    _psa_selection = "move_ids"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    reason = fields.Char(help="For whoever asks later.")

    def action_apply(self):
        """Reset the invoices, where Odoo allows it.

        :raises UserError: without a reason
        """
        self.ensure_one()
        reason = as_text(self.reason)
        if not reason:
            raise UserError(
                self.env._("Say why: the customer already has this invoice.")
            )
        self.move_ids.with_context(psa_reason=Reason(reason)).button_draft()
        self.move_ids._message_log_batch(
            dict.fromkeys(
                self.move_ids.ids,
                self.env._("Reset to draft after sending: %(reason)s", reason=reason),
            )
        )
        return {"type": "ir.actions.act_window_close"}
