# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _billing_period(self) -> tuple[date, date] | None:
        """The invoicing period (BG-14 of EN 16931) of a project invoice.

        :return: its first and its last day; None for another invoice, or if there is
            no such period: one that ends before it starts is refused (BR-29)
        """
        start, end = self.billing_period_start, self.billing_cutoff_date
        if self.is_project_invoice and start and end and start <= end:
            return start, end
        return None
