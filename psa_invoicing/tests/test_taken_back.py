# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What somebody was paid for and a reversal takes back is billed no more."""

from .cost_case import DAY, FEBRUARY, JANUARY, LATER, CostCase, of_each_source


class TestTakenBack(CostCase):
    # === Reversed ===

    @of_each_source
    def test_reversed_before_billing(self, source):
        """Neither 250 Ready nor 250 To Credit."""
        self.reverse(source)
        self.assert_nothing_is_due()

    @of_each_source
    def test_reversed_on_a_draft(self, source):
        draft = self.trip._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 250)
        self.reverse(source)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 0)
        draft.unlink()
        self.assert_nothing_is_due()

    @of_each_source
    def test_reversed_after_billing(self, source):
        self.trip._psa_invoice(JANUARY).action_post()
        self.reverse(source)
        self.assertFalse(self.trip._psa_invoice(FEBRUARY))
        credit = self.credit()
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 250))
        credit.action_post()
        self.assert_nothing_is_due()

    @of_each_source
    def test_reversed_when_the_project_is_archived(self, source):
        self.trip._psa_invoice(JANUARY).action_post()
        self.trip.active = False
        self.reverse(source)
        self.assertEqual(self.open().mapped("amount"), [-250])
        credit = self.credit()
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 250))
        credit.action_post()
        self.assert_nothing_is_due()

    def test_corrected_when_the_project_is_archived(self):
        """50 more; a new bill is none of its business any more, as in Odoo."""
        bill = self.vendor_bill()
        self.trip._psa_invoice(JANUARY).action_post()
        self.trip.active = False
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 300
        bill.action_post()
        self.assertEqual(self.open().mapped("amount"), [50])
        self.vendor_bill()
        self.assertEqual(self.open().mapped("amount"), [50])

    @of_each_source
    def test_a_part_is_reversed(self, source):
        """100 of 250."""
        self.reverse(source, 0.4)
        self.assertEqual(self.trip._psa_invoice(FEBRUARY).amount_untaxed, 150)

    @of_each_source
    def test_a_part_is_reversed_on_a_draft(self, source):
        draft = self.trip._psa_invoice(FEBRUARY)
        self.reverse(source, 0.4)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 150)

    @of_each_source
    def test_a_part_is_reversed_after_billing(self, source):
        self.trip._psa_invoice(FEBRUARY).action_post()
        self.reverse(source, 0.4)
        self.assertEqual(self.credit().amount_untaxed, 100)

    @of_each_source
    def test_reversed_in_two_parts(self, source):
        self.reverse(source, 0.4)
        self.reverse(source, 0.6)
        self.assert_nothing_is_due()

    @of_each_source
    def test_the_reversal_is_reversed(self, source):
        """The cost is due again, once."""
        self.reverse(self.reverse(source))
        self.assertEqual(self.open().mapped("amount"), [250])
        self.assertEqual(self.trip._psa_invoice(FEBRUARY).amount_untaxed, 250)

    @of_each_source
    def test_the_reversal_is_reset_to_draft(self, source):
        reversal = self.reverse(source)
        reversal.button_draft()
        self.assertEqual(self.open().mapped("amount"), [250])
        reversal.action_post()
        self.assert_nothing_is_due()

    def test_a_draft_of_a_reversal_takes_nothing_back(self):
        """Of an expense, too, whose order line Odoo sets to nothing at once."""
        move = self.expense("own_account").account_move_id
        self.trip._psa_invoice(JANUARY).action_post()
        move._reverse_moves([{"invoice_date": LATER}])
        line = self.costs().sale_line_id
        self.assertEqual((line.qty_delivered, line.qty_to_invoice), (1, 0))
        self.assertFalse(self.open())

    @of_each_source
    def test_written_off_and_the_reversal_reversed(self, source):
        """It stays written off."""
        self.costs().action_psa_write_off("Goodwill")
        self.reverse(self.reverse(source))
        self.assert_nothing_is_due()

    @of_each_source
    def test_written_off_and_reversed(self, source):
        """What nobody was billed for, nobody is credited."""
        self.costs().action_psa_write_off("Goodwill")
        self.reverse(source)
        self.assert_nothing_is_due()

    def correct(self):
        """Billed at 250, and at 50 more since then."""
        bill = self.vendor_bill()
        self.trip._psa_invoice(FEBRUARY).action_post()
        bill.button_draft()
        bill.invoice_line_ids.price_unit = 300
        bill.action_post()
        return bill

    def test_corrected_and_reversed(self):
        bill = self.correct()
        self.reverse(bill)
        self.assertEqual(self.credit().amount_untaxed, 250)

    def test_corrected_billed_and_reversed(self):
        bill = self.correct()
        self.trip._psa_invoice(FEBRUARY).action_post()
        self.reverse(bill)
        credit = self.credit()
        self.assertEqual(credit.amount_untaxed, 300)
        credit.action_post()
        self.assert_nothing_is_due()

    def test_corrected_billed_and_reversed_in_part(self):
        """A fifth of 300."""
        bill = self.correct()
        self.trip._psa_invoice(FEBRUARY).action_post()
        self.reverse(bill, 0.2)
        self.assertEqual(self.credit().amount_untaxed, 60)

    def expenses(self):
        """Whoever paid them, each as if there were no other."""
        for paid_by in ("company_account", "own_account"):
            with self.subTest(paid_by):
                savepoint = self.env.cr.savepoint()
                try:
                    yield self.expense(paid_by)
                finally:
                    savepoint.close(rollback=True)
                    self.env.invalidate_all()

    def test_posted_again_with_another_amount(self):
        """Billed 250; it was 300, then 180."""
        for expense in self.expenses():
            self.trip._psa_invoice(FEBRUARY).action_post()
            self.post_again(expense, 300)
            invoice = self.trip._psa_invoice(FEBRUARY)
            self.assertEqual(invoice.amount_untaxed, 50)
            invoice.action_post()
            self.post_again(expense, 180)
            self.assertFalse(self.trip._psa_invoice(FEBRUARY))
            credit = self.credit()
            self.assertEqual(credit.amount_untaxed, 120)
            credit.action_post()
            self.assert_nothing_is_due()

    def test_posted_again_with_another_amount_on_a_draft(self):
        for expense in self.expenses():
            draft = self.trip._psa_invoice(FEBRUARY)
            self.post_again(expense, 300)
            self.assertTrue(draft.needs_recalculation)
            draft.action_psa_recalculate()
            self.assertEqual(draft.amount_untaxed, 300)
            draft.action_post()

    def post_again(self, expense, amount):
        """Its entry is reversed, and its employee corrects it."""
        self.reverse(expense.account_move_id)
        expense.action_reset()
        expense.total_amount_currency = amount
        # As a form does, before the next click.
        expense.flush_recordset()
        expense.action_submit()
        expense._do_approve()
        self.post_expense(expense)

    def test_a_per_diem_of_three_days(self):
        """100 a day; the company paid them with one entry of the whole amount."""
        self.hotel.write({"expense_policy": "sales_price", "list_price": 100})
        move = self.expense(quantity=3).account_move_id
        self.trip._psa_invoice(JANUARY).action_post()
        self.reverse(move)
        self.assertEqual(self.credit().amount_untaxed, 300)

    # === At what it was billed for ===

    def billed_at(self, price):
        """Its invoice, on which somebody has typed another price."""
        draft = self.trip._psa_invoice(JANUARY)
        draft.invoice_line_ids.price_unit = price
        draft.action_post()
        return draft

    def lower_price(self, invoice, price):
        """With a credit note that reopens nothing."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.reverse_moves()
        wizard.new_move_ids.invoice_line_ids.price_unit = price
        wizard.new_move_ids.action_post()

    def assert_credited(self, amount):
        """In the backlog, in the review, by the wizard, and then nothing more."""
        self.assertEqual(sum(self.open().mapped("amount")), -amount)
        credit = self.credit()
        self.assertEqual(
            (credit.move_type, credit.amount_untaxed), ("out_refund", amount)
        )
        credit.action_post()
        self.assert_nothing_is_due()

    @of_each_source
    def test_the_price_was_typed(self, source):
        self.billed_at(200)
        self.reverse(source)
        self.assert_credited(200)

    @of_each_source
    def test_a_part_at_the_price_that_was_typed(self, source):
        self.billed_at(200)
        self.reverse(source, 0.4)
        self.assert_credited(80)

    @of_each_source
    def test_the_price_was_credited(self, source):
        """Before it is taken back, or after."""
        invoice = self.billed_at(250)
        self.lower_price(invoice, 50)
        self.reverse(source)
        self.assert_credited(200)

    @of_each_source
    def test_the_price_was_credited_meanwhile(self, source):
        invoice = self.billed_at(250)
        self.reverse(source)
        self.lower_price(invoice, 50)
        self.assert_credited(200)

    @of_each_source
    def test_the_source_is_reset(self, source):
        self.billed_at(200)
        source.button_draft()
        self.assert_credited(200)

    @of_each_source
    def test_the_button_of_odoo_takes_back_what_was_billed(self, source):
        self.billed_at(200)
        self.reverse(source)
        order = self.trip.sale_line_id.order_id
        credit = order._create_invoices(final=True)
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 200))

    @of_each_source
    def test_it_comes_off_later_work(self, source):
        """5 h at 100 less the 200; Recalculate has nothing to add."""
        self.billed_at(200)
        self.reverse(source)
        self.log(self.trip, LATER, 5)
        draft = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(draft.amount_untaxed, 300)
        message = draft.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)
        draft.action_post()
        self.assert_nothing_is_due()

    @of_each_source
    def test_offered_and_taken_back(self, source):
        self.costs().billing_type = "complimentary"
        self.log(self.trip, LATER, 5)
        self.trip._psa_invoice(FEBRUARY).action_post()
        self.reverse(source)
        self.assertFalse(sum(self.open().mapped("amount")))

    # === Two rows that come to nothing ===

    def test_the_same_amount_in_another_quantity(self):
        """Three at 100 turn out to be one at 300, and then 350."""
        bill = self.posted_bill(
            self.hotel, self.trip, day=DAY, price_unit=100, quantity=3
        )
        self.trip._psa_invoice(FEBRUARY).action_post()
        for price, due in ((300, []), (350, [-200, 250]), (300, [])):
            bill.button_draft()
            bill.invoice_line_ids.write({"price_unit": price, "quantity": 1})
            bill.action_post()
            self.assertEqual(sorted(self.open().mapped("amount")), due)
        self.reverse(bill)
        self.assert_credited(300)

    @of_each_source
    def test_the_other_half_is_taken_back(self, source):
        """Half is billed, and half is reversed."""
        draft = self.trip._psa_invoice(FEBRUARY)
        draft.detail_ids.quantity = 0.5
        draft.action_post()
        self.reverse(source, 0.5)
        self.assert_nothing_is_due()

    # === A rebate on a bill ===

    def rebate(self, quantity, price):
        """On a bill of 100."""
        bill = self.posted_bill(
            self.hotel, self.trip, self.trip, day=DAY, price_unit=100
        )
        bill.button_draft()
        bill.invoice_line_ids[1].write({"price_unit": price, "quantity": quantity})
        bill.action_post()
        return bill

    def test_a_rebate_is_passed_on(self):
        for quantity, price in ((1, -20), (-1, 20), (2, -10)):
            with self.subTest(quantity=quantity):
                savepoint = self.env.cr.savepoint()
                bill = self.rebate(quantity, price)
                draft = self.trip._psa_invoice(JANUARY)
                self.assertEqual(draft.amount_untaxed, 80)
                draft.action_post()
                self.assert_nothing_is_due()
                self.reverse(bill)
                self.assert_credited(80)
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_a_rebate_is_corrected(self):
        bill = self.rebate(1, -20)
        self.trip._psa_invoice(JANUARY).action_post()
        bill.button_draft()
        bill.invoice_line_ids[1].price_unit = -30
        bill.action_post()
        self.assertEqual(self.open().mapped("amount"), [-10])
        self.assert_credited(10)

    def test_a_rebate_that_projects_share(self):
        other = self.bearer("Other")
        shares = {
            str(self.trip.account_id.id): 60.0,
            str(other.account_id.id): 40.0,
        }
        bill = self.posted_bill(self.hotel, shares, shares, day=DAY, price_unit=100)
        bill.button_draft()
        bill.invoice_line_ids[1].price_unit = -50
        bill.action_post()
        self.assertEqual(self.trip._psa_invoice(JANUARY).amount_untaxed, 30)
        self.assertEqual(other._psa_invoice(JANUARY).amount_untaxed, 20)

    # === Posted again ===

    def test_posted_again_before_billing(self):
        for paid_by in ("company_account", "own_account"):
            expense = self.expense(paid_by)
            self.reverse(expense.account_move_id)
            self.post_expense(expense)
            self.assertEqual(self.open().mapped("amount"), [250])
            draft = self.trip._psa_invoice(FEBRUARY)
            self.assertEqual(draft.amount_untaxed, 250)
            draft.action_post()

    def test_posted_again_after_billing(self):
        """It is billed already."""
        for paid_by in ("company_account", "own_account"):
            expense = self.expense(paid_by)
            self.trip._psa_invoice(FEBRUARY).action_post()
            self.reverse(expense.account_move_id)
            self.post_expense(expense)
            self.assert_nothing_is_due()
            self.assertEqual(expense.billing_status, "invoiced")

    def test_posted_again_before_its_reversal(self):
        """An employee's expense, whose reversal waits as a draft meanwhile."""
        expense = self.expense("own_account")
        self.trip._psa_invoice(FEBRUARY).action_post()
        reversal = expense.account_move_id._reverse_moves([{"invoice_date": LATER}])
        self.post_expense(expense)
        reversal.action_post()
        self.assertFalse(self.trip._psa_invoice(FEBRUARY))

    def test_reversed_before_the_add_on_came(self):
        """Odoo took it off the order: installing does not bring it back."""
        reversal = self.reverse(self.expense().account_move_id)
        reversal.line_ids.analytic_line_ids.so_line = False
        self.costs().sudo().unlink()
        self.env.flush_all()
        self.env.cr.execute(self.costs()._follow_sql())
        self.assertFalse(self.costs())

    # === The audit ===

    def test_a_reversal_that_nobody_noticed(self):
        """As it was before the add-on knew of reversals other than vendor credits."""
        self.audited = False
        reversal = self.reverse(self.expense().account_move_id)
        reversal.line_ids.analytic_line_ids.so_line = False
        cost, taken = self.costs().sorted("id")
        taken.sudo().unlink()
        cost.sudo().billable_quantity = 1
        (finding,) = self.env["psa.ledger.audit"]._findings()
        self.assertEqual(finding["check"], "taken_back")
        self.assertIn(reversal.name, finding["message"])

    def test_a_cost_without_its_entry(self):
        self.audited = False
        self.expense().account_move_id.button_cancel()
        self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])
        self.costs().sudo().billable_quantity = 1
        (finding,) = self.env["psa.ledger.audit"]._findings()
        self.assertEqual(finding["check"], "taken_back")
