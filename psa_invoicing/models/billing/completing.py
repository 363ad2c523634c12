# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values that Odoo would find out for each invoice and line on its own.

Given at once they come to the same, and half of what an invoice costs is spared: an
invoice line that knows its balance need not be written again by the tax computation,
which remains the judge of it.
"""

from typing import NamedTuple

from odoo import models
from odoo.fields import Command

from .step import Step

# Invoices that agree on these have the same journal and currency rate.
KIND_FIELDS = ("company_id", "currency_id", "move_type", "invoice_date")


class Kind(NamedTuple):
    """What invoices have in common that agree on ``KIND_FIELDS``.

    :ivar journal_id: that Odoo chooses
    :ivar sign: of the balance of what is charged
    :ivar rate: what one of the company's currency is in that of the invoice
    :ivar is_rounded_by_line: in the invoice's currency, before it is converted
    """

    journal_id: int
    sign: int
    currency: models.BaseModel
    company_currency: models.BaseModel
    rate: float
    is_rounded_by_line: bool


class Completing(Step):
    """Completes the values of invoices that are about to be created."""

    def complete(self, values_list: list[dict]) -> list[dict]:
        """Values of invoices, with what Odoo would look up for each of them.

        :param values_list: as for ``create``; changed in place
        """
        kinds: dict[tuple, Kind] = {}
        without_models = not self._has_distribution_models()
        for values in values_list:
            key = tuple(values.get(name) for name in KIND_FIELDS)
            kind = kinds.get(key)
            if kind is None:
                kind = kinds[key] = self._kind(dict(zip(KIND_FIELDS, key, strict=True)))
            if not values.get("journal_id"):
                values["journal_id"] = kind.journal_id
            for line in self._product_lines(values):
                self._complete_amounts(line, kind)
                if without_models:
                    self._complete_distribution(line)
        return values_list

    def _product_lines(self, values: dict) -> list[dict]:
        return [
            line
            for _command, _id, line in values["invoice_line_ids"]
            if line.get("display_type", "product") == "product"
        ]

    def _kind(self, header: dict) -> Kind:
        """What Odoo finds out about an invoice that nobody has written yet.

        :param header: values of ``KIND_FIELDS``
        """
        move = self.env["account.move"].new(header)
        company = move.company_id
        return Kind(
            journal_id=move._search_default_journal().id,
            sign=move.direction_sign,
            currency=move.currency_id,
            company_currency=company.currency_id,
            rate=move.expected_currency_rate,
            is_rounded_by_line=(
                company.tax_calculation_rounding_method == "round_per_line"
            ),
        )

    def _has_distribution_models(self) -> bool:
        # sudo: whether there are any; what they say is left to Odoo.
        models_ = self.env["account.analytic.distribution.model"].sudo()
        return bool(models_.search_count([], limit=1))

    def _complete_amounts(self, line: dict, kind: Kind):
        """Give the balance where it is no more than quantity times price.

        Not of prices that include taxes: there the tax computation divides, and rounds
        what is left.
        """
        taxes = self.env["account.tax"].browse(
            id_
            for command, _id, ids in line.get("tax_ids", ())
            if command == Command.SET
            for id_ in ids
        )
        if line.get("is_downpayment") or any(
            tax.price_include for tax in taxes.flatten_taxes_hierarchy()
        ):
            return
        discount = line.get("discount") or 0.0
        amount = kind.sign * line["quantity"] * line["price_unit"]
        amount *= 1 - discount / 100
        line["amount_currency"] = kind.currency.round(amount)
        if kind.is_rounded_by_line:
            amount = line["amount_currency"]
        line["balance"] = kind.company_currency.round(amount / kind.rate)

    def _complete_distribution(self, line: dict):
        """Without models, a line has the analytic distribution of its contract line."""
        ids = [id_ for _command, id_, _zero in line["sale_line_ids"]]
        contract_line = self.env["sale.order.line"].browse(ids[:1])
        line.setdefault("analytic_distribution", contract_line.analytic_distribution)
