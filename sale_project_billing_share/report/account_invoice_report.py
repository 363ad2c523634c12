# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.tools import SQL

QUANTITY = "(line.quantity * COALESCE(NULLIF(line.billing_share, 0), 1))"
# Of a share, the unit is that of the order line.
UNIT = """CASE WHEN line.billing_share <> 0
               THEN (SELECT order_line.product_uom_id
                       FROM sale_order_line_invoice_rel AS rel
                       JOIN sale_order_line AS order_line
                         ON order_line.id = rel.order_line_id
                      WHERE rel.invoice_line_id = line.id LIMIT 1)
               ELSE line.product_uom_id END"""


class AccountInvoiceReport(models.Model):
    _inherit = "account.invoice.report"

    _depends = {"account.move.line": ["billing_share"]}

    def _select(self) -> SQL:
        """Eight eighths of a fixed price are one, and cost what one costs."""
        return _replaced(super()._select(), "line.quantity", QUANTITY)

    def _from(self) -> SQL:
        return _replaced(
            super()._from(),
            "uom_line.id = line.product_uom_id",
            f"uom_line.id = {UNIT}",
        )


def _replaced(statement: SQL, old: str, new: str) -> SQL:
    """Odoo's own statement, in other terms."""
    return SQL(
        statement.code.replace(old, new),
        *statement.params,
        to_flush=statement.to_flush,
    )
