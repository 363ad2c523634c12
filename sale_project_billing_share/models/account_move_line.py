# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

# What a copy that keeps its order line, such as a credit note, takes along.
SHARE_FIELDS = ("billing_share", "billing_amount", "billing_rate")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    billing_share = fields.Float(
        string="Share of the Order Line",
        readonly=True,
        copy=False,
        help="Quantity of the order line that 1 of this invoice line bills: 0.125 for "
        "an eighth of a fixed price. Empty: it bills its own quantity.",
    )
    billing_amount = fields.Float(
        string="Agreed Amount",
        readonly=True,
        copy=False,
        help="Price of 1 of this invoice line, as it was computed. What a person has "
        "typed instead is a concession.",
    )
    billing_rate = fields.Float(
        string="Agreed Rate",
        readonly=True,
        copy=False,
        help="Price of 1 of the order line then, net of its discount.",
    )

    def _compute_price_unit(self):
        """A share costs what was agreed, in whatever unit it is shown."""
        shares = self.filtered("billing_share")
        for line in shares:
            line.price_unit = line.price_unit
        return super(AccountMoveLine, self - shares)._compute_price_unit()

    def _copy_data_extend_business_fields(self, values):
        """A credit note takes back shares, too."""
        result = super()._copy_data_extend_business_fields(values)
        if self.billing_share:
            values.update({name: self[name] for name in SHARE_FIELDS})
        return result

    def _prepare_analytic_distribution_line(self, *args, **kwargs):
        """The analytic item has the quantity of the order line."""
        values = super()._prepare_analytic_distribution_line(*args, **kwargs)
        if self.billing_share:
            # sudo: who may post an invoice need not see the order.
            line = self.sudo().sale_line_ids[:1]
            values["unit_amount"] = self.quantity * self.billing_share
            values["product_uom_id"] = line.product_uom_id.id or self.product_uom_id.id
        return values

    def _billing_quantity(self, order_line) -> float:
        """What this invoice line bills of an order line, in its unit, unrounded."""
        if self.billing_share:
            return self.quantity * self.billing_share
        return self.product_uom_id._compute_quantity(
            self.quantity, order_line.product_uom_id, round=False
        )

    def _billing_exact_quantity(self, order_line) -> float:
        """The same, as whoever made the line knows it: where that is not what the line
        says, as rounded quantities of a fixed price do not."""
        return self._billing_quantity(order_line)

    def _billing_residue(self, order_line) -> float:
        """By how much its amount differs from the exact value of what it bills, at the
        price then."""
        if self.currency_id != order_line.currency_id:
            return 0.0
        amount, rate = self.billing_amount, self.billing_rate
        if not self.billing_share:
            amount = self.price_unit * (1 - self.discount / 100)
            factor = self.product_uom_id._compute_quantity(
                1.0, order_line.product_uom_id, round=False
            )
            rate = amount / factor
        exact = self._billing_exact_quantity(order_line) * rate
        return order_line.currency_id.round(self.quantity * amount) - exact
