# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is left of a down payment, and what the next deduction takes of it: the amount
and its taxes, as the down payment's own invoice has them."""

from collections import Counter, defaultdict
from math import fsum

from odoo import models

from ...core.parts import next_part
from .invoice_lines import InvoiceLines
from .step import in_customer_language

# Odoo's names of the amounts of a line: in the currency of the document and, without
# the ending, in the company's.
UNTAXED = "manual_total_excluded"
CURRENCY = "_currency"


def amounts_of(base_line: dict) -> Counter:
    """The amounts of an invoice line as Odoo's tax code has rounded them.

    :return: by (None, name), and by (tax, name) those of each tax
    """
    details = base_line["tax_details"]
    amounts = Counter()
    for ending in ("", CURRENCY):
        amounts[None, UNTAXED + ending] = (
            details[f"total_excluded{ending}"]
            + details[f"delta_total_excluded{ending}"]
        )
        for found in details["taxes_data"]:
            # As Odoo does with the lines of its own: the other side takes it off again.
            if not found["is_reverse_charge"]:
                for name in (f"base_amount{ending}", f"tax_amount{ending}"):
                    amounts[found["tax"], name] += found[name]
    return amounts


def set_of_taxes(item) -> frozenset:
    """Those that make the set of taxes of a down payment: Odoo takes none that is a
    fixed amount.

    :param item: a line of an order or of an invoice
    """
    return frozenset(item.tax_ids.filtered(lambda tax: tax.amount_type != "fixed"))


class Charged:
    """What lines charge that have the same taxes, in their currency."""

    def __init__(self):
        self.untaxed = 0.0
        self.taxes = defaultdict(float)

    def add(self, amounts: Counter, sign: int = 1):
        self.untaxed += sign * amounts[None, UNTAXED + CURRENCY]
        for (tax, name), amount in amounts.items():
            if tax and name == f"tax_amount{CURRENCY}":
                self.taxes[tax] += sign * amount

    def take(self, part: Counter):
        self.add(part, -1)


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _psa_is_deduction(self) -> bool:
        """Whether a line takes a down payment off an invoice, or gives that back."""
        return self.is_downpayment and self.quantity < 0

    def _psa_is_deduction_to_give_back(self) -> bool:
        """Whether it is a deduction that no credit note has given back."""
        return self._psa_is_deduction() and not self.search_count(
            [
                ("billing_credited_line_id", "=", self.id),
                ("parent_state", "=", "posted"),
            ],
            limit=1,
        )


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_undeducted(self) -> float:
        """What is left of a down payment, untaxed, in the order's currency.

        A down payment counts once it is posted, a deduction from the draft on.
        """
        return self.currency_id.round(
            fsum(
                -item.price_subtotal
                if item.move_type == "out_refund"
                else item.price_subtotal
                for item in self.invoice_lines
                if item.parent_state == "posted"
                or (item.parent_state == "draft" and item._psa_is_deduction())
            )
        )

    def _psa_is_partly_deducted(self) -> bool:
        """Whether a project invoice has deducted from this down payment: quantities,
        by which Odoo goes, then say nothing of what is left."""
        return self.is_downpayment and any(
            item._psa_is_deduction()
            and item.parent_state != "cancel"
            and item.move_id.is_project_invoice
            for item in self.invoice_lines
        )

    def _psa_next_part(self, untaxed: float, charged: dict | None = None) -> Counter:
        """What a deduction of this amount takes of a down payment.

        The taxes are those of running totals, all of it in the company's currency at
        the rate of the down payment's own invoice: of a down payment that is deducted
        nothing is left on its account.

        :param untaxed: at most what is left
        :param charged: by tax, what it may be lowered by (default: as it comes)
        """
        paid, taken = self._psa_paid_and_taken()
        measure = None, UNTAXED + CURRENCY
        left = paid[measure] - taken[measure]
        is_rest = self.currency_id.compare_amounts(untaxed, left) >= 0
        share = 1.0 if is_rest else (taken[measure] + untaxed) / paid[measure]
        company_currency = self.company_id.currency_id

        def rounded(key, amount):
            ours = key[1].endswith(CURRENCY)
            return (self.currency_id if ours else company_currency).round(amount)

        part = Counter(next_part(paid, taken, share, rounded))
        if not is_rest:
            part[measure] = untaxed
        for key in [each for each in part if charged is not None and each[0]]:
            if key[1] == f"tax_amount{CURRENCY}":
                part[key] = min(part[key], charged.get(key[0], 0.0))
        return part

    def _psa_paid_and_taken(self) -> tuple[Counter, Counter]:
        """What was paid down less what was paid back, and what is deducted of it."""
        paid, taken = Counter(), Counter()
        # sudo: who may invoice an order need not see its other invoices.
        items = self.sudo().invoice_lines.filtered(
            lambda item: (
                item.parent_state == "posted"
                or (item.parent_state == "draft" and item._psa_is_deduction())
            )
        )
        for move in items.move_id:
            sign = -1 if move.move_type == "out_refund" else 1
            for base_line in move._get_rounded_base_and_tax_lines()[0]:
                item = base_line["record"]
                if item not in items:
                    continue
                is_deduction = item._psa_is_deduction()
                for key, amount in amounts_of(base_line).items():
                    (taken if is_deduction else paid)[key] += (
                        -sign * amount if is_deduction else sign * amount
                    )
        return paid, taken

    def _psa_prepare_deduction(self, part: Counter) -> dict:
        """Values of an invoice line that deducts a part of a down payment."""
        order = in_customer_language(self.order_id)
        line = self.with_env(order.env)
        values = line._psa_part_values(part)
        return line._prepare_invoice_line(**values) | values

    def _psa_part_values(self, part: Counter) -> dict:
        """Price and taxes of a deduction, as Odoo notes amounts that are given."""
        untaxed = part[None, UNTAXED + CURRENCY]
        # Odoo reads nothing of it for a line without taxes, unless it says something.
        taxes = {"0": {}}
        for (tax, name), amount in part.items():
            if tax:
                taxes.setdefault(str(tax.id), {})[name] = -amount
        price = self._psa_downpayment_price(untaxed)
        return {
            "quantity": -1.0,
            "price_unit": price,
            "extra_tax_data": {
                "computation_key": f"psa_deduction,{self.id}",
                UNTAXED: -part[None, UNTAXED],
                UNTAXED + CURRENCY: -untaxed,
                "manual_tax_amounts": taxes,
                "currency_id": self.currency_id.id,
                "price_unit": price,
                "discount": self.discount,
                "quantity": -1.0,
            },
        }

    def _psa_downpayment_price(self, untaxed: float) -> float:
        """The price whose untaxed amount is this share of the down payment's own."""
        paid_down = fsum(
            item.price_subtotal
            for item in self.invoice_lines
            if item.parent_state == "posted"
            and item.move_type == "out_invoice"
            and not item._psa_is_deduction()
        )
        return self.price_unit * untaxed / paid_down if paid_down else untaxed

    def _prepare_invoice_line(self, **optional_values):
        """Odoo deducts what is left of a down payment, if a part was deducted here; and
        takes costs back at what they were billed for."""
        values = super()._prepare_invoice_line(**optional_values)
        if values.get("quantity", 0.0) < 0 and "price_unit" not in optional_values:
            values |= InvoiceLines(self.env).price_back_values(self)
        if self.is_downpayment and self._psa_is_partly_deducted():
            part = self._psa_next_part(self._psa_undeducted())
            values |= self._psa_part_values(part)
        return values
