# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountEdiXmlCii(models.AbstractModel):
    _inherit = "account.edi.xml.cii"

    def _export_invoice_vals(self, invoice):
        """State the billing period; Odoo's own ends when the invoice is due."""
        vals = super()._export_invoice_vals(invoice)
        if period := invoice._billing_period():
            vals["billing_start"], vals["billing_end"] = period
        return vals
