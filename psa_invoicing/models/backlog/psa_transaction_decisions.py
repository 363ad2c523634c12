# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a billing administrator decides about transactions."""

from odoo import models
from odoo.exceptions import UserError

from ...core.kinds import BILLING_TYPES
from ..shared import actions, rights
from ..shared.external_arguments import as_quantities, as_text, as_word


class PsaTransactionMixin(models.AbstractModel):
    _inherit = "psa.transaction.mixin"  # pylint: disable=consider-merging-classes-inherited

    def action_psa_hold(self, reason: str = ""):
        """Leave these transactions out of every invoice until they are released.

        :param reason: why, for whoever looks at the backlog
        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_decide(self)
        # sudo: the administrator was just checked; he need not edit timesheets.
        self.sudo().write(
            {"billing_hold": True, "billing_hold_reason": as_text(reason)}
        )
        return True

    def action_psa_release(self):
        """Bill these transactions with the next invoice: those on hold, and those that
        a credit note has reopened.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_decide(self)
        # sudo: the administrator was just checked; he need not edit timesheets.
        records = self.sudo()
        records.filtered("billing_hold").write(
            {"billing_hold": False, "billing_hold_reason": False}
        )
        records._psa_details().filtered("origin_detail_id")._release()
        return True

    def action_psa_set_billing_type(self, billing_type: str):
        """:param billing_type: ``chargeable``, ``complimentary``, ``non_chargeable``
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for any other type
        """
        rights.check_may_decide(self)
        as_word(self.env, billing_type, dict(BILLING_TYPES))
        # sudo: the administrator was just checked; he need not edit timesheets.
        self.sudo().write({"billing_type": billing_type})
        return True

    def action_psa_write_off(self, reason: str, quantities: dict | None = None):
        """Never bill what is open on these transactions.

        :param reason: why, for whoever asks later
        :param quantities: how much of a transaction, by its id, in its own unit
            (default: all that is open)
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if there is no reason, or nothing is open
        :return: the ledger rows
        """
        rights.check_may_decide(self)
        if not as_text(reason):
            raise UserError(self.env._("Say why it is written off."))
        # sudo: the administrator was just checked; he need not read timesheets.
        return (
            self.env["psa.billing"]
            .sudo()
            .write_off(self.sudo(), as_text(reason), as_quantities(self, quantities))
        )

    def action_psa_undo_write_off(self):
        """Make what was written off open again.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if the period of the write-off is closed
        """
        rights.check_may_decide(self)
        self.sudo()._psa_details().filtered("is_write_off")._undo_write_off()
        return True

    def action_psa_view_invoices(self):
        """The invoices and credit notes on which these transactions stand.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        moves = self._psa_details().move_id
        if not moves:
            raise UserError(
                self.env._("These transactions are on no invoice and no credit note.")
            )
        return actions.open_records(moves, self.env._("Invoices"), "list,form")

    def action_manual_invoice(self):
        """Open the wizard that invoices these transactions, and nothing else.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if they belong to no project
        """
        rights.check_may_decide(self)
        # sudo: an administrator need not read timesheets.
        records = self.sudo()
        names = self._billing_columns
        days = [day for day in records.mapped(names["date"]) if day]
        return actions.invoice_by_hand(
            records[names["project_id"]].with_env(self.env),
            picks=[[self._billing_source, id_] for id_ in self.ids],
            **({"cutoff_date": max(days)} if days else {}),
        )
