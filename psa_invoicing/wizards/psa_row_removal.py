# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.shared.external_arguments import as_text


class PsaRowRemoval(models.TransientModel):
    """Ask what becomes of transactions that are taken off a draft."""

    _name = "psa.row.removal"
    _inherit = "psa.pointing"
    _description = "Remove from the Invoice"
    _psa_selection = "detail_ids"

    detail_ids = fields.Many2many(
        "psa.invoice.detail", string="Transactions", required=True
    )
    detail_count = fields.Integer(string="Selected", compute="_compute_detail_count")
    then = fields.Selection(
        [("later", "Bill later"), ("hold", "Hold"), ("write_off", "Write off")],
        string="Afterwards",
        required=True,
        default="later",
        help="Bill later: the next invoice takes them. Hold: none does until they are "
        "released. Write off: they are never billed.",
    )
    reason = fields.Char(help="For whoever asks later.")

    @api.depends("detail_ids")
    def _compute_detail_count(self):
        for wizard in self:
            wizard.detail_count = len(wizard.detail_ids)

    def action_apply(self):
        """Take them off.

        :raises AccessError: unless the user may decide that
        :raises UserError: for what is posted; without a reason to write off
        """
        self.ensure_one()
        details = self.detail_ids.exists()
        if not details:
            raise UserError(self.env._("Select the transactions first."))
        details._remove(self.then, as_text(self.reason))
        return {"type": "ir.actions.act_window_close"}
