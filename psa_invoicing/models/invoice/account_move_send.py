# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
from contextlib import contextmanager

from odoo import models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from .account_move_sendable import REFUSALS

_logger = logging.getLogger(__name__)


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    # === One after the other ===

    def _generate_and_send_invoices(self, moves, from_cron=False, **options):
        """In the background, one that fails does so alone."""
        in_turn = from_cron and not self.env.context.get("psa_alone")
        projects = moves.filtered("is_project_invoice") if in_turn else moves.browse()
        self._psa_send_one_by_one(projects)
        if projects == moves and projects:
            return self.env["ir.attachment"]
        return super()._generate_and_send_invoices(
            moves - projects, from_cron=from_cron, **options
        )

    def _psa_send_one_by_one(self, moves):
        """Send what was handed over to be sent, each in a transaction of its own.

        :param moves: project invoices with sending data
        """
        authors = {move: _author_of(move) for move in moves}
        for move in moves:
            self._psa_send_alone(move)
            self._psa_commit_sent()
        # Mail left after the transaction: what became of it is known by now.
        moves.invalidate_recordset()
        for partner_id, sent in moves.grouped(authors.get).items():
            self._psa_tell_result(self.env["res.partner"].browse(partner_id), sent)

    def _psa_send_alone(self, move):
        """Send an invoice that was handed over, unless somebody else does."""
        move.invalidate_recordset(["sending_data", "state"])
        mine = move.try_lock_for_update().filtered("sending_data")
        if not mine or mine.state != "posted":
            return
        # sudo: who may send an invoice need not be able to write this note on it.
        with self._psa_keeping_reason(move):
            if not move.sudo()._psa_send_again():
                # Scheduled actions leave mail to a queue: nobody would know yet
                # whether it was taken.
                self.with_context(psa_alone=True)._generate_and_send_invoices(
                    move.with_context(mail_notify_force_send=True), from_cron=True
                )

    @contextmanager
    def _psa_keeping_reason(self, move):
        """Note on an invoice why it could not be sent, instead of failing.

        The invoice waits for a person, and does not hold up the others.
        """
        try:
            with self.env.cr.savepoint():
                yield
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            reason = str(error.args[0] if error.args else error)
            if not isinstance(error, REFUSALS):
                # A defect, for the administrator; the accountant must know, too.
                _logger.exception("Sending invoice %s failed", move.id)
                reason = self.env._(
                    "its document could not be made (%(error)s)", error=reason
                )
            move.sending_data = False
            # sudo: who may send an invoice need not be able to write this note on it.
            move.sudo()._psa_note_failed_sending(reason)

    def _psa_commit_sent(self):
        """Mail leaves with the commit: what was sent is sent, whatever comes next."""
        if self._can_commit():
            self.env["ir.cron"]._commit_progress()

    def _send_notifications_to_partners(
        self, moves_grouped_by_author_partner_id, is_success=True
    ):
        """Of project invoices the whole result is told, not each of them."""
        if self.env.context.get("psa_alone"):
            return None
        return super()._send_notifications_to_partners(
            moves_grouped_by_author_partner_id, is_success=is_success
        )

    def _psa_tell_result(self, author, moves):
        """Tell who sent the invoices how it went, and how many are still to go."""
        failed = moves.filtered("billing_sending_error")
        self = self.with_context(lang=author.lang)
        waiting = self.env["account.move"].search_count(
            [("is_project_invoice", "=", True), ("sending_data", "!=", False)]
        )
        author._bus_send(
            "account_notification",
            {
                "type": "warning" if failed else "success",
                "sticky": bool(failed),
                "title": self.env._("Invoices to customers"),
                "message": self.env._(
                    "%(sent)s sent, %(failed)s failed, %(waiting)s still to be sent.",
                    sent=len(moves - failed),
                    failed=len(failed),
                    waiting=waiting,
                ),
                "action_button": {
                    "name": self.env._("Show Failed") if failed else self.env._("Show"),
                    "action_name": self.env._("Invoices"),
                    "model": "account.move",
                    "res_ids": (failed or moves).ids,
                },
            },
        )

    # === The document ===

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

    # === To whom, and with what ===

    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        """Those of the project who get a copy."""
        partners = super()._get_default_mail_partner_ids(move, mail_template, mail_lang)
        # sudo: who may send an invoice need not see the project.
        copies = move.sudo().billing_project_ids.billing_copy_to_ids
        if move.is_project_invoice and copies:
            partners |= copies.sudo(False).filtered("email")
        return partners

    def _get_default_mail_attachments_widget(self, move, *args, **kwargs):
        """Receipts behind the expenses, for a customer who asks for them."""
        return [
            *super()._get_default_mail_attachments_widget(move, *args, **kwargs),
            *(
                {
                    "id": receipt.id,
                    "name": receipt.name,
                    "mimetype": receipt.mimetype,
                    "placeholder": False,
                    "protect_from_deletion": True,
                }
                for receipt in move._origin._psa_receipts()
            ),
        ]

    def _get_mail_params(self, move, move_data):
        """Whoever sends an invoice need not see the expenses: receipts are read apart,
        and only those of this invoice."""
        rows = move_data.get("mail_attachments_widget") or []
        wanted = {row["id"] for row in rows if not row.get("skip")}
        receipts = move._psa_receipts()
        others = [row for row in rows if row["id"] not in receipts.ids]
        params = super()._get_mail_params(
            move, {**move_data, "mail_attachments_widget": others}
        )
        params["attachments"] = [
            *params["attachments"],
            *(
                (receipt.name, receipt.raw)
                for receipt in receipts
                if receipt.id in wanted
            ),
        ]
        return params

    def _send_mail(self, move, mail_template, **kwargs):
        """A project invoice goes to whom it is addressed, never to its followers."""
        if move.is_project_invoice:
            kwargs["notify_skip_followers"] = True
            move = move.with_context(psa_carries_invoice=True)
        return super()._send_mail(move, mail_template, **kwargs)

    # === What became of it ===

    def _hook_if_success(self, moves_data, from_cron=False):
        """Note on project invoices that they were sent.

        Odoo's own flag says that a PDF was made, and is never cleared.
        """
        # sudo: who may send an invoice need not be able to write this note on it.
        projects = self.env["account.move"].union(*moves_data).sudo()
        for move in projects.filtered("is_project_invoice"):
            data = moves_data[move]
            methods = {*(data["sending_methods"] or ())} - {"manual"}
            if any(
                self._is_applicable_to_move(method, move, **data) for method in methods
            ):
                # Before the mail leaves: if it fails at once, that stays.
                move._psa_note_sent()
            elif methods:
                move._psa_note_failed_sending(
                    self.env._("there was nobody to send it to")
                )
        return super()._hook_if_success(moves_data, from_cron=from_cron)

    def _hook_if_errors(self, moves_data, allow_raising=True):
        """Keep the reason on project invoices, too."""
        result = super()._hook_if_errors(moves_data, allow_raising=allow_raising)
        for move, data in moves_data.items():
            if move.is_project_invoice:
                # sudo: as above
                move.sudo().billing_sending_error = self._format_error_text(
                    data["error"]
                )
        return result


def _author_of(move) -> int | bool:
    """Who handed an invoice over to be sent, its partner: Odoo keeps that in a field
    that clients write, too, and one invoice must not hold up the others."""
    data = move.sending_data
    author = isinstance(data, dict) and data.get("author_partner_id")
    return isinstance(author, int) and author
