# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time
from lxml import html

from odoo.exceptions import UserError, ValidationError
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
        project.action_psa_plan_from_start()
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
        self.weekly.write({"mon": False, "fri": True})
        self.assertEqual(self.planned(project)[0], date(2026, 1, 16))

    def test_a_missed_row_stays(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        with freeze_time("2026-02-10"):
            project._psa_plan_invoices()
            self.assertEqual(self.planned(project)[0], date(2026, 1, 31))
            self.assertEqual(self.planned(project)[-1], date(2027, 1, 31))

    def move(self, row, day):
        """As a person moves it, without the checks."""
        row.sudo().run_date = day

    def test_a_moved_row_is_neither_moved_back_nor_planned_twice(self):
        project = self.project(billing_frequency_id=self.monthly.id)
        self.move(project.invoice_schedule_ids[0], date(2026, 1, 28))
        project._psa_plan_invoices()
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

    # === The form of a frequency ===

    def frequency_form(self, **values):
        form = Form(self.env["psa.billing.frequency"])
        for name, value in values.items():
            setattr(form, name, value)
        return form

    def shown(self, form):
        """What the table of next dates says: a list of lines."""
        table = html.fromstring(f"<div>{form.next_dates}</div>")
        return [
            " ".join(cell.text_content() for cell in row.iter("td"))
            for row in table.iter("tr")
        ][1:]

    def test_the_next_dates_are_shown_while_editing(self):
        form = self.frequency_form(name="The first", cutoff="run_date")
        form.month_days = "1"
        form.month_last = False
        lines = self.shown(form)
        self.assertEqual(len(lines), 12)
        self.assertEqual(lines[0], "Sun 02/01/2026 Sun 02/01/2026")
        form.cutoff = "previous_month_end"
        form.shift = "after"
        self.assertEqual(self.shown(form)[0], "Mon 02/02/2026 Sat 01/31/2026")

    def test_several_days_of_every_second_week(self):
        # The days of the week are no fields of the form: a widget shows them.
        frequency = self.env["psa.billing.frequency"].new(
            {"period": "week", "interval": 2, "mon": False, "tue": True, "fri": True}
        )
        self.assertEqual(
            self.shown(frequency)[:3],
            [
                "Fri 01/16/2026 Thu 01/15/2026",
                # The next week but one.
                "Tue 01/27/2026 Mon 01/26/2026",
                "Fri 01/30/2026 Thu 01/29/2026",
            ],
        )

    def test_next_dates_of_each_period(self):
        for values, expected in [
            ({"period": "day", "interval": 10}, ["Thu 01/15/2026", "Sun 01/25/2026"]),
            ({"period": "week"}, ["Mon 01/19/2026", "Mon 01/26/2026"]),
            (
                {"period": "month", "month_days": "15"},
                ["Thu 01/15/2026", "Sat 01/31/2026", "Sun 02/15/2026"],
            ),
            (
                {
                    "period": "month",
                    "month_rule": "weekday",
                    "month_week": "last",
                    "weekday": "4",
                },
                ["Fri 01/30/2026", "Fri 02/27/2026"],
            ),
            (
                {"period": "month", "month_rule": "working_day", "month_days": "3"},
                ["Fri 01/30/2026", "Wed 02/04/2026", "Fri 02/27/2026"],
            ),
            (
                {"period": "year", "month": "6", "interval": 2},
                ["Tue 06/30/2026", "Fri 06/30/2028"],
            ),
        ]:
            with self.subTest(values):
                form = self.frequency_form(cutoff="run_date", **values)
                lines = [line[:14] for line in self.shown(form)]
                self.assertEqual(len(lines), 12)
                self.assertEqual(lines[: len(expected)], expected)

    def test_by_hand_has_no_dates(self):
        manual = self.env.ref("psa_invoicing.frequency_manual")
        self.assertIn("press Invoice on the project", manual.next_dates)
        project = self.project(billing_frequency_id=manual.id)
        self.assertFalse(project.invoice_schedule_ids)

    def test_what_is_wrong_is_said_while_editing(self):
        form = self.frequency_form(month_days="1, 42")
        self.assertIn("“1, 42” are no days of the month", form.next_dates)
        form.month_days = "1 ; 15"
        self.assertEqual(len(self.shown(form)), 12)

    def test_days_that_do_not_exist(self):
        week, month = {"period": "week"}, {"period": "month"}
        for values, message in [
            ({**month, "month_days": "32"}, "from 1 to 31"),
            ({**month, "month_days": "0"}, "from 1 to 31"),
            ({**month, "month_days": "first"}, "from 1 to 31"),
            ({**month, "month_days": "-1"}, "from 1 to 31"),
            ({**month, "month_last": False}, "tick the last"),
            ({**month, "month_rule": False}, "which days of the month"),
            (
                {**month, "month_rule": "weekday", "weekday": False},
                "the first Monday of the month",
            ),
            ({"period": "year", "month": False}, "month of the year"),
            ({"interval": 0}, "1 to 366"),
            ({"interval": 367}, "1 to 366"),
            ({"cutoff_days": -1}, "0 to 366"),
            ({"cutoff_days": 367}, "0 to 366"),
            ({**week, "mon": False}, "at least one day of the week"),
        ]:
            with self.subTest(values), self.assertRaisesRegex(ValidationError, message):
                self.env["psa.billing.frequency"].create({"name": "Never", **values})

    def test_ready_made_frequencies(self):
        """The first three dates of each, of a project that starts on 1 January."""
        for name, expected in {
            "weekly": ["2026-01-05 2026-01-04", "2026-01-12 2026-01-11"],
            "biweekly": ["2026-01-05 2026-01-04", "2026-01-19 2026-01-18"],
            "semi_monthly": ["2026-01-15 2026-01-15", "2026-01-31 2026-01-31"],
            "monthly_last_day": ["2026-01-31 2026-01-31", "2026-02-28 2026-02-28"],
            "monthly_first_day": ["2026-01-01 2025-12-31", "2026-02-01 2026-01-31"],
            "monthly_last_working_day": [
                "2026-01-30 2026-01-30",
                "2026-02-27 2026-02-27",
            ],
            "quarterly": ["2026-01-31 2026-01-31", "2026-04-30 2026-04-30"],
            "half_yearly": ["2026-01-31 2026-01-31", "2026-07-31 2026-07-31"],
            "yearly": ["2026-12-31 2026-12-31", "2027-12-31 2027-12-31"],
            "manual": [],
        }.items():
            with self.subTest(name):
                frequency = self.env.ref(f"psa_invoicing.frequency_{name}")
                found = frequency._occurrences(date(2026, 1, 1), date(2027, 12, 31))
                self.assertEqual(
                    [f"{each.run_date} {each.cutoff_date}" for each in found[:2]],
                    expected,
                )


@freeze_time("2026-01-15")
class TestWorkingDays(BillingCase):
    """Dates by the working hours and public holidays of a company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.env["resource.calendar"].create(
            {"name": "Office", "company_id": cls.env.company.id, "tz": "Europe/Paris"}
        )
        cls.frequency = cls.env["psa.billing.frequency"].create(
            {"name": "Working", "month_rule": "working_day", "cutoff": "run_date"}
        )

    def holiday(self, start, end, **values):
        return self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.calendar.id,
                "date_from": start,
                "date_to": end,
                **values,
            }
        )

    def january(self, frequency=None):
        """The day of the last working day of January."""
        found = (frequency or self.frequency)._occurrences(
            date(2026, 1, 1), date(2026, 2, 15), self.calendar
        )
        return found[0].run_date.day if found else None

    def test_the_last_working_day_is_no_weekend(self):
        self.assertEqual(self.january(), 30, "31 January is a Saturday.")

    def test_a_day_off_every_week(self):
        self.calendar.attendance_ids.filtered(
            lambda slot: slot.dayofweek == "4"
        ).unlink()
        self.assertEqual(self.january(), 29)

    def test_a_holiday_is_one_where_the_company_works(self):
        # Friday from midnight to midnight in Paris, which is Thursday 23:00 in London.
        self.holiday("2026-01-29 23:00:00", "2026-01-30 22:59:59")
        self.assertEqual(self.january(), 29)

    def test_a_holiday_of_all_working_hours_of_all_calendars(self):
        self.holiday("2026-01-30 07:00:00", "2026-01-30 16:00:00", calendar_id=False)
        self.assertEqual(self.january(), 29)

    def test_a_holiday_of_several_days(self):
        self.holiday("2026-01-25 23:00:00", "2026-01-30 22:59:59")
        self.assertEqual(self.january(), 23)

    def test_half_a_day_and_what_is_not_for_all_do_not_count(self):
        self.holiday("2026-01-30 07:00:00", "2026-01-30 11:00:00")
        self.holiday(
            "2026-01-29 23:00:00",
            "2026-01-30 22:59:59",
            resource_id=self.alice.resource_id.id,
        )
        other = self.env["res.company"].create({"name": "Other"})
        self.env["resource.calendar.leaves"].create(
            {
                "calendar_id": other.resource_calendar_id.id,
                "date_from": "2026-01-29 23:00:00",
                "date_to": "2026-01-30 22:59:59",
            }
        )
        self.assertEqual(self.january(), 30)

    def test_flexible_hours_are_worked_from_monday_to_friday(self):
        self.calendar.flexible_hours = True
        self.calendar.attendance_ids.unlink()
        self.assertEqual(self.january(), 30)
        self.holiday("2026-01-29 23:00:00", "2026-01-30 22:59:59")
        self.assertEqual(self.january(), 29)

    def test_every_other_friday_off(self):
        self.calendar.switch_calendar_type()
        weeks = self.env["resource.calendar.attendance"]
        friday = date(2026, 1, 30)
        self.calendar.attendance_ids.filtered(
            lambda slot: (
                slot.dayofweek == "4"
                and slot.week_type == str(weeks.get_week_type(friday))
            )
        ).unlink()
        self.assertEqual(self.january(), 29)
        self.assertEqual(
            self.frequency._occurrences(
                date(2026, 2, 20), date(2026, 2, 28), self.calendar
            )[0].run_date,
            date(2026, 2, 26),
            "Four weeks later the Friday is off again.",
        )

    def test_dates_move_off_holidays(self):
        self.holiday("2026-02-01 23:00:00", "2026-02-02 22:59:59")
        self.frequency.write({"month_rule": "day", "shift": "after"})
        self.assertEqual(
            self.frequency._occurrences(
                date(2026, 1, 1), date(2026, 2, 15), self.calendar
            ),
            [(date(2026, 2, 3), date(2026, 2, 3))],
        )

    def test_a_calendar_in_which_nobody_works(self):
        self.calendar.attendance_ids.unlink()
        with self.assertRaisesRegex(UserError, "Office.*Working"):
            self.january()
        self.env.company.resource_calendar_id = self.calendar
        self.frequency.invalidate_recordset()
        self.assertIn("no working day", self.frequency.next_dates)

    def test_a_user_without_rights_on_holidays_gets_the_same_dates(self):
        self.holiday("2026-01-29 23:00:00", "2026-01-30 22:59:59")
        user = self.person("pm", "project.group_project_manager")
        self.assertEqual(self.january(self.frequency.with_user(user)), 29)

    def test_holidays_are_read_once(self):
        self.january()
        with self.assertQueryCount(2):
            self.env["resource.calendar.leaves"].flush_model()
            self.frequency._occurrences(
                date(2020, 1, 1), date(2027, 1, 1), self.calendar
            )
