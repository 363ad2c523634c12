# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Recalculate need not look at: time that is on a draft just as it was logged.

Entries by the thousand are compared where they are, in one statement. Whatever is not
certain is looked at one by one, with all that a request may say; the two come to the
same, and a random test holds them together.
"""

from collections import Counter

from odoo.fields import Domain
from odoo.tools import SQL, Query

from ...core.allocation import TOLERANCE
from ...core.billing import Request, Row
from ...core.kinds import TIME
from ...tools.values import id_array
from .contract_lines import ContractLines
from .selection import Selection
from .step import Step

# What ``_differs`` says of a row and its entry, but for the names; and nothing of the
# entry is credited.
IS_SAME = """
    detail.sale_line_id = entry.so_line
    AND detail.date = entry.date
    AND COALESCE(detail.name, '') = COALESCE(entry.name, '')
    AND detail.billing_type = COALESCE(entry.billing_type, 'chargeable')
    AND ABS(detail.source_quantity) > %(zero)s
    AND ABS(COALESCE(entry.billing_credited_quantity, 0)) <= %(zero)s
"""


class Settled(Step):
    """Finds the rows of a draft that Recalculate would not change."""

    def rows_to_look_at(self, move, lines) -> list[Row]:
        """Rows of a draft that Recalculate might change.

        :param lines: contract lines that belong on the draft
        """
        Detail = self.env["psa.invoice.detail"]
        rows = Domain("move_id", "=", move.id)
        request = move._billing_request()
        # What is due on dates of its own or within contract terms is not asked in SQL.
        terms = self.env["psa.billing.terms"]
        if (
            TIME in request.types
            and not request.cutoffs
            and not terms._projects_with_terms() & move.billing_project_ids
        ):
            query = Detail._search(rows)
            columns = [
                Detail._field_to_sql(query.table, name)
                for name in ("id", "analytic_line_id")
            ]
            entry_ids = dict(self.env.execute_query(query.select(*columns)))
            settled = self._settled_ids(entry_ids, move, request, lines)
            rows = Domain("id", "in", entry_ids.keys() - settled)
        return Detail._rows(rows)

    def _settled_ids(
        self, entry_ids: dict[int, int | None], move, request: Request, lines
    ) -> set[int]:
        """Rows whose entry may be billed, is the same, and is billed in full.

        :param entry_ids: all rows of the draft, each with its entry; of an entry with
            several rows none is settled
        :param lines: contract lines that belong on the draft
        """
        row_counts = Counter(entry_ids.values())
        ids = [
            row_id
            for row_id, entry_id in entry_ids.items()
            if row_counts[entry_id] == 1
        ]
        groups = self.env.execute_query(
            self._as_logged_query(ids, move, request, lines).select(
                SQL("entry.employee_id, detail.employee_name"),
                SQL("entry.task_id, detail.task_name"),
                SQL("ARRAY_AGG(detail.id)"),
            )
        )
        selection = Selection(self.env)
        employees = selection.names("hr.employee", {group[0] for group in groups})
        tasks = selection.names("project.task", {group[2] for group in groups})
        return {
            row_id
            for employee_id, who, task_id, task, row_ids in groups
            if employees.get(employee_id, "") == (who or "")
            and tasks.get(task_id, "") == (task or "")
            for row_id in row_ids
        }

    def _as_logged_query(self, ids: list[int], move, request: Request, lines) -> Query:
        """Rows of a draft with their entries, by who worked on what; those that differ
        in nothing else.

        :param ids: of rows of the draft, each of them: of a draft that was just made
            PostgreSQL does not know how many there are, and would look up entries one
            by one
        :param lines: contract lines that belong on the draft
        """
        Time = self.env["account.analytic.line"]
        own, of_line = Time._psa_split_by_contract_line(Time._billing_domain(request))
        lines = self._settled_lines(move, lines).filtered_domain(of_line)
        Time.flush_model()
        self.env["psa.invoice.detail"].flush_model()
        query = Time._search(own & Domain("so_line", "in", lines.ids))
        # Under a name of its own, by which the rest of the statement calls it.
        query = Query(
            self.env,
            "entry",
            SQL("(%s)", query.select(SQL("%s.*", SQL.identifier(Time._table)))),
        )
        query.add_join(
            "JOIN",
            "detail",
            SQL("(SELECT * FROM psa_invoice_detail WHERE id = ANY(%s))", id_array(ids)),
            SQL("detail.analytic_line_id = entry.id"),
        )
        query.add_where(SQL("NOT %s", Time._psa_is_open_sql("entry")))
        query.add_where(SQL(IS_SAME, zero=TOLERANCE))
        query.add_where(SQL("entry.id <> ALL(%s)", self._decided_ids(move)))
        if request.from_billing_start:
            query.add_where(self._since_start_sql(request.project_ids))
        query.groupby = SQL(
            "entry.employee_id, detail.employee_name, entry.task_id, detail.task_name"
        )
        return query

    def _since_start_sql(self, project_ids) -> SQL:
        """Whether an entry is not older than the billing start of its project."""
        projects = self.env["project.project"].browse(project_ids)
        starts = [
            SQL(
                "(entry.project_id = %s AND entry.date < %s)",
                project.id,
                project.billing_start_date,
            )
            for project in projects
            if project.billing_start_date
        ]
        return SQL("NOT (%s)", SQL(" OR ").join(starts)) if starts else SQL("TRUE")

    def _settled_lines(self, move, agreed):
        """Contract lines of a draft that leave all to bill that was logged on them.

        Not those of which others have billed something without saying of which entry,
        nor those with a correction: it may count without being due.

        :param agreed: contract lines that belong on the draft
        """
        groups = self.env["psa.invoice.detail"]._read_group(
            [("move_id", "=", move.id), ("transaction_type", "=", TIME)],
            ["sale_line_id"],
            ["quantity:min"],
        )
        lines = self.env["sale.order.line"].union(
            *(line for line, least in groups if least > 0 and line in agreed)
        )
        lines -= self._corrected_lines(lines)
        unnamed = ContractLines(self.env).unnamed(lines, move)
        return lines.filtered(lambda line: unnamed[line.id] <= TOLERANCE)

    def _corrected_lines(self, lines):
        """Contract lines with more to credit than to bill of some entry."""
        Time = self.env["account.analytic.line"]
        Time.flush_model()
        query = Time._search([("so_line", "in", lines.ids)])
        query.add_where(Time._psa_is_open_sql(Time._table))
        query.add_where(SQL("%s < 0", Time._psa_open_sql(Time._table)))
        query.groupby = SQL("so_line")
        rows = self.env.execute_query(query.select(SQL("so_line")))
        return lines.browse(line_id for (line_id,) in rows)

    def _decided_ids(self, move) -> list[int]:
        """Entries of which a person has lowered the quantity or chosen the type."""
        brief = move._billing_brief()
        decided = brief.caps.keys() | brief.chosen_types.keys()
        return [id_ for source, id_ in decided if source == TIME]
