# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


class TestDownPayments(BillingCase):
    """Every hour costs 100.00, and 15 % tax."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3)
        self.order = self.work.sale_line_id.order_id

    def pay_down(self, amount, order=None, post=True):
        order = order or self.order
        wizard = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": order.ids,
                "advance_payment_method": "fixed",
                "fixed_amount": amount,
            }
        )
        wizard.create_invoices()
        invoice = order.invoice_ids.sorted("id")[-1]
        if post:
            invoice.action_post()
        return invoice

    def paid_down(self):
        return self.order.order_line.filtered(
            lambda line: line.is_downpayment and not line.display_type
        )

    def test_a_run_never_deducts(self):
        self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 500)
        self.assertEqual(move.billing_downpayment_to_deduct, 100)

    def test_a_draft_down_payment_is_none_yet(self):
        self.pay_down(115, post=False)
        self.assertEqual(
            self.work._psa_invoice(JANUARY).billing_downpayment_to_deduct, 0
        )

    def test_deducted_by_button(self):
        down = self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        self.assertEqual((move.amount_untaxed, move.amount_tax), (400, 60))
        self.assertEqual(move.billing_downpayment_to_deduct, 0)
        deduction = move.invoice_line_ids.filtered("is_downpayment")[-1]
        self.assertEqual(
            deduction.account_id,
            down.invoice_line_ids.filtered("price_unit").account_id,
        )
        with self.assertRaisesRegex(UserError, "nothing to deduct"):
            move.action_psa_deduct_downpayment()
        move.action_post()
        self.assertEqual(
            self.order.amount_invoiced, 575, "Paid down 115, and the rest of 575."
        )
        self.assertEqual(self.paid_down().qty_to_invoice, 0)
        self.assert_ledger(move)

    def test_no_more_than_is_charged(self):
        """Of 800 paid down, 500 now and 300 later."""
        self.pay_down(920)
        first = self.work._psa_invoice(JANUARY)
        first.action_psa_deduct_downpayment()
        self.assertEqual(first.amount_total, 0)
        first.action_post()
        self.assertEqual(self.paid_down()._psa_undeducted(), 300)
        self.log(self.work, date(2026, 2, 1), 7)
        second = self.work._psa_invoice(FEBRUARY)
        self.assertEqual(second.billing_downpayment_to_deduct, 300)
        second.action_psa_deduct_downpayment()
        self.assertEqual((second.amount_untaxed, second.amount_tax), (400, 60))
        second.action_post()
        self.assertEqual(self.order.amount_invoiced, 1380)
        self.assertEqual(self.paid_down().qty_to_invoice, 0)

    def test_odoos_button_deducts_what_is_left(self):
        self.pay_down(920)
        first = self.work._psa_invoice(JANUARY)
        first.action_psa_deduct_downpayment()
        first.action_post()
        self.log(self.work, date(2026, 2, 1), 7)
        self.assertEqual(self.paid_down().qty_to_invoice, -1)
        last = self.order._create_invoices(final=True)
        self.assertEqual((last.amount_untaxed, last.amount_tax), (400, 60))

    def test_recalculate_deducts_no_more_than_is_left_to_charge(self):
        self.pay_down(460)
        move = self.work._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        self.assertEqual(move.amount_untaxed, 100)
        self.work.timesheet_ids[0].unlink()
        self.work.timesheet_ids[0].unit_amount = 2.5
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 0)
        self.assertEqual(move.billing_downpayment_to_deduct, 150)

    def test_recalculate_keeps_the_deduction(self):
        self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        self.log(self.work, date(2026, 1, 20), 1)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 500)

    def test_a_deleted_draft_deducts_nothing(self):
        self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        move.unlink()
        self.assertEqual(
            self.work._psa_invoice(JANUARY).billing_downpayment_to_deduct, 100
        )

    def test_by_setting(self):
        self.env.company.billing_deduct_downpayments = True
        self.pay_down(115)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 400)

    def test_paid_back_before_the_deduction_is_confirmed(self):
        """Nor is it deducted a second time by hand."""
        down = self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        deduction = move.invoice_line_ids.filtered("is_downpayment")[-1]
        second = deduction.copy(
            {"move_id": move.id, "sale_line_ids": deduction.sale_line_ids.ids}
        )
        self.check_takes_too_much_off(move)
        second.unlink()
        down._reverse_moves().action_post()
        self.check_takes_too_much_off(move)
        deduction.unlink()
        move.action_post()
        self.assertEqual(move.amount_untaxed, 500)

    def check_takes_too_much_off(self, move):
        with (
            self.assertRaisesRegex(UserError, "takes off 100 more than was paid"),
            self.cr.savepoint(),
        ):
            move.action_post()

    def test_the_down_payment_is_credited_later(self):
        down = self.pay_down(230)
        credit = down._reverse_moves()
        credit.action_post()
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(move.billing_downpayment_to_deduct, 0)
        move.action_post()
        self.assertEqual(self.order.amount_invoiced, 575)
        self.assertEqual(self.work.sale_line_id.qty_to_invoice, 0)

    def test_crediting_the_invoice_gives_the_deduction_back(self):
        self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        move.action_post()
        credit = move._reverse_moves()
        credit.action_post()
        self.assertEqual(self.paid_down()._psa_undeducted(), 100)
        self.assertEqual(self.order.amount_invoiced, 115)

    def test_each_tax_has_its_own_down_payment(self):
        """500 at 15 % and 500 at 5 %, a tenth paid down: 50 of each."""
        tax = self.env["account.tax"].create({"name": "Five", "amount": 5})
        self.env["sale.order.line"].create(
            {
                "order_id": self.order.id,
                "product_id": self._service("Fee", "manual", self.hour).id,
                "product_uom_qty": 5,
                "qty_delivered": 5,
                "tax_ids": [Command.set(tax.ids)],
            }
        )
        self.work.sale_line_id.product_uom_qty = 5
        wizard = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": self.order.ids,
                "advance_payment_method": "percentage",
                "amount": 10,
            }
        )
        wizard.create_invoices()
        self.order.invoice_ids.action_post()
        move = self.work._psa_invoice(date(2099, 1, 1))
        self.assertEqual((move.amount_untaxed, move.amount_tax), (1000, 100))
        move.action_psa_deduct_downpayment()
        self.assertEqual((move.amount_untaxed, move.amount_tax), (900, 90))

    # === Each tax by itself ===

    def share_paid_down(self, order, percent):
        wizard = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": order.ids,
                "advance_payment_method": "percentage",
                "amount": percent,
            }
        )
        wizard.create_invoices()
        order.invoice_ids.action_post()

    def order_of(self, *taxes, quantity=10):
        """A project whose order has a line for each tax, at 100.00."""
        project = self.project(name="Taxes")
        order = self.contract(project, product_uom_qty=quantity).order_id
        order.order_line.tax_ids = taxes[0]
        for tax in taxes[1:]:
            self.env["sale.order.line"].create(
                {
                    "order_id": order.id,
                    "product_id": order.order_line[0].product_id.id,
                    "product_uom_qty": quantity,
                    "tax_ids": [Command.set(tax.ids)],
                }
            )
        return project, order

    def tax(self, percent, **values):
        return self.env["account.tax"].create(
            {"name": f"{percent} %", "amount": percent, **values}
        )

    def test_work_without_taxes_first(self):
        """Half of 1,000 at 21 % and of 1,000 without: 500 and 105, and 500. Of the
        latter 400 are deducted from four hours without taxes, and nothing else."""
        none = self.env["account.tax"]
        project, order = self.order_of(self.tax(21), none)
        self.share_paid_down(order, 50)
        exempt = order.order_line.filtered(
            lambda line: not line.tax_ids and line.product_uom_qty
        )
        self.log(project, date(2026, 1, 5), 4, so_line=exempt.id)
        move = project._psa_invoice(JANUARY)
        move.action_psa_deduct_downpayment()
        self.assertEqual((move.amount_untaxed, move.amount_total), (0, 0))
        self.assertIn("cannot be deducted", move.message_ids[0].body)
        self.assertEqual(move.billing_downpayment_to_deduct, 600)
        move.action_post()
        self.assertEqual(move.psa_state, "paid")

    def test_nothing_with_these_taxes(self):
        project, order = self.order_of(self.tax(21), self.tax(5.5))
        order.order_line[1].product_uom_qty = 0
        self.share_paid_down(order, 50)
        self.log(project, date(2026, 1, 5), 4, so_line=order.order_line[1].id)
        move = project._psa_invoice(JANUARY)
        with self.assertRaisesRegex(
            UserError, r"500\.00 that was paid down on .* with 21 %"
        ):
            move.action_psa_deduct_downpayment()
        self.assertEqual(move.amount_untaxed, 400)

    def test_the_tax_of_three_parts(self):
        """110.01 paid down, with 22.00 of tax: 7.33, 7.34 and 7.33 of it."""
        project, order = self.order_of(self.tax(20))
        self.pay_down(132.01, order)
        (paid,) = order.order_line.filtered(
            lambda line: line.is_downpayment and not line.display_type
        )
        self.assertEqual(paid._psa_undeducted(), 110.01)
        taxes = []
        for month in (1, 2, 3):
            self.log(project, date(2026, month, 5), 10)
            move = project._psa_invoice(date(2026, month, 28))
            move._psa_deduct_downpayments({paid: 36.67})
            self.assertEqual(move.amount_untaxed, 963.33)
            taxes.append(200 - move.amount_tax)
            move.action_post()
        self.assertEqual([round(each, 2) for each in taxes], [7.33, 7.34, 7.33])
        self.assertEqual(paid._psa_undeducted(), 0)
        self.assert_nothing_on_the_account(paid)

    def assert_nothing_on_the_account(self, paid):
        """Of a down payment that is deducted, in both currencies."""
        items = paid.invoice_lines
        self.assertAlmostEqual(sum(items.mapped("balance")), 0)
        self.assertAlmostEqual(sum(items.mapped("amount_currency")), 0)

    def test_no_tax_below_zero(self):
        """Of the tax of a part a cent may be more than that of what is charged."""
        project, order = self.order_of(self.tax(20))
        for month in (1, 2, 3):
            self.log(project, date(2026, month, 5), 0.3667)
        order.order_line.price_unit = 99.1
        self.pay_down(132.01, order)
        for month in (1, 2, 3):
            move = project._psa_invoice(date(2026, month, 28))
            move.action_psa_deduct_downpayment()
            self.assertEqual((move.amount_untaxed, move.amount_total), (0, 0))
            move.action_post()

    def test_price_with_tax(self):
        """Prices contain 20 %: 120.00 paid down are 100.00 and 20.00 of tax."""
        project, order = self.order_of(
            self.tax(20, price_include_override="tax_included")
        )
        self.pay_down(120, order)
        (paid,) = order.order_line.filtered(
            lambda line: line.is_downpayment and not line.display_type
        )
        self.log(project, date(2026, 1, 5), 6)
        move = project._psa_invoice(JANUARY)
        self.assertEqual((move.amount_untaxed, move.amount_tax), (500, 100))
        move._psa_deduct_downpayments({paid: 33.33})
        self.assertEqual((move.amount_untaxed, move.amount_tax), (466.67, 93.33))
        move._psa_deduct_downpayments()
        self.assertEqual((move.amount_untaxed, move.amount_tax), (400, 80))

    def test_a_credit_note_deducts_nothing(self):
        """Nor is what is due to the customer owed to him once more."""
        self.env.company.billing_deduct_downpayments = True
        self.work._psa_invoice(JANUARY).action_post()
        self.pay_down(115)
        self.log(self.work, date(2026, 2, 1), -2)
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.work.ids, "cutoff_date": FEBRUARY}
        )
        wizard.action_next()
        credit = self.env["account.move"].browse(wizard.action_finish()["res_id"])
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 200))
        with self.assertRaises(UserError):
            credit.action_psa_deduct_downpayment()

    # === Currencies ===

    def test_in_another_currency(self):
        """A euro was half a dollar when 200 of it were paid down, and is a fourth now:
        what was booked then is taken back, and nothing is left on the account."""
        currency = self.setup_other_currency(
            "EUR", rates=[("2026-01-01", 2.0), ("2026-02-01", 4.0)]
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": currency.id}
        )
        for tax in (self.tax_sale_a, self.env["account.tax"]):
            project = self.project(name="Abroad")
            line = self.contract(project, pricelist_id=pricelist.id, price_unit=100)
            line.tax_ids = tax
            self.log(project, date(2026, 1, 5), 4)
            down = self.pay_down(
                200 * (1 + tax.amount / 100), line.order_id, post=False
            )
            down.invoice_date = date(2026, 1, 10)
            down.action_post()
            (paid,) = down.invoice_line_ids.sale_line_ids
            self.assertEqual(down.invoice_line_ids[-1].balance, -100)
            move = project._psa_invoice(JANUARY)
            self.assertEqual(move.billing_downpayment_to_deduct, 200)
            move.invoice_date = date(2026, 2, 10)
            move._psa_deduct_downpayments({paid: 50})
            self.assertEqual((move.currency_id, move.amount_untaxed), (currency, 350))
            move.action_post()
            self.log(project, date(2026, 2, 5), 4)
            last = project._psa_invoice(FEBRUARY)
            last.invoice_date = date(2026, 3, 10)
            last.action_psa_deduct_downpayment()
            self.assertEqual(last.amount_untaxed, 250)
            last.action_post()
            self.assertEqual(last.amount_tax, 250 * tax.amount / 100)
            self.assert_nothing_on_the_account(paid)

    def test_only_an_administrator_deducts(self):
        self.pay_down(115)
        move = self.work._psa_invoice(JANUARY)
        accountant = self.person("accountant", "account.group_account_invoice")
        with self.assertRaises(AccessError):
            move.with_user(accountant).action_psa_deduct_downpayment()
        self.assertEqual(move.amount_untaxed, 500)
