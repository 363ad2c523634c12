# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoice lines that bill amounts: quantity 1, and the price is what was agreed."""

from odoo import models

from ...core.allocation import Rounding, fine, is_rounding, is_zero
from ...core.charges import Charge
from .invoice_lines import InvoiceLines


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    # === Quantities ===

    def _psa_quantity_rounding(self) -> Rounding:
        """How quantities are rounded, in the contract line's unit, that this line
        bills."""
        return fine if self.billing_share else self._psa_contract_line()._psa_round

    def _psa_bills(self, quantity: float) -> bool:
        """Whether this line bills no more and no less than a quantity.

        :param quantity: in the contract line's unit
        """
        own = self._billing_quantity(self._psa_contract_line())
        return is_rounding(own - quantity, self._psa_quantity_rounding())

    # === What a draft charges ===

    def _psa_charge_to_follow(self, contract_line, charge: Charge) -> dict:
        """Values that make this line charge what the ledger says.

        :param charge: in the contract line's unit; a person may have chosen another one
            for the invoice
        """
        if charge.share or self.billing_share:
            return self._psa_amount_to_follow(charge)
        uom = self.product_uom_id or contract_line.product_uom_id
        quantity = contract_line.product_uom_id._compute_quantity(charge.quantity, uom)
        return {"quantity": quantity} if uom.compare(self.quantity, quantity) else {}

    def _psa_charged(self, contract_line) -> Charge:
        """What this line charges, but for what a person conceded of its price."""
        if self.billing_share:
            return Charge(self.quantity, self.billing_share, self.billing_amount)
        # In another unit, a quantity is rounded.
        return Charge(
            self.product_uom_id._compute_quantity(
                self.quantity, contract_line.product_uom_id
            )
        )

    def _psa_price_now(self, charge: Charge) -> float:
        """The price, once the contract has another one.

        :param charge: what this line would charge now
        """
        if is_zero(self.billing_rate - charge.rate):
            return self.price_unit
        return self.currency_id.round(
            charge.amount + self.price_unit - self.billing_amount
        )

    def _psa_row_price(self) -> float:
        """The price of what this line charges, before discounts, in the unit of the
        contract line."""
        line = self._psa_contract_line() if self.billing_share else self
        return line.price_unit

    def _psa_amount_to_follow(self, charge: Charge) -> dict:
        """Values that make this line charge an amount.

        A quantity that a person has typed stays as long as its share does; of a price
        that they have typed, what they conceded does.
        """
        if not charge.share:
            return {"quantity": 0.0} if self.quantity else {}
        is_same = self._psa_bills(charge.quantity * charge.share)
        is_same = is_same and is_zero(self.billing_rate - charge.rate)
        is_other_currency = self.currency_id != self._psa_contract_line().currency_id
        if self.billing_share and (is_other_currency or abs(self.quantity) != 1):
            if is_same:
                return {}
            if is_other_currency:
                return self._psa_scaled_share(self, charge.share, charge.quantity)
        wanted = InvoiceLines(self.env).amount_values(charge)
        wanted["quantity"] = charge.quantity
        if not self.billing_share:
            return wanted
        # A person may have chosen another unit, and another discount.
        del wanted["product_uom_id"], wanted["discount"]
        conceded = self.price_unit - self.billing_amount
        wanted["price_unit"] = self.currency_id.round(charge.amount + conceded)
        return {
            name: value
            for name, value in wanted.items()
            if not is_zero(self[name] - value)
        }

    # === What a credit note takes back ===

    def _psa_price_before(self) -> float:
        """The price of the line that this one credits, of as large a share."""
        origin = self.billing_credited_line_id
        if not origin.billing_share:
            return origin.price_unit
        part = self.billing_share / origin.billing_share
        return self.currency_id.round(origin.price_unit * part)

    def _psa_share_to_credit(self, quantity: float) -> dict:
        """Values of a line of a credit note that takes back a part of a share.

        :param quantity: in the contract line's unit
        """
        origin = self.billing_credited_line_id
        part = quantity / origin.billing_share
        if is_zero(part - self.product_uom_id.round(part)):
            return {"quantity": part}
        # Of which a quantity has not enough digits.
        return self._psa_scaled_share(origin, quantity)

    def _psa_scaled_share(self, origin, share: float, quantity: float = 1.0) -> dict:
        """Values of a line that bills or credits another share of what a line does, at
        its price."""
        part = share / origin.billing_share
        return {
            "quantity": quantity,
            "billing_share": share,
            **{
                name: self.currency_id.round(origin[name] * part)
                for name in ("price_unit", "billing_amount")
            },
        }
