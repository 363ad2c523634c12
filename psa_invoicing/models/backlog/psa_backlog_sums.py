# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the backlog sums by a field of contract line or project: quantities first, and
what is looked up for them afterwards."""

from itertools import chain

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from .psa_backlog_rows import COLUMNS, PLACES

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
    *(name for name in COLUMNS if name.startswith("is_") and name != "is_wanted"),
)
STILL_TOLD = {
    *SUMMABLE.keys() - {"age_band", "amount", "company_amount"},
    "contract_company_id",
    "own_company_id",
}
# What a row says without a look at its contract line.
OF_ROWS = {"age_band", "billing_type", "status", "transaction_type"}


class PsaBacklog(models.Model):
    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    def _search_sums(self, domain, **kwargs) -> Query | None:
        """:return: None where single rows are wanted"""
        keys = self.env.context.get(SUMMED_BY)
        if keys is None:
            return None
        rows = self.with_context(**{SUMMED_BY: None})
        return rows._sums_query(rows._search(domain, **kwargs), keys)

    def _told_apart_sql(self, rows: SQL) -> SQL:
        """Rows summed by what they must be told apart by: as they are, where somebody
        asks for single ones."""
        told_apart_by = self.env.context.get(TOLD_APART_BY)
        if told_apart_by is None:
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

    def _told_apart_by(self, domain, names: set[str]) -> list[str] | None:
        """Columns that make a difference to a condition or a sum; other transactions of
        a contract line and project are summed before anything is looked up for them.

        :param names: fields that are read
        :return: None if it takes single rows, or if it is not about a page: to look up
            all contract lines at once is quicker than to tell a million rows apart
        """
        if not self.env.context.get(PLACES):
            return None
        rules = self.env["ir.rule"]._compute_domain(self._name)
        conditions = (Domain(domain) & rules).iter_conditions()
        asked = {condition.field_expr.partition(".")[0] for condition in conditions}
        if "age_band" in names or not asked <= STILL_TOLD:
            return None
        columns = chain(*(SUMMABLE.get(name, ()) for name in sorted(asked | names)))
        others = (name for name in columns if name in COLUMNS)
        return list(dict.fromkeys([*ALWAYS_TOLD_APART_BY, *others]))

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
                self._of_contract_sql(SQL("source.quantity")),
                sums,
                self._contract_joins_sql(),
            ),
        )

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec == "__count" and self.env.context.get(SUMMED_BY):
            return SQL("SUM(%s)::bigint", SQL.identifier(self._table, "row_count"))
        return super()._read_group_select(aggregate_spec, query)
