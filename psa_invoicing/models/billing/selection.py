# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""First step of billing: which transactions, and how much of each is open."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from odoo.fields import Domain
from odoo.tools import SQL

from ...core import obstacles
from ...core.allocation import TOLERANCE, is_zero, trim
from ...core.billing import Allowed, Portion, Request, Transaction
from ...core.kinds import (
    CHARGEABLE,
    COST,
    MODELS,
    ORDER_LINE,
    TYPES_IN,
    Key,
    kind_of_sold,
)
from ...core.obstacles import Obstacle
from .contract_lines import ContractLines, Limit
from .neighbours import Neighbours
from .open_quantities import OpenQuantities

# Some pages: anybody may log an entry with a book in it, and the annex prints it.
LONGEST_TEXT = 10_000


class LeftOut(NamedTuple):
    """
    :ivar item: the transaction, with what is not billed of it
    :ivar obstacle: why
    """

    item: Transaction
    obstacle: Obstacle


class Selection(OpenQuantities):
    """Finds what is open."""

    def select(
        self, request: Request, released: Mapping[Key, float] | None = None, move=None
    ) -> list[Transaction]:
        """Find what is open, by quantity and never by status.

        :param request: what to bill
        :param released: quantities, in the transactions' own unit, that count as open
            because the draft that holds them is being looked at anew
        :param move: that draft
        :return: in order of contract line, date and id
        """
        return self.find(request, released, move).transactions

    def find(
        self, request: Request, released: Mapping[Key, float] | None = None, move=None
    ) -> Allowed:
        """The same, and what contract terms leave out of it."""
        released = released or {}
        found = self._asked(request, released)
        limits = self._limits(found, request, released, move)
        return self.within_terms(self._within(found, limits), move)

    def left_out(self, request: Request) -> dict[Key, LeftOut]:
        """What contract lines or contract terms leave out of a request."""
        found = self._asked(request)
        limits = self._limits(found, request)
        allowed = self.within_terms(self._within(found, limits))
        billed = {item.key: item.source_quantity for item in allowed.transactions}
        left_out = {}
        for item in found:
            rest = item.source_quantity - billed.get(item.key, 0.0)
            if is_zero(rest):
                continue
            limit = limits.get(item.sale_line_id)
            text = allowed.left_out.get(item.key, limit.text if limit else "")
            code = limit.obstacle if limit and not text else obstacles.TERMS
            left_out[item.key] = LeftOut(item.lowered(rest), Obstacle(code, text))
        return left_out

    def _asked(
        self, request: Request, released: Mapping[Key, float] = MappingProxyType({})
    ) -> list[Transaction]:
        """What a request finds open, in order."""
        found: list[Transaction] = []
        for source, types in TYPES_IN.items():
            if types & set(request.types):
                found += self.of_source(source, request, released)
        found = [item for item in found if item.kind in request.types]
        if request.picks is not None:
            found = [item for item in found if item.key in request.picks]
        if request.from_billing_start:
            found = self._since_billing_start(found)
        if request.cutoffs:
            found = [item for item in found if request.is_due(item)]
        return self.in_order(found)

    def within_terms(self, found: list[Transaction], move=None) -> Allowed:
        """What contract terms let be billed; most projects have none.

        :param found: in order
        :param move: a draft that is being looked at anew
        """
        ids = set(self.projects_with_terms().ids)
        asked = [item for item in found if item.project_id in ids] if ids else []
        if not asked:
            return Allowed(found)
        terms = self.env["psa.billing.terms"]
        allowed = terms._allow(terms._cover(asked, move), move)
        by_key = {item.key: item for item in allowed.transactions}
        kept = [
            by_key.get(item.key) if item.project_id in ids else item for item in found
        ]
        return Allowed([item for item in kept if item], allowed.left_out)

    def projects_with_terms(self):
        return self.env["psa.billing.terms"]._projects_with_terms()

    def _limits(
        self,
        found: list[Transaction],
        request: Request,
        released: Mapping[Key, float] = MappingProxyType({}),
        move=None,
    ) -> dict[int, Limit]:
        """Contract lines that have less to bill than is found on them."""
        quantities: dict[int, float] = defaultdict(float)
        on_draft: dict[int, float] = defaultdict(float)
        for item in found:
            if item.is_chargeable:
                quantities[item.sale_line_id] += item.quantity
                if part := released.get(item.key):
                    part *= item.quantity / item.source_quantity
                    on_draft[item.sale_line_id] += part
        sources = {item.source for item in found}
        limits = ContractLines(self.env).limits(
            quantities, request, released, move, sources
        )
        others = Neighbours(self.env).limits(quantities, on_draft)
        for line_id, limit in others.items():
            own = limits.get(line_id)
            if not own or limit.quantity < own.quantity:
                limits[line_id] = limit
        return limits

    def _within(
        self, found: list[Transaction], limits: Mapping[int, Limit]
    ) -> list[Transaction]:
        """What contract lines have to bill; nobody pays for what is offered."""
        limited = [
            item for item in found if item.is_chargeable and item.sale_line_id in limits
        ]
        if not limited:
            return found
        parts: dict[Key, float] = {}
        for line_id, limit in limits.items():
            items = [item for item in limited if item.sale_line_id == line_id]
            quantities = trim([item.quantity for item in items], limit.quantity)
            parts |= zip((item.key for item in items), quantities, strict=True)
        return [
            item.lowered(item.source_quantity * parts[item.key] / item.quantity)
            if item.key in parts
            else item
            for item in found
            if parts.get(item.key, 1.0)
        ]

    def _since_billing_start(self, found: list[Transaction]) -> list[Transaction]:
        """Leave what is older than the billing start of its project to a person."""
        projects = self.projects_by_id(item.project_id for item in found)
        starts = {id_: each.billing_start_date for id_, each in projects.items()}
        return [
            item
            for item in found
            if not starts[item.project_id] or item.date >= starts[item.project_id]
        ]

    def in_order(
        self, found: Sequence[Transaction | Portion]
    ) -> list[Transaction | Portion]:
        """Of the orders' lines, then by date."""
        ids = {item.sale_line_id for item in found}
        lines = self.env["sale.order.line"].browse(ids)
        rank = {
            line.id: index
            for index, line in enumerate(
                lines.sorted(lambda line: (line.order_id.id, line.sequence, line.id))
            )
        }
        return sorted(
            found, key=lambda item: (rank[item.sale_line_id], item.date, item.source_id)
        )

    # === Odoo's order button asks ===

    def open_in_period(self, lines, start_date, end_date) -> dict[int, float]:
        """Hours of contract lines that Odoo's order button may bill.

        :return: by contract line, unrounded, in its unit
        """
        request = order_button_request(lines, start_date, end_date)
        found: dict[int, float] = {}
        for item in self.select(request):
            if item.is_chargeable:
                found.setdefault(item.sale_line_id, 0.0)
                found[item.sale_line_id] += item.quantity
        return found

    # === Reading ===

    def of_source(
        self,
        source: str,
        request: Request,
        released: Mapping[Key, float] = MappingProxyType({}),
        with_held: bool = False,
        domain: Domain = Domain.TRUE,
    ) -> list[Transaction]:
        """Open transactions that are kept in one place.

        :param with_held: those on hold too
        :param domain: only these

        Values come straight from the table: a month of a large firm is hundreds of
        thousands of entries, and a record of each would cost more than all the rest.
        """
        model = self.env[MODELS[source]]
        columns = model._billing_columns
        rows = self._open_rows(
            model,
            model._billing_domain(request, with_held) & domain,
            [id_ for kind, id_ in released if kind == source],
            request,
        )
        # sudo: the names are copied for people without rights on employees and tasks.
        employees = self.names("hr.employee", {row.get("employee_id") for row in rows})
        tasks = self.names("project.task", {row.get("task_id") for row in rows})
        kinds = self._kinds(source, rows)
        factors = (
            self.uom_factors({(row["uom_id"], row["sale_line_id"]) for row in rows})
            if "uom_id" in columns
            else {}
        )
        found = []
        for row in rows:
            quantity = row["quantity"] + released.get((source, row["id"]), 0.0)
            if abs(quantity) < TOLERANCE:
                continue
            line_id = row["sale_line_id"]
            found.append(
                Transaction(
                    kind=kinds[row["id"]],
                    source=source,
                    source_id=row["id"],
                    sale_line_id=line_id,
                    project_id=row["project_id"],
                    date=row["date"],
                    source_quantity=quantity,
                    quantity=quantity * factors.get((row.get("uom_id"), line_id), 1.0),
                    text=(row["text"] or "")[:LONGEST_TEXT],
                    who=row.get("who") or employees.get(row.get("employee_id"), ""),
                    task=tasks.get(row.get("task_id"), ""),
                    billing_type=row["billing_type"] or CHARGEABLE,
                    is_new_work=not request.credited,
                )
            )
        return found

    def _open_rows(
        self, model, domain, released_ids: list[int], request: Request
    ) -> list[dict]:
        """What is open or released, as dicts of ``_billing_columns``."""
        table = model._table
        query, quantity = self.open_query(model, domain, released_ids, request)
        columns = {"id": "id", "billing_type": "billing_type"} | model._billing_columns
        names = [*columns, "quantity"]
        rows = self.env.execute_query(
            query.select(
                *(SQL.identifier(table, column) for column in columns.values()),
                quantity,
            )
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _kinds(self, source: str, rows: list[dict]) -> dict[int, str]:
        """The type of each row: goods on an order are material."""
        if source == COST:
            return {row["id"]: row["kind"] for row in rows}
        if source != ORDER_LINE:
            return {row["id"]: source for row in rows}
        lines = self.env["sale.order.line"].browse(row["id"] for row in rows)
        return {line.id: kind_of_sold(line.product_id.type) for line in lines}

    def names(self, model: str, ids: set[int | None]) -> dict[int, str]:
        records = self.env[model].sudo().with_context(active_test=False)
        records = records.browse(id_ for id_ in ids if id_)
        return {record.id: record.name for record in records}


def order_button_request(lines, start_date=None, end_date=None) -> Request:
    """What a person asks for who invoices contract lines with Odoo's own button."""
    return Request(
        project_ids=(),
        cutoff_date=end_date or None,
        start_date=start_date or None,
        sale_line_ids=tuple(lines.ids),
        credited=True,
        of_drafts=True,
    )
