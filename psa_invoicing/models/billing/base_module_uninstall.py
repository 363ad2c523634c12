# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import formatLang

from ..shared.psa_guard import ADDON


class BaseModuleUninstall(models.TransientModel):
    _inherit = "base.module.uninstall"

    psa_billable_again = fields.Char(
        string="Billable Again",
        compute="_compute_psa_billable_again",
        help="Work that is on hold, offered, never charged or written off: Odoo's own "
        "button knows nothing of that, and invoices it.",
    )

    @api.depends("module_ids")
    def _compute_psa_billable_again(self):
        for wizard in self:
            is_leaving = ADDON in wizard._get_modules().mapped("name")
            wizard.psa_billable_again = is_leaving and ", ".join(
                formatLang(self.env, amount, currency_obj=currency)
                for currency, amount in self._psa_left_out_amounts().items()
            )

    def _psa_left_out_amounts(self) -> dict:
        """Untaxed amounts that Odoo would offer for invoicing, by currency."""
        amounts: dict = defaultdict(float)
        # sudo: who may uninstall need not see the orders.
        for line in (
            self.env["sale.order.line"]
            .sudo()
            .search([("billing_excluded_quantity", "!=", 0), ("state", "=", "sale")])
        ):
            price = line.price_unit * (1 - line.discount / 100)
            amounts[line.currency_id] += line.billing_excluded_quantity * price
        return {
            currency: amount
            for currency, amount in amounts.items()
            if not currency.is_zero(amount)
        }
