# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a project is invoiced: from billing frequency to the rows of its schedule."""

import logging
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import format_date, split_every

from ...core.billing import Request
from ...core.calendar import Occurrence
from ...core.kinds import MILESTONE
from ...core.scopes import OWN, Cutoffs, scope_of
from ..shared import rights
from ..shared.external_arguments import check_switched_on
from .psa_invoice_schedule import PENDING

_logger = logging.getLogger(__name__)

PLANNED_MONTHS = 12
PLANNED_TOGETHER = 500
# A daily frequency has 7,300 dates since then.
LONGEST_PAST = relativedelta(years=20)
# Five years of weeks: what is planned of the past is billed at once.
MOST_OF_THE_PAST = 260
# Changing one of these moves the planned invoices.
PLANNING_FIELDS = {
    "active",
    "billing_end_date",
    "billing_frequency_id",
    "billing_milestones",
    "billing_start_date",
    "is_template",
}


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

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
        help="The first invoice on this day or after it is the last one: it bills what "
        "was done until then.",
    )
    billing_override_ids = fields.One2many(
        "psa.billing.override", "project_id", string="Other Dates"
    )
    psa_has_billing_overrides = fields.Boolean(
        string="Other Dates for Some Work",
        compute="_compute_psa_has_billing_overrides",
        readonly=False,
        help="Types of transactions, or contract lines, that are billed with a "
        "frequency of their own.",
    )
    billing_milestones = fields.Selection(
        [("run", "With the invoice run"), ("reached", "As soon as they are reached")],
        string="Bill Milestones",
        required=True,
        default="run",
        tracking=True,
    )
    next_invoice_date = fields.Date(
        compute="_compute_next_invoice_date", store=True, string="Next Invoice"
    )
    invoice_schedule_ids = fields.One2many("psa.invoice.schedule", "project_id")

    @api.depends("billing_frequency_id")
    def _compute_billing_start_date(self):
        for project in self:
            if project.billing_frequency_id and not project.billing_start_date:
                project.billing_start_date = project._billing_today()

    @api.depends("billing_override_ids")
    def _compute_psa_has_billing_overrides(self):
        for project in self:
            project.psa_has_billing_overrides = bool(project.billing_override_ids)

    @api.depends("invoice_schedule_ids.run_date", "invoice_schedule_ids.state")
    def _compute_next_invoice_date(self):
        # sudo: a stored figure does not depend on who triggers it.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        domain = [("project_id", "in", self.ids), ("state", "in", PENDING)]
        groups = dict(Schedule._read_group(domain, ["project_id"], ["run_date:min"]))
        for project in self:
            project.next_invoice_date = groups.get(project._origin, False)

    @api.constrains("billing_frequency_id", "billing_start_date", "billing_end_date")
    def _check_billing_dates(self):
        for project in self:
            frequency = (
                project.billing_frequency_id
                or project.billing_override_ids.frequency_id
            )[:1]
            if frequency and not project.billing_start_date:
                raise ValidationError(
                    self.env._(
                        "The project “%(project)s” has the billing frequency "
                        "“%(frequency)s”: enter its billing start, from which the "
                        "invoices are planned.",
                        project=project.name,
                        frequency=frequency.name,
                    )
                )
            first, today = project.billing_start_date, project._billing_today()
            if first and not today - LONGEST_PAST <= first <= today + LONGEST_PAST:
                raise ValidationError(
                    self.env._(
                        "The billing of the project “%(project)s” cannot start on "
                        "%(date)s: enter a day that is less than %(years)s years away.",
                        project=project.name,
                        date=format_date(self.env, first),
                        years=LONGEST_PAST.years,
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
        """Projects bill the order that they work on, and are planned."""
        projects = super().create(vals_list)
        projects._psa_check_copies()
        if any(vals.get("sale_line_id") for vals in vals_list):
            projects._psa_adopt_contract_lines()
        projects.filtered("billing_frequency_id")._psa_plan_invoices()
        return projects

    def _psa_check_copies(self):
        """Of new projects: a default may have entered who gets their invoices, too. It
        stands in the chatter, as later changes do.

        :raises AccessError: unless the user is a billing administrator
        """
        copied = self.filtered("billing_copy_to_ids")
        if not copied:
            return
        rights.check_may_bill(self.env)
        copied._message_log_batch(
            {
                project.id: self.env._(
                    "Invoices are copied to %(partners)s.",
                    partners=", ".join(
                        project.billing_copy_to_ids.mapped("display_name")
                    ),
                )
                for project in copied
            }
        )

    def copy_data(self, default=None):
        """What a type of transaction follows is copied; contract lines are not, and who
        gets the invoices, too, only by whom it may be entered."""
        data = super().copy_data(default)
        for project, values in zip(self, data, strict=True):
            values["billing_override_ids"] = [
                Command.create(
                    {
                        "transaction_type": override.transaction_type,
                        "frequency_id": override.frequency_id.id,
                    }
                )
                for override in project.billing_override_ids
                if override.transaction_type
            ]
            if not rights.may_bill(self.env):
                values.pop("billing_copy_to_ids", None)
        return data

    def write(self, vals):
        """As when they are created."""
        if "billing_copy_to_ids" in vals:
            rights.check_may_bill(self.env)
        started = self.browse()
        if vals.get("billing_frequency_id") and "billing_start_date" not in vals:
            started = self.filtered(lambda project: not project.billing_start_date)
        result = super().write(vals)
        if vals.get("sale_line_id"):
            self._psa_adopt_contract_lines()
        if PLANNING_FIELDS & set(vals):
            self._psa_plan_invoices()
        started._psa_start_by_default()
        return result

    def _psa_start_by_default(self):
        """These projects are invoiced from today on, as nobody said from when."""

    def action_psa_plan_from_start(self):
        """Plan the invoice dates between the billing start and today as well.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: unless who bills the projects is switched on; if it would be
            too many
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        for project in self:
            check_switched_on(self.env, project._billing_company())
        self._psa_plan_invoices(from_start=True)
        return True

    def _psa_plan_all(self):
        """Extend the schedules of all projects by the days that have passed.

        Commits after every so many projects, as an invoice run does.
        """
        to_plan = self.search(
            Domain("billing_frequency_id", "!=", False)
            | Domain("billing_override_ids", "!=", False)
            | Domain("billing_milestones", "=", "reached")
        )
        for ids in split_every(PLANNED_TOGETHER, to_plan.ids):
            self.browse(ids)._psa_plan_or_log()
            self.env["ir.cron"]._commit_progress()
            self.env.invalidate_all()

    def _psa_plan_or_log(self):
        """Plan what can be planned: a project whose frequency finds no day keeps the
        rows that it has, and must not keep all others from being billed."""
        try:
            with self.env.cr.savepoint():
                self._psa_plan_invoices()
        except UserError as error:
            if len(self) > 1:
                for project in self:
                    project._psa_plan_or_log()
                return
            _logger.error("Project %s cannot be planned: %s", self.id, error)

    def _psa_plan_invoices(self, from_start: bool = False):
        """Bring the planned rows of the schedule in line with the frequencies.

        Rows of the past and rows that were billed stay as they are, and so do dates
        that a person added. A row that a person moved is the frequency's date that it
        was planned for: it stays where it is as long as the frequency has that date.

        :param from_start: plan dates before today too; else switching on a frequency
            bills no past period
        """
        # sudo: whoever may set a frequency need not have access to the schedule.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        rows = Schedule.search([("project_id", "in", self.ids)]).grouped("project_id")
        obsolete = Schedule
        missing = []

        @cache  # Thousands of projects have the same few frequencies.
        def dates_of(frequency, start, end, calendar):
            return frequency._occurrences(start, end, calendar)

        for project in self.sudo():
            today = project._billing_today()
            first = from_start and project.billing_start_date or today
            known = rows.get(project, Schedule)
            due = project._psa_due_dates(today, first, dates_of, known)
            project._psa_check_past(sum(day < today for day in due))
            gone = known.filtered(
                lambda row, today=today, due=due: row._is_obsolete(today, due)
            )
            obsolete |= gone
            for row in known - gone:
                row._follow(
                    due.pop(row.planned_date, None), due.pop(row.run_date, None)
                )
            missing += [
                {
                    "project_id": project.id,
                    "run_date": run_date,
                    "planned_date": run_date,
                    **Schedule._cutoff_values(cutoffs),
                }
                for run_date, cutoffs in due.items()
            ]
        obsolete.unlink()
        Schedule.create(missing)
        self._psa_plan_reached_milestones()

    def _psa_check_past(self, count: int):
        """:param count: how many dates before today would be planned"""
        if count > MOST_OF_THE_PAST:
            raise UserError(
                self.env._(
                    "Since the billing start of the project “%(project)s”, %(count)s "
                    "invoices would be planned, more than %(most)s. Invoice what is "
                    "older by hand, and enter a later billing start.",
                    project=self.name,
                    count=count,
                    most=MOST_OF_THE_PAST,
                )
            )

    def _psa_due_dates(
        self, today: date, first: date, dates_of: Callable, known
    ) -> dict[date, Cutoffs]:
        """What is due on which date, a year ahead.

        :param today: in the company's calendar
        :param first: the first date wanted
        :param dates_of: as ``psa.billing.frequency._occurrences``
        :param known: the rows that the schedule has
        """
        self.ensure_one()
        if not self.active or self.is_template:
            return {}
        calendar = self._billing_company().resource_calendar_id
        horizon = today + relativedelta(months=PLANNED_MONTHS)
        frequencies = self._psa_frequencies_by_scope()
        due: dict[date, Cutoffs] = {}
        for scope, frequency in frequencies.items():
            if not frequency:
                continue
            dates = dates_of(frequency, self.billing_start_date, horizon, calendar)
            short = known._short_of_end(scope, today, frequencies)
            for run_date, cutoff_date in self._psa_until_end(dates, short):
                if run_date >= first and cutoff_date >= self.billing_start_date:
                    scopes = due.setdefault(run_date, dict.fromkeys(frequencies))
                    scopes[scope] = cutoff_date
        return due

    def _psa_frequencies_by_scope(self) -> dict:
        """The billing frequency of each scope; none: by hand, or when something is
        reached."""
        self.ensure_one()
        found = {OWN: self.billing_frequency_id}
        if self.billing_milestones == "reached":
            found[MILESTONE] = self.env["psa.billing.frequency"]
        for override in self.billing_override_ids:
            found[override._scope()] = override.frequency_id
        return found

    def _psa_until_end(
        self, dates: list[Occurrence], short: set[date]
    ) -> Iterator[Occurrence]:
        """Dates up to the billing end: on it or after it, one last run bills what was
        done until then.

        :param short: dates that cannot be the last: see ``_short_of_end``
        """
        end = self.billing_end_date
        for occurrence in dates:
            if end and occurrence.run_date >= end and occurrence.run_date not in short:
                yield Occurrence(occurrence.run_date, end)
                return
            yield occurrence

    def _psa_plan_reached_milestones(self):
        """Bill what is reached with the next invoice run, where projects say so."""
        eager = self.filtered(
            lambda project: (
                project.billing_milestones == "reached"
                and project.active
                and not project.is_template
            )
        )
        if not eager:
            return
        request = Request(
            project_ids=tuple(eager.ids),
            cutoff_date=None,
            types=(MILESTONE,),
            from_billing_start=True,
        )
        # sudo: whoever reaches a milestone need not see the orders.
        reached = self.env["psa.billing"].sudo().select(request)
        rows = self.env["psa.invoice.schedule"].sudo()
        waiting = rows.search(
            [("project_id", "in", eager.ids), ("state", "in", PENDING)]
        ).grouped("project_id")
        for project in eager.sudo():
            today = project._billing_today()
            scopes = project._psa_frequencies_by_scope()
            last = min(today, project.billing_end_date or today)
            due = waiting.get(project, rows.browse())
            if any(
                item.project_id == project.id
                and item.date <= last
                and scope_of(MILESTONE, item.sale_line_id, scopes) == MILESTONE
                # Else a project that fails or is on hold would get a row a day.
                and not any(row.run_date <= today and row._bills(item) for row in due)
                for item in reached
            ):
                project._psa_plan_today({**dict.fromkeys(scopes), MILESTONE: last})

    def _psa_plan_today(self, cutoffs: Cutoffs):
        """Bill something with the next invoice run.

        If today's run was already, the next day's planning finds it again.
        """
        # sudo: whoever does work that is due need not have access to the schedule.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        day = {"project_id": self.id, "run_date": self._billing_today()}
        if row := Schedule.search([(name, "=", value) for name, value in day.items()]):
            row._follow(None, cutoffs)
        else:
            Schedule.create({**day, **Schedule._cutoff_values(cutoffs)})
