# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Choosing a frequency parks no work without a word."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from .common import BillingCase

TODAY = date(2026, 1, 15)


def said(text) -> str:
    """A message, with plain blanks."""
    return (text or "").replace("\N{NO-BREAK SPACE}", " ")


@freeze_time("2026-01-15")
class TestBillingStart(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")
        cls.weekly = cls.env.ref("psa_invoicing.frequency_weekly")
        cls.work = cls.time_project(2, 3)

    def choose(self, project, frequency=None):
        with Form(project) as form:
            form.billing_frequency_id = frequency or self.monthly
        return project

    def notes(self, project):
        project.invalidate_recordset(["billing_left_out", "billing_taken_in"])
        return said(project.billing_left_out), said(project.billing_taken_in)

    # === In the form ===

    def test_the_oldest_open_entry_is_proposed(self):
        self.choose(self.work)
        self.assertEqual(self.work.billing_start_date, date(2026, 1, 1))
        left_out, taken_in = self.notes(self.work)
        self.assertFalse(left_out)
        self.assertIn("takes in 2 transactions, $ 500.00, since 01/01/2026", taken_in)
        self.run_due(date(2026, 1, 31))
        self.assertEqual(self.work.billing_invoice_ids.amount_untaxed, 500)
        self.assertEqual(self.notes(self.work), ("", ""))

    def test_the_form_says_so_before_it_is_saved(self):
        with Form(self.work) as form:
            form.billing_frequency_id = self.monthly
            self.assertIn("takes in 2 transactions", form.billing_taken_in)
            form.billing_start_date = date(2026, 1, 2)
            self.assertIn("1 transaction, $ 200.00, since", said(form.billing_left_out))
            self.assertIn(
                "takes in 1 transaction, $ 300.00", said(form.billing_taken_in)
            )
            form.billing_frequency_id = self.weekly
            self.assertEqual(form.billing_start_date, date(2026, 1, 2), "It was chosen")

    def test_what_is_billed_is_not_open(self):
        self.work._psa_invoice(date(2026, 1, 1))
        self.choose(self.work)
        self.assertEqual(self.work.billing_start_date, date(2026, 1, 2))
        self.assertEqual(self.notes(self.work), ("", ""), "It is not the first one.")

    def test_what_is_held_is_not_proposed(self):
        self.work.timesheet_ids.filtered(
            lambda entry: entry.date == date(2026, 1, 1)
        ).billing_hold = True
        self.choose(self.work)
        self.assertEqual(self.work.billing_start_date, date(2026, 1, 2))

    def test_what_is_dated_later_is_not_waited_for(self):
        project = self.project("New")
        self.contract(project)
        self.log(project, date(2026, 1, 20), 1)
        self.choose(project)
        self.assertEqual(project.billing_start_date, TODAY)

    def test_what_is_older_than_a_year_is_asked_for(self):
        self.log(self.work, date(2024, 12, 31), 4)
        with Form(self.work) as form:
            form.billing_frequency_id = self.monthly
            self.assertFalse(form.billing_start_date)
            self.assertIn(
                "Open since 12/31/2024, more than a year ago: 3 transactions, $ 900.00",
                said(form.billing_left_out),
            )
            with self.assertRaisesRegex(AssertionError, "billing_start_date"):
                form.save()
            form.billing_start_date = date(2026, 1, 1)
            self.assertIn("1 transaction, $ 400.00", said(form.billing_left_out))

    def test_a_start_that_there_is_stays(self):
        self.work.billing_start_date = date(2026, 1, 2)
        self.choose(self.work)
        self.assertEqual(self.work.billing_start_date, date(2026, 1, 2))

    # === The other way ===

    def test_start_today_instead_and_back(self):
        self.choose(self.work)
        self.work.action_psa_start_today()
        self.assertEqual(self.work.billing_start_date, TODAY)
        left_out, taken_in = self.notes(self.work)
        self.assertIn("bills it: 2 transactions, $ 500.00, since 01/01/2026", left_out)
        self.assertFalse(taken_in)
        self.work.action_psa_start_with_oldest()
        self.assertEqual(self.work.billing_start_date, date(2026, 1, 1))
        self.assertFalse(self.notes(self.work)[0])

    def test_nothing_is_open(self):
        with self.assertRaisesRegex(UserError, "Nothing is open"):
            self.project("Empty").action_psa_start_with_oldest()

    def test_who_may_choose_the_start(self):
        self.choose(self.work)
        employee = self.person("employee", "hr_timesheet.group_hr_timesheet_user")
        for method in ("action_psa_start_today", "action_psa_start_with_oldest"):
            with self.assertRaises(AccessError):
                getattr(self.work.with_user(employee), method)()
        biller = self.person("biller", "psa_invoicing.group_billing_manager")
        self.work.with_user(biller).action_psa_start_today()
        self.assertEqual(self.work.billing_start_date, TODAY)

    def test_amounts_are_for_those_who_may_see_them(self):
        self.choose(self.work)
        manager = self.person("manager", "project.group_project_manager")
        note = self.work.with_user(manager).billing_taken_in
        self.assertIn("takes in 2 transactions, since", note)

    # === Elsewhere ===

    def test_a_list_an_import_or_a_call_starts_today_and_says_what_is_parked(self):
        self.work.billing_frequency_id = self.monthly
        self.assertEqual(self.work.billing_start_date, TODAY)
        told = self.work.message_ids.mapped("body")
        self.assertTrue(any("500.00, since 01/01/2026" in body for body in told))
        self.env.cr.precommit.run()
        messages = self.env["bus.bus"].sudo().search([]).mapped("message")
        self.assertTrue(any("Before the billing start" in each for each in messages))

    def test_nothing_is_said_where_nothing_is_parked(self):
        empty = self.project("Empty")
        before = empty.message_ids
        empty.billing_frequency_id = self.monthly
        self.assertFalse(
            any(
                "billing start" in str(message.body)
                for message in empty.message_ids - before
            )
        )

    def test_a_start_that_comes_along_is_meant(self):
        self.work.write({"billing_frequency_id": self.monthly.id} | self.started())
        told = self.work.message_ids.mapped("body")
        self.assertFalse(any("Before the billing" in body for body in told))

    def started(self):
        return {"billing_start_date": date(2026, 1, 10)}

    def test_the_overview_has_a_card(self):
        self.choose(self.work)
        self.work.action_psa_start_today()
        card = self.env["psa.start.page"].get_card("before_start")
        self.assertEqual((card["count"], *map(said, card["details"])), (2, "$ 500.00"))
        action = self.env["psa.start.page"].open_card("before_start")
        self.assertEqual(action["context"], {"search_default_before_start": 1})
