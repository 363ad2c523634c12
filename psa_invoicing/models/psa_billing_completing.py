# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values that Odoo would find out for each invoice and line on its own.

Given at once they come to the same, and half of what an invoice costs is spared: an
invoice line that knows its balance need not be written again by the tax computation,
which remains the judge of it.
"""

from odoo import api, models
from odoo.fields import Command

from ..core.billing import Draft


class PsaBilling(models.AbstractModel):
    # One file per step of the service.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.billing"

    @api.model
    def _complete(self, values_list: list[dict]) -> list[dict]:
        """Values of invoices, with what Odoo would look up for each of them.

        :param values_list: as for ``create``; changed in place
        """
        journals: dict[tuple, int] = {}
        without_models = not self._has_distribution_models()
        for values in values_list:
            key = tuple(
                values.get(name) for name in ("company_id", "currency_id", "move_type")
            )
            if not values.get("journal_id"):
                if key not in journals:
                    journals[key] = self._default_journal(*key).id
                values["journal_id"] = journals[key]
            for line in self._product_lines(values):
                self._complete_amounts(line, values)
                if without_models:
                    self._complete_distribution(line)
        return values_list

    @api.model
    def _product_lines(self, values: dict) -> list[dict]:
        return [
            line
            for _command, _id, line in values["invoice_line_ids"]
            if line.get("display_type", "product") == "product"
        ]

    @api.model
    def _default_journal(self, company_id: int, currency_id: int, move_type: str):
        """The journal that Odoo chooses for invoices of a company in a currency."""
        move = self.env["account.move"].new(
            {
                "company_id": company_id,
                "currency_id": currency_id,
                "move_type": move_type,
            }
        )
        return move._search_default_journal()

    @api.model
    def _has_distribution_models(self) -> bool:
        # sudo: whether there are any; what they say is left to Odoo.
        models_ = self.env["account.analytic.distribution.model"].sudo()
        return bool(models_.search_count([], limit=1))

    @api.model
    def _complete_amounts(self, line: dict, values: dict):
        """Give the balance where it is no more than quantity times price.

        Not in a foreign currency, nor of prices that include taxes: there the tax
        computation divides, and rounds what is left.
        """
        company = self.env["res.company"].browse(values["company_id"])
        currency = company.currency_id
        taxes = self.env["account.tax"].browse(
            id_
            for command, _id, ids in line.get("tax_ids", ())
            if command == Command.SET
            for id_ in ids
        )
        if (
            values["currency_id"] != currency.id
            or line.get("is_downpayment")
            or any(tax.price_include for tax in taxes.flatten_taxes_hierarchy())
        ):
            return
        discount = line.get("discount") or 0.0
        price = line["price_unit"] * (1 - discount / 100)
        sign = 1 if values["move_type"] == "out_refund" else -1
        amount = sign * currency.round(line["quantity"] * price)
        line["balance"] = line["amount_currency"] = amount

    @api.model
    def _complete_distribution(self, line: dict):
        """Without models, a line has the analytic distribution of its contract line."""
        ids = [id_ for _command, id_, _zero in line["sale_line_ids"]]
        contract_line = self.env["sale.order.line"].browse(ids[:1])
        line.setdefault("analytic_distribution", contract_line.analytic_distribution)

    @api.model
    def _fetch_contracts(self, drafts: list[Draft]):
        """Read the orders of all drafts together, rather than one by one."""
        orders = self.env["sale.order"].browse(
            {order_id for draft in drafts for order_id in draft.order_ids}
        )
        orders.fetch(["order_line", "partner_invoice_id", "company_id", "name"])
        orders.order_line.fetch(["invoice_lines", "sequence", "tax_ids"])
