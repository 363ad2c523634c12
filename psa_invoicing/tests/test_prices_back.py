# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is taken back is taken back at what was billed for it: other ways of making the
source, other signs, taxes, days, currencies and documents."""

from datetime import date

from odoo.fields import Command

from .common import BillingCase
from .cost_case import FEBRUARY, JANUARY, LATER, CostCase


class TestPricesBack(CostCase):
    def billed_at(self, price, **values):
        """A hotel of 250, and its invoice, on which somebody has typed another price.

        :param values: also typed
        """
        bill = self.vendor_bill()
        draft = self.trip._psa_invoice(JANUARY)
        draft.invoice_line_ids.write({"price_unit": price, **values})
        draft.action_post()
        return bill, draft

    def reverse_invoice(self, invoice, **values):
        """:param values: of its lines; then the credit note is confirmed"""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.reverse_moves()
        note = wizard.new_move_ids
        note.invoice_line_ids.write(values)
        note.action_post()
        return note

    def due(self):
        return sum(self.open().mapped("amount"))

    def assert_credited(self, untaxed, total=None):
        self.assertEqual(self.due(), -untaxed)
        credit = self.credit()
        self.assertEqual(credit.move_type, "out_refund")
        self.assertEqual(
            (credit.amount_untaxed, credit.amount_total),
            (untaxed, total or untaxed),
        )
        credit.action_post()
        self.assert_nothing_is_due()

    def test_a_discount_was_typed(self):
        bill, _invoice = self.billed_at(250, discount=20)
        self.reverse(bill)
        self.assert_credited(200)

    def test_a_discount_of_the_order(self):
        bill = self.vendor_bill()
        self.costs().sale_line_id.discount = 10
        draft = self.trip._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 225)
        draft.invoice_line_ids.price_unit = 200
        draft.action_post()
        self.reverse(bill)
        self.assert_credited(180)

    def test_a_tax_in_the_price(self):
        """242 with the tax, in place of 250."""
        self.hotel.taxes_id = self.env["account.tax"].create(
            {
                "name": "21 % in the price",
                "amount": 21,
                "type_tax_use": "sale",
                "price_include_override": "tax_included",
            }
        )
        bill, _invoice = self.billed_at(242)
        self.reverse(bill)
        credit = self.credit()
        self.assertEqual((credit.amount_untaxed, credit.amount_total), (200, 242))
        credit.action_post()
        self.assert_nothing_is_due()

    def test_more_than_it_cost(self):
        bill, _invoice = self.billed_at(300)
        self.reverse(bill, 0.5)
        self.assert_credited(150)

    def test_the_invoice_was_reset_and_another_price_typed(self):
        bill, invoice = self.billed_at(200)
        invoice.button_draft()
        invoice.invoice_line_ids.price_unit = 230
        invoice.action_post()
        self.reverse(bill)
        self.assert_credited(230)

    def test_the_invoice_was_cancelled(self):
        """Then it is billed at its own price again."""
        bill, invoice = self.billed_at(200)
        invoice.button_draft()
        invoice.button_cancel()
        again = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(again.amount_untaxed, 250)
        again.action_post()
        self.reverse(bill)
        self.assert_credited(250)

    def test_a_credit_of_a_credit(self):
        """The invoice is credited, the credit note as well: 200 are billed again."""
        bill, invoice = self.billed_at(200)
        self.reverse_invoice(self.reverse_invoice(invoice))
        self.reverse(bill)
        self.assert_credited(200)

    def test_credited_and_billed_again_at_another_price(self):
        bill, invoice = self.billed_at(200)
        self.reverse_invoice(invoice)
        self.open().action_psa_release()
        again = self.trip._psa_invoice(FEBRUARY)
        again.invoice_line_ids.price_unit = 210
        again.action_post()
        self.reverse(bill)
        self.assert_credited(210)

    def test_taken_back_in_two_parts(self):
        """100, then the price is lowered by 50 for what is left, then all of that."""
        bill, invoice = self.billed_at(200)
        self.reverse(bill, 0.5)
        self.assert_credited(100)
        self.reverse(bill, 0.5)
        self.assert_credited(100)

    def test_a_corrected_bill(self):
        """100 in place of 250, and 50 more that are billed at 40."""
        bill, _invoice = self.billed_at(100)
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 300
        bill.action_post()
        second = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(second.amount_untaxed, 50)
        second.invoice_line_ids.price_unit = 40
        second.action_post()
        self.reverse(bill)
        self.assertEqual(self.credit().amount_untaxed, 140)

    def test_the_project_is_archived_and_the_employee_has_left(self):
        expense = self.expense("own_account")
        draft = self.trip._psa_invoice(JANUARY)
        draft.invoice_line_ids.price_unit = 200
        draft.action_post()
        self.trip.active = False
        self.alice.active = False
        self.reverse(expense.account_move_id)
        self.assert_credited(200)

    def test_it_becomes_the_cost_of_another_project(self):
        """200 back, and 250 there."""
        tour = self.bearer("Tour")
        bill, _invoice = self.billed_at(200)
        bill.button_draft()
        bill.invoice_line_ids.analytic_distribution = {tour.account_id.id: 100}
        bill.action_post()
        self.assertEqual(tour._psa_invoice(FEBRUARY).amount_untaxed, 250)
        self.assert_credited(200)

    def test_a_line_of_the_bill_is_deleted(self):
        bill, _invoice = self.billed_at(200)
        bill.button_draft()
        bill.with_context(force_delete=True).unlink()
        self.assert_credited(200)

    def test_two_of_them_at_a_sales_price(self):
        """Odoo puts both on one line of the order: 40 each in place of 50."""
        self.hotel.write({"expense_policy": "sales_price", "list_price": 50})
        bill = self.vendor_bill()
        self.vendor_bill()
        draft = self.trip._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 100)
        draft.invoice_line_ids.price_unit = 40
        draft.action_post()
        self.reverse(bill)
        self.assert_credited(40)

    def test_netted_with_work_of_another_tax(self):
        """One hour at 100 and 15 %, less 200 without tax."""
        bill, _invoice = self.billed_at(200)
        self.reverse(bill)
        self.log(self.trip, LATER, 1)
        self.assertFalse(self.trip._psa_invoice(FEBRUARY))
        credit = self.credit()
        self.assertEqual((credit.amount_untaxed, credit.amount_total), (100, 85))

    def test_a_customer_of_another_currency(self):
        """250.00 are 125 EUR, billed as 100; the rate is another one by then."""
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 0.5)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": euro.id}
        )
        self.trip = self.bearer(
            "Abroad", pricelist_id=pricelist.id, date_order="2026-01-02 12:00:00"
        )
        bill = self.vendor_bill()
        draft = self.trip._psa_invoice(JANUARY)
        self.assertEqual((draft.currency_id, draft.amount_untaxed), (euro, 125))
        draft.invoice_line_ids.price_unit = 100
        euro.rate_ids[:1].rate = 0.4
        draft.action_post()
        self.assertEqual(draft.amount_untaxed, 100)
        self.reverse(bill)
        self.assert_credited(100)

    def test_taken_off_a_draft_that_is_there(self):
        """A draft of 5 h, with the 200 as soon as it is calculated anew."""
        bill, _invoice = self.billed_at(200)
        self.log(self.trip, LATER, 5)
        draft = self.trip._psa_invoice(FEBRUARY)
        self.reverse(bill)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 300)
        message = draft.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)

    def test_the_audit(self):
        """250 are given back of 200."""
        self.audited = False
        bill, _invoice = self.billed_at(200)
        self.reverse(bill)
        credit = self.credit()
        credit.invoice_line_ids.price_unit = 250
        self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])
        credit.action_post()
        (finding,) = self.env["psa.ledger.audit"]._findings()
        self.assertEqual(finding["check"], "credited_too_much")
        self.assertIn("50 more", finding["message"])


class TestOtherUnits(BillingCase):
    """Entries in hours on a day rate; of several lines and orders."""

    def test_odoos_button_takes_the_difference_in_days(self):
        """5 h are 0.625 d: 0.63, and then 0.62."""
        project = self.project()
        line = self.contract(
            project, self._service("Day", "timesheet", self.day), price_unit=800
        )
        quantities = []
        for day in (5, 6):
            self.log(project, date(2026, 1, day), 5)
            move = line.order_id._create_invoices()
            self.assertEqual(move.detail_ids.mapped("transaction_type"), ["time"])
            quantities.append(move.invoice_line_ids.quantity)
            move.action_post()
        self.assertEqual([round(each, 2) for each in quantities], [0.63, 0.62])

    def test_half_of_a_day_is_credited_and_made_anew(self):
        project = self.project()
        self.contract(
            project, self._service("Day", "timesheet", self.day), price_unit=800
        )
        self.log(project, date(2026, 1, 5), 5)
        move = project._psa_invoice(JANUARY)
        move.action_post()
        correction = move._psa_correction()
        correction.line_ids.quantity = correction.line_ids.billed_quantity / 2
        note = self.env["account.move"].browse(correction.action_apply()["res_id"])
        note.action_post()
        self.assertEqual(note.detail_ids.mapped("transaction_type"), ["time"])
        entry = project.timesheet_ids
        entry.action_psa_release()
        again = project._psa_invoice(JANUARY)
        again.action_post()
        self.assertEqual(entry.open_quantity, 0)
        self.assertAlmostEqual(project.sale_line_id.qty_invoiced, 0.63)

    def test_a_contract_line_that_is_split(self):
        """The rest of the work goes to a second line of the same product."""
        work = self.time_project(4, 4)
        first, second = work.timesheet_ids.sorted("date")
        line = work.sale_line_id
        other = self.env["sale.order.line"].create(
            {
                "order_id": line.order_id.id,
                "product_id": line.product_id.id,
                "product_uom_qty": 5,
                "price_unit": 50,
                "tax_ids": [Command.clear()],
            }
        )
        draft = work._psa_invoice(JANUARY)
        second.so_line = other
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 600)
        self.assertEqual(first.so_line, line)
        draft.action_post()
        self.assertFalse(work._psa_invoice(JANUARY))

    def test_a_task_that_moves_takes_its_correction_along(self):
        """8 h and -3 h of one task, which goes to another project."""
        work, other = self.time_project(), self.time_project()
        task = self.env["project.task"].create(
            {"name": "Design", "project_id": work.id}
        )
        self.log(work, date(2026, 1, 5), 8, task_id=task.id)
        self.log(work, date(2026, 1, 6), -3, task_id=task.id)
        task.project_id = other
        task.timesheet_ids.project_id = other
        self.assertFalse(work._psa_invoice(JANUARY))
        self.assertEqual(other._psa_invoice(JANUARY).amount_untaxed, 500)

    def test_a_rate_that_changes_before_posting(self):
        """Hours of an order in EUR: the rate is that of the invoice."""
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 0.5)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": euro.id}
        )
        work = self.project()
        self.contract(work, pricelist_id=pricelist.id, price_unit=100)
        self.log(work, date(2026, 1, 5), 4)
        draft = work._psa_invoice(JANUARY)
        euro.rate_ids[:1].rate = 0.4
        draft.action_psa_recalculate()
        draft.action_post()
        self.assertEqual(draft.amount_untaxed, 400)
        self.assertFalse(work._psa_invoice(JANUARY))
