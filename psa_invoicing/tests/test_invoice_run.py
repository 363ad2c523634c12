# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from .common import BillingCase


@freeze_time("2026-01-01")
class TestInvoiceRun(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_data_2 = cls.setup_other_company()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")

    def due_project(self, *hours, **values):
        return self.time_project(
            *hours,
            billing_frequency_id=self.monthly.id,
            billing_start_date=date(2026, 1, 1),
            **values,
        )

    def row(self, project, month=1):
        return project.invoice_schedule_ids.filtered(
            lambda row: row.run_date.month == month and row.run_date.year == 2026
        )

    def test_due_rows_are_billed(self):
        project = self.due_project(2, 3)
        run = self.run_due(date(2026, 1, 31))
        self.assertRecordValues(
            run, [{"state": "done", "total": 1, "done": 1, "failed": 0}]
        )
        row = self.row(project)
        self.assertEqual(row.state, "done")
        self.assertEqual(row.invoice_ids.amount_untaxed, 500)
        self.assertEqual(run.invoice_ids, row.invoice_ids)
        self.assertEqual(project.next_invoice_date, date(2026, 2, 28))
        self.assert_ledger(row.invoice_ids)

    def test_nothing_is_due_before_its_day(self):
        self.due_project(2)
        self.assertEqual(self.run_due(date(2026, 1, 30)).total, 0)

    def test_running_again_is_harmless(self):
        project = self.due_project(2)
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.run_due(date(2026, 1, 31)).total, 0)
        self.assertEqual(len(self.row(project).invoice_ids), 1)

    def test_nothing_to_bill(self):
        project = self.due_project()
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.row(project).state, "nothing")
        self.assertFalse(self.row(project).invoice_ids)

    def test_missed_periods_are_caught_up_each_with_its_cutoff(self):
        project = self.due_project(2)
        self.log(project, date(2026, 2, 10), 5)
        run = self.run_due(date(2026, 3, 1))
        self.assertEqual(run.total, 2)
        self.assertEqual(self.row(project, 1).invoice_ids.amount_untaxed, 200)
        self.assertEqual(self.row(project, 2).invoice_ids.amount_untaxed, 500)

    def test_one_failing_project_does_not_stop_the_others(self):
        good = self.due_project(2, name="Good")
        bad = self.due_project(3, name="Bad")
        bad.partner_id = False
        run = self.run_due(date(2026, 1, 31))
        self.assertEqual((run.total, run.done, run.failed), (2, 1, 1))
        self.assertEqual(self.row(good).state, "done")
        self.assertEqual(self.row(bad).state, "failed")
        self.assertIn("Bad", self.row(bad).error)
        self.assertIn("no customer", self.row(bad).error)
        self.assertFalse(self.row(bad).invoice_ids)

    def test_a_failure_while_writing_is_rolled_back_alone(self):
        """A fiscal position of another company breaks the invoice itself."""
        good = self.due_project(2, name="Good")
        bad = self.due_project(3, name="Bad")
        position = self.env["account.fiscal.position"].create(
            {"name": "Elsewhere", "company_id": self.company_data_2["company"].id}
        )
        order = bad.sale_line_id.order_id
        # Odoo refuses to enter this; databases with a history have it all the same.
        self.env.cr.execute(
            "UPDATE sale_order SET fiscal_position_id = %s WHERE id = %s",
            [position.id, order.id],
        )
        run = self.run_due(date(2026, 1, 31))
        self.assertEqual((run.done, run.failed), (1, 1))
        self.assertEqual(self.row(good).state, "done")
        self.assertEqual(self.row(bad).state, "failed")
        self.assertTrue(self.row(bad).error)
        self.assertEqual(bad.timesheet_ids.open_quantity, 3)

    def test_a_failed_row_is_tried_again(self):
        project = self.due_project(2)
        line = project.sale_line_id
        project.partner_id = False
        self.run_due(date(2026, 1, 31))
        project.write({"partner_id": self.customer.id, "sale_line_id": line.id})
        self.run_due(date(2026, 2, 1))
        self.assertEqual(self.row(project).state, "done")
        self.assertFalse(self.row(project).error)

    def test_later_rows_wait_for_the_failed_one(self):
        project = self.due_project(2)
        project.partner_id = False
        self.run_due(date(2026, 3, 1))
        self.assertEqual(self.row(project, 1).state, "failed")
        self.assertEqual(self.row(project, 2).state, "planned")
        self.assertIn("Waits for the invoice of 01/31", self.row(project, 2).error)

    def test_a_deleted_draft_is_not_made_again_by_itself(self):
        project = self.due_project(2)
        self.run_due(date(2026, 1, 31))
        row = self.row(project)
        row.invoice_ids.unlink()
        self.assertEqual(row.state, "done")
        self.assertIn("deleted by", row.error)
        self.assertEqual(self.run_due(date(2026, 1, 31)).total, 0)
        row.action_plan_again()
        self.run_due(date(2026, 1, 31))
        self.assertEqual(row.invoice_ids.amount_untaxed, 200)
        self.assertFalse(row.error)
        row.action_plan_again()
        self.assertEqual(row.state, "done", "Only without an invoice.")

    def test_a_project_on_hold_waits(self):
        project = self.due_project(2)
        project.write({"billing_hold": True, "billing_hold_reason": "Dispute"})
        self.assertEqual(self.run_due(date(2026, 1, 31)).total, 0)
        project.billing_hold = False
        self.assertEqual(self.run_due(date(2026, 1, 31)).done, 1)

    def test_what_is_older_than_the_billing_start_is_left_to_a_person(self):
        project = self.due_project(2)
        self.log(project, date(2025, 12, 31), 7)
        self.run_due(date(2026, 1, 31))
        move = self.row(project).invoice_ids
        self.assertEqual(move.invoice_line_ids.quantity, 2)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 2)
        by_hand = project._psa_invoice(date(2026, 1, 31))
        self.assertEqual(by_hand.invoice_line_ids.quantity, 7)

    def test_planning_reads_of_projects_only_what_it_needs(self):
        """There may be ten thousand: all their texts would fill memory."""
        project = self.due_project(2)
        line = project.sale_line_id
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.env["psa.invoice.schedule"].sudo()
        due = rows.search([("project_id", "=", project.id)])._without_caught_up()
        self.assertTrue(due)
        for record in (project, line):
            known = record._fields["name"]._get_all_cache_ids(self.env)
            self.assertNotIn(record.id, known, record)

    def test_only_these_projects(self):
        projects = self.due_project(1) + self.due_project(2)
        self.run_due(date(2026, 1, 31), projects[0])
        self.assertEqual(self.row(projects[0]).state, "done")
        self.assertEqual(self.row(projects[1]).state, "planned")

    def test_the_scheduled_action(self):
        project = self.due_project(2)
        with freeze_time("2026-01-31"), self.enter_registry_test_mode():
            self.env.ref("psa_invoicing.ir_cron_run_due").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.row(project).state, "done")
        self.assertEqual(
            max(project.invoice_schedule_ids.mapped("run_date")), date(2027, 1, 31)
        )

    def test_the_button_says_when_nothing_is_due(self):
        with self.driver() as env:
            action = env["psa.invoice.run"].action_run_due()
        self.assertEqual(action["tag"], "display_notification")

    def test_a_user_runs_the_companies_that_are_switched_on(self):
        project = self.due_project(2)
        project.company_id = self.env.company
        other = self.env["res.company"].create({"name": "Elsewhere"})
        user = self.person(
            "elsewhere", "psa_invoicing.group_billing_manager", company=other
        )
        with freeze_time("2026-01-31"), self.driver() as env:
            action = env(user=user.id)["psa.invoice.run"].action_run_due()
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(self.row(project).state, "planned")
