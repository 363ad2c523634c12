# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from .common import BillingCase


class OtherDatesCase(BillingCase):
    """A project billed on the last day of the month, parts of it on other dates.

    Two hours on 1 January, and a contract line of milestones.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.last_day = cls.env.ref("psa_invoicing.frequency_monthly_last_day")
        cls.first_day = cls.env.ref("psa_invoicing.frequency_monthly_first_day")
        cls.weekly = cls.env.ref("psa_invoicing.frequency_weekly")
        cls.yearly = cls.env.ref("psa_invoicing.frequency_yearly")
        cls.work = cls.time_project(
            2,
            name="Tower",
            billing_frequency_id=cls.last_day.id,
            billing_start_date=date(2026, 1, 1),
        )
        cls.package = cls.contract(
            cls.work, cls.milestone_product, product_uom_qty=1, project_id=cls.work.id
        )

    def override(self, frequency, **values):
        """Bill a type of transactions or a contract line on dates of their own."""
        return self.env["psa.billing.override"].create(
            {"project_id": self.work.id, "frequency_id": frequency.id, **values}
        )

    def row(self, day):
        """The row of the schedule on a day."""
        return self.work.invoice_schedule_ids.filtered(lambda row: row.run_date == day)

    def billed_days(self):
        """Of time, drafts included."""
        entries = self.work.timesheet_ids.filtered("billed_quantity")
        return sorted(entries.mapped("date"))
