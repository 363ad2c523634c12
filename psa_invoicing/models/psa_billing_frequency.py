# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from ..core.calendar import Frequency, Occurrence, occurrences

PREVIEW_DATES = 12


class PsaBillingFrequency(models.Model):
    _name = "psa.billing.frequency"
    _description = "Billing Frequency"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    period = fields.Selection(
        [("week", "Weeks"), ("month", "Months")],
        required=True,
        default="month",
    )
    interval = fields.Integer(
        required=True,
        default=1,
        help="Invoice every so many weeks or months, counted from the project's "
        "billing start.",
    )
    weekday = fields.Selection(
        [
            ("0", "Monday"),
            ("1", "Tuesday"),
            ("2", "Wednesday"),
            ("3", "Thursday"),
            ("4", "Friday"),
            ("5", "Saturday"),
            ("6", "Sunday"),
        ],
        default="0",
    )
    month_day = fields.Integer(
        string="Day of the Month",
        default=31,
        help="From 1 to 31. In a shorter month the invoice is made on its last day.",
    )
    cutoff = fields.Selection(
        [
            ("days_before", "Days before the invoice run"),
            ("run_date", "Day of the invoice run"),
            ("previous_month_end", "End of the previous month"),
        ],
        string="Cut-off Date",
        required=True,
        default="days_before",
        help="The last transaction date that an invoice covers.",
    )
    cutoff_days = fields.Integer(string="Days Before", default=1)
    next_dates = fields.Text(
        compute="_compute_next_dates",
        help="The next twelve invoice dates of a project whose billing starts today, "
        "with the last transaction date that each covers.",
    )

    @api.depends("period", "interval", "weekday", "month_day", "cutoff", "cutoff_days")
    def _compute_next_dates(self):
        today = fields.Date.context_today(self)
        for frequency in self:
            if frequency._date_problem():
                frequency.next_dates = False
                continue
            horizon = today + relativedelta(months=12 * (1 + frequency.interval))
            found = frequency._occurrences(today, horizon)[:PREVIEW_DATES]
            frequency.next_dates = "\n".join(
                self.env._(
                    "%(run_date)s, up to %(cutoff_date)s",
                    run_date=format_date(self.env, occurrence.run_date),
                    cutoff_date=format_date(self.env, occurrence.cutoff_date),
                )
                for occurrence in found
            )

    @api.constrains("period", "interval", "weekday", "month_day", "cutoff_days")
    def _check_dates(self):
        for frequency in self:
            if problem := frequency._date_problem():
                raise ValidationError(problem)

    def _date_problem(self) -> str:
        if self.interval < 1:
            return self.env._("Invoice every 1 or more weeks or months.")
        if not 1 <= self.month_day <= 31:
            return self.env._("The day of the month is a number from 1 to 31.")
        if self.cutoff_days < 0:
            return self.env._(
                "The cut-off date is 0 or more days before the invoice run."
            )
        if self.period == "week" and not self.weekday:
            return self.env._("Choose the day of the week.")
        return ""

    def _occurrences(
        self, start: date, end: date, calendar: models.BaseModel | None = None
    ) -> list[Occurrence]:
        """The invoice dates of a project.

        :param start: its billing start: intervals count from there
        :param end: last invoice date to return
        :param calendar: the company's ``resource.calendar``, for frequencies that
            avoid days on which nobody works (none does so far)
        :return: ``(run_date, cutoff_date)`` in order of date
        """
        self.ensure_one()
        return list(occurrences(self._as_frequency(), start, end))

    def _as_frequency(self) -> Frequency:
        return Frequency(
            period=self.period,
            interval=self.interval,
            weekday=int(self.weekday or 0),
            month_day=self.month_day,
            cutoff=self.cutoff,
            cutoff_days=self.cutoff_days,
        )

    def write(self, vals):
        """Changing a frequency moves the planned invoices of its projects."""
        result = super().write(vals)
        if set(vals) - {"name", "sequence", "active"}:
            self.env["project.project"].sudo().search(
                [("billing_frequency_id", "in", self.ids)]
            )._plan_invoices()
        return result
