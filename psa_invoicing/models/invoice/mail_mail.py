# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Mail leaves after its invoice was noted as sent: correct that if it failed.

        The invoice then waits to be sent again, with the reason beside it.
        """
        for mail in self:
            if move := mail._psa_invoice_carried():
                mail._psa_tell_invoice(
                    move,
                    failure_type and (failure_reason or mail.failure_reason),
                    failure_type,
                    self.env["res.partner"].union(*success_pids),
                    success_emails,
                )
        return super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )

    def _psa_invoice_carried(self):
        """The project invoice that this mail brings to its customer, if it does."""
        if self.model != "account.move":
            return self.env["account.move"]
        # sudo: mail is sent by whoever triggers the queue.
        move = self.env["account.move"].sudo().browse(self.res_id).exists()
        message_id = (move.billing_sending or {}).get("message")
        return move if message_id == self.mail_message_id.id else move.browse()

    def _psa_tell_invoice(self, move, reason, failure_type, reached, addresses):
        """:param reached: partners who got the mail
        :param addresses: of others who got it
        """
        if not failure_type:
            move._psa_note_delivered()
            return
        reason = reason or self.env._("the mail server refused it")
        # Else a second try would bring it to them twice.
        # sudo: mail is sent by whoever triggers the queue.
        self.sudo().recipient_ids -= reached
        if reached or addresses or move._psa_reached_somebody():
            move._psa_note_failed_sending(reason)
        else:
            move._psa_note_returned(reason)
