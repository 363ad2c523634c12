# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal


class PortalReceipts(CustomerPortal):
    @http.route(
        "/my/invoices/<int:invoice_id>/receipts/<int:receipt_id>",
        type="http",
        auth="public",
        website=True,
    )
    def portal_my_invoice_receipt(
        self, invoice_id, receipt_id, access_token=None, **_kwargs
    ):
        """A receipt behind an invoice, to who may see the invoice."""
        try:
            invoice = self._document_check_access(
                "account.move", invoice_id, access_token
            )
        except (AccessError, MissingError):
            return request.redirect("/my")
        receipts = invoice._psa_receipts() if invoice.state == "posted" else ()
        for receipt in receipts:
            if receipt.id == receipt_id:
                stream = request.env["ir.binary"]._get_stream_from(receipt)
                return stream.get_response(as_attachment=True)
        raise request.not_found()
