# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""First step of billing: which transactions, and how much of each is open."""

from collections.abc import Mapping, Sequence
from math import fsum
from types import MappingProxyType

from odoo.fields import Domain
from odoo.tools import SQL, Query

from ...core.allocation import TOLERANCE, trim
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
from .contract_lines import ContractLines
from .step import Step


class Selection(Step):
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
        found = self._within_contract_lines(self.in_order(found), move)
        return self.within_terms(found, move)

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

    def beyond_terms(self, request: Request) -> Mapping[Key, str]:
        """What contract terms leave out of a request, and why."""
        return self.find(request).left_out if self.projects_with_terms() else {}

    def _within_contract_lines(
        self, found: list[Transaction], move
    ) -> list[Transaction]:
        """Leave out what Odoo's own invoices have billed without saying of which entry.

        A contract line is never billed beyond what was delivered on it.
        """
        by_line: dict[int, list[Transaction]] = {}
        for item in found:
            by_line.setdefault(item.sale_line_id, []).append(item)
        limits = ContractLines(self.env).limits(
            {
                line_id: fsum(item.quantity for item in items)
                for line_id, items in by_line.items()
            },
            move,
        )
        within = []
        for line_id, items in by_line.items():
            if line_id not in limits:
                within += items
                continue
            quantities = [item.quantity for item in items]
            for item, quantity in zip(
                items, trim(quantities, limits[line_id]), strict=True
            ):
                if quantity:
                    share = quantity / item.quantity
                    within.append(item.lowered(item.source_quantity * share))
        return within

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
                    text=row["text"] or "",
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

    def open_query(
        self, model, domain, released_ids: list[int], request: Request
    ) -> tuple[Query, SQL]:
        """What is open or released, and how much of it, in the transactions' own
        unit."""
        table = model._table
        is_released = SQL("%s = ANY(%s)", SQL.identifier(table, "id"), released_ids)
        is_open = model._psa_is_open_sql(table)
        # What a draft bills too much of, since a transaction on it was lowered, is for
        # its Recalculate to settle, not for another invoice.
        is_of_draft = (
            SQL("FALSE") if request.of_drafts else model._psa_is_beyond_sql(table)
        )
        quantity = model._psa_open_sql(table)
        if not request.credited:
            quantity = SQL(
                "%s - %s",
                quantity,
                model._psa_quantity_sql(table, "billing_credited_quantity"),
            )
        model.flush_model()
        query = model._search(domain)
        if released_ids:
            query.add_where(SQL("(%s OR %s)", is_open, is_released))
            query.add_where(SQL("(%s OR NOT %s)", is_released, is_of_draft))
        else:
            # Two conditions: the first one is literally what the index says.
            query.add_where(is_open)
            query.add_where(SQL("NOT %s", is_of_draft))
        return query, quantity

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

    def uom_factors(
        self, pairs: set[tuple[int | None, int]]
    ) -> dict[tuple[int | None, int], float]:
        """What one unit of a transaction is in the unit of its contract line."""
        lines = self.env["sale.order.line"].browse({line_id for _uom, line_id in pairs})
        uoms = {line.id: line.product_uom_id for line in lines}
        factors = {}
        for uom_id, line_id in pairs:
            uom = self.env["uom.uom"].browse(uom_id)
            factors[uom_id, line_id] = (
                uom._compute_quantity(1.0, uoms[line_id], round=False) if uom else 1.0
            )
        return factors


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
