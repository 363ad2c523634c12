# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL


class ResCompany(models.Model):
    """How a company bills its projects."""

    _name = "res.company"
    _inherit = ["res.company", "psa.internal"]

    billing_frequency_id = fields.Many2one(
        "psa.billing.frequency",
        help="Of projects that an order creates, unless their template, product or "
        "customer has one.",
    )
    billing_invoice_date = fields.Selection(
        [
            ("posting", "Day of confirmation"),
            ("run", "Day of the invoice run"),
            ("cutoff", "Cut-off date"),
        ],
        string="Date of Project Invoices",
        required=True,
        default="posting",
        help="A date that is locked, or before the journal's last invoice, moves to "
        "the first day that is allowed.",
    )
    billing_stop_at_year_end = fields.Boolean(
        string="Bill No Work of Next Year",
        help="An invoice run bills no transactions dated after 31 December of its own "
        "year.",
    )

    billing_deduct_downpayments = fields.Boolean(
        string="Deduct Down Payments",
        help="New project invoices deduct what the customer has paid down. Else a "
        "person does, on the draft.",
    )

    billing_release_required = fields.Boolean(
        string="Release Time Before Billing",
        help="New time entries of billable projects are on hold until somebody "
        "releases them.",
    )

    billing_review_required = fields.Boolean(
        string="Review Before Confirmation",
        help="A project invoice is confirmed once the billing responsible or the "
        "manager of its project has approved it.",
    )

    billing_after_run = fields.Selection(
        [("review", "Leave drafts to be looked at"), ("send", "Confirm and send them")],
        string="After an Invoice Run",
        required=True,
        default="review",
        help="What cannot be confirmed or sent stays as it is and says why.",
    )
    billing_catch_up = fields.Selection(
        [("each", "A draft for each date"), ("one", "One draft for all")],
        string="Missed Invoice Dates",
        required=True,
        default="each",
        help="Where several dates of a project are due at once: the scheduled action "
        "did not run, or an invoice failed.",
    )
    billing_reminder_days = fields.Integer(
        string="Remind of Drafts",
        help="Days after which somebody is reminded of a project invoice that is still "
        "a draft. 0: never.",
    )
    billing_user_id = fields.Many2one(
        "res.users",
        string="Billing Responsible",
        domain="[('share', '=', False)]",
        help="Is told by a message how an invoice run came out, unless the project has "
        "a billing responsible of its own.",
    )

    @api.constrains("billing_after_run", "billing_review_required")
    def _check_billing_after_run(self):
        for company in self:
            if company.billing_after_run == "send" and company.billing_review_required:
                raise ValidationError(
                    self.env._(
                        "%(company)s: what must be reviewed before it is confirmed "
                        "cannot be sent right after the invoice run. Switch one of the "
                        "two off.",
                        company=company.name,
                    )
                )

    @api.constrains("billing_reminder_days")
    def _check_billing_reminder_days(self):
        if any(company.billing_reminder_days < 0 for company in self):
            raise ValidationError(
                self.env._("Drafts are reminded of after 0 or more days.")
            )

    # === Days of its calendar ===

    def _billing_zone(self) -> str:
        """The time zone in which the company works: that of its working hours.

        Odoo takes days in the zone of the context, else in that of the user.
        """
        self.ensure_one()
        # sudo: the day does not depend on what the user may read.
        return self.sudo().resource_calendar_id.tz or "UTC"

    def _billing_today(self) -> date:
        """Today where the company works, whatever the time zone of who asks.

        A run at half past midnight in Auckland is one of the new day there, though
        elsewhere it is still yesterday.
        """
        return self._billing_day(fields.Datetime.now())

    def _billing_day(self, moment: datetime) -> date:
        """The day of the company on which something happened.

        :param moment: in UTC, as it is stored
        """
        own = self.with_context(tz=self._billing_zone())
        return fields.Date.context_today(own, moment)

    def _billing_today_sql(self, company: SQL) -> SQL:
        """Today in each of these companies: nearly always the same day, which
        PostgreSQL then knows in advance.

        :param company: an expression for the id of one of them; what is of none has
            the day of the user's company
        """
        today = self.env.company._billing_today()
        cases = [
            SQL("WHEN %s THEN %s::date", each.id, day)
            for each in self
            if (day := each._billing_today()) != today
        ]
        if not cases:
            return SQL("%s::date", today)
        return SQL("CASE %s %s ELSE %s::date END", company, SQL(" ").join(cases), today)

    def _billing_day_sql(self, moment: SQL, company: SQL) -> SQL:
        """As :meth:`_billing_day`.

        :param moment: an expression for it
        :param company: likewise, for the id of the company
        """
        return SQL(
            """
            (%s AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(
                (SELECT calendar.tz
                   FROM res_company AS working
                   JOIN resource_calendar AS calendar
                     ON calendar.id = working.resource_calendar_id
                  WHERE working.id = %s), 'UTC'))::date
            """,
            moment,
            company,
        )

    def _billing_invoice_date(self, run_date: date, cutoff_date: date) -> date | bool:
        """The date that a new draft gets; False: it is dated when it is confirmed."""
        return {"posting": False, "run": run_date, "cutoff": cutoff_date}[
            self.billing_invoice_date
        ]

    def _billing_cutoff_date(self, run_date: date, cutoff_date: date) -> date:
        """How far an invoice run may go."""
        if self.billing_stop_at_year_end:
            return min(cutoff_date, date(run_date.year, 12, 31))
        return cutoff_date
