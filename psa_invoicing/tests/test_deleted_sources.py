# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was billed of a source that is gone is to be credited; all else goes on."""

from datetime import date

from odoo.exceptions import UserError

from .cost_case import FEBRUARY, JANUARY, CostCase, of_each_source

WORK_DAY = date(2026, 2, 5)


class TestDeletedSources(CostCase):
    """A hotel of 250.00, whose journal entry is deleted; then five hours of work."""

    def delete(self, move):
        payment = move.origin_payment_id
        (payment.action_draft if payment else move.button_draft)()
        move.with_context(force_delete=True).unlink()
        payment.exists().unlink()

    def work(self):
        self.log(self.trip, WORK_DAY, 5)

    @of_each_source
    def test_before_billing(self, source):
        self.delete(source)
        self.assert_nothing_is_due()
        self.work()
        self.assertEqual(self.trip._psa_invoice(FEBRUARY).amount_untaxed, 500)

    @of_each_source
    def test_on_a_draft(self, source):
        draft = self.trip._psa_invoice(JANUARY)
        self.delete(source)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 0)
        draft.unlink()
        self.assert_nothing_is_due()

    @of_each_source
    def test_after_billing_comes_off_the_next_invoice(self, source):
        self.trip._psa_invoice(JANUARY).action_post()
        self.delete(source)
        self.assertFalse(self.trip._psa_invoice(FEBRUARY))
        self.assertEqual(self.open().mapped("amount"), [-250])
        self.work()
        invoice = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, 250)
        invoice.action_psa_recalculate()
        self.assertEqual(invoice.amount_untaxed, 250)
        invoice.action_post()
        self.assert_nothing_is_due()

    @of_each_source
    def test_after_billing_is_credited(self, source):
        invoice = self.trip._psa_invoice(JANUARY)
        invoice.action_post()
        self.delete(source)
        self.assertFalse(invoice.detail_ids.action_psa_open_source())
        credit = self.credit()
        self.assertEqual(credit.amount_untaxed, 250)
        credit.action_post()
        self.assert_nothing_is_due()

    @of_each_source
    def test_its_invoice_is_corrected(self, source):
        """By the accountant, who knows before the add-on does."""
        invoice = self.trip._psa_invoice(JANUARY)
        invoice.action_post()
        self.delete(source)
        correction = invoice._psa_correction()
        correction.line_ids.quantity = 0
        action = correction.action_apply()
        self.env["account.move"].browse(action["res_id"]).action_post()
        self.assert_nothing_is_due()

    @of_each_source
    def test_written_off_and_deleted(self, source):
        self.costs().action_psa_write_off("Goodwill")
        self.delete(source)
        self.assert_nothing_is_due()

    @of_each_source
    def test_written_off_and_reset(self, source):
        """It waits for the return of its entry, and nobody is credited meanwhile."""
        self.costs().action_psa_write_off("Goodwill")
        source.button_draft()
        self.assert_nothing_is_due()
        source.action_post()
        self.assert_nothing_is_due()
        self.assertEqual(self.costs().billing_status, "written_off")

    @of_each_source
    def test_with_its_reversal(self, source):
        """Whichever of the two goes first."""
        self.trip._psa_invoice(JANUARY).action_post()
        reversal = self.reverse(source)
        self.delete(reversal)
        self.assertFalse(self.open())
        self.delete(source)
        self.assertEqual(self.open().mapped("amount"), [-250])

    def test_one_line_of_a_bill(self):
        """Of 250 and 60, the 60 are deleted."""
        bill = self.posted_bill(self.hotel, self.trip, self.trip, price_unit=60)
        bill.button_draft()
        bill.invoice_line_ids[0].price_unit = 250
        bill.action_post()
        self.trip._psa_invoice(JANUARY).action_post()
        bill.button_draft()
        bill.invoice_line_ids[1].unlink()
        bill.action_post()
        self.assertEqual(self.open().mapped("amount"), [-60])
        self.work()
        invoice = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, 440)

    def test_an_expense_goes_with_its_entry(self):
        expense = self.expense("own_account")
        self.trip._psa_invoice(JANUARY).action_post()
        self.delete(expense.account_move_id)
        expense.action_reset()
        expense.unlink()
        self.work()
        self.assertEqual(self.trip._psa_invoice(FEBRUARY).amount_untaxed, 250)

    def test_an_expense_is_posted_again_after_its_entry_was_deleted(self):
        expense = self.expense()
        self.trip._psa_invoice(JANUARY).action_post()
        self.delete(expense.account_move_id)
        self.post_expense(expense)
        self.assertEqual(sum(self.open().mapped("amount")), 0)

    def test_a_billed_order_line_stays(self):
        self.work()
        self.trip._psa_invoice(FEBRUARY).action_post()
        line = self.trip.sale_line_id
        line.order_id._action_cancel()
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            line.unlink()

    def test_work_deleted_while_its_invoice_was_cancelled(self):
        entry = self.log(self.trip, WORK_DAY, 5)
        self.log(self.trip, WORK_DAY, 1)
        invoice = self.trip._psa_invoice(FEBRUARY)
        invoice.button_cancel()
        entry.unlink()
        invoice.button_draft()
        self.assertEqual(invoice.amount_untaxed, 100)
