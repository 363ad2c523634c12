# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the customer sees behind the lines of an invoice."""

from math import fsum

from odoo import models


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    def _annex(self) -> list[dict]:
        """Transactions by contract line, in the language of the report.

        Offered ones are shown; what is neither charged nor offered is not.

        :return: title, quantity and unit, untaxed amount, details of each section
        """
        self.ensure_one()
        # sudo: whoever prints an invoice need not read the ledger.
        details = self.sudo().detail_ids.filtered(
            lambda detail: (
                detail.billing_type != "non_chargeable" and not detail.is_write_off
            )
        )
        lines = details.sale_line_id.sorted(
            lambda line: (line.order_id.id, line.sequence, line.id)
        )
        by_line = details.grouped("sale_line_id")
        return [
            {
                "title": line.product_id.with_env(self.env).sudo().display_name
                or line.name,
                "quantity": fsum(by_line[line].mapped("quantity")),
                "unit": line.product_uom_id.with_env(self.env).sudo().name,
                "amount": fsum(by_line[line].mapped("amount")),
                "details": by_line[line].sorted(lambda each: (each.date, each.id)),
            }
            for line in lines
        ]
