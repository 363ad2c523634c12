# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A run close to midnight bills what is due on the calendar day of each company."""

from datetime import date

from freezegun import freeze_time

from .common import BillingCase


class TestRunDays(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.other = cls.setup_other_company()["company"]

    def due_on(self, day, company, zone):
        """A project that is due on a day, of a company that works in a time zone."""
        company.resource_calendar_id.tz = zone
        project = self.time_project(2)
        project.company_id = company
        self.env["psa.invoice.schedule"].sudo().create(
            {"project_id": project.id, "run_date": day, "cutoff_date": day}
        )
        return project.invoice_schedule_ids

    def run_by_scheduler(self):
        """The scheduled action's user has no time zone."""
        with self.enter_registry_test_mode():
            self.env.ref("psa_invoicing.ir_cron_run_due").method_direct_trigger()
        self.env.invalidate_all()

    def test_half_past_eleven_at_night_in_los_angeles(self):
        """It is the 1st of February already for the server, and not there."""
        today = self.due_on(date(2026, 1, 31), self.env.company, "America/Los_Angeles")
        tomorrow = self.due_on(
            date(2026, 2, 1), self.env.company, "America/Los_Angeles"
        )
        with freeze_time("2026-02-01 07:30:00"):
            self.run_by_scheduler()
        self.assertEqual((today.state, tomorrow.state), ("done", "planned"))

    def test_half_past_midnight_in_auckland(self):
        """It is still the 31st of January for the server, and no longer there."""
        today = self.due_on(date(2026, 2, 1), self.env.company, "Pacific/Auckland")
        tomorrow = self.due_on(date(2026, 2, 2), self.env.company, "Pacific/Auckland")
        with freeze_time("2026-01-31 11:30:00"):
            self.run_by_scheduler()
        self.assertEqual((today.state, tomorrow.state), ("done", "planned"))

    def test_each_company_has_its_own_day(self):
        """At the same moment: half past three in Los Angeles, half past midnight in
        Auckland."""
        angeles = self.due_on(date(2026, 2, 1), self.env.company, "America/Los_Angeles")
        self.other.resource_calendar_id = self.other.resource_calendar_id.copy()
        self.other.resource_calendar_id.tz = "Pacific/Auckland"
        project = self.project(name="In Auckland", company_id=self.other.id)
        auckland = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": date(2026, 2, 1),
                    "cutoff_date": date(2026, 2, 1),
                }
            )
        )
        with freeze_time("2026-01-31 11:30:00"):
            self.run_by_scheduler()
        self.assertEqual(angeles.state, "planned")
        self.assertNotEqual(auckland.state, "planned")

    def test_a_user_elsewhere_runs_the_companys_day(self):
        row = self.due_on(date(2026, 2, 1), self.env.company, "Pacific/Auckland")
        user = self.person(
            "traveller", "psa_invoicing.group_billing_manager", tz="America/Los_Angeles"
        )
        with freeze_time("2026-01-31 11:30:00"), self.driver() as env:
            env(user=user.id)["psa.run.due"].create({}).action_run()
        self.assertEqual(row.state, "done")
