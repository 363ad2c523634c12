# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from .recording import Recording


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _psa_give_way(self):
        """What took the place of drafts that were cancelled bills what they have
        billed.

        Who merges invoices makes the new one first: all that it bills was on drafts.
        OCA's account_invoice_merge says so in the context.
        """
        if not self.env.context.get("is_merge"):
            return
        # sudo: who may merge invoices need not see orders and ledger.
        cancelled = self.sudo().invoice_line_ids.filtered("detail_ids")
        lines = cancelled.detail_ids.sale_line_id.invoice_lines.filtered(
            lambda line: (
                line.parent_state == "draft"
                and line.move_type == "out_invoice"
                and not all(row._key for row in line.detail_ids)
            )
        )
        Recording(cancelled.env).take_the_place(lines, cancelled)
