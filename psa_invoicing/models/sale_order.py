# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    has_time_rates = fields.Boolean(compute="_compute_has_time_rates")

    @api.depends("order_line.product_id", "state")
    def _compute_has_time_rates(self):
        for order in self:
            order.has_time_rates = bool(order._lines_with_rates())

    def _lines_with_rates(self):
        """Lines on which time is billed; of one with several rates the first."""
        return self.order_line.filtered(
            lambda line: (
                line.state == "sale"
                and line.product_id
                and line.product_id._is_delivered_timesheet()
                and not line.rate_origin_line_id
            )
        )

    def _create_invoices(self, grouped=False, final=False, date=None):
        """What Odoo's wizard put in the place of a stored figure is computed again."""
        moves = super()._create_invoices(grouped=grouped, final=final, date=date)
        context = self.env.context
        if context.get("timesheet_start_date") or context.get("timesheet_end_date"):
            # What depends on the quantity to invoice, the status too, is computed anew.
            self.order_line.modified(["excluded_quantity"])
        return moves

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self.order_line._check_not_billed()
