# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A project that cannot be billed: tried again, told once, settled by itself."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from .common import BillingCase

DRIVING = "odoo.addons.psa_invoicing.models.schedule.psa_invoice_run_driving"


@freeze_time("2026-01-01")
class TestRunFailures(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")
        cls.broken = {}
        cls.responsible = cls.person(
            "responsible",
            "psa_invoicing.group_billing_manager",
            email="responsible@example.com",
        )

    def due_project(self, *hours, **values):
        return self.time_project(
            *hours,
            billing_frequency_id=self.monthly.id,
            billing_start_date=date(2026, 1, 1),
            **values,
        )

    def row(self, project, month=1):
        return project.invoice_schedule_ids.filtered(
            lambda row: row.run_date == date(2026, month, 31 if month == 1 else 28)
        )

    def activities(self, project):
        return project.activity_search(["psa_invoicing.mail_activity_type_failed"])

    def messages(self, user):
        return (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("partner_ids", "in", user.partner_id.ids),
                    ("model", "=", "psa.invoice.run"),
                ]
            )
        )

    def break_down(self, project):
        """It has no customer any more; with that, Odoo empties its contract line."""
        self.broken[project] = project.sale_line_id
        project.partner_id = False

    def mend(self, project):
        project.write(
            {
                "partner_id": self.customer.id,
                "sale_line_id": self.broken[project].id,
            }
        )

    def run_every_night(self):
        with self.enter_registry_test_mode():
            self.env.ref("psa_invoicing.ir_cron_run_due").method_direct_trigger()
        self.env.invalidate_all()

    # === Tried again ===

    def test_it_is_tried_again_on_three_days(self):
        project = self.due_project(2)
        self.break_down(project)
        row = self.row(project)
        tried = []
        for day in range(1, 7):
            tried.append(self.run_due(date(2026, 2, day)).total)
        self.assertEqual(tried, [1, 1, 1, 1, 0, 0], "Once, and three times more.")
        self.assertEqual((row.state, row.attempts), ("failed", 4))

    def test_several_runs_of_a_day_are_one_attempt(self):
        project = self.due_project(2)
        self.break_down(project)
        for _time in range(6):
            self.assertEqual(self.run_due(date(2026, 2, 1)).failed, 1)
        self.assertEqual(self.row(project).attempts, 1)

    def test_later_rows_wait_for_one_that_was_given_up(self):
        project = self.due_project(2)
        self.break_down(project)
        for day in (1, 2, 3, 4):
            self.run_due(date(2026, 2, day))
        self.mend(project)
        self.assertEqual(self.run_due(date(2026, 2, 28)).total, 0)
        self.assertEqual(self.row(project, 2).state, "planned")
        self.assertIn("Waits for the invoice of 01/31", self.row(project, 2).error)

    def test_retry_bills_it_and_what_waits_for_it(self):
        project = self.due_project(2)
        self.log(project, date(2026, 2, 10), 5)
        self.break_down(project)
        for day in (1, 2, 3, 4, 28):
            self.run_due(date(2026, 2, day))
        self.mend(project)
        with freeze_time("2026-03-01"), self.driver() as env:
            self.row(project).with_env(env).action_retry()
        self.assertEqual(
            project.invoice_schedule_ids[:2].mapped(
                lambda row: (row.state, row.attempts, row.error)
            ),
            [("done", 0, False), ("done", 0, False)],
        )
        self.assertEqual(self.row(project).invoice_ids.amount_untaxed, 200)
        self.assertEqual(self.row(project, 2).invoice_ids.amount_untaxed, 500)

    def test_retry_from_the_run(self):
        good, bad = self.due_project(2, name="Good"), self.due_project(3, name="Bad")
        self.break_down(bad)
        run = self.run_due(date(2026, 1, 31))
        self.assertEqual(run.retry_count, 1)
        self.assertEqual(run.problem_ids.project_id, bad)
        self.mend(bad)
        with freeze_time("2026-01-31"), self.driver() as env:
            run.with_env(env).action_retry()
        self.assertEqual(self.row(bad).invoice_ids.amount_untaxed, 300)
        self.assertEqual(len(self.row(good).invoice_ids), 1)
        self.assertEqual(run.retry_count, 0)
        self.assertEqual(run.problem_ids.project_id, bad, "What it was then.")

    def test_what_has_not_failed_cannot_be_retried(self):
        project = self.due_project(2)
        with self.assertRaisesRegex(UserError, "None of these rows has failed"):
            self.row(project).action_retry()

    # === A failing project fails alone ===

    def test_a_defect_does_not_stop_the_others(self):
        """Of another add-on, say, whose code breaks with one order."""
        projects = [self.due_project(hours) for hours in (1, 2, 3, 4, 5)]
        bad = projects[2].sale_line_id.order_id
        Order = self.registry["sale.order"]
        original = Order._prepare_invoice

        def defective(order):
            if order.id == bad.id:
                raise ZeroDivisionError("float division by zero")
            return original(order)

        with (
            patch.object(Order, "_prepare_invoice", defective),
            mute_logger(DRIVING),
            self.assertLogs(DRIVING, "ERROR") as logs,
        ):
            run = self.run_due(date(2026, 1, 31))
        self.assertEqual((run.total, run.done, run.failed), (5, 4, 1))
        self.assertIn("ZeroDivisionError", logs.output[0])
        self.assertIn("unexpected error", self.row(projects[2]).error)
        self.assertEqual(
            [self.row(project).invoice_ids.amount_untaxed for project in projects],
            [100, 200, 0, 400, 500],
        )
        self.assertEqual(projects[2].timesheet_ids.open_quantity, 3)

    # === Who is told ===

    def test_one_activity_until_it_is_billed(self):
        project = self.due_project(2, billing_user_id=self.responsible.id)
        self.break_down(project)
        for day in (1, 2):
            self.run_due(date(2026, 2, day))
        activity = self.activities(project)
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.responsible)
        self.assertIn("no customer", activity.note)
        self.mend(project)
        self.run_due(date(2026, 2, 3))
        self.assertFalse(self.activities(project))
        self.assertIn("Settled", project.message_ids[0].body)

    def test_the_activity_is_for_whoever_looks_after_the_project(self):
        manager = self.person("manager", "project.group_project_manager")
        self.env.company.billing_user_id = self.responsible
        managed = self.due_project(1, user_id=manager.id)
        orphan = self.due_project(1, user_id=False)
        for project in managed + orphan:
            self.break_down(project)
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.activities(managed).user_id, manager)
        self.assertEqual(self.activities(orphan).user_id, self.responsible)

    def test_a_night_is_summed_up_in_one_message(self):
        self.env.company.billing_user_id = self.responsible
        self.due_project(2, name="Good")
        self.due_project(3, name="Better")
        self.due_project(name="Idle")
        bad = self.due_project(4, name="Bad", company_id=self.env.company.id)
        self.break_down(bad)
        with freeze_time("2026-01-31"):
            self.run_every_night()
        message = self.messages(self.responsible)
        self.assertEqual(len(message), 1)
        self.assertIn("1 failed, 2 invoiced", message.subject)
        for text in ("500.00", "Nothing to bill: 1", "Bad", "no customer"):
            self.assertIn(text, message.body)
        self.assertNotIn("Good", message.body)

    def test_a_night_with_nothing_to_do_is_silent(self):
        self.env.company.billing_user_id = self.responsible
        self.due_project(2)
        with freeze_time("2026-01-30"):
            self.run_every_night()
        self.assertFalse(self.messages(self.responsible))

    def test_each_responsible_hears_of_his_own_projects(self):
        other = self.person("other", "psa_invoicing.group_billing_manager")
        self.env.company.billing_user_id = self.responsible
        self.due_project(2)
        self.due_project(3, billing_user_id=other.id)
        with freeze_time("2026-01-31"):
            self.run_every_night()
        for user, amount, foreign in (
            (self.responsible, "200.00", "300.00"),
            (other, "300.00", "200.00"),
        ):
            message = self.messages(user)
            self.assertEqual(len(message), 1)
            self.assertIn(amount, message.body)
            self.assertNotIn(foreign, message.body)

    def test_who_runs_it_himself_gets_no_message(self):
        self.env.company.billing_user_id = self.responsible
        self.due_project(2)
        self.run_due(date(2026, 1, 31))
        self.assertFalse(self.messages(self.responsible))
