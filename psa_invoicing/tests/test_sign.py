# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The total with taxes decides whether something is an invoice or a credit note."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
ALWAYS = date(2099, 12, 31)


class TestSign(BillingCase):
    """Ten hours at 100.00 and 21 %: 1,210.00 with taxes; and what comes off them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vat = cls.env["account.tax"].create(
            {"name": "21 %", "amount": 21, "type_tax_use": "sale"}
        )
        cls.work = cls.project("Work")
        cls.line = cls.contract(cls.work)
        cls.line.tax_ids = cls.vat

    def extra(self, price, tax=None):
        """Something else on the order, billed as ordered."""
        product = self._service("Extra", "manual", self.env.ref("uom.product_uom_unit"))
        product.invoice_policy = "order"
        return self.env["sale.order.line"].create(
            {
                "order_id": self.line.order_id.id,
                "product_id": product.id,
                "product_uom_qty": 1,
                "price_unit": price,
                "tax_ids": [Command.set(tax.ids if tax else [])],
            }
        )

    def voucher(self):
        """1,210 - 1,100 = 110 are due, and 1,000 - 1,100 = -100 untaxed."""
        self.log(self.work, JANUARY, 10)
        return self.extra(-1100)

    def rebate(self):
        """1,100 - 1,210 = -110 with taxes, and 1,100 - 1,000 = 100 untaxed."""
        self.extra(1100)
        return self.extra(-1000, self.vat)

    def wizard(self):
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.work.ids, "cutoff_date": ALWAYS}
        )
        wizard.action_next()
        return wizard

    def finish(self):
        before = self.env["account.move"].search([])
        wizard = self.wizard()
        wizard.action_finish()
        return self.env["account.move"].search([]) - before

    def row(self):
        row = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": self.work.id,
                    "run_date": ALWAYS,
                    "cutoff_date": ALWAYS,
                }
            )
        )
        row._bill()
        return row

    def test_a_run_bills_what_is_due(self):
        self.voucher()
        move = self.work._psa_invoice(ALWAYS)
        self.assertEqual((move.move_type, move.amount_total), ("out_invoice", 110))
        move.action_post()

    def test_the_schedule_says_nothing_of_a_credit(self):
        self.voucher()
        row = self.row()
        self.assertEqual((row.state, row.error), ("done", False))

    def test_the_wizard_makes_an_invoice(self):
        self.voucher()
        self.assertFalse(self.wizard()._review()["credit_warning"])
        move = self.finish()
        self.assertEqual((move.move_type, move.amount_total), ("out_invoice", 110))
        move.action_post()

    def test_a_run_bills_nothing_that_is_due_to_the_customer(self):
        self.rebate()
        self.assertFalse(self.work._psa_invoice(ALWAYS))
        row = self.row()
        self.assertEqual(row.state, "nothing")
        self.assertIn("110.00", row.error)

    def test_the_wizard_makes_a_credit_note(self):
        self.rebate()
        self.assertIn("110.00", self.wizard()._review()["credit_warning"])
        move = self.finish()
        self.assertEqual((move.move_type, move.amount_total), ("out_refund", 110))
        move.action_post()
        self.assertEqual(
            self.line.order_id.order_line.mapped("qty_to_invoice"), [0] * 3
        )

    def test_added_to_a_draft(self):
        """What leaves it with a total that can be posted."""
        self.log(self.work, JANUARY, 10)
        draft = self.work._psa_invoice(ALWAYS)
        self.extra(-1100)
        self.add(draft)
        self.assertEqual(draft.amount_total, 110)
        draft.action_post()

    def test_not_added_to_a_draft(self):
        self.extra(1100)
        draft = self.work._psa_invoice(ALWAYS)
        self.extra(-1000, self.vat)
        with self.assertRaisesRegex(UserError, "would be negative"):
            self.add(draft)

    def add(self, draft):
        billing = self.env["psa.billing"]
        request = draft._billing_request()
        billing.bill(request, billing.select(request), into=draft)

    def test_the_down_payment_stays_as_long_as_something_is_due(self):
        """200 untaxed, 20 offered of 21 %: the deduction of 100 is not fitted."""
        payment = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": self.line.order_id.ids,
                "advance_payment_method": "fixed",
                "fixed_amount": 121,
            }
        )
        payment.create_invoices()
        self.line.order_id.invoice_ids.action_post()
        self.log(self.work, JANUARY, 10)
        draft = self.work._psa_invoice(ALWAYS)
        draft.action_psa_deduct_downpayment()
        deducted = draft.amount_total
        self.extra(-950)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_total, deducted - 950)
        self.assertLess(draft.amount_untaxed, 0)
