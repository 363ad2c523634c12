# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""First step of billing: which transactions, and how much of each is open."""

from math import fsum

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..core.allocation import TOLERANCE, trim
from ..core.billing import MILESTONE, TIME, Key, Request, Transaction


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
        found = []
        if TIME in request.types:
            found += self._select_time(request, released)
        if MILESTONE in request.types:
            found += self._select_milestones(request, released)
        if request.picks is not None:
            found = [item for item in found if item.key in request.picks]
        if request.from_billing_start:
            found = self._since_billing_start(found)
        lines = self.env["sale.order.line"].browse(
            {item.sale_line_id for item in found}
        )
        rank = {
            line.id: index
            for index, line in enumerate(
                lines.sorted(lambda line: (line.order_id.id, line.sequence, line.id))
            )
        }
        found.sort(
            key=lambda item: (rank[item.sale_line_id], item.date, item.source_id)
        )
        return self._within_contract_lines(found, move)

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
        lines = self.env["sale.order.line"].browse(by_line)
        limits = self._open_on_lines(lines, move)
        within = []
        for line_id, items in by_line.items():
            quantities = [item.quantity for item in items]
            if fsum(quantities) <= limits[line_id] + TOLERANCE:
                within += items
                continue
            for item, quantity in zip(
                items, trim(quantities, max(limits[line_id], 0.0)), strict=True
            ):
                if quantity:
                    share = quantity / item.quantity
                    within.append(item.lowered(item.source_quantity * share))
        return within

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

    # === Time ===

    @api.model
    def _time_domain(self, request: Request) -> Domain:
        """Entries that may be billed by time, whatever is open on them."""
        lines = self.env["sale.order.line"]
        domain = Domain(
            [
                ("project_id", "in", request.project_ids),
                ("date", "<=", request.cutoff_date),
                ("so_line.state", "=", "sale"),
                ("so_line.product_id.type", "=", "service"),
                ("so_line.product_id.invoice_policy", "=", "delivery"),
                ("so_line.product_id.service_type", "=", "timesheet"),
            ]
        )
        # Other add-ons bill validated entries only, and say so there.
        domain &= Domain(lines._timesheet_compute_delivered_quantity_domain())
        # Entries of an invoice that this ledger knows nothing of are billed.
        domain &= (
            Domain("timesheet_invoice_id", "=", False)
            | Domain("timesheet_invoice_id.state", "=", "cancel")
            | Domain("billed_quantity", "!=", 0)
        )
        if request.unit_ids:
            domain &= self._unit_domain(request, "department_id")
        return domain

    @api.model
    def _unit_domain(self, request: Request, department_field: str) -> Domain:
        """The department of the entry, else that of its project; with those below."""
        units = list(request.unit_ids)
        return Domain(department_field, "child_of", units) | (
            Domain(department_field, "=", False)
            & Domain("project_id.unit_id", "child_of", units)
        )

    @api.model
    def _select_time(self, request, released) -> list[Transaction]:
        Entry = self.env["account.analytic.line"]
        open_sql = SQL(
            "COALESCE(%s, 0) - COALESCE(%s, 0)",
            SQL.identifier(Entry._table, "unit_amount"),
            SQL.identifier(Entry._table, "billed_quantity"),
        )
        rows = self._open_rows(
            Entry,
            self._time_domain(request),
            open_sql,
            [key[1] for key in released if key[0] == TIME],
            "so_line",
            "project_id",
            "date",
            "product_uom_id",
            "name",
            "employee_id",
            "task_id",
        )
        # sudo: the names are copied for people without rights on employees and tasks.
        employees = self._names("hr.employee", {row[7] for row in rows})
        tasks = self._names("project.task", {row[8] for row in rows})
        factors = self._unit_factors({(row[5], row[2]) for row in rows})
        found = []
        for (
            source_id,
            quantity,
            line_id,
            project_id,
            date,
            uom_id,
            name,
            employee_id,
            task_id,
        ) in rows:
            quantity += released.get((TIME, source_id), 0.0)
            if abs(quantity) < TOLERANCE:
                continue
            found.append(
                Transaction(
                    kind=TIME,
                    source_id=source_id,
                    sale_line_id=line_id,
                    project_id=project_id,
                    date=date,
                    source_quantity=quantity,
                    quantity=quantity * factors[uom_id, line_id],
                    text=name or "",
                    who=employees.get(employee_id, ""),
                    task=tasks.get(task_id, ""),
                )
            )
        return found

    # === Milestones ===

    @api.model
    def _milestone_domain(self, request: Request) -> Domain:
        """Reached milestones that may be billed, whatever is open on them."""
        domain = Domain(
            [
                ("project_id", "in", request.project_ids),
                ("is_reached", "=", True),
                ("reached_date", "<=", request.cutoff_date),
                ("sale_line_id.state", "=", "sale"),
                ("sale_line_id.qty_delivered_method", "=", "milestones"),
                ("sale_line_id.product_id.invoice_policy", "=", "delivery"),
            ]
        )
        if request.milestone_ids:
            domain &= Domain("id", "in", request.milestone_ids)
        if request.unit_ids:
            domain &= Domain("project_id.unit_id", "child_of", list(request.unit_ids))
        return domain

    @api.model
    def _select_milestones(self, request, released) -> list[Transaction]:
        Milestone = self.env["project.milestone"]
        milestones = Milestone.search(self._milestone_domain(request))
        found = []
        for milestone in milestones:
            key = (MILESTONE, milestone.id)
            quantity = milestone.open_quantity + released.get(key, 0.0)
            if abs(quantity) < TOLERANCE:
                continue
            found.append(
                Transaction(
                    kind=MILESTONE,
                    source_id=milestone.id,
                    sale_line_id=milestone.sale_line_id.id,
                    project_id=milestone.project_id.id,
                    date=milestone.reached_date,
                    source_quantity=quantity,
                    quantity=quantity,
                    text=milestone.name,
                )
            )
        return found

    # === Reading ===

    @api.model
    def _open_rows(
        self, model, domain: Domain, open_sql: SQL, released_ids: list[int], *columns
    ) -> list[tuple]:
        """``(id, open quantity, *columns)`` of what is open or released.

        Values come straight from the table: a month of a large firm is hundreds of
        thousands of entries, and a record of each would cost more than all the rest.
        """
        model.flush_model()
        query = model._search(domain)
        query.add_where(
            SQL(
                "(ABS(%s) > %s OR %s = ANY(%s))",
                open_sql,
                TOLERANCE,
                SQL.identifier(model._table, "id"),
                released_ids,
            )
        )
        return self.env.execute_query(
            query.select(
                SQL.identifier(model._table, "id"),
                open_sql,
                *(SQL.identifier(model._table, name) for name in columns),
            )
        )

    @api.model
    def _names(self, model: str, ids: set[int | None]) -> dict[int, str]:
        records = self.env[model].sudo().with_context(active_test=False)
        records = records.browse(id_ for id_ in ids if id_)
        return {record.id: record.name for record in records}

    @api.model
    def _unit_factors(
        self, pairs: set[tuple[int | None, int]]
    ) -> dict[tuple[int | None, int], float]:
        """What one unit of an entry is in the unit of its contract line."""
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
