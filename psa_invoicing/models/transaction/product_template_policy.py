# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

# What decides which quantity of an order line is billed.
POLICY_FIELDS = {"invoice_policy", "service_policy", "service_type", "type"}


class ProductTemplate(models.Model):
    _inherit = "product.template"  # pylint: disable=consider-merging-classes-inherited

    def write(self, vals):
        """Contract lines follow another policy of their product at once: to Odoo,
        what is stored with them stays as it was."""
        result = super().write(vals)
        if POLICY_FIELDS & set(vals):
            # sudo: whoever edits a product need not see the orders.
            self.env["sale.order.line"].sudo().search(
                [
                    ("product_id.product_tmpl_id", "in", self.ids),
                    ("billing_project_id", "!=", False),
                    ("state", "=", "sale"),
                ]
            )._psa_follow_policy()
        return result
