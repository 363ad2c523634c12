# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An invoice line as the billing service wrote it, and what a person edited of it."""

from collections.abc import Sequence
from functools import partial
from math import fsum

from odoo import fields, models
from odoo.tools import SQL, float_round

from ...core.allocation import is_zero, spread
from ...tools.json_values import as_json

# What Recalculate keeps of a line, if a person edited it.
KEPT_FIELDS = (
    "price_unit",
    "discount",
    "tax_ids",
    "account_id",
    "analytic_distribution",
    "name",
)


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    detail_ids = fields.One2many(
        "psa.invoice.detail", "move_line_id", string="Billed Transactions", copy=False
    )

    billing_slice = fields.Char(
        readonly=True,
        copy=False,
        help="The employee, task or entry of this line, where a contract line has "
        "several invoice lines.",
    )

    billing_written = fields.Json(
        readonly=True,
        copy=False,
        help="What the billing service wrote last: what differs from it was edited by "
        "a person, and stays.",
    )

    def _psa_contract_line(self):
        """The order line whose billing the ledger notes here, if there is one."""
        # sudo: who may edit an invoice need not see the order.
        return self.sudo().sale_line_ids.filtered(
            lambda line: line._psa_is_in_ledger()
        )[:1]

    def _psa_quantity_to_credit(self, quantity: float) -> float:
        """What a line of a credit note says when it takes back some transactions.

        All that is left of the invoice line, if they are all that is left of it: its
        own rounding is taken back with it.

        :param quantity: of the transactions, unrounded, in the contract line's unit
        :return: in the unit of the line
        """
        origin = self.billing_credited_line_id
        details = origin.detail_ids._chargeable()
        left = fsum(details.mapped("quantity")) + fsum(details._taken_back().values())
        if not is_zero(left - quantity):
            unit = self._psa_contract_line().product_uom_id
            return unit._compute_quantity(unit.round(quantity), self.product_uom_id)
        credited = self.search(
            [
                ("billing_credited_line_id", "=", origin.id),
                ("parent_state", "=", "posted"),
            ]
        )
        return origin.quantity - fsum(credited.mapped("quantity"))

    def _psa_shares(self, quantities: Sequence[float]) -> list[float]:
        """Divide the untaxed amount of an invoice line over its transactions.

        :param quantities: of the transactions, unrounded
        :return: in the invoice's currency; negative on a credit note
        """
        sign = -1.0 if self.move_type == "out_refund" else 1.0
        # As the currency rounds, without asking it for each of thousands.
        rounding = partial(float_round, precision_rounding=self.currency_id.rounding)
        return spread(sign * self.price_subtotal, quantities, rounding)

    def _psa_is_deduction(self) -> bool:
        """Whether a line takes a down payment off an invoice, or gives that back."""
        return self.is_downpayment and self.quantity < 0

    def _psa_follow_ledger(self, contract_line, quantity: float, name: str):
        """Take over what the ledger says.

        :param contract_line: in the customer's language
        :param quantity: in the contract line's unit; a person may have chosen another
            one for the invoice
        :param name: the description, which stays if a person wrote another one
        """
        quantity = contract_line.product_uom_id._compute_quantity(
            quantity, self.product_uom_id
        )
        values = {}
        if self.product_uom_id.compare(self.quantity, quantity):
            values["quantity"] = quantity
        if "name" not in self._psa_edited_fields() and name != self.name:
            values["name"] = name
            values["billing_written"] = {**self.billing_written, "name": name}
        if values:
            self.write(values)

    # === What a person edited ===

    def _psa_note_written(self):
        """Remember what the billing service wrote, Odoo's own defaults included."""
        self.flush_model([*KEPT_FIELDS, "billing_written"])
        self.env.cr.execute(
            SQL(
                """
                UPDATE account_move_line AS line
                   SET billing_written = jsonb_build_object(
                           'price_unit', line.price_unit,
                           'discount', line.discount,
                           'tax_ids', ARRAY(
                               SELECT rel.account_tax_id
                                 FROM account_move_line_account_tax_rel AS rel
                                WHERE rel.account_move_line_id = line.id
                             ORDER BY rel.account_tax_id),
                           'account_id', line.account_id,
                           'analytic_distribution', line.analytic_distribution,
                           'name', line.name)
                 WHERE line.id = ANY(%s)
                """,
                self.ids,
            )
        )
        self.invalidate_recordset(["billing_written"], flush=False)

    def _psa_title(self) -> str:
        """The first line of its text."""
        return (self.name or "").split("\n")[0]

    def _psa_edited_fields(self) -> set[str]:
        """What differs from what the billing service wrote last.

        Of a line that it did not write all of it.
        """
        written = self.billing_written
        return {
            name
            for name in KEPT_FIELDS
            if not written or not self._psa_has_value(name, written.get(name))
        }

    def _psa_has_value(self, name: str, value) -> bool:
        """Whether a field has this value.

        :param value: as JSON keeps it: records are ids
        """
        own = as_json(self, name)
        if isinstance(own, float):
            return is_zero(own - (value or 0.0))
        return (own or False) == (value or False)
