# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of an invoice are the sums of its transactions; what a person edited of
them stays."""

from collections.abc import Sequence
from functools import partial
from math import fsum

from odoo import fields, models
from odoo.tools import SQL, float_compare, float_round

from ...core.allocation import TOLERANCE, is_rounding, is_zero, spread
from ...core.billing import LEDGER, Part, Row
from ...core.brief import Brief
from ...core.charges import Charge, RunningAmount, RunningTotal
from ...core.kinds import ADJUSTMENT
from ...tools import rules
from ...tools.values import as_json
from .arranging import Arranging
from .contract_lines import ContractLines
from .details import Details, signed_quantity
from .invoice_lines import InvoiceLines
from .step import line_in_customer_language

# What Recalculate keeps of a line, if a person edited it.
KEPT_FIELDS = (
    "price_unit",
    "discount",
    "tax_ids",
    "account_id",
    "analytic_distribution",
    "name",
)


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _psa_ledger_rows(self) -> list[Row]:
        """The rows of the ledger that these invoices bill."""
        return self.env["psa.invoice.detail"]._rows([("move_id", "in", self.ids)])

    def _psa_rows_by_slice(self, rows: list[Row], brief: Brief) -> dict[str, list[Row]]:
        """Which invoice line of their contract line rows belong on."""
        slices: dict[str, list[Row]] = {}
        for row in rows:
            key = row.item.slice_key(brief.layout, brief.is_consolidated)
            if row.move_line_id and not row.key:
                # Its transaction is gone, or there never was one: it stays there.
                line = self.env["account.move.line"].browse(row.move_line_id)
                key = line.billing_slice or ""
            slices.setdefault(key, []).append(row)
        return slices

    def _psa_lines_by_slice(self) -> dict[tuple[int, str], models.BaseModel]:
        """Invoice lines of the ledger, by contract line id and slice."""
        found: dict = {}
        for line in self.invoice_line_ids.sorted("sequence"):
            if line.display_type == "product" and not line.is_downpayment:
                for contract_line in line.sale_line_ids:
                    key = contract_line.id, line.billing_slice or ""
                    found.setdefault(key, line)
        return found

    def _psa_follow_details(self):
        """Make the lines of drafts the sums of their chargeable details."""
        # sudo: the caller may edit the invoice; order and ledger are read for it.
        moves = self.sudo()
        made_here = moves.filtered("is_project_invoice")
        for move in made_here.with_context(psa_ledger=LEDGER):
            move._psa_follow_contract_lines()
        moves.env["psa.billing.terms"]._add_lines(made_here)
        made_here._psa_fit_advances()
        for move in moves - made_here:
            move._psa_follow_allocation()
        moves._psa_spread_amounts()

    def _psa_follow_allocation(self):
        """On an invoice that was not made here, and on a credit note, a person decides
        which transactions make up a line, not how much it is: the rest is noted as an
        adjustment."""
        details = Details(self.env)
        for line in self.invoice_line_ids:
            contract_line = line._psa_contract_line()
            if line.display_type != "product" or not contract_line:
                continue
            others = line.detail_ids.filtered(
                lambda each: each.transaction_type == ADJUSTMENT
            )
            target = signed_quantity(line, contract_line)
            transactions = (line.detail_ids - others)._chargeable()
            rest = target - fsum(transactions.mapped("quantity"))
            before = details.entered(line).get(line, ())
            others._drop()
            if not is_rounding(rest, line._psa_quantity_rounding()):
                details.add_adjustment(line, contract_line, rest, before)
        self.invoice_line_ids.sale_line_ids._psa_refresh_excluded_quantity()

    def _psa_follow_contract_lines(self):
        before = self.invoice_line_ids
        rows = [row for row in self._psa_ledger_rows() if not row.is_write_off]
        by_line: dict[int, list[Row]] = {}
        for row in rows:
            by_line.setdefault(row.item.sale_line_id, []).append(row)
        contract_lines = self.env["sale.order.line"].browse(by_line)
        contract_lines._psa_refresh_excluded_quantity()
        totals = ContractLines(self.env).running_totals(by_line, self)
        brief = self._billing_brief()
        followed = self.env["account.move.line"].union(
            *(
                self._psa_follow_slices(line, by_line[line.id], totals[line.id], brief)
                for line in contract_lines
            )
        )
        billing_lines = self._billing_lines()
        billed = {
            (line._psa_contract_line(), line.billing_slice) for line in billing_lines
        }
        self.invoice_line_ids.filtered(
            lambda line: (
                line not in billing_lines
                and line._psa_contract_line()
                and (
                    line._psa_contract_line()._psa_is_billed_by_amount()
                    or line not in followed
                    or brief.layout != "order_line"
                    or (line._psa_contract_line(), line.billing_slice) in billed
                )
            )
        ).unlink()
        if self.invoice_line_ids != before:
            Arranging(self.env).arrange(self, self.invoice_line_ids - before)

    def _billing_lines(self):
        """Invoice lines that bill something of the ledger."""
        groups = self.env["psa.invoice.detail"]._read_group(
            [("move_id", "in", self.ids)], ["move_line_id"]
        )
        return self.env["account.move.line"].union(*(line for (line,) in groups))

    def _psa_follow_slices(
        self,
        contract_line,
        rows: list[Row],
        total: RunningTotal | RunningAmount,
        brief: Brief,
    ):
        """Make the invoice lines of a contract line the sums of their rows.

        :param total: what other invoices have charged
        :param brief: what the invoice remembers
        :return: the invoice lines
        """
        followed = self.env["account.move.line"]
        line = line_in_customer_language(contract_line)
        text = line._psa_invoice_terms()["name"]
        made = self._psa_lines_by_slice()
        for key, found in self._psa_rows_by_slice(rows, brief).items():
            first = made.get((line.id, key)) or self.env["account.move.line"]
            for move_line, own in self._psa_rows_by_line(first, key, found).items():
                if not move_line and not own:
                    continue
                charge = total.next_charge([row.item.quantity for row in own])
                move_line = self._psa_follow_slice(
                    move_line, line, text, key, charge, own, brief
                )
                total.settle(charge, move_line._psa_charged(line))
                followed |= move_line
        return followed

    def _psa_rows_by_line(self, first, key: str, rows: list[Row]) -> dict:
        """Which invoice line charges which rows of a slice: what is on a second line of
        the same contract line, which others have made, stays there.

        :param first: the line of the slice, or none
        """
        found: dict = {first: []}
        for row in rows:
            own = self.env["account.move.line"].browse(row.move_line_id or ())
            is_second = first and own and (own.billing_slice or "") == key
            charged = found.setdefault(own if is_second else first, [])
            if row.is_charged:
                charged.append(row)
        return found

    def _psa_follow_slice(
        self,
        move_line,
        line,
        text: str,
        key: str,
        charge: Charge,
        rows: list[Row],
        brief: Brief,
    ):
        """Make one invoice line the sum of what it charges.

        A line on which all is offered stays, with nothing to charge: a person may have
        written its text and price.

        :param move_line: the invoice line, if there is one
        :param line: the contract line, in the customer's language
        :param text: what an invoice line says of it
        :param charge: in the contract line's unit
        :param rows: what it charges
        :param brief: what the invoice remembers
        :return: the invoice line
        """
        prepared = InvoiceLines(self.env)
        items = [row.item for row in rows]
        captions = prepared.captions(line, brief.layout, items, charge)
        if move_line:
            move_line._psa_follow_ledger(line, charge, "\n".join([text, *captions]))
        else:
            values = prepared.with_others(line, charge, captions, billing_slice=key)
            move_line = (
                self.env["account.move.line"]
                .create([{**each, "move_id": self.id} for each in values])
                .filtered(lambda each: each.display_type == "product")[:1]
            )
            if "fiscal_position_id" in self._psa_edited_fields():
                move_line.tax_ids = move_line._get_computed_taxes()
            move_line._psa_note_written()
        moved = [row.id for row in rows if row.move_line_id != move_line.id]
        self.env["psa.invoice.detail"].browse(moved).write(
            {"move_line_id": move_line.id}
        )
        return move_line

    def _psa_spread_amounts(self):
        """Divide the untaxed amount of each line over its rows, to the cent."""
        # sudo: who may edit an invoice need not read the ledger.
        moves = self.sudo()
        by_line: dict[int, list[Part]] = {}
        repriced = []
        for row in moves.env["psa.invoice.detail"]._parts(
            [("move_id", "in", moves.ids)]
        ):
            if row.is_chargeable and not row.is_write_off:
                by_line.setdefault(row.move_line_id, []).append(row)
            elif row.amount and not row.is_chargeable:
                repriced.append((row, 0.0, row.price_unit))
        for line in moves.invoice_line_ids:
            rows = by_line.get(line.id, [])
            shares = line._psa_shares([row.quantity for row in rows]) if rows else []
            rounding = line.currency_id.rounding
            price = line._psa_row_price()
            repriced += [
                (row, amount, price)
                for row, amount in zip(rows, shares, strict=True)
                if row.price_unit != price
                or float_compare(row.amount, amount, precision_rounding=rounding)
            ]
        moves.env["psa.invoice.detail"]._update(
            [
                {"id": row.id, "amount": amount, "price_unit": price_unit}
                for row, amount, price_unit in repriced
            ]
        )

    # === What Odoo writes a second time, as it is, while invoices are made ===

    # Each of these would make Odoo look through the lines of an invoice once more, and
    # find nothing to do: a fifth of what an invoice costs.

    def _psa_spare_sync(self, vals):
        """That nobody has modified new invoices says nothing about their lines."""
        if self.env.context.get("psa_ledger") is LEDGER and (
            set(vals) == {"is_manually_modified"}
        ):
            return self.with_context(skip_invoice_sync=True)
        return self


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
            lambda line: line._psa_is_in_ledger() and line.company_id == self.company_id
        )[:1]

    def _psa_quantity_to_credit(self, quantity: float) -> dict:
        """What a line of a credit note says when it takes back some transactions: what
        is left of the invoice line, but for what stays billed of it. With the last of
        them its own rounding is taken back.

        :param quantity: of the transactions, unrounded, in the contract line's unit
        :return: values; the quantity in the unit of the line
        """
        origin = self.billing_credited_line_id
        if origin.billing_share:
            return self._psa_share_to_credit(quantity)
        left = fsum(origin.detail_ids._chargeable()._left().values())
        credited = self.search(
            [
                ("billing_credited_line_id", "=", origin.id),
                ("parent_state", "=", "posted"),
            ]
        )
        line = self._psa_contract_line()
        # Of half a step the credit has the larger part, as its transactions show it.
        stays = line.product_uom_id._compute_quantity(
            line._psa_round(left - quantity - TOLERANCE),
            self.product_uom_id,
            round=False,
        )
        whole = origin.quantity - fsum(credited.mapped("quantity"))
        return {"quantity": self.product_uom_id.round(whole - stays)}

    def _psa_shares(self, quantities: Sequence[float]) -> list[float]:
        """Divide the untaxed amount of an invoice line over its transactions.

        :param quantities: of the transactions, unrounded
        :return: in the invoice's currency; negative on a credit note
        """
        # As the currency rounds, without asking it for each of thousands.
        rounding = partial(float_round, precision_rounding=self.currency_id.rounding)
        return spread(
            rules.sign(self.move_id) * self.price_subtotal, quantities, rounding
        )

    def _psa_follow_ledger(self, contract_line, charge: Charge, name: str):
        """Take over what the ledger says.

        :param contract_line: in the customer's language
        :param charge: in the contract line's unit; a person may have chosen another
            one for the invoice
        :param name: the description, which stays if a person wrote another one
        """
        values = self._psa_charge_to_follow(contract_line, charge)
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
        if written and self.billing_share:
            written = {**written, "price_unit": self.billing_amount}
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

    def _psa_spare_partner(self, vals):
        """Lines of new invoices know the customer already."""
        if self.env.context.get("psa_ledger") is LEDGER and set(vals) == {"partner_id"}:
            return self.filtered(lambda line: line.partner_id.id != vals["partner_id"])
        return self
