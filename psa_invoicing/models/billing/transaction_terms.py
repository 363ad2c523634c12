# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What contract terms mean to transactions and their contract lines."""

from odoo import models

from .left_out import LeftOut


class PsaTransactionMixin(models.AbstractModel):
    _inherit = "psa.transaction.mixin"  # pylint: disable=consider-merging-classes-inherited

    def _billing_has_terms(self):
        # sudo: whoever records a transaction need not know what was agreed.
        terms = self.env["psa.billing.terms"].sudo()
        return super()._billing_has_terms() or bool(terms._projects_with_terms())


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _billing_beyond_terms(self):
        # sudo: whoever records a transaction need not read the others.
        beyond = LeftOut(self.sudo().env).beyond_terms_of_lines(self)
        return {**super()._billing_beyond_terms(), **beyond}
