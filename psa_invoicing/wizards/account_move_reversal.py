# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    @api.model
    def default_get(self, fields):
        """A credit note of a project gets the day of the company."""
        moves = self.env["account.move"]._active_moves()
        there = self.with_context(tz=moves._zone_of_days())
        return super(AccountMoveReversal, there).default_get(fields)

    def reverse_moves(self, is_modify=False):
        """What takes the place of a project invoice is one too.

        Odoo posts a credit note of tomorrow by itself: tomorrow where the company is.
        """
        there = self.with_context(tz=self.move_ids._zone_of_days())
        action = super(AccountMoveReversal, there).reverse_moves(is_modify=is_modify)
        if is_modify:
            for move in self.new_move_ids:
                origin = move.invoice_line_ids.credited_line_id.move_id
                if origin.is_project_invoice:
                    # sudo: the accountant may make the invoice; the ledger follows.
                    move.sudo()._continue_project_invoice(origin.sudo())
        return action
