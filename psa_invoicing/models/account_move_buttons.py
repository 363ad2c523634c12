# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a person does with a project invoice: send it, get it paid."""

from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    is_po_missing = fields.Boolean(
        compute="_compute_is_po_missing",
        help="The customer wants its own reference on every project invoice.",
    )

    @api.depends("is_project_invoice", "ref", "invoice_origin", "commercial_partner_id")
    def _compute_is_po_missing(self):
        """Where the customer gave none, Odoo puts the order's own number there."""
        for move in self:
            own = {"", *(move.invoice_origin or "").split(", ")}
            move.is_po_missing = (
                move.is_project_invoice
                and move.commercial_partner_id.billing_po_required
                and {*(move.ref or "").strip().split(", ")} <= own
            )

    def _check_drafts(self):
        """Refuse to change what is posted."""
        if posted := self.filtered(lambda move: move.state != "draft"):
            raise UserError(
                self.env._(
                    "%(invoices)s is no draft any more: correct it with a credit note.",
                    invoices=", ".join(posted.mapped("display_name")),
                )
            )

    def _check_project_drafts(self):
        """Refuse what the ledger does not answer for, and what is posted."""
        if others := self.filtered(lambda move: not move.is_project_invoice):
            raise UserError(
                self.env._(
                    "%(invoices)s was not made from a project: there is nothing to "
                    "recalculate.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )
        self._check_drafts()

    def action_psa_send(self):
        """Confirm the drafts among these invoices and open Odoo's dialog to send them.

        Everything is checked first, for all of them: either all are confirmed or none.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: with all that is wrong, by invoice
        """
        self._check_billing_manager()
        problems = [
            self.env._(
                "%(invoice)s: %(problem)s", invoice=move.display_name, problem=problem
            )
            for move in self
            if (problem := move._sending_problem())
        ]
        if problems:
            raise UserError("\n".join(problems))
        drafts = self.filtered(lambda move: move.state == "draft")
        if drafts:
            drafts.action_post()
        return self.action_send_and_print()

    def _sending_problem(self) -> str:
        """:return: why this invoice cannot be sent, for an accountant, or ''"""
        if not self.is_project_invoice or self.state == "cancel":
            return self.env._("it is no project invoice that could be sent.")
        if self.state == "draft" and self.needs_recalculation:
            return self.env._(
                "transactions on it were changed since; press Recalculate first."
            )
        if self.state == "draft" and (problem := self._review_problem()):
            return problem
        if self.state == "draft" and not self.invoice_line_ids:
            return self.env._("there is nothing on it.")
        if self.is_po_missing:
            return self.env._(
                "the customer %(customer)s wants its own reference on every invoice. "
                "Enter it as Customer Reference.",
                customer=self.commercial_partner_id.display_name,
            )
        methods = self.env["account.move.send"]._get_default_sending_methods(self)
        return self._mailing_problem() if "email" in methods else ""

    def _mailing_problem(self) -> str:
        if not self.partner_id.email:
            return self.env._(
                "the customer %(customer)s has no e-mail address. Enter one, or choose "
                "another way of sending on the customer's Invoicing tab.",
                customer=self.partner_id.display_name,
            )
        senders = (self.invoice_user_id, self.company_id, self.env.user)
        if not any(sender.email for sender in senders):
            return self.env._(
                "there is no e-mail address to send it from. Enter one for the company "
                "%(company)s.",
                company=self.company_id.display_name,
            )
        return ""

    def action_psa_mark_sent(self):
        """Note that invoices went to the customer by another way: a portal, the post.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not confirmed
        """
        self._check_billing_manager()
        self.check_access("write")
        self._check_confirmed()
        for move in self.filtered(lambda move: not move.billing_sent_date):
            # sudo: the administrator was just checked; the date is the engine's.
            move.sudo().billing_sent_date = fields.Date.context_today(self)
            move._message_log(body=self.env._("Marked as sent."))

    def _check_confirmed(self):
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

    def _note_failed_sending(self, reason: str):
        """No mail left: the invoice waits to be sent, and its number stays."""
        self.billing_sent_date = False
        for move in self:
            move._message_log(
                body=self.env._(
                    "The invoice was not sent: %(reason)s. Press Send to Customer to "
                    "try again.",
                    reason=reason or self.env._("the mail server refused it"),
                )
            )

    def action_psa_mark_paid(self):
        """Open Odoo's payment dialog.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for an invoice that is not confirmed
        """
        self._check_billing_manager()
        if drafts := self.filtered(lambda move: move.state != "posted"):
            raise UserError(
                self.env._(
                    "Send %(invoices)s to the customer first: only a confirmed invoice "
                    "can be paid.",
                    invoices=", ".join(drafts.mapped("display_name")),
                )
            )
        action = self.action_register_payment()
        # Stay on the invoice, as Odoo's own Pay button does.
        return {
            **action,
            "context": {**action["context"], "dont_redirect_to_payments": True},
        }

    def _notification(self, message: str, kind: str) -> dict:
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
