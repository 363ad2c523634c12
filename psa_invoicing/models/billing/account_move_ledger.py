# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The lines of an invoice are the sums of its transactions."""

from math import fsum

from odoo import models
from odoo.tools import float_compare

from ...core.allocation import line_quantity
from ...core.billing import LEDGER
from ...core.brief import Brief
from ...core.kinds import ADJUSTMENT
from ...core.ledger_row import Part, Row
from .contract_lines import ContractLines, free_quantities
from .details import Details, signed_quantity
from .invoice_lines import InvoiceLines
from .language import line_in_customer_language


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
        for move in self.sudo():
            if move.is_project_invoice:
                move.with_context(psa_ledger=LEDGER)._psa_follow_contract_lines()
                move._psa_fit_downpayments()
            else:
                move._psa_follow_allocation()
            move._psa_spread_amounts()

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
            others._drop()
            if contract_line.product_uom_id.compare(rest, 0.0):
                details.add_adjustment(line, contract_line, rest)
        self.invoice_line_ids.sale_line_ids._psa_refresh_excluded_quantity()

    def _psa_follow_contract_lines(self):
        rows = [row for row in self._psa_ledger_rows() if not row.is_write_off]
        by_line: dict[int, list[Row]] = {}
        for row in rows:
            by_line.setdefault(row.item.sale_line_id, []).append(row)
        contract_lines = self.env["sale.order.line"].browse(by_line)
        contract_lines._psa_refresh_excluded_quantity()
        closing = ContractLines(self.env).closing_remainders(
            {
                line_id: [row.item.quantity for row in found]
                for line_id, found in by_line.items()
            },
            free_quantities(row.item for row in rows),
            self,
        )
        brief = self._billing_brief()
        for line in contract_lines:
            self._psa_follow_slices(line, by_line[line.id], closing.get(line.id), brief)
        billing_lines = self._billing_lines()
        self.invoice_line_ids.filtered(
            lambda line: (
                line not in billing_lines
                and line._psa_contract_line()
                and (
                    line._psa_contract_line() not in contract_lines
                    or brief.layout != "order_line"
                )
            )
        ).unlink()

    def _billing_lines(self):
        """Invoice lines that bill something of the ledger."""
        groups = self.env["psa.invoice.detail"]._read_group(
            [("move_id", "in", self.ids)], ["move_line_id"]
        )
        return self.env["account.move.line"].union(*(line for (line,) in groups))

    def _psa_follow_slices(
        self, contract_line, rows: list[Row], remaining: float | None, brief: Brief
    ):
        """Make the invoice lines of a contract line the sums of their rows.

        :param remaining: what the last of them takes, if they close the contract line
        :param brief: what the invoice remembers
        """
        line = line_in_customer_language(contract_line)
        text = line._psa_invoice_terms()["name"]
        made = self._psa_lines_by_slice()
        slices = {
            key: [row for row in found if row.is_charged]
            for key, found in self._psa_rows_by_slice(rows, brief).items()
        }
        charged = [key for key, found in slices.items() if found]
        for key, found in slices.items():
            move_line = made.get((line.id, key)) or self.env["account.move.line"]
            if not move_line and not found:
                continue
            last = bool(charged) and key == charged[-1]
            quantity = line_quantity(
                [row.item.quantity for row in found],
                line.product_uom_id.round,
                remaining if last else None,
            )
            move_line = self._psa_follow_slice(
                move_line, line, text, key, quantity, found, brief
            )
            if remaining is not None:
                remaining -= move_line.product_uom_id._compute_quantity(
                    move_line.quantity, line.product_uom_id
                )

    def _psa_follow_slice(
        self,
        move_line,
        line,
        text: str,
        key: str,
        quantity: float,
        rows: list[Row],
        brief: Brief,
    ):
        """Make one invoice line the sum of what it charges.

        A line on which all is offered stays, with nothing to charge: a person may have
        written its text and price.

        :param move_line: the invoice line, if there is one
        :param line: the contract line, in the customer's language
        :param text: what an invoice line says of it
        :param quantity: in the contract line's unit
        :param rows: what it charges
        :param brief: what the invoice remembers
        :return: the invoice line
        """
        prepared = InvoiceLines(self.env)
        captions = prepared.captions(line, brief.layout, [row.item for row in rows])
        if move_line:
            move_line._psa_follow_ledger(line, quantity, "\n".join([text, *captions]))
        else:
            values = prepared.values(
                line,
                quantity,
                captions,
                billing_slice=key,
                sequence=self._psa_sequence_of(key, brief),
            )
            move_line = self.env["account.move.line"].create(
                {**values, "move_id": self.id}
            )
            if "fiscal_position_id" in self._psa_edited_fields():
                move_line.tax_ids = move_line._get_computed_taxes()
            move_line._psa_note_written()
        moved = [row.id for row in rows if row.move_line_id != move_line.id]
        self.env["psa.invoice.detail"].browse(moved).write(
            {"move_line_id": move_line.id}
        )
        return move_line

    def _psa_sequence_of(self, key: str, brief: Brief) -> int:
        """Where a new line goes: to the end, or to that of its project's section."""
        if brief.is_consolidated:
            prefix = key[: key.index("/") + 1]
            if same := self.invoice_line_ids.filtered(
                lambda line: (line.billing_slice or "").startswith(prefix)
            ):
                return max(same.mapped("sequence"))
        return 1000

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
            repriced += [
                (row, amount, line.price_unit)
                for row, amount in zip(rows, shares, strict=True)
                if row.price_unit != line.price_unit
                or float_compare(row.amount, amount, precision_rounding=rounding)
            ]
        moves.env["psa.invoice.detail"]._update(
            [
                {"id": row.id, "amount": amount, "price_unit": price_unit}
                for row, amount, price_unit in repriced
            ]
        )
