# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import http
from odoo.http import content_disposition, request

from ..models.shared.external_arguments import as_records


class InvoicePreview(http.Controller):
    @http.route("/psa_invoicing/preview/<string:ids>", type="http", auth="user")
    def preview(self, ids):
        """Invoices as their customers will get them, in one PDF."""
        ids = [int(each) for each in ids.split(",") if each.isdecimal()]
        pdf = as_records(request.env["account.move"], ids)._psa_preview()
        name = request.env._("Preview") + ".pdf"
        return request.make_response(
            pdf,
            [
                ("Content-Type", "application/pdf"),
                ("Content-Length", len(pdf)),
                ("Content-Disposition", content_disposition(name, "inline")),
            ],
        )
