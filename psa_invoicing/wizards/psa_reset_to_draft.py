# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class PsaResetToDraft(models.TransientModel):
    """Ask why an invoice that the customer has is taken back."""

    _name = "psa.reset.to.draft"
    _description = "Reset to Draft"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    reason = fields.Char(help="For whoever asks later.")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        context = self.env.context
        if context.get("active_model") == "account.move":
            values["move_ids"] = [fields.Command.set(context.get("active_ids") or [])]
        return values

    def action_apply(self):
        """Reset the invoices, where Odoo allows it.

        :raises UserError: without a reason
        """
        self.ensure_one()
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(
                self.env._("Say why: the customer already has this invoice.")
            )
        self.move_ids.button_draft()
        self.move_ids._message_log_batch(
            dict.fromkeys(
                self.move_ids.ids,
                self.env._("Reset to draft after sending: %(reason)s", reason=reason),
            )
        )
        return {"type": "ir.actions.act_window_close"}
