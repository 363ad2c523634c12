# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.tests import Form

from .common import BillingCase


@freeze_time("2026-01-15")
class TestFrequencyAndSchedule(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.weekly = cls.env.ref("psa_invoicing.frequency_weekly")
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")

    def planned(self, project):
        rows = project.invoice_schedule_ids.filtered(lambda row: row.state == "planned")
        return sorted(rows.mapped("run_date"))

    def test_a_frequency_plans_twelve_months(self):
        project = self.project(
            billing_frequency_id=self.monthly.id, billing_start_date=date(2026, 1, 1)
        )
        self.assertEqual(project.next_invoice_date, date(2026, 1, 31))
        self.assertEqual(len(self.planned(project)), 12)
        self.assertEqual(
            self.planned(project)[:2], [date(2026, 1, 31), date(2026, 2, 28)]
        )
        self.assertEqual(project.invoice_schedule_ids[1].cutoff_date, date(2026, 2, 28))

    def test_no_past_period_is_planned_unless_asked(self):
        project = self.project(
            billing_frequency_id=self.monthly.id, billing_start_date=date(2025, 11, 1)
        )
        self.assertEqual(self.planned(project)[0], date(2026, 1, 31))
        project.action_plan_from_start()
        self.assertEqual(
            self.planned(project)[:3],
            [date(2025, 11, 30), date(2025, 12, 31), date(2026, 1, 31)],
        )

    def test_start_is_today_if_nobody_says_otherwise(self):
        with Form(self.env["project.project"]) as form:
            form.name = "Through the form"
            form.allow_billable = True
            form.partner_id = self.customer
            form.billing_frequency_id = self.weekly
            self.assertEqual(form.billing_start_date, date(2026, 1, 15))
        self.assertEqual(form.record.next_invoice_date, date(2026, 1, 19))

    def test_a_frequency_needs_a_start(self):
        project = self.project("Bottomless", billing_frequency_id=self.weekly.id)
        with self.assertRaisesRegex(ValidationError, "Bottomless.*billing start"):
            project.billing_start_date = False

    def test_the_end_comes_after_the_start(self):
        project = self.project("Backwards", billing_frequency_id=self.weekly.id)
        with self.assertRaisesRegex(ValidationError, "Backwards.*ends before"):
            project.billing_end_date = date(2026, 1, 1)

    def test_the_run_after_the_end_is_the_last(self):
        project = self.project(
            billing_frequency_id=self.monthly.id, billing_end_date=date(2026, 3, 15)
        )
        self.assertEqual(
            self.planned(project),
            [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)],
        )
        last = project.invoice_schedule_ids[-1]
        self.assertEqual(last.cutoff_date, date(2026, 3, 15))

    def test_another_frequency_replaces_future_planned_rows_only(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        first = project.invoice_schedule_ids[0]
        first.sudo().state = "done"
        project.billing_frequency_id = self.weekly
        self.assertEqual(first.run_date, date(2026, 1, 31))
        self.assertTrue(first.exists())
        self.assertEqual(
            self.planned(project)[:3],
            [date(2026, 1, 19), date(2026, 1, 26), date(2026, 2, 2)],
        )
        project.billing_frequency_id = False
        self.assertEqual(project.invoice_schedule_ids, first)
        self.assertFalse(project.next_invoice_date)

    def test_editing_the_frequency_moves_its_projects(self):
        project = self.project(billing_frequency_id=self.weekly.id)
        self.weekly.weekday = "4"
        self.assertEqual(self.planned(project)[0], date(2026, 1, 16))

    def test_a_missed_row_stays(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        with freeze_time("2026-02-10"):
            project._plan_invoices()
            self.assertEqual(self.planned(project)[0], date(2026, 1, 31))
            self.assertEqual(self.planned(project)[-1], date(2027, 1, 31))

    def move(self, row, day):
        """As a person moves it, without the checks."""
        row.sudo().run_date = day

    def test_a_moved_row_is_neither_moved_back_nor_planned_twice(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        self.move(project.invoice_schedule_ids[0], date(2026, 1, 28))
        project._plan_invoices()
        self.assertEqual(
            self.planned(project)[:2], [date(2026, 1, 28), date(2026, 2, 28)]
        )
        self.assertEqual(len(self.planned(project)), 12)

    def test_another_frequency_replaces_a_moved_row(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        self.move(project.invoice_schedule_ids[0], date(2026, 1, 28))
        project.billing_frequency_id = self.weekly
        self.assertEqual(
            self.planned(project)[:2], [date(2026, 1, 19), date(2026, 1, 26)]
        )
        self.assertNotIn(date(2026, 1, 28), self.planned(project))

    def test_a_missed_row_that_was_moved_to_a_later_day_stays(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        row = project.invoice_schedule_ids[0]
        with freeze_time("2026-02-02"):
            self.move(row, date(2026, 2, 10))
            project.billing_frequency_id = self.weekly
            self.assertTrue(row.exists())

    def test_an_added_date_survives_another_frequency(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        added = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": date(2026, 2, 2),
                    "cutoff_date": date(2026, 2, 1),
                }
            )
        )
        # 2 February is a Monday, too: one invoice a day.
        project.billing_frequency_id = self.weekly
        self.assertEqual(self.planned(project).count(date(2026, 2, 2)), 1)
        project.billing_frequency_id = False
        self.assertEqual(project.invoice_schedule_ids, added)

    def test_archived_and_template_projects_are_not_planned(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        project.active = False
        self.assertFalse(self.planned(project))
        project.active = True
        self.assertTrue(self.planned(project))
        template = self.project(billing_frequency_id=self.monthly.id, is_template=True)
        self.assertFalse(template.invoice_schedule_ids)

    def test_a_copy_has_the_frequency_and_starts_today(self):
        project = self.project(
            billing_frequency_id=self.monthly.id,
            billing_start_date=date(2025, 1, 1),
            billing_hold=True,
        )
        copied = project.copy()
        self.assertEqual(copied.billing_frequency_id, self.monthly)
        self.assertEqual(copied.billing_start_date, date(2026, 1, 15))
        self.assertFalse(copied.billing_hold)
        self.assertEqual(len(self.planned(copied)), 12)

    def test_the_next_dates_are_shown_while_editing(self):
        with Form(self.env["psa.billing.frequency"]) as form:
            form.name = "Every second Friday"
            form.period = "week"
            form.weekday = "4"
            form.interval = 2
            lines = form.next_dates.split("\n")
            self.assertEqual(len(lines), 12)
            self.assertIn("01/16/2026", lines[0])
            self.assertIn("01/30/2026", lines[1])

    def test_days_that_do_not_exist(self):
        for values, message in [
            ({"month_day": 32}, "from 1 to 31"),
            ({"interval": 0}, "1 or more"),
            ({"cutoff_days": -1}, "0 or more"),
            ({"period": "week", "weekday": False}, "day of the week"),
        ]:
            with self.assertRaisesRegex(ValidationError, message):
                self.env["psa.billing.frequency"].create({"name": "Never", **values})
