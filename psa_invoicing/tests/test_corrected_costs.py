# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Vendor bills whose price is corrected after their customer was invoiced."""

from datetime import date

from odoo.fields import Command

from .common import BillingCase

ALWAYS = date(2099, 12, 31)


class TestCorrectedCosts(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.subcontractor = cls.env["product.product"].create(
            {
                "name": "Subcontractor",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "standard_price": 0,
                "taxes_id": [Command.clear()],
                "supplier_taxes_id": [Command.clear()],
            }
        )
        cls.costs_project = cls._project_with_account("Project")

    @classmethod
    def _project_with_account(cls, name):
        project = cls.project(name)
        cls.contract(project).order_id.project_id = project
        if not project.account_id:
            project._create_analytic_account()
        return project

    def billed_bill(self, *projects, **values):
        """A vendor bill of 100.00 that was invoiced to the customer."""
        projects = projects or (self.costs_project,)
        distribution = {
            project.account_id.id: 100 / len(projects) for project in projects
        }
        values = {"price_unit": 100, **values}
        bill = self.posted_bill(self.subcontractor, distribution, **values)
        for project in projects:
            project._psa_invoice(ALWAYS).action_post()
        return bill

    def correct(self, bill, price, **values):
        bill.button_draft()
        bill.invoice_line_ids.write({"price_unit": price, **values})
        bill.action_post()

    def next_amount(self, project=None):
        """Untaxed amount of what the wizard makes next, posted; a credit note's is
        below zero."""
        before = self.env["account.move"].search([])
        wizard = self.env["psa.manual.invoice"].create(
            {
                "project_ids": (project or self.costs_project).ids,
                "cutoff_date": ALWAYS,
            }
        )
        wizard.action_next()
        if wizard.line_ids:
            wizard.action_finish()
        moves = self.env["account.move"].search([]) - before
        moves.action_post()
        self.assert_ledger(moves.filtered(lambda move: move.move_type == "out_invoice"))
        return sum(
            move.amount_untaxed * (-1 if move.move_type == "out_refund" else 1)
            for move in moves
        )

    def contract_lines(self, project=None):
        order = (project or self.costs_project).sale_line_id.order_id
        return order.order_line.filtered("is_expense")

    def test_the_cost_rises(self):
        bill = self.billed_bill()
        self.correct(bill, 150)
        move = self.costs_project._psa_invoice(ALWAYS)
        self.assertEqual(move.amount_untaxed, 50)
        self.assertIn("Correction of", move.invoice_line_ids.name)
        self.assertIn(
            "150.00 instead of $\N{NO-BREAK SPACE}100.00", move.invoice_line_ids.name
        )
        self.assertEqual(move.invoice_line_ids.quantity, 1)
        self.assertEqual(move.detail_ids.source_move_line_id, bill.invoice_line_ids)
        move.action_post()
        self.assertFalse(self.next_amount())
        self.assertEqual(self.contract_lines().mapped("qty_to_invoice"), [0, 0])

    def test_the_cost_falls(self):
        self.correct(self.billed_bill(), 80)
        self.assertFalse(self.costs_project._psa_invoice(ALWAYS))
        self.assertEqual(self.next_amount(), -20)
        self.assertFalse(self.next_amount())
        self.assertEqual(self.contract_lines().mapped("qty_to_invoice"), [0, 0])

    def test_the_button_of_odoo_bills_the_difference(self):
        self.correct(self.billed_bill(), 150)
        order = self.costs_project.sale_line_id.order_id
        self.assertEqual(self.contract_lines().mapped("qty_to_invoice"), [0, 1])
        self.assertEqual(order._create_invoices().amount_untaxed, 50)

    def test_corrected_back_there_is_nothing(self):
        bill = self.billed_bill()
        self.correct(bill, 150)
        self.correct(bill, 100)
        self.assertFalse(self.next_amount())
        self.assertEqual(self.contract_lines().mapped("qty_to_invoice"), [0, 0])

    def test_corrected_twice_before_it_is_billed(self):
        bill = self.billed_bill()
        self.correct(bill, 150)
        self.correct(bill, 70)
        self.assertEqual(self.next_amount(), -30)

    def test_corrected_again_after_it_was_billed(self):
        bill = self.billed_bill()
        for price, due in ((150, 50), (120, -30), (120, 0), (200, 80)):
            self.correct(bill, price)
            self.assertEqual(self.next_amount(), due)

    def test_a_draft_follows(self):
        bill = self.billed_bill()
        self.correct(bill, 150)
        move = self.costs_project._psa_invoice(ALWAYS)
        self.correct(bill, 160)
        self.assertTrue(move.needs_recalculation)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 60)

    def test_the_price_that_was_agreed_stays(self):
        """100 was sold as 120: 50 more is 50 more."""
        bill = self.posted_bill(
            self.subcontractor, {self.costs_project.account_id.id: 100}, price_unit=100
        )
        self.contract_lines().price_unit = 120
        self.assertEqual(self.next_amount(), 120)
        self.correct(bill, 150)
        self.assertEqual(self.next_amount(), 50)

    def test_another_quantity_at_another_price(self):
        """2 at 80 are 160: the second one at the price of the first, less 40."""
        self.correct(self.billed_bill(), 80, quantity=2)
        self.assertEqual(self.next_amount(), 60)

    def test_each_project_bears_its_share(self):
        other = self._project_with_account("Other")
        bill = self.billed_bill(self.costs_project, other)
        self.correct(bill, 150)
        self.assertEqual(self.next_amount(), 25)
        self.assertEqual(self.next_amount(other), 25)

    def test_a_bill_taken_back_takes_its_correction_along(self):
        bill = self.billed_bill()
        self.correct(bill, 150)
        self.assertEqual(self.next_amount(), 50)
        bill.button_draft()
        self.assertEqual(self.next_amount(), -150)
        bill.action_post()
        self.assertEqual(self.next_amount(), 150)

    def test_a_vendor_credit_takes_the_corrected_price_back(self):
        bill = self.billed_bill()
        self.correct(bill, 150)
        self.assertEqual(self.next_amount(), 50)
        reversal = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=bill.ids)
            .create({"journal_id": bill.journal_id.id, "date": bill.date})
        )
        reversal.refund_moves()
        credit = reversal.new_move_ids
        credit.invoice_date = bill.invoice_date
        credit.action_post()
        self.assertEqual(self.next_amount(), -150)

    def test_the_day_of_the_rate_counts(self):
        """A bill in a foreign currency, posted again on a day of another rate."""
        currency = self.setup_other_currency("EUR", rates=[("2026-01-01", 0.5)])
        bill = self.billed_bill()
        self.assertEqual(bill.amount_total, 100)
        bill.button_draft()
        bill.currency_id = currency
        bill.invoice_line_ids.price_unit = 55
        bill.action_post()
        self.assertEqual(self.next_amount(), 10)
