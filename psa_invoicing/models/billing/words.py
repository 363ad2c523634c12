# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Recalculate changes, in words for whoever reviews a draft."""

from collections.abc import Iterator
from typing import NamedTuple

from odoo.fields import Domain
from odoo.tools import format_date, formatLang

from ...core.allocation import is_zero
from ...core.billing import Row, Transaction
from ...core.kinds import COST, MODELS, NON_CHARGEABLE, SOURCE_FIELDS, TYPES_IN
from .grouping import Grouping
from .line_terms import Term
from .recalculation import Difference
from .step import Step

NOTHING = "–"


class Change(NamedTuple):
    """One row of the table that Recalculate leaves on an invoice, all of it text."""

    what: str
    day: str
    before: str
    after: str


class Words(Step):
    """Tells differences as a person sees them."""

    def changes(self, difference: Difference) -> Iterator[Change]:
        """The rows of a difference, as long as it is not applied.

        One by one: of thousands, only the first few are shown.
        """
        for term in difference.terms:
            yield self._term_change(term)
        for row in difference.dropped:
            yield Change(
                self._who_and_what(row.item),
                format_date(self.env, row.item.date),
                self._facts(row.item)[0],
                self.why_dropped(row),
            )
        for row, item in difference.changed:
            before, after = self.differing_facts(row.item, item)
            day = format_date(self.env, row.item.date)
            yield Change(self._who_and_what(row.item), day, before, after)
        for item in difference.added:
            yield Change(
                self._who_and_what(item),
                format_date(self.env, item.date),
                NOTHING,
                self._facts(item)[0],
            )

    def _who_and_what(self, item: Transaction) -> str:
        line = self.env["sale.order.line"].browse(item.sale_line_id)
        return " · ".join(
            filter(None, [item.who, item.text or line.product_id.display_name])
        )

    def _facts(self, item: Transaction) -> list[str]:
        """What a reviewer sees of a transaction, the quantity first."""
        line = self.env["sale.order.line"].browse(item.sale_line_id)
        types = self.env["psa.invoice.detail"]._fields["billing_type"]
        return [
            f"{formatLang(self.env, item.quantity)} {line.product_uom_id.name}",
            format_date(self.env, item.date),
            item.who,
            item.task,
            f"“{item.text}”",
            dict(types._description_selection(self.env))[item.billing_type],
        ]

    def differing_facts(self, former: Transaction, item: Transaction) -> tuple:
        """``(before, after)``; quantities, if they differ by less than is shown."""
        pairs = list(zip(self._facts(former), self._facts(item), strict=True))
        differing = [pair for pair in pairs if pair[0] != pair[1]] or pairs[:1]
        before, after = zip(*differing, strict=True)
        return tuple(
            ", ".join(text or NOTHING for text in side) for side in (before, after)
        )

    def why_dropped(self, row: Row) -> str:
        """Why a transaction does not belong on its draft any more."""
        if not row.key:
            return self.env._("deleted")
        detail = self.env["psa.invoice.detail"].browse(row.id)
        source = detail[SOURCE_FIELDS[row.item.source]]
        line = source._psa_contract_lines()
        if line != detail.sale_line_id:
            return (
                self.env._("moved to “%(line)s”", line=line.display_name)
                if line
                else self.env._("moved off the contract")
            )
        move = detail.move_id
        day = source[source._billing_columns["date"]]
        if day and day > move.billing_cutoff_date:
            return self.env._(
                "now %(date)s, after the cut-off date", date=format_date(self.env, day)
            )
        if source.billing_hold:
            return self.env._("on hold")
        if source.billing_type == NON_CHARGEABLE:
            return self.env._("non-chargeable")
        if is_zero(source.billable_quantity):
            return self.env._("nothing to bill")
        return self.env._("not for this invoice")

    # === Prices and texts of the contract ===

    def _term_change(self, term: Term) -> Change:
        label = term.move_line._fields[term.name]._description_string(self.env)
        return Change(
            f"{label}: {term.move_line._psa_title()}",
            "",
            self._term_text(term.name, term.move_line.billing_written[term.name]),
            self._term_text(term.name, term.value),
        )

    def _term_text(self, name: str, value) -> str:
        """:param value: as JSON keeps it"""
        if name == "tax_ids":
            taxes = self.env["account.tax"].browse(value)
            return ", ".join(taxes.mapped("name")) or NOTHING
        if name == "price_unit":
            return formatLang(self.env, value, dp="Product Price")
        if name == "discount":
            return f"{formatLang(self.env, value)} %"
        return value or NOTHING

    # === What stays, and why ===

    def on_other_drafts(self, move) -> dict:
        """Transactions that this draft would bill, were they not on another one.

        :return: their number, by draft
        """
        found: dict = {}
        request = move._billing_request()
        drafts = self.env["account.move"].search(
            [
                ("id", "!=", move.id),
                ("state", "=", "draft"),
                ("move_type", "=", "out_invoice"),
                # What Odoo's own button has made names no projects.
                "|",
                ("is_project_invoice", "=", False),
                ("billing_project_ids", "in", request.project_ids),
            ]
        )
        if not drafts:
            return found
        Detail = self.env["psa.invoice.detail"]
        for source, types in TYPES_IN.items():
            wanted = types & set(request.types)
            if not wanted:
                continue
            model = self.env[MODELS[source]]
            domain = Domain(
                SOURCE_FIELDS[source],
                "in",
                model._search(model._billing_domain(request)),
            )
            domain &= Domain("transaction_type", "in", list(wanted))
            if source != COST:
                domain &= Domain("cost_id", "=", False)
            if request.picks is not None:
                picks = [id_ for kind, id_ in request.picks if kind == source]
                domain &= Domain(SOURCE_FIELDS[source], "in", picks)
            domain &= Domain("move_id", "in", drafts.ids)
            if not Detail.search_count(domain, limit=1):
                continue
            lines = Grouping(self.env).lines_that_agree(move)
            domain &= Domain("sale_line_id", "in", lines.ids)
            for other, count in Detail._read_group(domain, ["move_id"], ["__count"]):
                found[other] = found.get(other, 0) + count
        return found
