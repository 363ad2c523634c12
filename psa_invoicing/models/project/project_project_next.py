# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a project is invoiced next, and about how much, in words."""

from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import format_date, formatLang

from ...core import figures, scopes
from ...core.figures import Amount
from ..schedule.psa_invoice_schedule import PENDING
from ..shared import rights


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

    billing_next = fields.Char(
        string="Next Invoice in Words", compute="_compute_billing_next"
    )
    billing_next_state = fields.Selection(
        [
            ("planned", "Planned"),
            ("due", "Due"),
            ("hold", "On Hold"),
            ("failed", "Failed"),
        ],
        string="Status of the Next Invoice",
        compute="_compute_billing_next_state",
    )

    def _psa_next_rows(self) -> dict:
        """The row of the schedule that is invoiced next, by project."""
        # sudo: its date is shown to whoever sees the project, and the company that
        # bills it.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        domain = [
            ("project_id", "in", self._origin.ids),
            (
                "project_id.sale_line_id.company_id",
                "in",
                [False, *self.env.companies.ids],
            ),
            ("state", "in", PENDING),
        ]
        rows = Schedule.search(domain, order="run_date desc")
        return {row.project_id.id: row for row in rows}

    @api.depends("billing_hold", "billing_start_date", "invoice_schedule_ids")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_billing_next(self):
        rows = self._psa_next_rows()
        # sudo: it was just checked who may see amounts; he need not read timesheets.
        seen = rights.projects_with_figures(self).sudo()
        estimates = seen._psa_estimates(rows)
        for project in self:
            project_id = project._origin.id
            project.billing_next = project_id in rows and project._psa_next_in_words(
                rows[project_id], estimates.get(project_id)
            )

    def _psa_estimates(self, rows: dict) -> dict[int, str]:
        """What is open of what the next rows will bill, in words, by project."""
        rows = {id_: row for id_, row in rows.items() if id_ in self._origin.ids}
        if not rows:
            return {}
        limits = {id_: row._effective_cutoff_date() for id_, row in rows.items()}
        keys = ["project_id", "currency_id", "company_id", "sale_line_id"]
        groups = self.env["psa.backlog"]._read_group(
            [
                ("project_id", "in", list(rows)),
                ("company_id", "in", self.env.companies.ids),
                # What is dated later today may be within the cut-off by then.
                ("status", "in", ("ready", "later", "to_credit")),
                ("date", "<=", max(limits.values())),
            ],
            [*keys, "transaction_type", "date:day"],
            ["amount:sum", "company_amount:sum"],
        )
        found: dict[int, list[Amount]] = defaultdict(list)
        for project, currency, company, line, kind, day, *amounts in groups:
            cutoffs = rows[project.id]._cutoffs()
            if (
                day <= limits[project.id]
                and (not cutoffs or scopes.is_due(kind, line.id, day, cutoffs))
                and day >= (project.billing_start_date or day)
            ):
                ids = (project.id, project.id, line.id, currency.id, company.id)
                found[project.id].append(Amount(figures.READY, *ids, *amounts))
        texts = {}
        for project in self:
            currency, value = project._psa_measure_of(found[project._origin.id])
            total = sum(map(value, found[project._origin.id]))
            texts[project._origin.id] = (
                self.env._(
                    "about %(amount)s",
                    amount=formatLang(
                        self.env, total, currency_obj=currency, rounding_unit="units"
                    ),
                )
                if currency.compare_amounts(total, 0) > 0
                else self.env._("nothing to invoice yet")
            )
        return texts

    def _psa_next_in_words(self, row, estimate: str | None) -> str:
        """:param estimate: what it will bill, for whoever may know"""
        today = self._billing_today()
        words = {
            "date": self._psa_short_date(row.run_date, today),
            "cutoff": self._psa_short_date(row._effective_cutoff_date(), today),
        }
        if self.billing_hold:
            return self.env._("On hold: nothing is invoiced on %(date)s.", **words)
        if row.state == "failed":
            text = self.env._("Failed: %(date)s, up to %(cutoff)s", **words)
        elif row.run_date <= today:
            text = self.env._("Due: %(date)s, up to %(cutoff)s", **words)
        else:
            text = self.env._("Next: %(date)s, up to %(cutoff)s", **words)
        return ", ".join(filter(None, (text, estimate)))

    def _psa_short_date(self, day, today) -> str:
        date_format = "d MMM" if day.year == today.year else "d MMM yyyy"
        return format_date(self.env, day, date_format=date_format)

    @api.depends("billing_hold", "next_invoice_date", "invoice_schedule_ids.state")
    @api.depends_context("uid")
    def _compute_billing_next_state(self):
        # sudo: it is shown with the date, to whoever sees the project.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        domain = [("project_id", "in", self._origin.ids), ("state", "=", "failed")]
        groups = Schedule._read_group(domain, ["project_id"])
        failed = {project.id for (project,) in groups}
        companies = self.env.user.company_ids
        for project in self:
            state = False
            if project.next_invoice_date:
                today = project._billing_today()
                state = "due" if project.next_invoice_date <= today else "planned"
            if project._origin.id in failed:
                state = "failed"
            elif state and project.billing_hold:
                state = "hold"
            # sudo: how a company bills is told its employees.
            is_own = project.sudo().sale_line_id.company_id <= companies
            project.billing_next_state = is_own and state
