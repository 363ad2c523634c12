# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..models.shared import rights


class PsaAdoptDraft(models.TransientModel):
    """Ask up to which day a draft of Odoo's order button bills."""

    _name = "psa.adopt.draft"
    _inherit = "psa.pointing"
    _description = "Cut-off Date of a Draft"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    cutoff_date = fields.Date(
        string="Cut-off Date",
        compute="_compute_cutoff_date",
        store=True,
        readonly=False,
        help="Transactions dated up to and including this day are billed.",
    )

    @api.depends("move_ids")
    def _compute_cutoff_date(self):
        """The last day that is billed already."""
        for wizard in self:
            drafts = wizard.move_ids.filtered("psa_is_adoptable")
            wizard.cutoff_date = max(drafts.detail_ids.mapped("date"), default=False)

    def action_apply(self):
        """Review the drafts as project invoices from now on, and recalculate them.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is no draft
        """
        self.ensure_one()
        rights.check_may_bill(self.env)
        self.move_ids.check_access("write")
        self.move_ids._psa_check_drafts()
        self.move_ids.filtered("psa_is_adoptable")._psa_adopt(self.cutoff_date)
        return self.move_ids.action_psa_recalculate()
