# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from collections.abc import Iterator
from datetime import date
from itertools import islice

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ...core.calendar import (
    LAST,
    Frequency,
    NoWorkingDayError,
    Occurrence,
    WorkingDay,
    cutoff_date,
    monday_to_friday,
    occurrences,
)

PREVIEW_DATES = 12
LONGEST_INTERVAL = 366
# As in Odoo's own recurring events, whose widget for days of the week shows them.
WEEKDAY_FIELDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTH_FIELDS = ("month", "month_rule", "month_days", "month_last", "month_week")
# What the dates depend on: changing one of these moves planned invoices.
DATE_FIELDS = ("period", "interval", "weekday", "shift", "cutoff", "cutoff_days")
DATE_FIELDS += WEEKDAY_FIELDS + MONTH_FIELDS
WEEKDAYS = [
    ("0", "Monday"),
    ("1", "Tuesday"),
    ("2", "Wednesday"),
    ("3", "Thursday"),
    ("4", "Friday"),
    ("5", "Saturday"),
    ("6", "Sunday"),
]


class PsaBillingFrequency(models.Model):
    _name = "psa.billing.frequency"
    _inherit = "psa.exported"
    _description = "Billing Frequency"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    # === Invoice date ===

    period = fields.Selection(
        [
            ("day", "Days"),
            ("week", "Weeks"),
            ("month", "Months"),
            ("year", "Years"),
            ("manual", "By hand"),
        ],
        required=True,
        default="month",
    )
    interval = fields.Integer(
        string="Every",
        required=True,
        default=1,
        help="Invoice every so many days, weeks, months or years, counted from the "
        "project's billing start.",
    )
    mon = fields.Boolean(default=True)
    tue = fields.Boolean()
    wed = fields.Boolean()
    thu = fields.Boolean()
    fri = fields.Boolean()
    sat = fields.Boolean()
    sun = fields.Boolean()
    month = fields.Selection(
        [
            ("1", "January"),
            ("2", "February"),
            ("3", "March"),
            ("4", "April"),
            ("5", "May"),
            ("6", "June"),
            ("7", "July"),
            ("8", "August"),
            ("9", "September"),
            ("10", "October"),
            ("11", "November"),
            ("12", "December"),
        ],
        default="12",
    )
    month_rule = fields.Selection(
        [
            ("day", "Days of the month"),
            ("weekday", "A day of the week"),
            ("working_day", "Working days of the month"),
        ],
        string="On",
        default="day",
    )
    month_days = fields.Char(
        string="Days",
        help="Numbers from 1 to 31, with commas between them: 1, 15. In a month that "
        "is too short it is the last day.",
    )
    month_last = fields.Boolean(string="Last Day", default=True)
    month_week = fields.Selection(
        [
            ("1", "First"),
            ("2", "Second"),
            ("3", "Third"),
            ("4", "Fourth"),
            ("last", "Last"),
        ],
        string="Which",
        default="1",
    )
    weekday = fields.Selection(WEEKDAYS, default="0")
    shift = fields.Selection(
        [
            ("none", "Keep the date"),
            ("before", "Working day before"),
            ("after", "Working day after"),
        ],
        string="Weekends and Holidays",
        required=True,
        default="none",
        help="What becomes of a date on which nobody works, by the working hours and "
        "public holidays of the company. Dates that move to the same day are one "
        "invoice.",
    )

    # === Period covered ===

    cutoff = fields.Selection(
        [
            ("days_before", "Days before the invoice date"),
            ("run_date", "Invoice date"),
            ("previous_month_end", "End of the previous month"),
        ],
        string="Cut-off Date",
        required=True,
        default="days_before",
        help="The last transaction date that an invoice covers. Days count from the "
        "invoice date as moved by weekends and holidays; the previous month is the one "
        "before the date that was meant.",
    )
    cutoff_days = fields.Integer(string="Days Before", default=1)
    next_dates = fields.Html(
        compute="_compute_next_dates",
        sanitize=False,
        help="The next twelve invoice dates of a project whose billing starts today, "
        "with the last transaction date that each covers.",
    )

    @api.depends(*DATE_FIELDS)
    @api.depends_context("company", "lang")
    def _compute_next_dates(self):
        company = self.env.company
        today = company._billing_today()
        for frequency in self:
            problem = frequency._date_problem()
            dates = frequency._iterate(today, date.max, company.resource_calendar_id)
            try:
                found = not problem and list(islice(dates, PREVIEW_DATES))
            except UserError as error:
                problem = str(error)
            frequency.next_dates = (
                Markup('<p class="text-warning mb-0">%s</p>') % problem
                if problem
                else frequency._as_table(found)
            )

    def _as_table(self, found: list[Occurrence]) -> Markup:
        if not found:
            return Markup('<p class="text-muted mb-0">%s</p>') % self.env._(
                "No date is planned: press Invoice on the project."
            )
        rows = Markup().join(
            Markup("<tr><td>%s</td><td>%s</td></tr>")
            % (self._as_text(each.run_date), self._as_text(each.cutoff_date))
            for each in found
        )
        return Markup(
            '<table class="table table-sm mb-0"><thead><tr><th>%s</th><th>%s</th></tr>'
            "</thead><tbody>%s</tbody></table>"
        ) % (self.env._("Invoice Date"), self.env._("Covers up to"), rows)

    def _as_text(self, day: date) -> str:
        """A date with its day of the week, in the user's language."""
        weekday = format_date(self.env, day, date_format="EEE")
        return f"{weekday} {format_date(self.env, day)}"

    @api.constrains(*DATE_FIELDS)
    def _check_dates(self):
        for frequency in self:
            if problem := frequency._date_problem():
                raise ValidationError(problem)

    def _date_problem(self) -> str:
        """Why there can be no dates, in words that say what to enter."""
        if self.period == "manual":
            return ""
        if not 1 <= self.interval <= LONGEST_INTERVAL:
            return self.env._(
                "Invoice every 1 to %(longest)s days, weeks, months or years.",
                longest=LONGEST_INTERVAL,
            )
        if not 0 <= self.cutoff_days <= LONGEST_INTERVAL:
            return self.env._(
                "The cut-off date is 0 to %(longest)s days before the invoice date.",
                longest=LONGEST_INTERVAL,
            )
        if self.period == "week" and not self._weekdays():
            return self.env._("Choose at least one day of the week.")
        if self.period in ("month", "year"):
            return self._month_problem()
        return ""

    def _month_problem(self) -> str:
        if self.period == "year" and not self.month:
            return self.env._("Choose the month of the year.")
        if not self.month_rule:
            return self.env._("Choose on which days of the month to invoice.")
        if self.month_rule == "weekday":
            if self.month_week and self.weekday:
                return ""
            return self.env._(
                "Choose which day of the week, such as the first Monday of the month."
            )
        text = self.month_days or ""
        numbers = re.findall(r"\d+", text)
        if re.sub(r"[\s,;\d]", "", text) or not all(
            1 <= int(number) <= LAST for number in numbers
        ):
            return self.env._(
                "“%(text)s” are no days of the month. Enter numbers from 1 to 31 with "
                "commas between them, such as 1, 15.",
                text=text,
            )
        if not numbers and not self.month_last:
            return self.env._("Enter a day of the month, or tick the last one.")
        return ""

    def _occurrences(
        self, start: date, end: date, calendar: models.BaseModel | None = None
    ) -> list[Occurrence]:
        """The invoice dates of a project.

        :param start: its billing start: intervals count from there
        :param end: last invoice date to return
        :param calendar: the company's ``resource.calendar``, for frequencies that
            count or look for working days (default: those are Monday to Friday)
        :return: ``(run_date, cutoff_date)`` in order of date
        :raises UserError: if nobody ever works in the calendar and that matters
        """
        return list(self._iterate(start, end, calendar))

    def _iterate(self, start: date, end: date, calendar) -> Iterator[Occurrence]:
        self.ensure_one()
        try:
            yield from occurrences(
                self._as_frequency(), start, end, self._working_days(start, calendar)
            )
        except NoWorkingDayError as error:
            raise UserError(
                self.env._(
                    "The working hours “%(calendar)s” have no working day, which the "
                    "billing frequency “%(frequency)s” needs. Add one, or let the "
                    "frequency keep its dates.",
                    calendar=calendar.name,
                    frequency=self.name or "",
                )
            ) from error

    def _cutoff_date(self, day: date) -> date:
        """What an invoice of any day would cover."""
        return cutoff_date(self._as_frequency(), day, day)

    def _working_days(self, start: date, calendar) -> WorkingDay:
        """What says whether people work on a day; read once, and only if needed."""
        counts = self.period in ("month", "year") and self.month_rule == "working_day"
        if calendar and (counts or self.shift != "none"):
            return calendar._billing_working_days(start.replace(day=1))
        return monday_to_friday

    def _as_frequency(self) -> Frequency:
        return Frequency(
            period=self.period,
            interval=self.interval,
            weekdays=self._weekdays(),
            rule=self.month_rule or "day",
            positions=self._positions(),
            weekday=int(self.weekday or 0),
            month=int(self.month or 1),
            shift=self.shift,
            cutoff=self.cutoff,
            cutoff_days=self.cutoff_days,
        )

    def _weekdays(self) -> tuple[int, ...]:
        return tuple(day for day, name in enumerate(WEEKDAY_FIELDS) if self[name])

    def _positions(self) -> tuple[int, ...]:
        """Which of the days of a month, ``LAST`` for its last."""
        if self.month_rule == "weekday":
            return (LAST if self.month_week == "last" else int(self.month_week or 1),)
        days = [int(number) for number in re.findall(r"\d+", self.month_days or "")]
        return (*days, LAST) if self.month_last else tuple(days)

    @api.model
    def get_import_templates(self):
        """What the dialog of Odoo's import offers."""
        return [
            {
                "label": self.env._("Import Template for Billing Frequencies"),
                "template": "/psa_invoicing/static/xlsx/billing_frequencies.xlsx",
            }
        ]

    @api.model_create_multi
    def create(self, vals_list):
        """Where days are named, as in a spreadsheet or by another system, those are
        all: the days that a form proposes do not come along."""
        return super().create([self._without_other_days(vals) for vals in vals_list])

    def _without_other_days(self, vals: dict) -> dict:
        others = {}
        if set(WEEKDAY_FIELDS) & set(vals):
            others = dict.fromkeys(WEEKDAY_FIELDS, False)
        if vals.get("month_days"):
            others["month_last"] = False
        return others | vals

    def write(self, vals):
        """Changing a frequency moves the planned invoices of its projects."""
        result = super().write(vals)
        if set(DATE_FIELDS) & set(vals):
            self.env["project.project"].sudo().search(
                [("billing_frequency_id", "in", self.ids)]
            )._psa_plan_invoices()
        return result
