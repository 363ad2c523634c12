# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        """What takes the place of a project invoice is one too."""
        action = super().reverse_moves(is_modify=is_modify)
        if is_modify:
            for move in self.new_move_ids:
                origin = move.invoice_line_ids.credited_line_id.move_id
                if origin.is_project_invoice:
                    # sudo: the accountant may make the invoice; the ledger follows.
                    move.sudo()._continue_project_invoice(origin.sudo())
        return action
