# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Mail leaves after the invoice was noted as sent: take that back if it failed.

        Nobody got it, so that it waits to be sent again, with the reason beside it.
        """
        if failure_type and not success_pids and not success_emails:
            # sudo: mail is sent by whoever triggers the queue.
            moves = self.env["account.move"].sudo()
            moves = moves.browse(
                mail.res_id for mail in self if mail.model == "account.move"
            )
            moves.filtered("billing_sent_date")._note_failed_sending(failure_reason)
        return super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )
