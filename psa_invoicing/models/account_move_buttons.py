# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a person does with a project invoice: get it paid."""

from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    def _psa_check_drafts(self):
        """Refuse to change what is posted."""
        if posted := self.filtered(lambda move: move.state != "draft"):
            raise UserError(
                self.env._(
                    "%(invoices)s is no draft any more: correct it with a credit note.",
                    invoices=", ".join(posted.mapped("display_name")),
                )
            )

    def _psa_check_project_drafts(self):
        """Refuse what the ledger does not answer for, and what is posted."""
        if others := self.filtered(lambda move: not move.is_project_invoice):
            raise UserError(
                self.env._(
                    "%(invoices)s was not made from a project: there is nothing to "
                    "recalculate.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )
        self._psa_check_drafts()

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

    def _psa_notification(self, message: str, kind: str) -> dict:
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": kind,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
