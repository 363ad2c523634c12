# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What contract terms mean to transactions and their contract lines."""

from odoo import api, models

from .left_out import LeftOut


class PsaTransactionMixin(models.AbstractModel):
    # The ledger knows of no terms.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.transaction.mixin"

    @api.model
    def _billing_has_terms(self):
        # sudo: whoever records a transaction need not know what was agreed.
        terms = self.env["psa.billing.terms"].sudo()
        return super()._billing_has_terms() or bool(terms._projects_with_terms())


class SaleOrderLine(models.Model):
    # One file per side of a contract line.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "sale.order.line"

    def _billing_beyond_terms(self):
        # sudo: whoever records a transaction need not read the others.
        beyond = LeftOut(self.sudo().env).beyond_terms_of_lines(self)
        return {**super()._billing_beyond_terms(), **beyond}
