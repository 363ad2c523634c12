# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountEdiXmlUbl20(models.AbstractModel):
    _inherit = "account.edi.xml.ubl_20"

    def _add_invoice_header_nodes(self, document_node, vals):
        """Add the billing period, and what a credit note corrects. Every UBL format
        starts from this header."""
        result = super()._add_invoice_header_nodes(document_node, vals)
        if period := vals["invoice"]._billing_period():
            start, end = period
            document_node["cac:InvoicePeriod"] = {
                "cbc:StartDate": {"_text": start},
                "cbc:EndDate": {"_text": end},
            }
        self._billing_name_credited_invoices(document_node, vals["invoice"])
        return result

    def _billing_name_credited_invoices(self, document_node, invoice):
        """The preceding invoices (BG-3)."""
        if credited := invoice._billing_credited_invoices():
            document_node["cac:BillingReference"] = [
                {
                    "cac:InvoiceDocumentReference": {
                        "cbc:ID": {"_text": move.name},
                        "cbc:IssueDate": {"_text": move.invoice_date},
                    }
                }
                for move in credited
            ]
