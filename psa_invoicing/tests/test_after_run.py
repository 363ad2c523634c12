# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a company wants of its invoice runs: what follows them, what was missed, and who
is reminded of drafts."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import ValidationError

from .common import BillingCase

JANUARY = date(2026, 1, 31)
REMINDER = "psa_invoicing.mail_activity_type_reminder"


class AfterRunCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")
        cls.work = cls.due_project(2, name="Tower")

    @classmethod
    def due_project(cls, *hours, **values):
        return cls.time_project(
            *hours,
            billing_frequency_id=cls.monthly.id,
            billing_start_date=date(2026, 1, 1),
            **values,
        )

    def row(self, project, month):
        return project.invoice_schedule_ids.filtered(
            lambda row: (row.run_date.year, row.run_date.month) == (2026, month)
        )


@freeze_time("2026-01-01")
class TestSendAfterRun(AfterRunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.billing_after_run = "send"

    def test_drafts_are_confirmed_and_handed_over(self):
        self.run_due(JANUARY)
        invoice = self.row(self.work, 1).invoice_ids
        self.assertEqual(invoice.state, "posted")
        self.assertTrue(invoice.is_being_sent, "Odoo's scheduled action sends it.")

    def test_what_cannot_be_sent_stays_a_draft_and_says_why(self):
        nobody = self.env["res.partner"].create({"name": "Nobody"})
        silent = self.due_project(3, name="Silent", customer=nobody)
        self.run_due(JANUARY)
        draft = self.row(silent, 1).invoice_ids
        self.assertEqual(draft.state, "draft")
        self.assertIn("no e-mail address", draft.billing_sending_error)
        self.assertEqual(self.row(self.work, 1).invoice_ids.state, "posted")
        nobody.email = "nobody@example.com"
        action = draft.action_psa_send()
        self.assertEqual(action["res_model"], "account.move.send.wizard")
        self.assertEqual(draft.state, "draft")
        self.send(draft)
        self.assertEqual(draft.state, "posted")

    def test_what_odoo_refuses_to_confirm(self):
        """An archived account: the others are confirmed all the same."""
        account = self.company_data["default_account_revenue"].copy({"code": "OLD1"})
        product = self._service("Old hour", "timesheet", self.hour)
        product.property_account_income_id = account
        old = self.project(
            "Old",
            billing_frequency_id=self.monthly.id,
            billing_start_date=date(2026, 1, 1),
        )
        self.contract(old, product)
        self.log(old, date(2026, 1, 5), 1)
        account.active = False
        self.run_due(JANUARY)
        draft = self.row(old, 1).invoice_ids
        self.assertEqual(draft.state, "draft")
        self.assertIn("archived", draft.billing_sending_error)
        self.assertEqual(self.row(self.work, 1).invoice_ids.state, "posted")

    def test_a_company_that_looks_at_drafts(self):
        self.env.company.billing_after_run = "review"
        self.run_due(JANUARY)
        self.assertEqual(self.row(self.work, 1).invoice_ids.state, "draft")

    def test_not_with_a_review(self):
        with self.assertRaisesRegex(ValidationError, "Switch one of the two off"):
            self.env.company.billing_review_required = True


@freeze_time("2026-01-01")
class TestCatchUp(AfterRunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.log(cls.work, date(2026, 2, 10), 3)
        cls.log(cls.work, date(2026, 3, 10), 4)

    def test_a_draft_for_each_missed_date(self):
        run = self.run_due(date(2026, 4, 1))
        drafts = [self.row(self.work, month).invoice_ids for month in (1, 2, 3)]
        self.assertEqual([draft.amount_untaxed for draft in drafts], [200, 300, 400])
        self.assertEqual(run.invoice_ids, drafts[0] + drafts[1] + drafts[2])

    def test_one_draft_for_all_that_was_missed(self):
        self.env.company.billing_catch_up = "one"
        run = self.run_due(date(2026, 4, 1))
        rows = [self.row(self.work, month) for month in (1, 2, 3)]
        self.assertEqual([row.state for row in rows], ["done"] * 3)
        draft = run.invoice_ids
        self.assertEqual([row.invoice_ids for row in rows], [draft] * 3)
        self.assertEqual(draft.amount_untaxed, 900)
        self.assertEqual(draft.billing_cutoff_date, date(2026, 3, 31))
        self.assertEqual(self.work.next_invoice_date, date(2026, 4, 30))
        self.assert_ledger(draft)

    def test_one_draft_for_all_dates_of_all_scopes(self):
        """Milestones on the 1st of the next month, time on the last day."""
        self.env.company.billing_catch_up = "one"
        self.env["psa.billing.override"].create(
            {
                "project_id": self.work.id,
                "transaction_type": "milestone",
                "frequency_id": self.env.ref(
                    "psa_invoicing.frequency_monthly_first_day"
                ).id,
            }
        )
        package = self.contract(self.work, self.milestone_product, product_uom_qty=1)
        self.milestone(self.work, package, 0.5, date(2026, 1, 15))
        run = self.run_due(date(2026, 3, 1))
        self.assertEqual(run.invoice_ids.amount_untaxed, 550)
        states = self.work.invoice_schedule_ids.filtered(
            lambda row: row.run_date <= date(2026, 3, 1)
        ).mapped("state")
        self.assertEqual(states, ["done"] * 4)

    def test_while_it_fails_all_of_them_wait(self):
        self.env.company.billing_catch_up = "one"
        line = self.work.sale_line_id
        self.work.partner_id = False
        self.run_due(date(2026, 4, 1))
        self.assertEqual(
            [self.row(self.work, month).state for month in (1, 2, 3)],
            ["planned", "planned", "failed"],
        )
        self.work.write({"partner_id": self.customer.id, "sale_line_id": line.id})
        run = self.run_due(date(2026, 4, 2))
        self.assertEqual(run.invoice_ids.amount_untaxed, 900)


class TestReminder(AfterRunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.billing_reminder_days = 5
        cls.manager = cls.person("manager", "project.group_project_manager")
        cls.work.user_id = cls.manager
        with freeze_time("2026-02-01"):
            cls.draft = cls.work._psa_invoice(JANUARY)
            cls.env.flush_all()
        # Odoo's own clock is that of the database.
        cls.env.cr.execute(
            "UPDATE account_move SET create_date = '2026-02-01' WHERE id = %s",
            [cls.draft.id],
        )
        cls.env.invalidate_all()

    def remind(self, day):
        with freeze_time(day):
            self.env["account.move"]._psa_remind_of_drafts()
        return self.draft.activity_search([REMINDER])

    def test_once_and_after_some_days(self):
        self.assertFalse(self.remind("2026-02-05"))
        activity = self.remind("2026-02-07")
        self.assertEqual(activity.user_id, self.manager)
        self.assertEqual(self.remind("2026-02-08"), activity)

    def test_who_looks_after_the_billing_comes_first(self):
        self.work.billing_user_id = self.env.user
        self.assertEqual(self.remind("2026-02-07").user_id, self.env.user)

    def test_it_is_settled_by_confirming(self):
        self.remind("2026-02-07")
        self.draft.action_post()
        self.assertFalse(self.draft.activity_search([REMINDER]))

    def test_not_if_nobody_asked_for_it(self):
        self.env.company.billing_reminder_days = 0
        self.assertFalse(self.remind("2026-12-31"))


@freeze_time("2026-01-01")
class TestUnusable(AfterRunCase):
    def test_no_sales_journal(self):
        self.env["account.journal"].search(
            [("type", "=", "sale"), ("company_id", "=", self.env.company.id)]
        ).active = False
        self.run_due(JANUARY)
        row = self.row(self.work, 1)
        self.assertEqual(row.state, "failed")
        self.assertIn("Tower", row.error)
        self.assertIn("no sales journal", row.error)
        self.assertIn("Configuration", row.error)
