# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _prepare_invoice_pdf_report(self, invoices_data):
        """Render one invoice at a time where they cannot be rendered together.

        Distributions ship a wkhtmltopdf that refuses several documents in one go.
        """
        try:
            return super()._prepare_invoice_pdf_report(invoices_data)
        except UserError:
            if len(invoices_data) == 1:
                raise
        for invoice, data in invoices_data.items():
            super()._prepare_invoice_pdf_report({invoice: data})
        return None

    @api.model
    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        """Those of the project who get a copy."""
        partners = super()._get_default_mail_partner_ids(move, mail_template, mail_lang)
        # sudo: who may send an invoice need not see the project.
        copies = move.sudo().billing_project_ids.billing_copy_to_ids
        if move.is_project_invoice and copies:
            partners |= copies.sudo(False).filtered("email")
        return partners

    @api.model
    def _send_mail(self, move, mail_template, **kwargs):
        """A project invoice goes to whom it is addressed, never to its followers."""
        if move.is_project_invoice:
            kwargs["notify_skip_followers"] = True
        return super()._send_mail(move, mail_template, **kwargs)

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        """Note on project invoices that they were sent.

        Odoo's own flag says that a PDF was made, and is never cleared.
        """
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        sent = self.env["account.move"].union(
            *(
                move
                for move, data in moves_data.items()
                if move.is_project_invoice
                and any(
                    method != "manual"
                    and self._is_applicable_to_move(method, move, **data)
                    for method in data["sending_methods"] or ()
                )
            )
        )
        # sudo: who may send an invoice need not be able to write this note on it.
        sent.sudo().billing_sent_date = fields.Date.context_today(self)
        return result
