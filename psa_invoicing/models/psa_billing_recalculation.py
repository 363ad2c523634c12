# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recalculate: what should be on a draft, minus what is on it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import fsum
from typing import NamedTuple

from odoo import api, models
from odoo.fields import Command, Domain

from ..core.allocation import is_zero, trim
from ..core.billing import (
    ADJUSTMENT,
    CHARGEABLE,
    LEDGER,
    MILESTONE,
    Key,
    Transaction,
)
from .psa_invoice_detail import SOURCE_FIELDS
from .psa_invoice_detail_rows import Row


class Term(NamedTuple):
    """What the contract says now of an invoice line that a person did not edit.

    :ivar name: of the field, which order lines and invoice lines share
    :ivar value: as JSON keeps it: taxes are a list of ids
    """

    move_line: models.BaseModel
    name: str
    value: float | str | list[int]


@dataclass
class Difference:
    """What would have to change in the ledger of a draft.

    :ivar dropped: rows whose transaction is gone, moved, or no longer due
    :ivar changed: rows with the transaction as it is now
    :ivar added: transactions that are due and not on the draft
    :ivar terms: prices, discounts, taxes and texts that the contract has changed
    """

    dropped: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Transaction]] = field(default_factory=list)
    added: list[Transaction] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(
            map(len, (self.dropped, self.changed, self.added, self.terms)),
        )


class PsaBilling(models.AbstractModel):
    _inherit = "psa.billing"

    @api.model
    def _pending(self, move) -> Difference:
        """What Recalculate would change on a draft."""
        orders = self._orders_that_agree(move)
        difference = self._difference_of(
            move, orders, self._rows_to_look_at(move, orders)
        )
        difference.terms = self._changed_terms(move)
        return difference

    @api.model
    def _recalculate(self, move, difference: Difference):
        """Bring a draft in line with its transactions; keep what a person edited.

        :param difference: see :meth:`_pending`
        """
        if difference.added:
            # Rows that come after these are new to whoever has looked at the draft.
            known = self._of_rows(move, "id:max") or 0
            move.billing_request = {**move.billing_request, "known_until": known}
        self._apply(move, difference)
        self._follow_terms(difference.terms)
        move._psa_follow_details()
        self._refresh_period(move)

    @api.model
    def _give_up_what_others_billed(self, move):
        """A revived invoice claims only what nobody else has billed since."""
        orders = self._orders_that_agree(move)
        difference = self._difference_of(move, orders, move._psa_ledger_rows())
        difference.added = []
        if difference:
            self._apply(move, difference)
            move._psa_follow_details()

    @api.model
    def _refresh_period(self, move):
        if first := self._of_rows(move, "date:min"):
            last_cutoffs = self._last_cutoffs(move._billing_request())
            project_ids = move.billing_project_ids.ids
            cutoffs = self._cutoffs_to_json(project_ids, last_cutoffs)
            move.write(
                {
                    "billing_period_start": self._period_start(
                        first, project_ids, last_cutoffs
                    ),
                    "billing_request": {
                        **move.billing_request,
                        "last_cutoffs": cutoffs,
                    },
                }
            )

    @api.model
    def _of_rows(self, move, aggregate: str):
        """:param aggregate: of the rows of the ledger on a draft, as ``date:min``"""
        Detail = self.env["psa.invoice.detail"]
        ((found,),) = Detail._read_group([("move_id", "=", move.id)], [], [aggregate])
        return found

    # === What the contract says of an invoice line ===

    @api.model
    def _changed_terms(self, move) -> list[Term]:
        """What contract lines say now, and a person did not edit on the draft."""
        terms = []
        for move_line, wanted in self._contract_terms(move):
            edited = move_line._psa_edited_fields()
            terms += [
                Term(move_line, name, value)
                for name, value in wanted.items()
                if name not in edited and not move_line._psa_has_value(name, value)
            ]
        return terms

    @api.model
    def _contract_terms(self, move) -> Iterator[tuple]:
        """``(invoice line, what its contract line says now)``."""
        lines = move._psa_lines_by_slice()
        layout = move._psa_layout()
        named = self._named_on_lines(move, layout)
        contract_lines = self._lines_by_id(line_id for line_id, _slice in lines)
        said: dict = {}
        for (line_id, _slice), move_line in lines.items():
            line = self._line_in_customer_language(contract_lines[line_id])
            if not line._psa_is_in_ledger() or line.currency_id != move.currency_id:
                continue
            said[line_id] = said.get(line_id) or line._psa_invoice_terms()
            captions = self._captions(line, layout, named.get(move_line.id, []))
            text = said[line_id]["name"]
            yield move_line, {**said[line_id], "name": "\n".join([text, *captions])}

    @api.model
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

    @api.model
    def _note_edits(self, move):
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

    @api.model
    def _follow_terms(self, terms: list[Term]):
        values: dict = {}
        for move_line, name, value in terms:
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

    # === Quantities typed by a person ===

    @api.model
    def _fit_to_quantity(self, move_line):
        """Make the ledger agree with a quantity that a person typed on a draft.

        Less than the transactions: the latest ones are lowered, and their rest is open
        again. More: what was taken off before comes back first; beyond that the
        difference becomes an adjustment, since there is nothing behind it.
        """
        move = move_line.move_id
        contract_line = move_line._psa_contract_line()
        unit = contract_line.product_uom_id
        rows = [
            row
            for row in move._psa_ledger_rows()
            if row.move_line_id == move_line.id and row.is_charged
        ]
        target = move_line.product_uom_id._compute_quantity(
            move_line.quantity, unit, round=False
        )
        if unit.compare(target, fsum(row.item.quantity for row in rows)) == 0:
            return
        items = self._lowerable(move, move_line, contract_line)
        kept = trim([item.quantity for item in items], target)
        wanted, caps = [], {}
        for item, quantity in zip(items, kept, strict=True):
            share = quantity / item.quantity
            whole = is_zero(item.quantity - quantity)
            caps[item.key] = None if whole else item.source_quantity * share
            if quantity:
                wanted.append(
                    item if whole else item.lowered(item.source_quantity * share)
                )
        move._psa_cap(caps)
        # Adjustments have no transaction: the former one goes, whatever comes instead.
        self._apply(move, self._difference(rows, wanted), move_line)
        if unit.compare(target, fsum(kept)) != 0:
            self._add_adjustment(move_line, contract_line, target - fsum(kept))
        move._psa_spread_amounts()

    @api.model
    def _lowerable(self, move, move_line, contract_line) -> list[Transaction]:
        """Chargeable transactions that are or were on a line of a draft.

        :return: with their whole open quantity, in order of date
        """
        rows = move._psa_ledger_rows()
        on_line = [row for row in rows if row.item.sale_line_id == contract_line.id]
        keys = {row.key for row in on_line} | set(move._psa_caps())
        keys -= {row.key for row in on_line if not row.is_charged}
        layout, is_consolidated = move._psa_layout(), move._psa_is_consolidated()
        items = [
            item
            for item in self._asked(move, rows)
            if item.sale_line_id == contract_line.id
            and item.key in keys
            and item.is_chargeable
            and item.slice_key(layout, is_consolidated)
            == (move_line.billing_slice or "")
        ]
        return sorted(items, key=lambda item: (item.date, item.source_id))

    @api.model
    def _add_adjustment(self, move_line, contract_line, quantity: float):
        """:param quantity: what it bills (or, negative, credits), in the contract
        line's unit
        """
        move = move_line.move_id
        project = move.billing_project_ids[:1] or contract_line.billing_project_id
        in_customer_language = move.with_context(lang=move.partner_id.lang)
        self.env["psa.invoice.detail"].create(
            {
                "move_id": move.id,
                "move_line_id": move_line.id,
                "transaction_type": ADJUSTMENT,
                "sale_line_id": contract_line.id,
                "project_id": project.id,
                "date": move.billing_cutoff_date
                or move.invoice_date
                or move.company_id._billing_today(),
                "employee_name": self.env.user.name,
                "name": in_customer_language.env._("Adjustment"),
                "quantity": quantity,
                "source_quantity": quantity,
                "price_unit": move_line.price_unit,
                "billing_type": "chargeable",
            }
        )

    # === Desired minus ledger ===

    @api.model
    def _difference_of(self, move, orders, rows: list[Row]) -> Difference:
        """What would have to change in the ledger of a draft; adjustments, which have
        no transaction behind them, stay.

        :param orders: that belong on it
        :param rows: of the ledger on it; without those that are settled
        """
        return self._difference(
            [row for row in rows if row.item.kind != ADJUSTMENT],
            self._wanted(move, orders, rows),
        )

    @api.model
    def _difference(self, rows: list[Row], wanted: list[Transaction]) -> Difference:
        missing = {item.key: item for item in wanted}
        difference = Difference()
        for row in rows:
            item = missing.get(row.key)
            if item is None or item.sale_line_id != row.item.sale_line_id:
                difference.dropped.append(row)
                continue
            del missing[item.key]
            if self._differs(row.item, item):
                difference.changed.append((row, item))
        difference.added = list(missing.values())
        return difference

    @api.model
    def _differs(self, former: Transaction, item: Transaction) -> bool:
        return (
            not is_zero(former.source_quantity - item.source_quantity)
            or former.date != item.date
            or former.text != item.text
            or former.who != item.who
            or former.task != item.task
            or former.billing_type != item.billing_type
        )

    @api.model
    def _apply(self, move, difference: Difference, move_line=None):
        """Write a difference to the ledger; the invoice lines follow separately.

        :param move_line: that bills what is added (default: decided when they follow)
        """
        Detail = self.env["psa.invoice.detail"]
        Detail.browse(row.id for row in difference.dropped)._drop()
        lines = self._lines_by_id(
            item.sale_line_id for _row, item in difference.changed
        )
        values_list, sources = [], defaultdict(list)
        for row, item in difference.changed:
            values = self._detail_values(item, lines[item.sale_line_id])
            del values["is_new_work"]
            values_list.append({"id": row.id, **values})
            sources[item.source].append(item.source_id)
        Detail._update(values_list)
        Detail._refresh_sources(sources)
        move_line = move_line or self.env["account.move.line"]
        self._add_details([(move, move_line, difference.added)])

    @api.model
    def _wanted(self, move, orders, rows: list[Row]) -> list[Transaction]:
        """What should be on a draft: its request, less what a person took off.

        :param orders: that belong on it
        :param rows: of the ledger on it
        """
        caps = move._psa_caps()
        agreed = set(orders.order_line.ids)
        wanted = []
        for item in self._asked(move, rows):
            if item.sale_line_id not in agreed:
                continue
            if item.key in caps and caps[item.key] < item.source_quantity:
                if is_zero(caps[item.key]):
                    continue
                item = item.lowered(caps[item.key])
            wanted.append(item)
        return wanted

    @api.model
    def _asked(self, move, rows: list[Row]) -> list[Transaction]:
        """What the request of a draft finds, with the billing types that a person chose
        on the draft.

        :param rows: of the ledger on it
        """
        types = move._psa_chosen_types()
        found = self._select(move._billing_request(), self._released(rows), move)
        return [
            item.typed(types[item.key]) if item.key in types else item for item in found
        ]

    @api.model
    def _released(self, rows: list[Row]) -> dict[Key, float]:
        """What is on a draft counts as open while the draft is looked at anew.

        :return: in the transactions' own unit
        """
        released: dict[Key, float] = {}
        for row in rows:
            if key := row.key:
                released[key] = released.get(key, 0.0) + row.item.source_quantity
        return released

    @api.model
    def _orders_that_agree(self, move):
        """Orders of the draft's projects that belong on it.

        Those it was made from stay on it, even if a person changed its terms since;
        another one joins if it would have been put on the same invoice.
        """
        own = self.env["sale.order"].browse(move.billing_request.get("orders") or ())
        others = move.billing_project_ids._psa_contracts() - own
        if not others:
            return own
        headers = self._headers({*own.ids, *others.ids})
        keys = {self._grouping_key(*headers[order.id]) for order in own}
        return own | others.filtered(
            lambda order: self._grouping_key(*headers[order.id]) in keys
        )
