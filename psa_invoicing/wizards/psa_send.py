# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..models.shared import actions, rights


class PsaSend(models.TransientModel):
    """Show several invoices before they are sent: to whom, with which mail, and what
    keeps some of them from it."""

    _name = "psa.send"
    _inherit = "psa.pointing"
    _description = "Send to Customer"

    line_ids = fields.One2many(
        "psa.send.line", "wizard_id", string="Document", readonly=True
    )
    move_ids = fields.Many2many("account.move", string="To Send", readonly=True)
    move_count = fields.Integer(string="Number to Send", compute="_compute_move_count")
    wrong_count = fields.Integer(
        string="Number That Cannot Be Sent", compute="_compute_move_count"
    )
    summary = fields.Char(compute="_compute_move_count")

    @api.depends("move_ids", "line_ids.problem")
    def _compute_move_count(self):
        for wizard in self:
            wizard.move_count = len(wizard.move_ids)
            wizard.wrong_count = len(wizard.line_ids.filtered("problem"))
            if wizard.wrong_count:
                wizard.summary = self.env._(
                    "%(wrong)s of %(all)s invoices cannot be sent. Nothing has been "
                    "sent yet.",
                    wrong=wizard.wrong_count,
                    all=wizard.wrong_count + wizard.move_count,
                )
            else:
                wizard.summary = self.env._(
                    "Nothing is confirmed yet: invoices get their numbers when you "
                    "press Send. A row opens its mail."
                )

    def action_send(self):
        """Confirm what can be sent, and send it in the background.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if an invoice is not what the dialog showed any more
        """
        self.ensure_one()
        rights.check_may_bill(self.env)
        for line in self.line_ids.filtered(lambda line: line.move_id in self.move_ids):
            line.move_id._psa_check_version(line.version)
        return self.move_ids._psa_send_in_background()

    def action_preview(self):
        """See :meth:`~AccountMove.action_psa_preview`."""
        return self.line_ids.move_id.action_psa_preview()


class PsaSendLine(models.TransientModel):
    """An invoice to send: its mail, or all that is wrong with it."""

    _name = "psa.send.line"
    _inherit = "psa.pointing"
    _description = "Invoice to Send"

    wizard_id = fields.Many2one("psa.send", required=True, ondelete="cascade")
    move_id = fields.Many2one("account.move", string="Customer Invoice", required=True)
    version = fields.Char(help="Of the invoice, when the dialog was opened.")
    partner_id = fields.Many2one(related="move_id.partner_id", string="Customer")
    billing_project_ids = fields.Many2many(related="move_id.billing_project_ids")
    amount_total = fields.Monetary(related="move_id.amount_total")
    currency_id = fields.Many2one(related="move_id.currency_id")
    problem = fields.Text(string="What Is Wrong")
    recipients = fields.Char(
        string="Goes To",
        compute="_compute_mail",
        help="Who gets the mail; or the other way in which this customer wants it.",
    )
    subject = fields.Char(compute="_compute_mail")
    body = fields.Html(string="Mail", compute="_compute_mail", sanitize=False)

    @api.depends("move_id")
    def _compute_mail(self):
        Send = self.env["account.move.send"]
        for line in self:
            line.recipients = line.subject = line.body = False
            move = line.move_id
            methods = Send._get_default_sending_methods(move)
            if "email" not in methods:
                line.recipients = line._other_way(methods)
                continue
            template = Send._get_default_mail_template_id(move)
            lang = Send._get_default_mail_lang(move, template)
            partners = Send._get_default_mail_partner_ids(move, template, lang)
            line.recipients = ", ".join(partners.mapped("email"))
            line.subject = Send._get_default_mail_subject(move, template, lang)
            line.body = Send._get_default_mail_body(move, template, lang)

    def _other_way(self, methods: set) -> str:
        """:param methods: how the customer wants its invoices, by Odoo's names"""
        known = self.env["ir.model.fields"].get_field_selection(
            "res.partner", "invoice_sending_method"
        )
        labels = {**dict(known), "manual": self.env._("PDF only, you pass it on")}
        return ", ".join(labels[method] for method in sorted(methods))

    def action_open(self):
        """Open the invoice, to put it right."""
        self.ensure_one()
        self.move_id.check_access("read")
        return actions.open_record(self.move_id)

    def action_preview(self):
        """See :meth:`~AccountMove.action_psa_preview`."""
        return self.move_id.action_psa_preview()
