# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the contract says of an invoice line: prices, discounts, taxes and texts."""

from collections.abc import Iterator
from typing import NamedTuple

from odoo import models
from odoo.fields import Command, Domain

from ...core.billing import LEDGER, Transaction
from ...core.charges import Charge
from ...core.kinds import CHARGEABLE, MILESTONE, SOURCE_FIELDS
from .contract_lines import ContractLines
from .invoice_lines import InvoiceLines
from .step import Step, line_in_customer_language


class Term(NamedTuple):
    """What the contract says now of an invoice line that a person did not edit.

    :ivar name: of the field, which order lines and invoice lines share
    :ivar value: as JSON keeps it: taxes are a list of ids
    """

    move_line: models.BaseModel
    name: str
    value: float | str | list[int]


class LineTerms(Step):
    """Finds where a draft differs from its contract, but for what a person edited."""

    def changed(self, move) -> list[Term]:
        """What contract lines say now, and a person did not edit on the draft."""
        terms = []
        for move_line, wanted in self._contract_terms(move):
            edited = move_line._psa_edited_fields()
            if move_line.billing_share:
                # What was conceded of the amount stays beside another one.
                edited.discard("price_unit")
            terms += [
                Term(move_line, name, value)
                for name, value in wanted.items()
                if name not in edited and not move_line._psa_has_value(name, value)
            ]
        return terms

    def _contract_terms(self, move) -> Iterator[tuple]:
        """``(invoice line, what its contract line says now)``."""
        lines = move._psa_lines_by_slice()
        layout = move._billing_brief().layout
        contract_lines = self.lines_by_id(line_id for line_id, _slice in lines)
        by_amount = [
            id_
            for id_, line in contract_lines.items()
            if line._psa_is_billed_by_amount()
        ]
        named = self._named_on_lines(move, layout)
        totals = ContractLines(self.env).running_totals(by_amount, move)
        prepared, said = InvoiceLines(self.env), {}
        for (line_id, _slice), move_line in lines.items():
            line = line_in_customer_language(contract_lines[line_id])
            if not line._psa_is_in_ledger() or line.currency_id != move.currency_id:
                continue
            said[line_id] = said.get(line_id) or line._psa_invoice_terms()
            terms, charge = dict(said[line_id]), Charge(0.0)
            if line_id in totals and move_line.billing_share:
                billed = move_line._billing_quantity(line)
                charge = totals[line_id].next_charge([billed])
                terms["price_unit"] = move_line._psa_price_now(charge)
                # It is in the price.
                del terms["discount"]
            elif move_line.quantity < 0:
                terms |= prepared.price_back_values(contract_lines[line_id])
            items = named.get(move_line.id, [])
            captions = prepared.captions(line, layout, items, charge)
            terms["name"] = "\n".join([terms["name"], *captions])
            yield move_line, terms

    def _named_on_lines(self, move, layout: str) -> dict[int, list[Transaction]]:
        """Transactions that have a say in the text of an invoice line, by its id."""
        domain = Domain("move_id", "=", move.id)
        if layout == "order_line":
            domain &= Domain("transaction_type", "=", MILESTONE)
        named: dict[int, list[Transaction]] = {}
        for row in self.env["psa.invoice.detail"]._rows(domain):
            if row.is_charged:
                named.setdefault(row.move_line_id, []).append(row.item)
        return named

    def note_edits(self, move):
        """Take what differs from the contract for a person's work, on a draft of which
        nobody noted what was written on it."""
        move._psa_note_written()
        for move_line, terms in self._contract_terms(move):
            written = {**move_line.billing_written, **terms}
            if terms["name"].startswith(f"{move_line.name}\n"):
                # As Odoo's button writes it: what stands below it follows.
                written["name"] = move_line.name
            move_line.with_context(psa_ledger=LEDGER).billing_written = written
        types = {}
        for detail in move.detail_ids:
            if key := detail._key:
                source = detail[SOURCE_FIELDS[key[0]]]
                if detail.billing_type != (source.billing_type or CHARGEABLE):
                    types[key] = detail.billing_type
        move._psa_choose_types(types)

    def follow(self, terms: list[Term]):
        values: dict = {}
        for move_line, name, value in terms:
            # Amounts follow the ledger.
            if name != "price_unit" or not move_line.billing_share:
                values.setdefault(move_line, {})[name] = value
        for move_line, written in values.items():
            taxes = (
                {"tax_ids": [Command.set(written["tax_ids"])]}
                if "tax_ids" in written
                else {}
            )
            move_line.with_context(psa_ledger=LEDGER).write(
                {
                    **written,
                    **taxes,
                    "billing_written": {**move_line.billing_written, **written},
                }
            )
