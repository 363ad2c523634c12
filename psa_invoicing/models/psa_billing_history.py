# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoices that were made before: at installation, or before an order had a project."""

from odoo import api, models


class PsaBilling(models.AbstractModel):
    _inherit = "psa.billing"

    @api.model
    def _take_over_history(self, contract_lines=None):
        """Take invoices and credit notes that exist into the ledger."""
