# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class PsaReviewComment(models.TransientModel):
    """Ask a reviewer what is to be changed on the drafts that he sends back."""

    _name = "psa.review.comment"
    _inherit = "psa.pointing"
    _description = "Send Back"
    _psa_selection = "move_ids"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    comment = fields.Text(help="What is to be changed.")

    def action_apply(self):
        """Send them back.

        :raises AccessError: unless the user reviews their projects
        :raises UserError: without a comment, or for what is not in review
        """
        self.ensure_one()
        self.move_ids._psa_send_back(self.comment)
        return {"type": "ir.actions.act_window_close"}
