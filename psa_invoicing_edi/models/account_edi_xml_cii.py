# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountEdiXmlCii(models.AbstractModel):
    _inherit = "account.edi.xml.cii"

    def _export_invoice_vals(self, invoice):
        """State the billing period; Odoo's own ends when the invoice is due."""
        vals = super()._export_invoice_vals(invoice)
        if period := invoice._billing_period():
            vals["billing_start"], vals["billing_end"] = period
        vals["billing_credited_invoices"] = invoice._billing_credited_invoices()
        return vals

    def _get_scheduled_delivery_time(self, invoice):
        """What a credit note credits was done when it was done."""
        period = invoice.move_type == "out_refund" and invoice._billing_period()
        if period and not invoice.delivery_date:
            return period[1]
        return super()._get_scheduled_delivery_time(invoice)
