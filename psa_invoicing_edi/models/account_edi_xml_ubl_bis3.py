# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountEdiXmlUblBis3(models.AbstractModel):
    _inherit = "account.edi.xml.ubl_bis3"

    def _add_invoice_header_nodes(self, document_node, vals):
        """The numbers of the credited invoices, where Odoo has its own reference, as
        in the Netherlands."""
        result = super()._add_invoice_header_nodes(document_node, vals)
        self._billing_name_credited_invoices(document_node, vals["invoice"])
        return result
