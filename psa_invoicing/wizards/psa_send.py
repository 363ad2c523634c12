# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..models.shared import actions, rights


class PsaSend(models.TransientModel):
    """Say what is wrong with some of the invoices that were to be sent, and offer to
    send the others."""

    _name = "psa.send"
    _inherit = "psa.pointing"
    _description = "Send to Customer"

    line_ids = fields.One2many("psa.send.line", "wizard_id", readonly=True)
    move_ids = fields.Many2many("account.move", string="Others", readonly=True)
    move_count = fields.Integer(
        string="Number of Others", compute="_compute_move_count"
    )
    summary = fields.Char(compute="_compute_move_count")

    @api.depends("move_ids")
    def _compute_move_count(self):
        for wizard in self:
            wizard.move_count = len(wizard.move_ids)
            wizard.summary = self.env._(
                "%(wrong)s of %(all)s invoices cannot be sent. Nothing has been sent "
                "yet.",
                wrong=len(wizard.line_ids),
                all=len(wizard.line_ids) + wizard.move_count,
            )

    def action_send(self):
        """Confirm the others and send them in the background.

        :raises AccessError: unless the user is a billing administrator
        """
        self.ensure_one()
        rights.check_may_bill(self.env)
        return self.move_ids._psa_send_in_background()


class PsaSendLine(models.TransientModel):
    """An invoice that cannot be sent, and all that is wrong with it."""

    _name = "psa.send.line"
    _inherit = "psa.pointing"
    _description = "Invoice That Cannot Be Sent"

    wizard_id = fields.Many2one("psa.send", required=True, ondelete="cascade")
    move_id = fields.Many2one("account.move", string="Customer Invoice", required=True)
    partner_id = fields.Many2one(related="move_id.partner_id", string="Customer")
    billing_project_ids = fields.Many2many(related="move_id.billing_project_ids")
    amount_total = fields.Monetary(related="move_id.amount_total")
    currency_id = fields.Many2one(related="move_id.currency_id")
    problem = fields.Text(string="What Is Wrong", required=True)

    def action_open(self):
        """Open the invoice, to put it right."""
        self.ensure_one()
        self.move_id.check_access("read")
        return actions.open_record(self.move_id)
