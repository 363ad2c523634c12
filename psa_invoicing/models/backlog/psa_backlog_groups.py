# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The backlog in groups: a page of customers or projects costs what is on it, whatever
else is open; what is summed by a field of contract line or project is summed first, and
looked up afterwards."""

from itertools import chain

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from .psa_backlog_rows import COLUMNS, OWN_OBSTACLES, PLACES

# What amounts can be summed by before they are priced, and the columns that it takes.
SUMMED_BY = "psa_backlog_summed_by"
SUMMABLE = {
    "age_band": ("age_band",),
    "amount": (),
    "billing_type": ("billing_type",),
    "company_amount": ("own_company_id",),
    "company_currency_id": ("own_company_id",),
    "company_id": ("own_company_id",),
    "currency_id": (),
    "order_id": (),
    "partner_id": (),
    "project_id": (),
    "sale_line_id": (),
    "status": ("status",),
    "transaction_type": ("transaction_type",),
    "unit_id": ("own_unit_id",),
}
# What amounts can be summed by before contract lines are looked at, with these columns
# besides; and what such rows can still be told apart by.
TOLD_APART_BY = "psa_backlog_told_apart_by"
ALWAYS_TOLD_APART_BY = (
    "source",
    "sale_line_id",
    "project_id",
    "billing_type",
    "own_uom_id",
    "own_company_id",
    *OWN_OBSTACLES,
)
STILL_TOLD = {
    *SUMMABLE.keys() - {"age_band", "amount", "company_amount"},
    "contract_company_id",
    "own_company_id",
}
# What a row says without a look at its contract line.
OF_ROWS = {"age_band", "billing_type", "status", "transaction_type"}
# Conditions on these leave little to sum.
NARROW = {
    "id",
    "order_id",
    "partner_id",
    "project_id",
    "sale_line_id",
    "source_id",
    "task_id",
}
# So many are looked at for each one that is shown; then, everything is summed.
PATIENCE = 20
# Of so many projects for each one that is wanted, enough may have something open.
FIRST = 4


class PsaBacklog(models.Model):
    """Customers, or projects, are walked in their own order, and what is open of them
    is summed until the page is full.
    """

    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    def _read_group(
        self,
        domain,
        groupby=(),
        aggregates=(),
        having=(),
        offset=0,
        limit=None,
        order=None,
    ):
        """A page of customers or projects is walked; else what can be summed before it
        is looked up is summed first."""
        if limit and not having and self._is_walked(domain, groupby, order):
            groups = self._walk(domain, groupby[0], aggregates, offset + limit)
            if groups is not None:
                return groups[offset:]
        rows = self._summed(domain, [*groupby, *aggregates])
        groups = super(PsaBacklog, rows)._read_group(
            domain, groupby, aggregates, having, offset, limit, order
        )
        return self._of_own_env(groups)

    def _formatted_read_group_with_length(
        self, domain, groupby, aggregates, offset=0, limit=None, order=None
    ):
        """Of groups that are walked it is only known whether there are more."""
        if not limit or not self._is_walked(domain, groupby, order):
            return super()._formatted_read_group_with_length(
                domain, groupby, aggregates, offset, limit, order
            )
        groups = self.formatted_read_group(
            domain, groupby, aggregates, offset=offset, limit=limit + 1, order=order
        )
        return groups[:limit], offset + len(groups) if groups else 0

    @api.model
    @api.readonly
    def count_groups(self, domain, spec: str) -> int:
        """All groups, as the list asks for their number when somebody wants to know it.

        :param spec: what to group by
        """
        return len(self._read_group(domain, [str(spec)]))

    def _is_walked(self, domain, groupby, order) -> bool:
        """Whether groups are found by a walk: in their own order, and where nothing
        says that there are few."""
        if list(groupby) not in (["partner_id"], ["project_id"]):
            return False
        if (order or "").lower() not in (groupby[0], f"{groupby[0]} asc"):
            return False
        return not any(map(self._is_narrow, Domain(domain).iter_conditions()))

    def _is_narrow(self, condition) -> bool:
        if condition.field_expr != "status":
            return condition.field_expr.partition(".")[0] in NARROW
        if condition.operator == "=":
            return condition.value != "ready"
        return condition.operator != "in" or "ready" not in condition.value

    def _walk(self, domain, name: str, aggregates, wanted: int) -> list[tuple] | None:
        """The first groups.

        :param name: the field to group by
        :param wanted: how many
        :return: None if too few of those that were looked at have anything there
        """
        groups: list[tuple] = []
        start, number = 0, wanted
        while len(groups) < wanted:
            if start > PATIENCE * wanted:
                return None
            ids = self._candidates(name, start, number)
            groups += self._groups_of(ids, domain, name, aggregates)
            if len(ids) < number:
                groups += self._groups_of([False], domain, name, aggregates)
                break
            start, number = start + number, 2 * number
        return groups[:wanted]

    def _groups_of(self, ids: list, domain, name: str, aggregates) -> list[tuple]:
        domain = Domain(domain) & Domain(name, "in", ids)
        rows = self
        if any(ids):
            rows = self.with_context(**{PLACES: self._places(name, ids)})
        groups = rows._read_group(domain, [name], aggregates)
        place = {id_: position for position, id_ in enumerate(ids)}
        return sorted(self._of_own_env(groups), key=lambda group: place[group[0].id])

    def _candidates(self, name: str, offset: int, limit: int) -> list[int]:
        """Customers or projects in their order, of whom anything is open, or time that
        nobody sold."""
        # sudo: what rows are compared with; the rows themselves are checked.
        others = self.env[self._fields[name].comodel_name].sudo()
        others = others.with_context(active_test=False)
        if name == "partner_id":
            query = others._search([], offset, limit, others._order)
            query.add_join("JOIN", "anything", self._of_customer_sql(), SQL("TRUE"))
            return list(query.get_result_ids())
        found: list[int] = []
        # To find the first of all is quicker than to sort all.
        for number in (FIRST * (offset + limit), None):
            if len(found) < limit:
                query = others._search([], limit=number, order=others._order)
                found = self._ids_of(self._open_projects_sql(query, offset, limit))
        return found

    def _of_customer_sql(self) -> SQL:
        """Something of ``res_partner``: of its orders, else of its projects."""
        return SQL(
            """LATERAL (
                (SELECT FROM sale_order AS sale
                   JOIN sale_order_line AS line ON line.order_id = sale.id
                  WHERE sale.partner_id = res_partner.id AND %s
                  LIMIT 1)
                UNION ALL
                (SELECT FROM project_project AS project
                  WHERE project.partner_id = res_partner.id AND %s
                  LIMIT 1)
                LIMIT 1)""",
            self._has_open_sql("sale_line_id", SQL("line.id")),
            self._has_unsold_sql(),
        )

    def _open_projects_sql(self, projects: Query, offset: int, limit: int) -> SQL:
        return SQL(
            "SELECT id FROM (%s OFFSET 0) AS project WHERE %s OR %s OFFSET %s LIMIT %s",
            projects.select(),
            self._has_open_sql("project_id", SQL("project.id")),
            self._has_unsold_sql(),
            offset,
            limit,
        )

    def _has_unsold_sql(self) -> SQL:
        """Whether there is time on ``project`` that nobody sold."""
        entries = self.env["account.analytic.line"].sudo()
        return SQL(
            """EXISTS (SELECT FROM account_analytic_line
                        WHERE account_analytic_line.project_id = project.id AND %s)""",
            self._unsold_columns(entries)["is_wanted"],
        )

    # === Sums ===

    def _search_sums(self, domain, **kwargs) -> Query | None:
        """:return: None where single rows are wanted"""
        keys = self.env.context.get(SUMMED_BY)
        # Lists come from a client.
        if not isinstance(keys, tuple):
            return None
        rows = self.with_context(**{SUMMED_BY: None})
        return rows._sums_query(rows._search(domain, **kwargs), keys)

    def _told_apart_sql(self, rows: SQL) -> SQL:
        """Rows summed by what they must be told apart by: as they are, where somebody
        asks for single ones."""
        told_apart_by = self.env.context.get(TOLD_APART_BY)
        if not isinstance(told_apart_by, tuple):
            return rows
        # A row needs its date if it is from before its project is billed.
        early = SQL(
            "CASE WHEN row.date < starting.billing_start_date THEN row.date END"
        )
        columns = {name: SQL("NULL") for name in COLUMNS} | {
            **{name: SQL.identifier("row", name) for name in told_apart_by},
            "date": early,
            "own_quantity": SQL("SUM(row.own_quantity)"),
            "row_count": SQL("SUM(row.row_count)"),
            "is_wanted": SQL("TRUE"),
        }
        return SQL(
            """
            SELECT %(columns)s
              FROM (%(rows)s) AS row
         LEFT JOIN project_project AS starting
                ON starting.id = row.project_id AND %(is_known)s
             WHERE row.is_wanted
          GROUP BY %(keys)s
            """,
            columns=self._as_columns(columns),
            rows=rows,
            is_known=self._is_known_sql(SQL("starting.id"), "project_ids"),
            keys=SQL(", ").join([*(columns[name] for name in told_apart_by), early]),
        )

    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        rows = self._summed(domain, [*chain(*grouping_sets), *aggregates])
        found = super(PsaBacklog, rows)._read_grouping_sets(
            domain, grouping_sets, aggregates, order
        )
        return [self._of_own_env(groups) for groups in found]

    def _summed(self, domain, specs: list[str]):
        """Where rows are summed by what a contract line or project says, quantities are
        summed first, and priced and joined afterwards: of a million rows, that leaves a
        few thousand.

        An amount is then rounded once for each contract line, as on an invoice.
        """
        names = {spec.partition(":")[0] for spec in specs} - {"__count"}
        if names <= OF_ROWS or not names <= set(SUMMABLE):
            return self
        keys = dict.fromkeys(chain(*(SUMMABLE[name] for name in sorted(names))))
        return self.with_context(
            **{
                SUMMED_BY: ("sale_line_id", "project_id", *keys),
                TOLD_APART_BY: self._told_apart_by(domain, names),
            }
        )

    def _told_apart_by(self, domain, names: set[str]) -> tuple[str, ...] | None:
        """Columns that make a difference to a condition or a sum; other transactions of
        a contract line and project are summed before anything is looked up for them.

        :param names: fields that are read
        :return: None if it takes single rows, or if it is not about a page: to look up
            all contract lines at once is quicker than to tell a million rows apart
        """
        if not self._known_places():
            return None
        rules = self.env["ir.rule"]._compute_domain(self._name)
        conditions = (Domain(domain) & rules).iter_conditions()
        asked = {condition.field_expr.partition(".")[0] for condition in conditions}
        if "age_band" in names or not asked <= STILL_TOLD:
            return None
        columns = chain(*(SUMMABLE.get(name, ()) for name in sorted(asked | names)))
        others = (name for name in columns if name in COLUMNS)
        return tuple(dict.fromkeys([*ALWAYS_TOLD_APART_BY, *others]))

    def _of_own_env(self, groups: list[tuple]) -> list[tuple]:
        return [
            tuple(
                value.with_env(self.env)
                if isinstance(value, models.BaseModel)
                else value
                for value in group
            )
            for group in groups
        ]

    def _sums_query(self, query: Query, keys: tuple[str, ...]) -> Query:
        """Open quantities of contract lines, as rows of this model.

        :param query: the rows to sum
        :param keys: columns to sum by
        """
        columns = [SQL.identifier(self._table, key) for key in keys]
        query.groupby = SQL(", ").join(columns)
        # What nobody asked for is the same for all.
        columns += [
            SQL(f"NULL::int AS {name}")
            for name in ("own_company_id", "own_unit_id")
            if name not in keys
        ]
        quantity = SQL.identifier(self._table, "chargeable_quantity")
        sums = query.select(
            *columns,
            SQL("SUM(%s) AS quantity", quantity),
            SQL("SUM(%s) AS row_count", SQL.identifier(self._table, "row_count")),
        )
        return Query(
            self.env,
            self._table,
            SQL(
                "(SELECT source.*, %s FROM (%s) AS source %s)",
                self._of_contract_sql(SQL("source.quantity"), SQL("0")),
                sums,
                self._contract_joins_sql(),
            ),
        )

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec == "__count" and isinstance(
            self.env.context.get(SUMMED_BY), tuple
        ):
            return SQL("SUM(%s)::bigint", SQL.identifier(self._table, "row_count"))
        return super()._read_group_select(aggregate_spec, query)
