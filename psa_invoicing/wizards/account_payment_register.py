# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    @api.model
    def default_get(self, fields):
        """A project invoice is paid on the day of the company."""
        moves = self.env["account.move"]._active_moves()
        there = self.with_context(tz=moves._zone_of_days())
        return super(AccountPaymentRegister, there).default_get(fields)

    def _init_payments(self, to_process, edit_mode=False):
        """Make the journal entry of a payment that makes taxes due.

        Where bank statements are reconciled (Odoo Enterprise), a payment has none
        unless its method names an account; the tax would wait for the statement.
        """
        if (
            not self.payment_method_line_id.payment_account_id
            and self._pays_cash_basis_taxes()
        ):
            self = self.with_context(force_payment_move=True)
        return super()._init_payments(to_process, edit_mode=edit_mode)

    def _pays_cash_basis_taxes(self) -> bool:
        """Whether a tax of a project invoice is due as soon as it is paid."""
        return any(
            move._collect_tax_cash_basis_values()
            for move in self.line_ids.move_id
            if move.is_project_invoice
        )
