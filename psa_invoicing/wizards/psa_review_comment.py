# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class PsaReviewComment(models.TransientModel):
    """Ask a reviewer what is to be changed on the drafts that he sends back."""

    _name = "psa.review.comment"
    _description = "Send Back"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    comment = fields.Text(help="What is to be changed.")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        context = self.env.context
        if context.get("active_model") == "account.move":
            values["move_ids"] = [fields.Command.set(context.get("active_ids") or [])]
        return values

    def action_apply(self):
        """Send them back.

        :raises AccessError: unless the user reviews their projects
        :raises UserError: without a comment, or for what is not in review
        """
        self.ensure_one()
        self.move_ids._psa_send_back(self.comment)
        return {"type": "ir.actions.act_window_close"}
