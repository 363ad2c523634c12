# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Contract lines of which amounts are billed: fixed prices, by their milestones."""

from odoo import api, models

from ...core.allocation import TOLERANCE, is_zero
from ...core.charges import Charge
from ...tools import rules


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_net_price(self) -> float:
        """Of 1 of this line, with the taxes that it includes."""
        return self.price_unit * (1 - (self.discount or 0.0) / 100)

    def _psa_worth(self, charge: Charge) -> float:
        """What an invoice line that charges this comes to, in the order's currency."""
        price = charge.price(self._psa_net_price())
        return self.currency_id.round(charge.quantity * price)

    def _psa_price_back(self) -> float | None:
        """What a unit of a cost was billed for on average, net of discounts and of what
        its price was lowered by since, if that is not the price of this line: what is
        taken back of it is taken back at that."""
        if not self.is_expense:
            return None
        # sudo: whoever takes a cost back need not see its invoices.
        items = self.sudo().invoice_lines.filtered(
            lambda item: item.parent_state == "posted"
        )
        quantity = amount = 0.0
        for item in items:
            move, sign = item.move_id, rules.sign(item.move_id)
            amount += sign * item.currency_id._convert(
                item.quantity * item.price_unit * (1 - (item.discount or 0.0) / 100),
                self.currency_id,
                move.company_id,
                move.invoice_date,
                round=False,
            )
            if move.move_type != "out_refund" or rules.reopens(move):
                quantity += sign * item._billing_quantity(self)
        price = amount / quantity if quantity > TOLERANCE else self._psa_net_price()
        return None if is_zero(price - self._psa_net_price()) else price

    @api.model
    def _psa_fixed_prices(self):
        """Confirmed lines that milestones are of."""
        return self.search(
            [("state", "=", "sale"), ("qty_delivered_method", "=", "milestones")]
        )

    def _psa_compute_fixed_prices(self):
        """Compute anew what was rounded of fixed prices: nothing is lost any more."""
        lines = self.filtered(lambda line: line._psa_is_billed_by_amount())
        lines._psa_refresh_excluded_quantity()
        lines.modified(["billing_excluded_quantity", "psa_never_billed_quantity"])

    # === What Odoo derives from them ===

    def _billing_by_amount(self):
        lines = super()._billing_by_amount()
        # sudo: customers read what follows, and no products.
        return self.filtered(
            lambda line: line in lines or line.sudo()._psa_is_billed_by_amount()
        )

    def _billing_kept_back(self, for_good):
        """What is on hold, offered or written off; for good, without the first."""
        # sudo: as above
        lines = self.sudo()
        if for_good:
            never = lines.filtered("psa_never_billed_quantity")
            quantities = never._psa_never_billed_at_date()
        else:
            quantities = {line.id: line.billing_excluded_quantity for line in lines}
        kept = super()._billing_kept_back(for_good)
        return kept | {line: quantities.get(line.id, 0.0) for line in self}
