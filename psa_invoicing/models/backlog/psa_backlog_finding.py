# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Finding rows of the backlog by index, as their transactions are."""

from collections.abc import Set

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core import obstacles
from ...core.kinds import MODELS, SOURCES
from ..shared.external_arguments import as_ids
from .psa_backlog_rows import CREDITED, PARTS, ROWS_PER_ID, Places


class PsaBacklog(models.Model):
    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **kwargs):
        """Rows are found by id and status as their transactions are: by index. A page,
        or its count, is read in the order of the list, and no further than its end.

        What is summed is found by its sums.
        """
        if (sums := self._search_sums(domain, **kwargs)) is not None:
            return sums
        domain = Domain(domain).map_conditions(self._to_indexed)
        if limit and not order:
            order = self._order
        return super()._search(domain, offset, limit, order, **kwargs)

    def _to_indexed(self, condition) -> Domain:
        if condition.field_expr == "id":
            to_sql = self._has_id_sql
        elif condition.field_expr == "status":
            to_sql = self._has_status_sql
        elif condition.field_expr == "partner_id":
            to_sql = self._has_partner_sql
        else:
            return condition
        values = condition.value
        if condition.operator == "=":
            values = [values]
        elif condition.operator != "in" or not isinstance(values, (list, tuple, Set)):
            return condition
        if to_sql != self._has_status_sql and not all(
            isinstance(each, int) for each in values
        ):
            return condition
        return Domain.custom(to_sql=lambda _model, alias, _query: to_sql(alias, values))

    def _has_id_sql(self, alias: str, ids) -> SQL:
        """Rows with one of these ids, by the ids of their transactions."""
        found: dict[int, list[int]] = {}
        for id_ in filter(None, ids):
            source_id, number = divmod(id_, ROWS_PER_ID)
            found.setdefault(number, []).append(source_id)
        return self._any_sql(
            SQL(
                "%s = %s AND %s = %s AND %s IN %s AND %s = ANY(%s)",
                SQL.identifier(alias, "source"),
                SOURCES[number // len(PARTS)],
                SQL.identifier(alias, "is_credited"),
                number % len(PARTS) == CREDITED,
                SQL.identifier(alias, "source_id"),
                tuple(source_ids),
                SQL.identifier(alias, "id"),
                [id_ * ROWS_PER_ID + number for id_ in source_ids],
            )
            for number, source_ids in found.items()
        )

    def _has_status_sql(self, alias: str, statuses) -> SQL:
        return self._any_sql(self._is_status_sql(alias, status) for status in statuses)

    def _is_status_sql(self, alias: str, status: str) -> SQL:
        """The same as a comparison of the status; but PostgreSQL asks each table for
        its own part of it, by index where that is rare: it then stops at the end of a
        page instead of sorting all that is open.

        It expects an expression to be true of a third of all rows, but to be equal to
        something of a few.
        """
        conditions = []
        for obstacle, _label in (*obstacles.OF_TRANSACTION, *obstacles.OF_PROJECT):
            column = SQL.identifier(alias, f"is_{obstacle}")
            if obstacle == status:
                is_rare = SQL("CASE WHEN %s THEN %s END = %s", column, status, status)
                return SQL(" AND ").join([*conditions, column, is_rare])
            conditions.append(SQL("%s IS NOT TRUE", column))
        return SQL(" AND ").join(conditions) if status == "ready" else SQL("FALSE")

    def _has_partner_sql(self, alias: str, partner_ids) -> SQL:
        """Rows of contract lines of these customers; without one, of their projects;
        with False, those of neither."""
        line, project, partner = (
            SQL.identifier(alias, name)
            for name in ("sale_line_id", "project_id", "partner_id")
        )
        places = self._known_places()
        line_ids = places.line_ids if places else self._open_line_ids(partner_ids)
        found = [
            SQL("%s = ANY(%s)", line, line_ids),
            SQL(
                "%s IS NULL AND %s = ANY(%s)",
                line,
                project,
                self._own_project_ids(partner_ids),
            ),
        ]
        if not all(partner_ids):
            found.append(SQL("%s IS NULL AND %s IS NULL", line, partner))
        return self._any_sql(found)

    def exists(self):
        """By index, too."""
        ids = as_ids(self.env, self.ids)
        return self.browse(self.sudo()._search([("id", "in", ids)])).sorted(
            lambda row: ids.index(row.id)
        )

    # === Where something is open ===

    def _own_project_ids(self, partner_ids) -> list[int]:
        # sudo: what a row is compared with; the rows themselves are checked.
        projects = self.env["project.project"].sudo().with_context(active_test=False)
        domain = [("partner_id", "in", [id_ for id_ in partner_ids if id_])]
        return list(projects._search(domain).get_result_ids())

    def _open_line_ids(self, partner_ids) -> list[int]:
        """Contract lines of customers on which something is open."""
        return self._ids_of(
            SQL(
                """SELECT line.id FROM sale_order_line AS line
                     JOIN sale_order AS sale ON sale.id = line.order_id
                    WHERE sale.partner_id = ANY(%s) AND %s""",
                [id_ for id_ in partner_ids if id_],
                self._has_open_sql("sale_line_id", SQL("line.id")),
            )
        )

    def _places(self, name: str, ids) -> Places:
        """Where something is open of customers or projects.

        :param name: the field that refers to them
        """
        ids = [id_ for id_ in ids if id_]
        own = self._own_project_ids(ids) if name == "partner_id" else ids
        found = self.env.execute_query(
            SQL(" UNION ").join(
                self._places_of_sql(source, name, ids) for source in SOURCES
            )
        )
        line_ids, project_ids = zip(*found, strict=True) if found else [(), ()]
        return Places(list({*line_ids} - {None}), list({*project_ids, *own} - {None}))

    def _places_of_sql(self, source: str, name: str, ids: list[int]) -> SQL:
        model = self.env[MODELS[source]].sudo()
        table, names = model._table, model._billing_columns
        line = SQL.identifier(table, names["sale_line_id"])
        project = SQL.identifier(table, names["project_id"])
        of_partners = SQL(
            """%s IN (SELECT line.id FROM sale_order_line AS line
                        JOIN sale_order AS sale ON sale.id = line.order_id
                       WHERE sale.partner_id = ANY(%s))""",
            line,
            ids,
        )
        return SQL(
            "SELECT DISTINCT %s, %s FROM %s WHERE %s AND %s AND %s",
            line,
            project,
            SQL.identifier(table),
            SQL("%s = ANY(%s)", project, ids) if name == "project_id" else of_partners,
            model._psa_in_open_index_sql(),
            model._psa_is_open_sql(table),
        )

    def _has_open_sql(self, name: str, id_: SQL, before: SQL | None = None) -> SQL:
        """Whether anything is open on a contract line or project, by index.

        :param name: of the column that refers to it, as selection calls it
        :param before: only what is dated before this day
        """
        return self._any_sql(
            self._has_open_of_sql(source, name, id_, before) for source in SOURCES
        )

    def _has_open_of_sql(
        self, source: str, name: str, id_: SQL, before: SQL | None = None
    ) -> SQL:
        """The same of one kind of transaction."""
        model = self.env[MODELS[source]].sudo()
        table, names = model._table, model._billing_columns
        conditions = [
            SQL("%s = %s", SQL.identifier(table, names[name]), id_),
            model._psa_in_open_index_sql(),
            model._psa_is_open_sql(table),
        ]
        if before:
            day = SQL.identifier(table, names["date"])
            conditions.append(SQL("%s < %s", day, before))
        return SQL(
            "EXISTS (SELECT FROM %s WHERE %s)",
            SQL.identifier(table),
            SQL(" AND ").join(conditions),
        )

    def _ids_of(self, query: SQL) -> list[int]:
        return [id_ for (id_,) in self.env.execute_query(query)]

    def _any_sql(self, conditions) -> SQL:
        conditions = [SQL("(%s)", condition) for condition in conditions]
        return SQL("(%s)", SQL(" OR ").join(conditions)) if conditions else SQL("FALSE")
