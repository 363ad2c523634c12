# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

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
