# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What of invoice lines counts as billed, and how much that is exactly."""

from math import fsum

from odoo import models

from ...tools import rules


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    def _billing_counts(self) -> bool:
        """Whether a contract line is billed by what this line says: a credit counts
        once it reopens something, a correction that it bills at once."""
        move = self.move_id
        return rules.stands(move) and (
            move.move_type != "out_refund"
            or rules.reopens(move)
            or not any(map(rules.is_credit, self.detail_ids))
        )

    def _billing_is_on_later_draft(self, move) -> bool:
        """Whether it counts, and the customer reads it after another draft."""
        own = self.move_id
        return own.state == "draft" and own.id > move.id and self._billing_counts()

    def _billing_exact_quantity(self, order_line):
        """Of a fixed price that was billed by quantity, what the ledger has."""
        if not self.billing_share and order_line._psa_is_billed_by_amount():
            # sudo: who reads an order need not read the ledger.
            if details := self.sudo().detail_ids._chargeable():
                return rules.sign(self.move_id) * fsum(details.mapped("quantity"))
        return super()._billing_exact_quantity(order_line)
