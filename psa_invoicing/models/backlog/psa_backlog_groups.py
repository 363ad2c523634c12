# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The backlog by customer or project: a page costs what is on it, whatever else is
open."""

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from .psa_backlog_rows import PLACES

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
        return len(self._read_group(domain, [spec]))

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
