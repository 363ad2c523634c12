# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from ..models.shared.external_arguments import as_text


class PsaScheduleSkip(models.TransientModel):
    """Ask why no invoice is made on some dates."""

    _name = "psa.schedule.skip"
    _inherit = "psa.pointing"
    _description = "Skip Invoice Dates"
    _psa_selection = "row_ids"

    row_ids = fields.Many2many(
        "psa.invoice.schedule", string="Invoice Dates", required=True
    )
    reason = fields.Char(help="For whoever asks later.")

    def action_apply(self):
        """Skip them.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: without a reason, or for rows that are not due any more
        """
        self.ensure_one()
        self.row_ids._skip(as_text(self.reason))
        return {"type": "ir.actions.act_window_close"}
