# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountEdiXmlUbl20(models.AbstractModel):
    _inherit = "account.edi.xml.ubl_20"

    def _add_invoice_header_nodes(self, document_node, vals):
        """Add the billing period. Every UBL format starts from this header."""
        result = super()._add_invoice_header_nodes(document_node, vals)
        if period := vals["invoice"]._billing_period():
            start, end = period
            document_node["cac:InvoicePeriod"] = {
                "cbc:StartDate": {"_text": start},
                "cbc:EndDate": {"_text": end},
            }
        return result
