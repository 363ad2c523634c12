# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from .common import BillingCase


@freeze_time("2026-01-15")
class TestScheduleActions(BillingCase):
    """What a billing administrator does with the rows of a schedule."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")
        cls.work = cls.time_project(
            2,
            3,
            name="Tower",
            billing_frequency_id=cls.monthly.id,
            billing_start_date=date(2026, 1, 1),
        )
        biller = new_test_user(
            cls.env, "biller", groups="psa_invoicing.group_billing_manager"
        )
        cls.rows = cls.work.invoice_schedule_ids.with_user(biller)
        cls.row = cls.rows[0]
        cls.biller = biller

    def skip(self, rows, reason):
        wizard = (
            self.env["psa.schedule.skip"]
            .with_user(self.biller)
            .with_context(active_model=rows._name, active_ids=rows.ids)
            .create({"reason": reason})
        )
        return wizard.action_apply()

    def last_note(self):
        return str(self.work.message_ids[0].body)

    def test_what_is_not_entered_is_no_default_either(self):
        row = (
            self.env["psa.invoice.schedule"]
            .with_user(self.biller)
            .with_context(default_state="done", default_scope_cutoffs={"time": None})
            .create(
                {
                    "project_id": self.work.id,
                    "run_date": date(2026, 1, 20),
                    "cutoff_date": date(2026, 1, 20),
                }
            )
        )
        self.assertEqual((row.state, row.scope_cutoffs), ("planned", False))

    # === Skip ===

    def test_a_skipped_date_is_not_billed_and_the_next_covers_its_work(self):
        self.skip(self.row, "One invoice for both months")
        self.assertEqual(self.row.state, "skipped")
        self.assertEqual(self.row.error, "One invoice for both months")
        self.assertEqual(self.row.skip_user_id, self.biller)
        self.assertIn("01/31/2026 is skipped: One invoice", self.last_note())
        self.assertEqual(self.work.next_invoice_date, date(2026, 2, 28))
        self.work._psa_plan_invoices()
        self.assertEqual(len(self.work.invoice_schedule_ids), 12, "Not planned anew.")
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.row.state, "skipped")
        self.run_due(date(2026, 2, 28))
        self.assertEqual(self.rows[1].invoice_ids.amount_untaxed, 500)

    def test_a_reason_is_required(self):
        with self.assertRaisesRegex(UserError, "Say why"):
            self.skip(self.row, "  ")

    def test_what_was_billed_cannot_be_skipped(self):
        self.row.sudo().state = "done"
        with self.assertRaisesRegex(UserError, "01/31/2026.*Tower.*skipped"):
            self.skip(self.rows[:2], "No")
        self.assertEqual(self.rows[1].state, "planned", "None of them was.")

    def test_skipping_a_date_that_failed_settles_it(self):
        order = self.work.sale_line_id.order_id
        order._action_cancel()
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.row.state, "failed")
        failed = ["psa_invoicing.mail_activity_type_failed"]
        self.assertTrue(self.work.activity_search(failed))
        self.skip(self.row, "The order was cancelled")
        self.assertFalse(self.work.activity_search(failed))
        self.row.action_plan_again()
        self.assertEqual((self.row.state, self.row.attempts), ("planned", 0))

    def test_a_skipped_date_is_planned_again_and_billed(self):
        self.skip(self.row, "Not yet")
        self.row.action_plan_again()
        self.assertEqual(self.row.state, "planned")
        self.assertFalse(self.row.error)
        self.assertFalse(self.row.skip_user_id)
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.row.state, "done")
        self.assertEqual(self.row.invoice_ids.amount_untaxed, 500)

    def test_nothing_to_bill_is_tried_again(self):
        entries = self.work.timesheet_ids
        entries.action_psa_hold("Disputed")
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.row.state, "nothing")
        entries.action_psa_release()
        self.row.action_plan_again()
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.row.invoice_ids.amount_untaxed, 500)

    def test_what_has_an_invoice_is_not_planned_again(self):
        self.run_due(date(2026, 1, 31))
        self.row.action_plan_again()
        self.assertEqual(self.row.state, "done")

    # === Move ===

    def test_a_moved_date_is_billed_on_its_new_day(self):
        # The calendar writes what was dragged.
        self.row.write({"run_date": "2026-01-20"})
        self.assertEqual(self.row.cutoff_date, date(2026, 1, 20), "It moves as far.")
        self.assertTrue(self.row.is_moved)
        self.assertIn("01/31/2026 was moved to 01/20/2026", self.last_note())
        self.assertEqual(self.work.next_invoice_date, date(2026, 1, 20))
        self.run_due(date(2026, 1, 20))
        self.assertEqual(self.row.invoice_ids.amount_untaxed, 500)
        self.work._psa_plan_invoices()
        self.assertEqual(
            self.work.invoice_schedule_ids.mapped("run_date")[:2],
            [date(2026, 1, 20), date(2026, 2, 28)],
            "31 January is not planned again.",
        )

    def test_the_end_of_the_month_before_stays_what_is_covered(self):
        self.work.billing_frequency_id = self.env.ref(
            "psa_invoicing.frequency_monthly_first_day"
        )
        row = self.work.invoice_schedule_ids[0].with_user(self.biller)
        self.assertEqual(row.run_date, date(2026, 2, 1))
        row.run_date = date(2026, 2, 3)
        self.assertEqual(row.cutoff_date, date(2026, 1, 31))

    def test_work_with_dates_of_its_own_moves_by_its_own_rule(self):
        self.env["psa.billing.override"].create(
            {
                "project_id": self.work.id,
                "transaction_type": "expense",
                "frequency_id": self.env["psa.billing.frequency"]
                .create({"name": "Expenses", "cutoff": "previous_month_end"})
                .id,
            }
        )
        row = self.work.invoice_schedule_ids[1].with_user(self.biller)
        self.assertEqual(row.scope_cutoffs, {"": "2026-02-28", "expense": "2026-01-31"})
        row.run_date = date(2026, 2, 25)
        self.assertEqual(row.scope_cutoffs, {"": "2026-02-25", "expense": "2026-01-31"})
        self.assertEqual(row.cutoff_date, date(2026, 2, 25))

    def test_moved_back_it_follows_the_frequency_again(self):
        self.row.run_date = date(2026, 1, 20)
        self.row.run_date = date(2026, 1, 31)
        self.assertFalse(self.row.is_moved)
        self.monthly.cutoff = "days_before"
        self.assertEqual(self.row.cutoff_date, date(2026, 1, 30))

    def test_days_to_which_a_date_cannot_move(self):
        for day, message in [
            (date(2026, 1, 14), "Tower.*01/14/2026.*has passed"),
            (date(2026, 2, 28), "Tower.*02/28/2026 already"),
            (False, "Choose an invoice date.*Tower"),
        ]:
            with self.subTest(day), self.assertRaisesRegex(UserError, message):
                self.row.run_date = day
        self.assertEqual(self.row.run_date, date(2026, 1, 31))

    @freeze_time("2026-01-15 12:00:00")
    def test_today_is_that_of_the_company(self):
        self.work.company_id = self.env.company
        self.env.company.resource_calendar_id.tz = "Pacific/Auckland"
        self.row.with_context(tz="America/Los_Angeles").run_date = date(2026, 1, 16)
        with self.assertRaisesRegex(UserError, "01/15/2026.*has passed"):
            self.row.with_context(tz="America/Los_Angeles").run_date = date(2026, 1, 15)

    def test_what_is_not_planned_any_more_stays(self):
        for state in ("done", "nothing", "failed", "skipped"):
            self.row.sudo().state = state
            with self.subTest(state), self.assertRaisesRegex(UserError, "Tower.*moved"):
                self.row.run_date = date(2026, 1, 20)

    def test_nothing_else_can_be_written(self):
        for values in (
            {"cutoff_date": "2026-12-31"},
            {"state": "done"},
            {"run_date": "2026-01-20", "planned_date": False},
        ):
            with self.subTest(values), self.assertRaises(AccessError):
                self.row.write(values)

    # === Add ===

    def add_form(self, **values):
        form = Form(self.env["psa.invoice.schedule"].with_user(self.biller))
        for name, value in values.items():
            setattr(form, name, value)
        return form

    def test_an_added_date_is_billed_and_survives_another_frequency(self):
        form = self.add_form(project_id=self.work, run_date=date(2026, 1, 20))
        self.assertEqual(
            form.cutoff_date, date(2026, 1, 20), "As the frequency has it."
        )
        form.cutoff_date = date(2026, 1, 1)
        added = form.save()
        self.assertFalse(added.planned_date)
        self.assertIn("01/20/2026 was added", self.last_note())
        self.work.billing_frequency_id = self.env.ref("psa_invoicing.frequency_yearly")
        self.assertEqual(
            self.work.invoice_schedule_ids.mapped("run_date"),
            [date(2026, 1, 20), date(2026, 12, 31)],
        )
        self.run_due(date(2026, 1, 20))
        self.assertEqual(added.invoice_ids.amount_untaxed, 200)

    def test_an_added_date_of_a_project_that_is_billed_by_hand(self):
        self.work.billing_frequency_id = False
        form = self.add_form(project_id=self.work, run_date=date(2026, 1, 20))
        self.assertEqual(form.cutoff_date, date(2026, 1, 19))
        form.save()
        self.assertEqual(self.work.next_invoice_date, date(2026, 1, 20))

    def test_what_an_added_date_covers_moves_only_with_a_frequency(self):
        form = self.add_form(project_id=self.work, run_date=date(2026, 1, 20))
        form.cutoff_date = date(2026, 1, 18)
        added = form.save()
        added.run_date = date(2026, 1, 22)
        self.assertEqual(added.cutoff_date, date(2026, 1, 18), "A person entered it.")

    def test_dates_that_cannot_be_added(self):
        internal = self.project("Kitchen", allow_billable=False)
        template = self.project("Pattern", is_template=True)
        for project, day, message in [
            (self.work, date(2026, 1, 31), "Tower.*01/31/2026 already"),
            (self.work, date(2026, 1, 14), "Tower.*has passed"),
            (internal, date(2026, 1, 20), "Kitchen.*not billable"),
            (template, date(2026, 1, 20), "Pattern.*template"),
        ]:
            with (
                self.subTest(project=project.name, day=day),
                self.assertRaisesRegex(UserError, message),
            ):
                self.env["psa.invoice.schedule"].with_user(self.biller).create(
                    {"project_id": project.id, "run_date": day, "cutoff_date": day}
                )

    def test_a_result_cannot_be_added(self):
        with self.assertRaises(AccessError):
            self.env["psa.invoice.schedule"].with_user(self.biller).create(
                {
                    "project_id": self.work.id,
                    "run_date": date(2026, 1, 20),
                    "cutoff_date": date(2026, 1, 20),
                    "state": "done",
                }
            )

    # === What is shown ===

    def test_a_row_is_named_after_its_project_and_date(self):
        self.assertEqual(self.row.display_name, "Tower, 01/31/2026")

    def test_states_have_colors(self):
        states = [
            value
            for value, _label in self.row._fields["state"]._description_selection(
                self.env
            )
        ]
        colors = []
        for state in states:
            self.row.sudo().state = state
            colors.append(self.row.color)
        self.assertEqual(len(set(colors)), 5)

    def test_the_calendar_shows_on_which_days_the_company_works(self):
        days = self.rows.get_unusual_days("2026-01-30 00:00:00", "2026-02-01 23:59:59")
        self.assertEqual(
            days, {"2026-01-30": False, "2026-01-31": True, "2026-02-01": True}
        )
