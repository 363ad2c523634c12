# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class ProductTemplate(models.Model):
    _name = "product.template"
    _inherit = ["product.template", "psa.internal"]

    billing_frequency_id = fields.Many2one(
        "psa.billing.frequency",
        help="Of the projects that an order of this product creates.",
    )
