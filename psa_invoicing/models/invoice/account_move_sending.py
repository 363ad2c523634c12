# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Project invoices on their way to the customer: confirmed, sent, retried."""

import json

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..shared import rights
from .account_move_agreement import Reason
from .account_move_sendable import REFUSALS


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_sending = fields.Json(
        readonly=True,
        copy=False,
        help="The message that carried the invoice last, and the day on which it was "
        "sent before that.",
    )
    billing_sending_error = fields.Text(
        string="Why It Was Not Sent", readonly=True, copy=False
    )
    billing_sending_note = fields.Char(
        string="Sending", compute="_compute_billing_sending_note"
    )

    @api.depends("is_project_invoice", "sending_data", "billing_sending_error")
    def _compute_billing_sending_note(self):
        for move in self:
            if move.is_project_invoice and move.is_being_sent:
                move.billing_sending_note = self.env._("Being sent")
            elif move.billing_sending_error:
                move.billing_sending_note = self.env._(
                    "Failed: %(reason)s", reason=move.billing_sending_error
                )
            else:
                move.billing_sending_note = False

    # === Send to Customer ===

    def action_psa_send(self):
        """Open the dialog that shows what will be sent: of one invoice its mail, of
        several a list. Nothing is confirmed before a person presses Send in it.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: with all that is wrong, for a single invoice
        """
        rights.check_may_bill(self.env)
        problems = self._psa_sending_problems()
        if len(self) != 1:
            return self._psa_list_to_send(problems)
        if problems:
            raise UserError(self._psa_problems_text(problems[self]))
        if self.state == "posted":
            return self.action_send_and_print()
        return {
            "name": self.env._("Send to Customer"),
            "type": "ir.actions.act_window",
            "res_model": "account.move.send.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {"active_model": self._name, "active_ids": self.ids},
        }

    def _psa_send_in_background(self):
        """Confirm drafts that a person has looked at; Odoo's scheduled action sends
        them.

        :return: what tells the user so, or a dialog: with what is wrong meanwhile, or
            to send a single one
        """
        problems = self._psa_sending_problems(several=True)
        if not problems and len(self) == 1:
            # Its own dialog shows more; Odoo's dialog for several fails with one.
            return self.action_psa_send()
        problems = problems or self._psa_confirm_to_send()
        return self._psa_list_to_send(problems) if problems else self._psa_hand_over()

    def _psa_list_to_send(self, problems: dict) -> dict:
        """:param problems: what is wrong, by invoice
        :return: the dialog that lists what can be sent, and what cannot
        """
        wizard = self.env["psa.send"].create(
            {
                "move_ids": [
                    fields.Command.set(
                        self.filtered(lambda move: move not in problems).ids
                    )
                ],
                "line_ids": [
                    fields.Command.create(
                        {
                            "move_id": move.id,
                            "version": move._psa_sending_version(),
                            "problem": "\n".join(
                                problem[:1].upper() + problem[1:]
                                for problem in problems.get(move, ())
                            ),
                        }
                    )
                    for move in self.sorted(lambda move: move not in problems)
                ],
            }
        )
        return {
            "name": self.env._("Send to Customer"),
            "type": "ir.actions.act_window",
            "res_model": wizard._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _psa_sending_version(self) -> str:
        """Changes with a draft, and when an invoice is sent: what a person has seen in
        a dialog is what leaves, once."""
        self.ensure_one()
        return self.billing_version or json.dumps(self.billing_sending)

    def _psa_check_version(self, seen: str):
        """Refuse to send what is not what a person has seen.

        :param seen: see :meth:`_psa_sending_version`
        """
        if seen != self._psa_sending_version():
            raise UserError(
                self.env._(
                    "%(invoice)s was changed or sent since you opened this dialog. "
                    "Close it and look at the invoice again.",
                    invoice=self.display_name,
                )
            )

    def _psa_hand_over(self) -> dict:
        """:return: a notification that Odoo's scheduled action sends them now"""
        wizard = self.env["account.move.send.batch.wizard"].create(
            {"move_ids": [fields.Command.set(self.ids)]}
        )
        return wizard.action_send_and_print()

    def _psa_send_unattended(self):
        """Confirm drafts and let Odoo's scheduled action send them, while nobody looks.

        What cannot be confirmed or sent stays as it is, and says why.
        """
        sound = self
        while sound and (problems := sound._psa_confirm_unattended()):
            for move, reasons in problems.items():
                move._psa_note_failed_sending(" ".join(reasons))
                sound -= move
        for company, moves in sound.grouped("company_id").items():
            author = company.billing_user_id or self.env.user
            moves.sending_data = {
                "author_user_id": author.id,
                "author_partner_id": author.partner_id.id,
            }
        if sound:
            # sudo: invoices were confirmed; Odoo's own dialog starts it likewise.
            self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    def _psa_confirm_unattended(self) -> dict:
        """:return: if not, why: see :meth:`_psa_sending_problems`"""
        if problems := self._psa_sending_problems(several=True):
            return problems
        try:
            return self._psa_confirm_to_send()
        except REFUSALS as error:
            if len(self) > 1:
                raise
            return {self: [str(error.args[0])]}

    def _psa_confirm_to_send(self) -> dict:
        """Post the drafts among these invoices: all of them, or none.

        :return: if none, why, as :meth:`_psa_sending_problems` does
        """
        drafts = self.filtered(lambda move: move.state == "draft")
        if not drafts:
            return {}
        try:
            with self.env.cr.savepoint():
                drafts.action_post()
        except REFUSALS:
            problems = drafts._psa_posting_problems() if len(drafts) > 1 else {}
            if not problems:
                raise
            return problems
        return {}

    # === Mark as Sent ===

    def action_psa_mark_sent(self):
        """Note that invoices went to the customer by another way: a portal, the post.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not confirmed
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        self._psa_check_confirmed()
        for move in self.filtered(lambda move: not move.billing_sent_date):
            # sudo: the administrator was just checked; the note is the engine's.
            move.sudo()._psa_note_sent()
            move._message_log(body=self.env._("Marked as sent."))
        return True

    def _psa_check_confirmed(self):
        if others := self.filtered(
            lambda move: move.state != "posted" or not move.is_project_invoice
        ):
            raise UserError(
                self.env._(
                    "%(invoices)s is no confirmed project invoice: only those are sent "
                    "to a customer.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )

    # === What became of it ===

    def _psa_note_sent(self):
        """They are on their way. What failed before must not leave any more."""
        self._psa_failed_mails().cancel()
        for move in self:
            before = move.billing_sent_date
            move.billing_sending = {"before": before and fields.Date.to_string(before)}
        for company, moves in self.grouped("company_id").items():
            moves.billing_sent_date = company._billing_today()
        self.billing_sending_error = False

    def _message_post_after_hook(self, message, msg_values):
        """Remember which message carries the invoice: its fate is the invoice's."""
        if self.env.context.get("psa_carries_invoice"):
            # sudo: who may send an invoice need not be able to write this note on it.
            move = self.sudo()
            move.billing_sending = {
                **(move.billing_sending or {}),
                "message": message.id,
            }
        return super()._message_post_after_hook(message, msg_values)

    def _psa_note_failed_sending(self, reason: str):
        """An invoice that did not go waits to be sent, and its number stays.

        :param reason: for an accountant, as far as the machinery gives one
        """
        reason = " ".join(reason.split())
        for move in self:
            move.billing_sending_error = reason
            shown = reason.rstrip(".")
            if move.state == "draft":
                body = self.env._("It stays a draft: %(reason)s.", reason=shown)
            else:
                body = self.env._(
                    "The invoice was not sent: %(reason)s. Press Retry to try again.",
                    reason=shown,
                )
            move._message_log(body=body)

    def _psa_note_returned(self, reason: str):
        """Nobody got the mail: the invoice is as it was before."""
        for move in self:
            move.billing_sent_date = (move.billing_sending or {}).get("before")
        self._psa_note_failed_sending(reason)

    def _psa_note_delivered(self):
        """Mail with them has left; all of it, unless some is still failed."""
        for move in self.filtered("billing_sending_error"):
            if not move.billing_sent_date:
                move.billing_sent_date = move.company_id._billing_today()
            if not move._psa_failed_mails():
                move.billing_sending_error = False

    def _psa_reached_somebody(self) -> bool:
        """Whether one of several recipients got the mail."""
        self.ensure_one()
        return bool(
            self.env["mail.notification"]
            # sudo: only administrators see mail as such.
            .sudo()
            .search_count(
                [
                    ("mail_message_id", "=", (self.billing_sending or {})["message"]),
                    ("notification_type", "=", "email"),
                    ("notification_status", "=", "sent"),
                ],
                limit=1,
            )
        )

    def _psa_check_taken_back_with_reason(self):
        """Refuse to take back what a customer has, unless somebody says why."""
        if self.env.su or isinstance(self.env.context.get("psa_reason"), Reason):
            return
        if sent := self.filtered(
            lambda move: move.state == "posted" and move.billing_sent_date
        ):
            raise UserError(
                self.env._(
                    "The customer already has %(invoices)s. Press Reset to Draft on "
                    "the invoice, and say why.",
                    invoices=", ".join(sent.mapped("display_name")),
                )
            )

    def _psa_forget_sending(self):
        """A draft is yet to be sent; what failed for the old one must not leave."""
        moves = self.filtered(
            lambda move: move.billing_sent_date or move.billing_sending
        )
        if moves:
            moves._psa_failed_mails().cancel()
            moves.write({"billing_sending": False, "billing_sent_date": False})
        self.filtered("billing_sending_error").billing_sending_error = False

    def _psa_failed_mails(self):
        """Mails with these invoices that did not reach everyone."""
        messages = [(move.billing_sending or {}).get("message") for move in self]
        if not any(messages):
            return self.env["mail.mail"]
        return (
            self.env["mail.mail"]
            # sudo: only administrators see mail as such.
            .sudo()
            .search([("mail_message_id", "in", messages), ("state", "=", "exception")])
        )

    # === Retry ===

    def action_psa_retry(self):
        """Send what failed: one now, several in the background.

        A mail that failed goes out as it was written, to those who did not get it. If
        it did not come to a mail, one is made.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nothing failed, or with what is still wrong
        """
        rights.check_may_bill(self.env)
        failed = self.filtered(
            lambda move: (
                move.billing_sending_error
                and move.state == "posted"
                and not move.is_being_sent
            )
        )
        if not failed:
            raise UserError(
                self.env._("Nothing to retry: no sending of these invoices failed.")
            )
        if problems := failed._psa_sending_problems():
            raise UserError(
                "\n".join(
                    move._psa_problems_text(each) for move, each in problems.items()
                )
            )
        if len(failed) > 1:
            return failed._psa_hand_over()
        failed.sending_data = {
            "author_user_id": self.env.user.id,
            "author_partner_id": self.env.user.partner_id.id,
        }
        self.env["account.move.send"]._psa_send_alone(failed)
        return True

    def _psa_send_again(self) -> bool:
        """:return: whether there was a mail that had failed, and is now sent again"""
        self.ensure_one()
        mails = self._psa_failed_mails()
        if not mails:
            return False
        mails.mark_outgoing()
        self.billing_sent_date = self.company_id._billing_today()
        self.billing_sending_error = False
        self.sending_data = False
        mails.send_after_commit()
        return True
