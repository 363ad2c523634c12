# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recalculate: what should be on a draft, minus what is on it."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from math import fsum

from ...core.allocation import TOLERANCE, is_zero, trim
from ...core.billing import Row, Transaction
from ...core.kinds import ADJUSTMENT, Key
from .details import Details
from .grouping import Grouping
from .line_terms import LineTerms, Term
from .selection import Selection
from .settled import Settled
from .step import Step
from .writing import Period, period_start


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
        return sum(map(len, (self.dropped, self.changed, self.added, self.terms)))


class Recalculation(Step):
    """Finds how a draft differs from its transactions, and brings it in line."""

    def pending(self, move) -> Difference:
        """What Recalculate would change on a draft."""
        lines = Grouping(self.env).lines_that_agree(move)
        difference = self.difference_of(
            move, lines, Settled(self.env).rows_to_look_at(move, lines)
        )
        difference.terms = LineTerms(self.env).changed(move)
        return difference

    def recalculate(self, move, difference: Difference):
        """Bring a draft in line with its transactions; keep what a person edited.

        :param difference: see :meth:`pending`
        """
        if difference.added:
            # Rows that come after these are new to whoever has looked at the draft.
            known = self._of_rows(move, "id:max") or 0
            move._billing_remember(known_until=known)
        self.apply(move, difference)
        LineTerms(self.env).follow(difference.terms)
        move._psa_follow_details()
        self.refresh_period(move)

    def give_up_what_others_billed(self, move):
        """A revived invoice claims only what nobody else has billed since; its amounts
        take up what is left of the price."""
        lines = Grouping(self.env).lines_that_agree(move)
        difference = self.difference_of(move, lines, move._psa_ledger_rows())
        difference.added = []
        if difference:
            self.apply(move, difference)
        if difference or any(move.invoice_line_ids.mapped("billing_share")):
            move._psa_follow_details()

    def refresh_period(self, move):
        if first := self._of_rows(move, "date:min"):
            last_cutoffs = Period(self.env).last_cutoffs(move._billing_request())
            brief = replace(move._billing_brief(), last_cutoffs=last_cutoffs)
            move.write(
                {
                    "billing_period_start": period_start(first, last_cutoffs),
                    "billing_request": brief.to_json(),
                }
            )

    def _of_rows(self, move, aggregate: str):
        """:param aggregate: of the rows of the ledger on a draft, as ``date:min``"""
        Detail = self.env["psa.invoice.detail"]
        ((found,),) = Detail._read_group([("move_id", "=", move.id)], [], [aggregate])
        return found

    # === Desired minus ledger ===

    def difference_of(self, move, lines, rows: list[Row]) -> Difference:
        """What would have to change in the ledger of a draft; adjustments, which have
        no transaction behind them, stay.

        :param lines: contract lines that belong on it
        :param rows: of the ledger on it; without those that are settled
        """
        return self.difference(
            [row for row in rows if row.item.kind != ADJUSTMENT],
            self._wanted(move, lines, rows),
        )

    def difference(self, rows: list[Row], wanted: list[Transaction]) -> Difference:
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

    def _differs(self, former: Transaction, item: Transaction) -> bool:
        return (
            not is_zero(former.source_quantity - item.source_quantity)
            or former.date != item.date
            or former.text != item.text
            or former.who != item.who
            or former.task != item.task
            or former.billing_type != item.billing_type
        )

    def apply(self, move, difference: Difference, move_line=None):
        """Write a difference to the ledger; the invoice lines follow separately.

        :param move_line: that bills what is added (default: decided when they follow)
        """
        Detail = self.env["psa.invoice.detail"]
        changed = difference.changed
        Detail.browse(row.id for row in difference.dropped)._drop()
        taken_back = Detail.browse(row.id for row, _item in changed)._taken_back()
        Detail.browse(
            row.id
            for row, item in changed
            if abs(item.quantity) < abs(taken_back.get(row.id, 0.0)) - TOLERANCE
        )._check_not_credited()
        lines = self.lines_by_id(item.sale_line_id for _row, item in changed)
        values_list, sources = [], defaultdict(list)
        for row, item in changed:
            values = Details(self.env).values(item, lines[item.sale_line_id])
            del values["is_new_work"]
            values_list.append({"id": row.id, **values})
            sources[item.source].append(item.source_id)
        Detail._update(values_list)
        Detail._refresh_sources(sources)
        move_line = move_line or self.env["account.move.line"]
        Details(self.env).add([(move, move_line, difference.added)])

    def _wanted(self, move, lines, rows: list[Row]) -> list[Transaction]:
        """What should be on a draft: its request, less what a person took off.

        :param lines: contract lines that belong on it
        :param rows: of the ledger on it
        """
        caps = move._billing_brief().caps
        agreed = set(lines.ids)
        wanted = []
        for item in self.asked(move, rows):
            if item.sale_line_id not in agreed:
                continue
            if item.key in caps and caps[item.key] < item.source_quantity:
                if is_zero(caps[item.key]):
                    continue
                item = item.lowered(caps[item.key])
            wanted.append(item)
        return wanted

    def asked(self, move, rows: list[Row]) -> list[Transaction]:
        """What the request of a draft finds, with the billing types that a person chose
        on the draft.

        :param rows: of the ledger on it
        """
        types = move._billing_brief().chosen_types
        found = Selection(self.env).select(
            move._billing_request(), self._released(rows), move
        )
        return [
            item.typed(types[item.key]) if item.key in types else item for item in found
        ]

    def _released(self, rows: list[Row]) -> dict[Key, float]:
        """What is on a draft counts as open while the draft is looked at anew.

        :return: in the transactions' own unit
        """
        released: dict[Key, float] = {}
        for row in rows:
            if key := row.key:
                released[key] = released.get(key, 0.0) + row.item.source_quantity
        return released


class Quantities(Step):
    """Makes the ledger agree with a quantity that a person typed on a draft."""

    def fit_to_quantity(self, move_line):
        """Make the ledger agree with a quantity that a person typed on a draft.

        Less than the transactions: the latest ones are lowered, and their rest is open
        again. More: what was taken off before comes back first; beyond that the
        difference becomes an adjustment, since there is nothing behind it.
        """
        move = move_line.move_id
        contract_line = move_line._psa_contract_line()
        rows = [
            row
            for row in move._psa_ledger_rows()
            if row.move_line_id == move_line.id and row.is_charged
        ]
        target = move_line._billing_quantity(contract_line)
        if move_line._psa_bills(fsum(row.item.quantity for row in rows)):
            return
        elsewhere = self._on_second_lines(move, move_line)
        items = self._lowerable(move, move_line, contract_line, elsewhere)
        kept = trim([item.quantity for item in items], target)
        wanted, caps = [], {}
        for item, quantity in zip(items, kept, strict=True):
            share = quantity / item.quantity
            whole = is_zero(item.quantity - quantity)
            caps[item.key] = (
                None
                if whole
                else item.source_quantity * share + elsewhere.get(item.key, 0.0)
            )
            if quantity:
                wanted.append(
                    item if whole else item.lowered(item.source_quantity * share)
                )
        move._psa_cap(caps)
        # Adjustments have no transaction: the former one goes, whatever comes instead.
        details = Details(self.env)
        before = details.entered(move_line).get(move_line, ())
        recalculation = Recalculation(self.env)
        recalculation.apply(move, recalculation.difference(rows, wanted), move_line)
        if not move_line._psa_bills(fsum(kept)):
            rest = target - fsum(kept)
            details.add_adjustment(move_line, contract_line, rest, before)
        contract_line._psa_refresh_excluded_quantity()
        move._psa_spread_amounts()

    def _on_second_lines(self, move, move_line) -> dict[Key, float]:
        """What other lines of the same contract line charge, which others have made.

        :return: by transaction, in its own unit
        """
        lines = move.invoice_line_ids.filtered(
            lambda line: (
                line.sale_line_ids & move_line.sale_line_ids
                and (line.billing_slice or "") == (move_line.billing_slice or "")
            )
        )
        found: dict[Key, float] = defaultdict(float)
        for row in move._psa_ledger_rows():
            if row.key and row.move_line_id in (lines - move_line)._ids:
                found[row.key] += row.item.source_quantity
        return found

    def _lowerable(
        self, move, move_line, contract_line, elsewhere: dict[Key, float]
    ) -> list[Transaction]:
        """Chargeable transactions that are or were on a line of a draft.

        :param elsewhere: what other lines have of them
        :return: with the whole of what is open beside that, in order of date
        """
        rows = move._psa_ledger_rows()
        on_line = [row for row in rows if row.item.sale_line_id == contract_line.id]
        brief = move._billing_brief()
        keys = {row.key for row in on_line} | set(brief.caps)
        keys -= {row.key for row in on_line if not row.is_charged}
        items = [
            item.lowered(item.source_quantity - elsewhere.get(item.key, 0.0))
            for item in Recalculation(self.env).asked(move, rows)
            if item.sale_line_id == contract_line.id
            and item.key in keys
            and item.is_chargeable
            and item.slice_key(brief.layout, brief.is_consolidated)
            == (move_line.billing_slice or "")
            and not is_zero(item.source_quantity - elsewhere.get(item.key, 0.0))
        ]
        return sorted(items, key=lambda item: (item.date, item.source_id))
