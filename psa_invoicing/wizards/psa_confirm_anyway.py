# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.invoice.account_move_agreement import Reason
from ..models.shared.external_arguments import as_text


class PsaConfirmAnyway(models.TransientModel):
    """Confirm invoices whose figures do not agree, and say why.

    For whoever answers for the books; the chatter keeps the reason and what is off.
    """

    _name = "psa.confirm.anyway"
    _inherit = "psa.pointing"
    _description = "Confirm All the Same"
    _psa_selection = "move_ids"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    problems = fields.Text(compute="_compute_problems")
    reason = fields.Char(help="For whoever asks later.")

    @api.depends("move_ids")
    def _compute_problems(self):
        for wizard in self:
            wizard.problems = "\n".join(
                f"{move.display_name}: {text}"
                for move, text in wizard.move_ids._origin._psa_disagreements()
            )

    def action_apply(self):
        """Post the invoices, as Odoo's own button does.

        :raises UserError: without a reason
        """
        self.ensure_one()
        reason = as_text(self.reason)
        if not reason:
            raise UserError(self.env._("Say why they are confirmed all the same."))
        self.move_ids.with_context(psa_reason=Reason(reason)).action_post()
        return {"type": "ir.actions.act_window_close"}
