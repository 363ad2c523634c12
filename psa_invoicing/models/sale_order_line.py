# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    excluded_quantity = fields.Float(
        string="Complimentary Quantity",
        readonly=True,
        copy=False,
        digits="Product Unit",
        help="Delivered, and not to be invoiced, because it was offered on an invoice.",
    )

    @api.depends("excluded_quantity")
    def _compute_qty_to_invoice(self):
        """What was offered is delivered but never to be invoiced."""
        result = super()._compute_qty_to_invoice()
        for line in self:
            if line.excluded_quantity and line.state == "sale":
                line.qty_to_invoice -= line.excluded_quantity
        return result

    def write(self, vals):
        """Milestones are shares of the ordered quantity: drafts follow it."""
        result = super().write(vals)
        if "product_uom_qty" in vals:
            # sudo: whoever may edit an order need not see the milestones.
            self.env["project.milestone"].sudo().search(
                [("sale_line_id", "in", self.ids), ("billed_quantity", "!=", 0)]
            )._flag_drafts()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._check_not_billed()

    def _check_not_billed(self):
        """Refuse to delete what a draft or posted invoice was made from."""
        detail = (
            self.env["psa.invoice.detail"]
            # sudo: whoever may delete an order need not see its invoices.
            .sudo()
            .search(
                [
                    ("sale_line_id", "in", self.ids),
                    ("move_id.state", "in", ("draft", "posted")),
                ],
                limit=1,
            )
        )
        if detail:
            raise UserError(
                self.env._(
                    "%(line)s is billed with %(invoice)s and cannot be deleted.",
                    line=detail.sale_line_id.display_name,
                    invoice=detail.move_id.display_name,
                )
            )

    def _refresh_excluded_quantity(self):
        """Recompute it from the ledger; only lines where it changes are written."""
        self.env["psa.invoice.detail"].flush_model()
        totals = dict(
            self.env["psa.invoice.detail"]
            # sudo: an order line's figures do not depend on who looks.
            .sudo()
            ._read_group(
                [
                    ("sale_line_id", "in", self.ids),
                    ("billing_type", "!=", "chargeable"),
                    ("move_id.state", "in", ("draft", "posted")),
                ],
                ["sale_line_id"],
                ["quantity:sum"],
            )
        )
        for line in self.sudo():
            quantity = line.product_uom_id.round(totals.get(line, 0.0))
            if line.product_uom_id.compare(line.excluded_quantity, quantity):
                line.excluded_quantity = quantity
