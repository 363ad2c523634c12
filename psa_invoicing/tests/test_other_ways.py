# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stories that others tell, told in other ways: another tax, unit or currency, another
order of what happens."""

from datetime import date

from odoo.fields import Command

from .common import BillingCase
from .cost_case import DAY, FEBRUARY, JANUARY, LATER, CostCase


class TestOtherWaysOfCosts(CostCase):
    def bill(self, **values):
        return self.posted_bill(self.hotel, self.trip, day=DAY, **values)

    def billed(self, untaxed, project=None):
        """Invoiced and confirmed."""
        invoice = (project or self.trip)._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, untaxed)
        invoice.action_post()
        self.assert_ledger(invoice)
        return invoice

    def correct(self, bill, **values):
        bill.button_draft()
        bill.invoice_line_ids.write(values)
        bill.action_post()

    def due(self, project=None):
        self.env.flush_all()
        self.env.invalidate_all()
        project = project or self.trip
        found = self.env["psa.backlog"].search([("project_id", "=", project.id)])
        return sum(found.mapped("amount"))

    def included(self, use):
        return self.env["account.tax"].create(
            {
                "name": "21 % in the price",
                "amount": 21,
                "type_tax_use": use,
                "price_include_override": "tax_included",
            }
        )

    def test_a_discount_that_the_vendor_takes_back(self):
        bill = self.bill(price_unit=250, discount=20)
        self.billed(200)
        self.correct(bill, discount=0)
        self.billed(50)
        self.assert_nothing_is_due()

    def test_a_purchase_tax_in_the_price(self):
        """The customer pays what the firm pays: 100 of 121, then 200."""
        tax = self.included("purchase")
        bill = self.bill(price_unit=121, tax_ids=[Command.set(tax.ids)])
        self.billed(100)
        self.correct(bill, price_unit=242)
        self.assertEqual(self.due(), 100)
        self.reverse(bill)
        self.assertEqual(self.credit().amount_untaxed, 100)

    def test_a_sales_tax_in_the_price(self):
        """242 with their tax, then 121 more; all of it comes back."""
        self.hotel.taxes_id = self.included("sale")
        bill = self.bill(price_unit=242)
        self.billed(200)
        self.correct(bill, price_unit=363)
        self.billed(100)
        self.reverse(bill)
        credit = self.credit()
        self.assertEqual((credit.amount_untaxed, credit.amount_total), (300, 363))
        credit.action_post()
        self.assert_nothing_is_due()

    def test_another_quantity_and_price_at_once(self):
        """300, then 340."""
        bill = self.bill(price_unit=100, quantity=3)
        self.billed(300)
        self.correct(bill, quantity=2, price_unit=170)
        self.billed(40)
        self.assert_nothing_is_due()

    def test_half_was_billed_and_the_price_rose(self):
        """125 of 250, then it was 300."""
        bill = self.bill(price_unit=250)
        draft = self.trip._psa_invoice(FEBRUARY)
        draft.invoice_line_ids.quantity = 0.5
        draft.action_post()
        self.correct(bill, price_unit=300)
        self.assertEqual(self.due(), 175)

    def test_reset_and_posted_as_it_was(self):
        bill = self.bill(price_unit=250)
        self.billed(250)
        for _time in range(2):
            bill.button_draft()
            bill.action_post()
            self.assert_nothing_is_due()

    def test_it_was_the_cost_of_another_project(self):
        tour = self.bearer("Tour")
        bill = self.bill(price_unit=250)
        self.billed(250)
        self.correct(bill, analytic_distribution={tour.account_id.id: 100})
        self.assertEqual((self.due(), self.due(tour)), (-250, 250))
        self.billed(250, tour)
        self.assertEqual(self.credit().amount_untaxed, 250)

    def test_it_was_the_cost_of_another_project_on_a_draft(self):
        tour = self.bearer("Tour")
        bill = self.bill(price_unit=250)
        draft = self.trip._psa_invoice(FEBRUARY)
        self.correct(bill, analytic_distribution={tour.account_id.id: 100})
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 0)
        self.billed(250, tour)

    def test_a_bill_that_is_reversed_and_made_anew(self):
        """With Odoo's dialog; 180 in place of 250."""
        bill = self.bill(price_unit=250)
        self.billed(250)
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=bill.ids)
            .create({"journal_id": bill.journal_id.id, "date": LATER})
        )
        wizard.modify_moves()
        anew = wizard.new_move_ids.filtered(lambda move: move.move_type == "in_invoice")
        anew.invoice_date = LATER
        anew.invoice_line_ids.price_unit = 180
        anew.action_post()
        self.assertEqual(self.credit().amount_untaxed, 70)

    def test_the_same_bill_twice_and_one_of_them_deleted(self):
        copy = self.bill(price_unit=250).copy({"invoice_date": DAY})
        copy.action_post()
        self.billed(500)
        copy.button_draft()
        copy.with_context(force_delete=True).unlink()
        self.assertEqual(self.credit().amount_untaxed, 250)

    def test_the_reversal_is_reversed_when_it_was_credited(self):
        for name, make in self.sources():
            with self.subTest(name):
                source = make()
                self.billed(250)
                reversal = self.reverse(source)
                self.credit().action_post()
                self.assert_nothing_is_due()
                self.reverse(reversal)
                self.billed(250)
                self.assert_nothing_is_due()

    def test_invoices_of_a_corrected_bill_in_another_order(self):
        """250 and 50 more; the first one is reset, confirmed again, and cancelled."""
        bill = self.bill(price_unit=250)
        first = self.billed(250)
        self.correct(bill, price_unit=300)
        self.billed(50)
        first.button_draft()
        first.action_psa_recalculate()
        self.assertEqual(first.amount_untaxed, 250)
        first.action_post()
        self.assert_nothing_is_due()
        first.button_draft()
        first.button_cancel()
        self.billed(250)
        self.assert_nothing_is_due()

    def test_an_expense_that_is_split(self):
        """250 are 100 and 150, posted each with an entry of its own."""
        expense = self.env["hr.expense"].create(
            {
                "name": "Hotel",
                "employee_id": self.alice.id,
                "product_id": self.hotel.id,
                "total_amount_currency": 250,
                "date": DAY,
                "payment_mode": "own_account",
                "sale_order_id": self.trip.sale_line_id.order_id.id,
                "analytic_distribution": {self.trip.account_id.id: 100},
            }
        )
        action = expense.action_split_wizard()
        wizard = self.env["hr.expense.split.wizard"].browse(action["res_id"])
        for line, amount in zip(wizard.expense_split_line_ids, (100, 150), strict=True):
            line.total_amount_currency = amount
        wizard.action_split_expense()
        expenses = expense.search([("employee_id", "=", self.alice.id)])
        expenses.action_submit()
        expenses._do_approve()
        for each in expenses:
            self.post_expense(each)
        self.billed(250)
        for move in expenses.account_move_id:
            self.reverse(move)
        self.assertEqual(self.credit().amount_untaxed, 250)

    def test_whoever_spent_it_has_left(self):
        expense = self.expense()
        self.log(self.trip, DAY, 2)
        self.alice.active = False
        self.billed(450)
        self.reverse(expense.account_move_id)
        self.assertEqual(self.credit().amount_untaxed, 250)

    def test_the_taxes_decide_that_it_is_a_credit_note(self):
        """260 without tax, and 250 less at 21 %: 10 untaxed, -42.50 in all."""
        self.hotel.taxes_id = self.env["account.tax"].create(
            {"name": "21 %", "amount": 21, "type_tax_use": "sale"}
        )
        self.trip.sale_line_id.write({"tax_ids": [Command.clear()], "price_unit": 260})
        bill = self.bill(price_unit=250)
        self.billed(250)
        self.reverse(bill)
        self.log(self.trip, LATER, 1)
        self.assertFalse(self.trip._psa_invoice(FEBRUARY))
        credit = self.credit()
        self.assertEqual((credit.move_type, credit.amount_total), ("out_refund", 42.5))
        credit.action_post()


class TestOtherWaysOfTime(BillingCase):
    def correct(self, invoice, *quantities):
        """With our own dialog; the credit note is confirmed.

        :param quantities: that should have been billed of the first transactions
        """
        correction = invoice._psa_correction()
        for line, quantity in zip(correction.line_ids, quantities, strict=False):
            line.quantity = quantity
        move = self.env["account.move"].browse(correction.action_apply()["res_id"])
        move.action_post()
        return move

    def twenty_minutes(self, times=3, **values):
        work = self.project(billing_layout="entry")
        self.contract(work, **values)
        for offset in range(times):
            self.log(work, date(2026, 1, 5 + offset), 1 / 3)
        return work

    def test_a_currency_without_cents_and_one_with_three_decimals(self):
        """12,345 an hour, twenty minutes on a line each."""
        for rounding, amounts in (
            (1.0, [4074, 4197, 4074]),
            (0.001, [4073.85, 4197.3, 4073.85]),
        ):
            with self.subTest(rounding):
                currency = self.setup_other_currency("JPY", rounding=rounding)
                pricelist = self.env["product.pricelist"].create(
                    {"name": "Far away", "currency_id": currency.id}
                )
                work = self.twenty_minutes(
                    price_unit=12345, pricelist_id=pricelist.id, tax_ids=False
                )
                invoice = work._psa_invoice(JANUARY)
                lines = invoice.invoice_line_ids
                self.assertEqual(lines.mapped("price_subtotal"), amounts)
                invoice.action_post()
                self.assert_ledger(invoice)
                credit_note = self.correct(invoice, 0)
                self.assertEqual(credit_note.amount_untaxed, amounts[0])

    def test_quantities_with_three_decimals(self):
        unit = self.env["decimal.precision"].search([("name", "=", "Product Unit")])
        unit.digits = 3
        work = self.twenty_minutes()
        invoice = work._psa_invoice(JANUARY)
        self.assertEqual(
            invoice.invoice_line_ids.mapped("quantity"), [0.333, 0.334, 0.333]
        )
        invoice.action_post()
        self.assertEqual(work.sale_line_id.qty_to_invoice, 0)

    def test_whoever_logs_days_and_sells_hours(self):
        self.env.company.project_time_mode_id = self.day
        work = self.project()
        self.contract(work)
        self.log(work, date(2026, 1, 5), 1)
        draft = work._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 800)
        self.log(work, date(2026, 1, 6), -0.25)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 600)

    def test_a_correction_that_does_not_count_in_days(self):
        """16 h are two days; 4 h less are not charged."""
        work = self.project()
        self.contract(work, self._service("Day", "timesheet", self.day), price_unit=800)
        self.log(work, date(2026, 1, 5), 16)
        self.log(work, date(2026, 1, 6), -4).action_psa_set_billing_type(
            "non_chargeable"
        )
        self.assertEqual(work._psa_invoice(JANUARY).amount_untaxed, 1600)

    def test_one_of_two_corrections_waits(self):
        """8 h, 1 h less; and 3 h less when they are released."""
        work = self.time_project(8, -3, -1)
        waiting = work.timesheet_ids.filtered(lambda entry: entry.unit_amount == -3)
        waiting.action_psa_hold("Disputed")
        invoice = work._psa_invoice(JANUARY)
        self.assertEqual(invoice.amount_untaxed, 700)
        invoice.action_post()
        waiting.action_psa_release()
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": work.ids, "cutoff_date": JANUARY}
        )
        wizard.action_next()
        credit = self.env["account.move"].browse(wizard.action_finish()["res_id"])
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 300))

    def test_written_off_time_goes_with_its_task(self):
        work, other = self.time_project(name="Work"), self.time_project(name="Other")
        other.sale_line_id.price_unit = 50
        task = self.env["project.task"].create({"name": "Task", "project_id": work.id})
        entry = self.log(work, date(2026, 1, 5), 4, task_id=task.id)
        entry.action_psa_write_off("Goodwill")
        task.project_id = other
        self.assertEqual(entry.project_id, other)
        self.assertFalse(work._psa_invoice(JANUARY) + other._psa_invoice(JANUARY))
        lines = (work + other).sale_line_id
        self.assertEqual(lines.mapped("qty_to_invoice"), [0, 0])

    def test_a_part_of_a_credit_note_is_reversed(self):
        """9 h, 5 of them credited, 3 of those billed after all; until that is
        cancelled."""
        work = self.time_project(2, 3, 4)
        invoice = work._psa_invoice(JANUARY)
        invoice.action_post()
        credit_note = invoice._reverse_moves()
        credit_note.invoice_line_ids.quantity = 5
        credit_note.action_post()
        after_all = credit_note._reverse_moves()
        after_all.invoice_line_ids.quantity = 3
        after_all.action_post()
        self.assertEqual(sum(work.timesheet_ids.mapped("open_quantity")), 2)
        after_all.button_draft()
        after_all.button_cancel()
        self.assertEqual(sum(work.timesheet_ids.mapped("open_quantity")), 5)
        self.assertEqual(work.sale_line_id.qty_to_invoice, 5)

    def test_five_times_a_third(self):
        """33.33 each, as somebody has typed: that is no disagreement."""
        work = self.project()
        line = self.contract(work, self.milestone_product, product_uom_qty=1)
        self.milestone(work, line, 1 / 3, date(2026, 1, 5))
        draft = work._psa_invoice(JANUARY)
        draft.invoice_line_ids.quantity = 5
        self.assertEqual(draft.amount_untaxed, 166.65)
        draft.action_post()

    def test_a_contract_line_is_split(self):
        """5 h at 100, and what comes later at 80."""
        work = self.time_project(5)
        line = work.sale_line_id
        work._psa_invoice(JANUARY).action_post()
        line.product_uom_qty = 5
        rest = line.copy({"order_id": line.order_id.id, "price_unit": 80})
        work.sale_line_id = rest
        self.log(work, date(2026, 1, 8), 3)
        invoice = work._psa_invoice(JANUARY)
        self.assertEqual(invoice.amount_untaxed, 240)
        self.assertEqual((line + rest).mapped("qty_to_invoice"), [0, 0])

    def test_twenty_minutes_are_credited_three_times(self):
        """To the cent: 33, 34 and 33."""
        invoice = self.twenty_minutes()._psa_invoice(JANUARY)
        invoice.action_post()
        credited = [self.correct(invoice, 0).amount_untaxed for _time in range(3)]
        self.assertEqual(sum(credited), invoice.amount_untaxed)

    def test_a_group_of_taxes_with_a_fixed_one(self):
        """1.50 an hour, and 20 % of it all: 3 h are 300 and 65.40, 2 h 43.60."""
        eco, vat = self.env["account.tax"].create(
            [
                {
                    "name": "Eco",
                    "amount": 1.5,
                    "amount_type": "fixed",
                    "include_base_amount": True,
                    "sequence": 1,
                },
                {"name": "20 %", "amount": 20, "sequence": 2},
            ]
        )
        group = self.env["account.tax"].create(
            {
                "name": "Both",
                "amount_type": "group",
                "children_tax_ids": [Command.set((eco + vat).ids)],
            }
        )
        work = self.project()
        self.contract(work, tax_ids=[Command.set(group.ids)])
        self.log(work, date(2026, 1, 5), 3)
        invoice = work._psa_invoice(JANUARY)
        self.assertEqual((invoice.amount_untaxed, invoice.amount_tax), (300, 65.4))
        invoice.action_post()
        credit_note = self.correct(invoice, 1)
        self.assertEqual(credit_note.amount_tax, 43.6)
