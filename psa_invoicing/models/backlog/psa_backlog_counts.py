# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How much there is of each status, counted no further than anybody reads."""

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from ...core import obstacles
from ...core.kinds import MODELS, SOURCES, TIME

# As many as the list counts at once: of more, it is only told that there are more.
COUNT_LIMIT = 1000


class PsaBacklog(models.Model):
    """The search panel beside the list."""

    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    def _search_panel_domain_image(
        self, field_name, domain, set_count=False, limit=False
    ):
        if field_name != "status":
            return super()._search_panel_domain_image(
                field_name, domain, set_count, limit
            )
        counts = self._status_counts(domain, COUNT_LIMIT + 1 if set_count else 1)
        image = {}
        for status, label in self._fields["status"]._description_selection(self.env):
            if counts.get(status):
                image[status] = {"id": status, "display_name": label}
                if set_count:
                    image[status]["__count"] = counts[status]
        return image

    def _search_panel_selection_range(self, field_name, **kwargs):
        """Of a lot it is only said that it is a lot."""
        values = super()._search_panel_selection_range(field_name, **kwargs)
        for value in values:
            if value.get("__count", 0) > COUNT_LIMIT:
                value |= {"__count": COUNT_LIMIT, "is_cut": True}
        return values

    def _status_counts(self, domain, limit: int) -> dict[str, int]:
        """Rows by status, of each no more than the limit."""
        rows = self._search(Domain(domain), limit=limit)
        if rows.is_empty():
            return {}
        project_ids = self._kept_project_ids()
        places = dict.fromkeys(
            dict(obstacles.OF_PROJECT),
            SQL("psa_backlog.project_id = ANY(%s)", project_ids),
        )
        places["order"] = SQL(
            "(psa_backlog.is_unfit OR psa_backlog.sale_line_id = ANY(%s))",
            self._unfit_line_ids(),
        )
        none = set() if project_ids else set(dict(obstacles.OF_PROJECT))
        if not self._beyond_terms():
            none.add(obstacles.TERMS)
        return {
            status: self._count(rows, status, places.get(status))
            for status, _label in self._fields["status"].selection
            if status not in none
        }

    def _count(self, rows: Query, status: str, place: SQL | None) -> int:
        """:param place: where rows of the status are to be found"""
        [(count,)] = self.env.execute_query(
            SQL(
                """SELECT COUNT(*) FROM (
                       SELECT FROM %s WHERE %s AND %s AND %s ORDER BY %s LIMIT %s
                   ) AS counted""",
                rows.from_clause,
                rows.where_clause or SQL("TRUE"),
                self._is_status_sql(self._table, status),
                place or SQL("TRUE"),
                rows.order,
                rows.limit,
            )
        )
        return count

    def _unfit_line_ids(self) -> list[int]:
        """Contract lines with something open that they do not let be billed."""
        lines, may_be_billed = self._contract_line_sql()
        found = self._unfit_lines_of_time()
        for source in SOURCES:
            ids = source != TIME and self._ids_of(self._open_sources_sql(source))
            if ids:
                found += self._ids_of(
                    SQL(
                        "SELECT line.id FROM %s WHERE line.id = ANY(%s)"
                        " AND (%s) IS NOT TRUE",
                        lines,
                        ids,
                        may_be_billed[source],
                    )
                )
        return found

    def _unfit_lines_of_time(self) -> list[int]:
        """Most contract lines have time on them, and few are not to be billed: those
        are looked up first, by index, for each thing that they must be."""
        entries = self.env[MODELS[TIME]].sudo()
        _own, domain = entries._psa_may_be_billed_domains()
        found = []
        for part in getattr(domain, "children", [domain]):
            lines, is_unfit = self._is_unfit_sql(part)
            found += self._ids_of(
                SQL(
                    """SELECT line.id FROM (
                              SELECT line.id FROM %s WHERE %s OFFSET 0) AS line
                         JOIN LATERAL (SELECT 1 WHERE %s LIMIT 1) AS open ON TRUE""",
                    lines,
                    is_unfit,
                    self._has_open_of_sql(TIME, "sale_line_id", SQL("line.id")),
                )
            )
        return found

    def _is_unfit_sql(self, domain: Domain) -> tuple[SQL, SQL]:
        """Contract lines as ``line``, and that they are not in a domain."""
        # sudo: as for the transactions themselves.
        lines = self.env["sale.order.line"].sudo()
        query = Query(self.env, "line", SQL.identifier(lines._table))
        path = "product_id."
        if all(each.field_expr.startswith(path) for each in domain.iter_conditions()):
            # Time is on contract lines with a product only.
            products = lines.product_id.with_context(active_test=False)
            domain = domain.map_conditions(
                lambda each: Domain(
                    each.field_expr.removeprefix(path), each.operator, each.value
                )
            )
            ids = list(products._search(~domain).get_result_ids())
            return query.from_clause, SQL("line.product_id = ANY(%s)", ids)
        condition = domain.optimize_full(lines)._to_sql(lines, "line", query)
        return query.from_clause, SQL("(%s) IS NOT TRUE", condition)

    def _open_sources_sql(self, source: str) -> SQL:
        """Contract lines with something open of a kind."""
        model = self.env[MODELS[source]].sudo()
        return SQL(
            "SELECT DISTINCT %s FROM %s WHERE %s AND %s",
            SQL.identifier(model._table, model._billing_columns["sale_line_id"]),
            SQL.identifier(model._table),
            model._psa_in_open_index_sql(),
            model._psa_is_open_sql(model._table),
        )

    def _kept_project_ids(self) -> list[int]:
        """Projects with something open that they keep from being billed."""
        project = SQL("project.id")
        start = SQL("project.billing_start_date")
        return self._ids_of(
            SQL(
                """SELECT project.id FROM project_project AS project
                    WHERE CASE WHEN %s OR project.billing_hold THEN %s
                               WHEN %s IS NOT NULL THEN %s END""",
                self._is_unfit_project_sql(),
                self._has_open_sql("project_id", project),
                start,
                self._has_open_sql("project_id", project, start),
            )
        )
