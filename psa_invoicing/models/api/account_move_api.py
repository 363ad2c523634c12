# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The life of a project invoice, for other systems: plain values in and out."""

from odoo import fields, models
from odoo.exceptions import UserError

from ..billing.recalculation import Recalculation
from ..billing.words import Words
from ..shared import rights
from ..shared.external_arguments import as_date, as_records, as_word, check_exist

# How an invoice is sent, by what other systems call it.
METHODS = {"default": None, "email": ["email"], "print": ["manual"]}


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def psa_recalculate(self) -> list[dict]:
        """Bring drafts in line with their transactions: see
        :meth:`action_psa_recalculate`.

        Called again, it changes nothing.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for what is no draft of a project invoice
        :return: of each draft its values, and ``difference``: what was changed, as the
            invoice's history tells it (``what``, ``date``, ``before``, ``now``);
            ``amount_untaxed_before``
        """
        self._psa_check_project_invoices()
        self.check_access("write")
        self._psa_check_project_drafts()
        found = []
        for move in self:
            # sudo: the administrator was just checked; they need not read timesheets.
            draft = move.sudo()
            difference = Recalculation(draft.env).pending(draft)
            changes = list(Words(draft.env).changes(difference))
            before = move.amount_untaxed
            move._psa_recalculate()
            found.append(
                {
                    **move._psa_values(),
                    "amount_untaxed_before": before,
                    "difference": [
                        {
                            "what": change.what,
                            "date": change.day or "",
                            "before": change.before,
                            "now": change.after,
                        }
                        for change in changes
                    ],
                }
            )
        return found

    def psa_send(self, sending_method: str = "default") -> list[dict]:
        """Confirm the drafts among these invoices, and send them to the customers.

        All are checked first: if something is wrong with one, nothing is confirmed.
        Called again, what was sent is not sent a second time. An invoice that cannot be
        sent stays confirmed, and says why; a new call tries again.

        :param sending_method: ``default`` (as each customer wants it), ``email``, or
            ``print``: make the PDF and send nothing; :meth:`action_psa_mark_sent` notes
            that it left by another way
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: with all that is wrong, by invoice
        :return: values of each invoice
        """
        self._psa_check_project_invoices()
        methods = METHODS[as_word(self.env, sending_method, METHODS)]
        waiting = self.filtered(
            lambda move: (
                sending_method == "print"
                or not move.billing_sent_date
                or move.billing_sending_error
            )
        )
        problems = waiting._psa_sending_problems(methods=methods)
        if problems := problems or waiting._psa_confirm_to_send():
            raise UserError(
                "\n".join(
                    move._psa_problems_text(each) for move, each in problems.items()
                )
            )
        options = {} if methods is None else {"sending_methods": methods}
        Send = self.env["account.move.send"]
        for move in waiting:
            with Send._psa_keeping_reason(move):
                Send._generate_and_send_invoices(move, **options)
        return [move._psa_values() for move in self]

    def psa_mark_paid(
        self, journal_id: int | None = None, payment_date: str | None = None
    ) -> list[dict]:
        """Register the payment of all that is due on these invoices, one for each.

        Called again, it registers nothing: what is paid is not due any more.

        :param journal_id: where the money arrived: a bank or cash journal (default: the
            one that Odoo's dialog proposes)
        :param payment_date: ``YYYY-MM-DD`` (default: today)
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not confirmed, and for what is unknown
        :return: values of each invoice
        """
        self._psa_check_project_invoices()
        journal = as_records(
            self.env["account.journal"], [journal_id] if journal_id else None
        )
        day = as_date(self.env, payment_date)
        due = self.filtered(
            lambda move: (
                move.state != "posted"
                or not move.currency_id.is_zero(move.amount_residual)
            )
        )
        if due:
            # Checks that they are confirmed.
            due.action_psa_mark_paid()
        for move in due:
            move._psa_register_payment(journal, day)
        return [move._psa_values() for move in self]

    def _psa_register_payment(self, journal, day):
        """:param journal: or none; likewise the day"""
        values = {"payment_date": day} if day else {}
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=self.ids)
            .create(values)
        )
        if journal and journal not in wizard.available_journal_ids:
            raise UserError(
                self.env._(
                    "%(journal)s takes no payment of %(invoice)s. Choose one of "
                    "%(journals)s.",
                    journal=journal.display_name,
                    invoice=self.display_name,
                    journals=", ".join(
                        f"{each.display_name} ({each.id})"
                        for each in wizard.available_journal_ids
                    ),
                )
            )
        if journal:
            wizard.journal_id = journal
        wizard._create_payments()

    def _psa_check_project_invoices(self):
        """:raises AccessError: unless the user is a billing administrator
        :raises UserError: for what is no project invoice
        """
        rights.check_may_bill(self.env)
        check_exist(self).check_access("read")
        if others := self.filtered(lambda move: not move.is_project_invoice):
            raise UserError(
                self.env._(
                    "No project invoices: %(invoices)s.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )

    def _psa_values(self) -> dict:
        """What another system wants to know of an invoice after a call."""
        self.ensure_one()
        return {
            "id": self.id,
            "name": self.name or "",
            "type": "credit_note" if self.move_type == "out_refund" else "invoice",
            "state": self.psa_state or self.state,
            "currency": self.currency_id.name,
            "amount_untaxed": self.amount_untaxed,
            "amount_total": self.amount_total,
            "amount_due": self.amount_residual,
            "sent_date": fields.Date.to_string(self.billing_sent_date),
            "sending_error": self.billing_sending_error or "",
            "pdf_id": self.invoice_pdf_report_id.id,
        }
