# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the ledger looks like in a spreadsheet."""

from odoo import fields, models


class PsaInvoiceDetail(models.Model):
    """Names, for whoever sees a row of the ledger: an export reads projects and orders
    with the rights of the user, who need not see those."""

    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    project_name = fields.Char(related="project_id.display_name", string="Project Name")
    customer_name = fields.Char(
        related="sale_line_id.order_partner_id.display_name", string="Customer"
    )
    order_name = fields.Char(related="sale_line_id.order_id.name", string="Order")
    contract_line_name = fields.Text(
        related="sale_line_id.name", string="Contract Line Description"
    )
    invoice_date = fields.Date(related="move_id.invoice_date", string="Invoice Date")
