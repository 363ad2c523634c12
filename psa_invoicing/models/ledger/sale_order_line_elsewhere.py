# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Odoo counts as invoiced of an order line, and no invoice line says."""

from odoo import api, fields, models

from odoo.addons.sale_project_billing_share.models.sale_order_line import stands

from ...tools import hooks


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    psa_invoiced_elsewhere_quantity = fields.Float(
        string="Invoiced Elsewhere",
        compute="_compute_psa_invoiced_elsewhere_quantity",
        store=True,
        help="Part of the line that Odoo counts as invoiced without an invoice line: "
        "what was settled in a shop, say.",
    )

    def _psa_may_be_invoiced_elsewhere(self) -> bool:
        """Whether an add-on is installed that invoices without invoice lines."""
        return hooks.is_changed(self, "_compute_qty_invoiced", "_prepare_qty_invoiced")

    # Where there is no such add-on, invoices do not have it computed.
    @api.depends(
        lambda line: ["qty_invoiced"] if line._psa_may_be_invoiced_elsewhere() else []
    )
    def _compute_psa_invoiced_elsewhere_quantity(self):
        self.psa_invoiced_elsewhere_quantity = 0.0
        if not self._psa_may_be_invoiced_elsewhere():
            return
        on_invoices = hooks.of_odoo(self, "_prepare_qty_invoiced")()
        for line in self._billing_by_amount():
            on_invoices[line] = line._billing_billed(stands).quantity
        for line in self.filtered("product_uom_id"):
            quantity = line.product_uom_id.round(line.qty_invoiced - on_invoices[line])
            # What another add-on takes back does not open it again: what invoices have
            # billed, the ledger knows.
            if quantity * (line.product_uom_qty or 1.0) > 0:
                line.psa_invoiced_elsewhere_quantity = quantity
