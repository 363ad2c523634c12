# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""First step of billing: which transactions, and how much of each is open."""

from math import fsum

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from ..core.allocation import TOLERANCE, trim
from ..core.billing import (
    CHARGEABLE,
    COST,
    EXPENSE,
    MATERIAL,
    MILESTONE,
    ORDER_LINE,
    TIME,
    Key,
    Request,
    Transaction,
)

# Where transactions of a type are found.
MODELS = {
    TIME: "account.analytic.line",
    COST: "psa.reinvoiced.cost",
    MILESTONE: "project.milestone",
    ORDER_LINE: "sale.order.line",
}
TYPES_IN = {
    TIME: {TIME},
    COST: {EXPENSE, MATERIAL},
    MILESTONE: {MILESTONE},
    ORDER_LINE: {ORDER_LINE, MATERIAL},
}


class PsaBilling(models.AbstractModel):
    """The one service that makes project invoices; it never commits.

    A run, the wizard and Recalculate ask the same three steps: selection (here),
    grouping and writing (``psa_billing_writing.py``).
    """

    _name = "psa.billing"
    _description = "Billing Service"

    @api.model
    def _select(
        self,
        request: Request,
        released: dict[Key, float] | None = None,
        move=None,
    ) -> list[Transaction]:
        """Find what is open, by quantity and never by status.

        :param request: what to bill
        :param released: quantities, in the transactions' own unit, that count as open
            because the draft that holds them is being looked at anew
        :param move: that draft
        :return: in order of contract line, date and id
        """
        released = released or {}
        found: list[Transaction] = []
        for source, types in TYPES_IN.items():
            if types & set(request.types):
                found += self._select_source(source, request, released)
        found = [item for item in found if item.kind in request.types]
        if request.picks is not None:
            found = [item for item in found if item.key in request.picks]
        if request.from_billing_start:
            found = self._since_billing_start(found)
        if request.cutoffs:
            found = [item for item in found if request.is_due(item)]
        return self._within_contract_lines(self._in_order(found), move)

    @api.model
    def _in_order(self, found: list[Transaction]) -> list[Transaction]:
        lines = self.env["sale.order.line"].browse(
            {item.sale_line_id for item in found}
        )
        rank = {
            line.id: index
            for index, line in enumerate(
                lines.sorted(lambda line: (line.order_id.id, line.sequence, line.id))
            )
        }
        return sorted(
            found,
            key=lambda item: (rank[item.sale_line_id], item.date, item.source_id),
        )

    @api.model
    def _open_in_period(self, lines, start_date, end_date) -> dict[int, float]:
        """Hours of contract lines that Odoo's order button may bill.

        :return: by contract line, unrounded, in its unit
        """
        request = self._order_button_request(lines, start_date, end_date)
        found: dict[int, float] = {}
        for item in self._select(request):
            if item.is_chargeable:
                found.setdefault(item.sale_line_id, 0.0)
                found[item.sale_line_id] += item.quantity
        return found

    @api.model
    def _order_button_request(self, lines, start_date=None, end_date=None) -> Request:
        """What a person asks for who invoices contract lines with Odoo's own button."""
        return Request(
            project_ids=(),
            cutoff_date=end_date or None,
            start_date=start_date or None,
            sale_line_ids=tuple(lines.ids),
            credited=True,
            of_drafts=True,
        )

    @api.model
    def _within_contract_lines(
        self, found: list[Transaction], move
    ) -> list[Transaction]:
        """Leave out what Odoo's own invoices have billed without saying of which entry.

        A contract line is never billed beyond what was delivered on it.
        """
        by_line: dict[int, list[Transaction]] = {}
        for item in found:
            by_line.setdefault(item.sale_line_id, []).append(item)
        limits = self._limits(
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

    @api.model
    def _limits(self, quantities: dict[int, float], move=None) -> dict[int, float]:
        """Contract lines that have less to bill than their transactions have open.

        :param quantities: open, by contract line, unrounded, in its unit
        :param move: a draft that does not count
        :return: what they have to bill
        """
        lines = self.env["sale.order.line"].browse(quantities)
        return {
            line_id: max(totals.open, 0.0)
            for line_id, totals in self._totals(lines, move).items()
            if quantities[line_id] > totals.open + TOLERANCE
        }

    @api.model
    def _since_billing_start(self, found: list[Transaction]) -> list[Transaction]:
        """Leave what is older than the billing start of its project to a person."""
        projects = self.env["project.project"].browse(
            {item.project_id for item in found}
        )
        starts = {project.id: project.billing_start_date for project in projects}
        return [
            item
            for item in found
            if not starts[item.project_id] or item.date >= starts[item.project_id]
        ]

    # === Reading ===

    @api.model
    def _select_source(
        self,
        source: str,
        request: Request,
        released: dict[Key, float],
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
        employees = self._names("hr.employee", {row.get("employee_id") for row in rows})
        tasks = self._names("project.task", {row.get("task_id") for row in rows})
        kinds = self._kinds(source, rows)
        factors = (
            self._unit_factors({(row["uom_id"], row["sale_line_id"]) for row in rows})
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

    @api.model
    def _open_rows(
        self, model, domain, released_ids: list[int], request: Request
    ) -> list[dict]:
        """What is open or released, as dicts of ``_billing_columns``."""
        table = model._table
        query, quantity = self._open_query(model, domain, released_ids, request)
        columns = {"id": "id", "billing_type": "billing_type"} | model._billing_columns
        names = [*columns, "quantity"]
        rows = self.env.execute_query(
            query.select(
                *(SQL.identifier(table, column) for column in columns.values()),
                quantity,
            )
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    @api.model
    def _open_query(
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

    @api.model
    def _kinds(self, source: str, rows: list[dict]) -> dict[int, str]:
        """The type of each row: goods on an order are material."""
        if source == COST:
            return {row["id"]: row["kind"] for row in rows}
        if source != ORDER_LINE:
            return {row["id"]: source for row in rows}
        lines = self.env["sale.order.line"].browse(row["id"] for row in rows)
        return {
            line.id: MATERIAL if line.product_id.type == "consu" else ORDER_LINE
            for line in lines
        }

    @api.model
    def _names(self, model: str, ids: set[int | None]) -> dict[int, str]:
        records = self.env[model].sudo().with_context(active_test=False)
        records = records.browse(id_ for id_ in ids if id_)
        return {record.id: record.name for record in records}

    @api.model
    def _unit_factors(
        self, pairs: set[tuple[int | None, int]]
    ) -> dict[tuple[int | None, int], float]:
        """What one unit of a transaction is in the unit of its contract line."""
        lines = self.env["sale.order.line"].browse({line_id for _uom, line_id in pairs})
        by_id = {line.id: line for line in lines}
        factors = {}
        for uom_id, line_id in pairs:
            uom = self.env["uom.uom"].browse(uom_id)
            factors[uom_id, line_id] = (
                uom._compute_quantity(1.0, by_id[line_id].product_uom_id, round=False)
                if uom
                else 1.0
            )
        return factors
