# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from .left_out import LeftOut


class SaleOrderLine(models.Model):
    # One file per side of a contract line.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "sale.order.line"

    def _billing_beyond_terms(self):
        # sudo: whoever records a transaction need not read the others.
        beyond = LeftOut(self.sudo().env).beyond_terms_of_lines(self)
        return {**super()._billing_beyond_terms(), **beyond}
