# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a project is invoiced: from billing frequency to the rows of its schedule."""

from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

PLANNED_MONTHS = 12
# Changing one of these moves the planned invoices.
PLANNING_FIELDS = {
    "active",
    "billing_end_date",
    "billing_frequency_id",
    "billing_start_date",
    "is_template",
}


class ProjectProject(models.Model):
    # One file per subject of the project's billing.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "project.project"

    billing_frequency_id = fields.Many2one(
        "psa.billing.frequency",
        tracking=True,
        ondelete="restrict",
        index="btree_not_null",
        help="When the project is invoiced. Leave it empty to invoice by hand only.",
    )
    billing_start_date = fields.Date(
        string="Billing Start",
        compute="_compute_billing_start_date",
        store=True,
        readonly=False,
        copy=False,
        tracking=True,
        help="Invoices are planned from this day on. Frequencies of several weeks or "
        "months count from here.",
    )
    billing_end_date = fields.Date(
        string="Billing End",
        copy=False,
        tracking=True,
        help="No invoice is planned after this day.",
    )
    next_invoice_date = fields.Date(
        compute="_compute_next_invoice_date", store=True, string="Next Invoice"
    )
    invoice_schedule_ids = fields.One2many(
        "psa.invoice.schedule", "project_id", copy=False
    )

    @api.depends("billing_frequency_id")
    def _compute_billing_start_date(self):
        for project in self:
            if project.billing_frequency_id and not project.billing_start_date:
                project.billing_start_date = fields.Date.context_today(project)

    @api.depends("invoice_schedule_ids.run_date", "invoice_schedule_ids.state")
    def _compute_next_invoice_date(self):
        groups = dict(
            self.env["psa.invoice.schedule"]
            # sudo: a stored figure does not depend on who triggers it.
            .sudo()
            ._read_group(
                [
                    ("project_id", "in", self.ids),
                    ("state", "in", ("planned", "failed")),
                ],
                ["project_id"],
                ["run_date:min"],
            )
        )
        for project in self:
            project.next_invoice_date = groups.get(project._origin, False)

    @api.constrains("billing_frequency_id", "billing_start_date", "billing_end_date")
    def _check_billing_dates(self):
        for project in self:
            if project.billing_frequency_id and not project.billing_start_date:
                raise ValidationError(
                    self.env._(
                        "The project “%(project)s” has the billing frequency "
                        "“%(frequency)s”: enter its billing start, from which the "
                        "invoices are planned.",
                        project=project.name,
                        frequency=project.billing_frequency_id.name,
                    )
                )
            if (
                project.billing_start_date
                and project.billing_end_date
                and project.billing_end_date < project.billing_start_date
            ):
                raise ValidationError(
                    self.env._(
                        "The billing of the project “%(project)s” ends before it "
                        "starts.",
                        project=project.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        projects = super().create(vals_list)
        projects.filtered("billing_frequency_id")._plan_invoices()
        return projects

    def write(self, vals):
        result = super().write(vals)
        if PLANNING_FIELDS & set(vals):
            self._plan_invoices()
        return result

    def _billing_company(self):
        """The company that bills a project: its own, else that of its order."""
        self.ensure_one()
        # sudo: whoever bills a project need not see its order.
        project = self.sudo()
        company = project.company_id or project.sale_line_id.company_id
        return company.sudo(self.env.su) or self.env.company

    def action_plan_from_start(self):
        """Plan the invoice dates between the billing start and today as well.

        :raises AccessError: unless the user is a billing administrator
        """
        self.env["account.move"]._check_billing_manager()
        self.check_access("read")
        self._plan_invoices(from_start=True)

    def _plan_invoices(self, from_start: bool = False):
        """Bring the planned rows of the schedule in line with the frequency.

        Rows of the past and rows that were billed stay as they are, and so do dates
        that a person added. A row that a person moved is the frequency's date that it
        was planned for: it stays where it is as long as the frequency has that date.

        :param from_start: plan dates before today too; else switching on a frequency
            bills no past period
        """
        today = fields.Date.context_today(self)
        # sudo: whoever may set a frequency need not have access to the schedule.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        rows = Schedule.search([("project_id", "in", self.ids)]).grouped("project_id")
        obsolete = Schedule
        missing = []
        for project in self.sudo():
            dates = dict(project._invoice_dates(today, from_start))
            known = rows.get(project, Schedule)
            obsolete |= known.filtered(
                lambda row, dates=dates: (
                    row.state == "planned"
                    and row.run_date >= today
                    and row.planned_date
                    and row.planned_date >= today
                    and row.planned_date not in dates
                )
            )
            for row in known - obsolete:
                cutoff = dates.pop(row.planned_date, None)
                dates.pop(row.run_date, None)
                if cutoff and row.state == "planned" and not row.is_moved:
                    row.cutoff_date = cutoff
            missing += [
                {
                    "project_id": project.id,
                    "run_date": run,
                    "planned_date": run,
                    "cutoff_date": cutoff,
                }
                for run, cutoff in dates.items()
            ]
        obsolete.unlink()
        Schedule.create(missing)

    def _invoice_dates(self, today: date, from_start: bool) -> list[tuple[date, date]]:
        """``(run_date, cutoff_date)`` of the rows that there should be."""
        self.ensure_one()
        if not (self.billing_frequency_id and self.active) or self.is_template:
            return []
        horizon = today + relativedelta(months=PLANNED_MONTHS)
        end = min(filter(None, [self.billing_end_date, horizon]))
        first = self.billing_start_date if from_start else today
        return [
            occurrence
            for occurrence in self.billing_frequency_id._occurrences(
                self.billing_start_date, end
            )
            if occurrence.run_date >= first
        ]
