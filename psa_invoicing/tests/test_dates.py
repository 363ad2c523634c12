# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


@freeze_time("2026-02-02")
class TestDates(BillingCase):
    def invoice(self, cutoff=JANUARY, **values):
        return self.time_project(2, 3, **values)._psa_invoice(cutoff)

    def plan(self, project, run_date, cutoff_date):
        project.billing_start_date = date(2025, 1, 1)
        return (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": run_date,
                    "cutoff_date": cutoff_date,
                }
            )
        )

    # === Invoice date ===

    def test_dated_when_it_is_posted(self):
        move = self.invoice()
        self.assertFalse(move.invoice_date)
        move.action_post()
        self.assertEqual(move.invoice_date, date(2026, 2, 2))

    def test_dated_by_the_run(self):
        self.env.company.billing_invoice_date = "run"
        self.assertEqual(self.invoice().invoice_date, date(2026, 2, 2), "By hand.")
        project = self.time_project(2, name="Planned")
        row = self.plan(project, date(2026, 2, 1), JANUARY)
        self.run_due(date(2026, 2, 2), project)
        self.assertEqual(row.invoice_ids.invoice_date, date(2026, 2, 1))

    def test_dated_by_the_cutoff(self):
        self.env.company.billing_invoice_date = "cutoff"
        move = self.invoice()
        self.assertEqual(move.invoice_date, JANUARY)
        move.billing_cutoff_date = date(2026, 1, 30)
        self.assertEqual(move.invoice_date, date(2026, 1, 30))
        move.invoice_date = date(2026, 2, 1)
        move.billing_cutoff_date = JANUARY
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_date, date(2026, 2, 1), "A person chose it.")

    def test_not_before_the_last_invoice_of_the_journal(self):
        self.env.company.billing_invoice_date = "cutoff"
        first, second = self.invoice(date(2026, 2, 1)), self.invoice(name="Second")
        first.action_post()
        second.action_post()
        self.assertEqual(second.invoice_date, date(2026, 2, 1))
        self.assertIn("moved from 01/31/2026", second.message_ids[0].body)
        self.assertLess(first.sequence_number, second.sequence_number)

    def test_not_in_a_locked_period(self):
        self.env.company.billing_invoice_date = "cutoff"
        move = self.invoice()
        self.env.company.sale_lock_date = JANUARY
        move.action_post()
        self.assertEqual(move.invoice_date, date(2026, 2, 1))
        self.assertEqual(move.date, date(2026, 2, 1))

    def test_a_date_that_a_person_chose_stays(self):
        """Then Odoo itself moves the accounting date alone."""
        move = self.invoice()
        move.invoice_date = date(2026, 1, 15)
        self.env.company.sale_lock_date = JANUARY
        move.action_post()
        self.assertEqual(move.invoice_date, date(2026, 1, 15))
        self.assertGreater(move.date, JANUARY)

    def test_each_company_has_its_own_rule(self):
        self.env.company.billing_invoice_date = "cutoff"
        other = self.setup_other_company()["company"]
        self.assertEqual(other.billing_invoice_date, "posting")
        self.assertEqual(self.invoice().invoice_date, JANUARY)

    # === Year end ===

    @freeze_time("2026-12-28")
    def test_a_run_of_december_leaves_january_alone(self):
        self.env.company.billing_stop_at_year_end = True
        project = self.project()
        self.contract(project)
        self.log(project, date(2026, 12, 30), 2)
        late = self.log(project, date(2027, 1, 2), 3)
        row = self.plan(project, date(2026, 12, 28), date(2027, 1, 3))
        self.run_due(date(2026, 12, 28), project)
        self.assertEqual(row.invoice_ids.amount_untaxed, 200)
        self.assertEqual(row.invoice_ids.billing_cutoff_date, date(2026, 12, 31))
        self.assertEqual(late.open_quantity, 3)

    # === Rate and delivery ===

    def test_the_rate_is_that_of_the_invoice_date(self):
        currency = self.setup_other_currency(
            "EUR", rates=[("2026-01-01", 2.0), ("2026-02-01", 4.0)]
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": currency.id}
        )
        self.env.company.billing_invoice_date = "cutoff"
        project = self.project()
        self.contract(project, pricelist_id=pricelist.id, price_unit=100)
        self.log(project, date(2026, 1, 5), 4)
        move = project._psa_invoice(JANUARY)
        move.action_post()
        self.assertEqual(move.amount_untaxed, 400)
        self.assertEqual(move.amount_untaxed_signed, 200, "Two euros a dollar.")

    def become_german(self):
        self.time_product.taxes_id = [Command.clear()]
        self.env.company.account_fiscal_country_id = self.env.ref("base.de")

    def test_no_service_after_the_invoice_date(self):
        """A cut-off that is still to come: then it is the last transaction."""
        if not self.env["ir.module.module"].search_count(
            [("name", "=", "l10n_de"), ("state", "=", "installed")]
        ):
            self.skipTest("The German localisation is not installed.")
        self.become_german()
        move = self.invoice(date(2026, 2, 28))
        self.assertEqual(move.delivery_date, date(2026, 1, 2))
        move.delivery_date = date(2026, 2, 20)
        move.action_post()
        self.assertEqual(move.invoice_date, date(2026, 2, 2))
        self.assertEqual(move.delivery_date, date(2026, 1, 2))
        self.assertEqual(move._billing_period()[1], date(2026, 2, 28))

    def test_the_service_day(self):
        move = self.invoice()
        for end, day in (
            (date(2026, 1, 31), date(2026, 1, 31)),
            (date(2026, 2, 2), date(2026, 2, 2)),
            (date(2026, 2, 28), date(2026, 1, 2)),
        ):
            self.assertEqual(move._psa_service_day(end), day)

    def test_the_period_ends_with_the_delivery_where_the_country_shows_it(self):
        if not self.env["ir.module.module"].search_count(
            [("name", "=", "l10n_de"), ("state", "=", "installed")]
        ):
            self.skipTest("The German localisation is not installed.")
        self.assertFalse(self.invoice().delivery_date)
        self.become_german()
        move = self.invoice(name="German")
        self.assertEqual(move.delivery_date, JANUARY)
        move.billing_cutoff_date = date(2026, 1, 30)
        self.assertEqual(move.delivery_date, date(2026, 1, 30))

    # === Periods ===

    def test_late_work_is_marked(self):
        """January was billed; an entry of 10 January comes after that."""
        project = self.time_project(2)
        first = project._psa_invoice(JANUARY)
        self.assertFalse(first.billing_earlier_period_count)
        first.action_post()
        late = self.log(project, date(2026, 1, 10), 1)
        self.log(project, date(2026, 2, 1), 3)
        second = project._psa_invoice(date(2026, 2, 28))
        self.assertEqual(second.billing_earlier_period_count, 1)
        marked = second.detail_ids.filtered("is_earlier_period")
        self.assertEqual(marked.analytic_line_id, late)
        late.date = date(2026, 2, 2)
        second.action_psa_recalculate()
        self.assertEqual(second.billing_earlier_period_count, 0)

    def test_a_cutoff_that_is_still_to_come(self):
        project = self.time_project(2)
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": JANUARY}
        )
        self.assertFalse(wizard.is_cutoff_in_future)
        wizard.cutoff_date = date(2026, 2, 28)
        self.assertTrue(wizard.is_cutoff_in_future)
        self.log(project, date(2026, 2, 27), 1)
        self.assertEqual(
            project._psa_invoice(date(2026, 2, 28)).amount_untaxed,
            300,
            "Firms close their month before its end.",
        )

    # === Sent, and taken back ===

    def test_marked_as_sent(self):
        move = self.invoice()
        with self.assertRaisesRegex(UserError, "no confirmed"):
            move.action_psa_mark_sent()
        move.action_post()
        move.action_psa_mark_sent()
        self.assertEqual(move.psa_state, "sent")
        self.assertEqual(move.billing_sent_date, date(2026, 2, 2))

    def test_only_an_administrator_marks_as_sent(self):
        move = self.invoice()
        move.action_post()
        accountant = self.person("accountant", "account.group_account_invoice")
        with self.assertRaises(AccessError):
            move.with_user(accountant).action_psa_mark_sent()
        self.assertFalse(move.billing_sent_date)

    def test_resetting_a_sent_invoice_needs_a_reason(self):
        move = self.invoice()
        move.action_post()
        move.action_psa_mark_sent()
        dialog = (
            self.env["psa.reset.to.draft"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"reason": " "})
        )
        with self.assertRaisesRegex(UserError, "Say why"):
            dialog.action_apply()
        self.assertEqual(move.state, "posted")
        dialog.reason = "Wrong address"
        dialog.action_apply()
        self.assertEqual(move.psa_state, "draft")
        self.assertFalse(move.billing_sent_date)
        self.assertIn("Wrong address", move.message_ids[0].body)
