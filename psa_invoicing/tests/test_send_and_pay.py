# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)


@freeze_time("2026-02-02")
class TestSendAndPay(BillingCase):
    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3)
        self.move = self.work._psa_invoice(JANUARY)

    def pay(self, amount=None):
        action = self.move.action_psa_mark_paid()
        values = {} if amount is None else {"amount": amount}
        return (
            self.env["account.payment.register"]
            .with_context(**action["context"])
            .create(values)
            ._create_payments()
        )

    def test_sending_confirms_and_mails(self):
        self.send(self.move)
        self.assertEqual(self.move.state, "posted")
        self.assertEqual(self.move.invoice_date, date(2026, 2, 2))
        self.assertEqual(self.move.psa_state, "sent")
        self.assertEqual(self.move.billing_sent_date, date(2026, 2, 2))
        mail = self.env["mail.mail"].search(
            [("model", "=", "account.move"), ("res_id", "=", self.move.id)]
        )
        self.assertIn(self.customer, mail.mail_message_id.notified_partner_ids)
        self.assertTrue(mail.attachment_ids)

    def test_confirmed_until_it_is_sent(self):
        self.move.action_psa_send()
        self.assertEqual((self.move.psa_state, self.move.name), ("draft", False))
        self.move.action_post()
        self.assertEqual(self.move.psa_state, "confirmed")

    def test_reset_to_draft_is_no_longer_sent(self):
        self.send(self.move)
        self.move.button_draft()
        self.assertEqual(self.move.psa_state, "draft")
        self.move.action_post()
        self.assertEqual(self.move.psa_state, "confirmed")

    def test_customer_without_email(self):
        self.customer.email = False
        with self.assertRaisesRegex(UserError, "Customer has no e-mail address"):
            self.move.action_psa_send()
        self.assertEqual(self.move.state, "draft")

    def test_an_address_is_needed_for_email_only(self):
        self.customer.email = False
        self.customer.invoice_sending_method = "manual"
        self.send(self.move)
        self.assertEqual(self.move.psa_state, "confirmed")

    def test_all_that_is_wrong_with_one_invoice(self):
        self.customer.write({"email": False, "billing_po_required": True})
        self.work.timesheet_ids[0].unit_amount = 7
        with self.assertRaises(UserError) as caught:
            self.move.action_psa_send()
        for problem in ("press Recalculate", "own reference", "no e-mail address"):
            self.assertIn(problem, str(caught.exception))

    def test_only_project_invoices(self):
        invoice = self.init_invoice("out_invoice", products=self.product_a)
        with self.assertRaisesRegex(UserError, "no project invoice"):
            invoice.action_psa_send()

    def test_paid_in_full(self):
        self.send(self.move)
        payment = self.pay()
        self.assertEqual(payment.amount, 575)
        self.assertEqual(self.move.psa_state, "paid")
        self.assertEqual(self.move.amount_residual, 0)

    def test_paid_in_part(self):
        self.send(self.move)
        self.pay(100)
        self.assertEqual(self.move.psa_state, "partial")
        self.pay()
        self.assertEqual(self.move.psa_state, "paid")

    def test_a_payment_undone_is_sent_again(self):
        self.send(self.move)
        payment = self.pay()
        payment.action_draft()
        payment.action_cancel()
        self.assertEqual(self.move.psa_state, "sent")

    def test_a_draft_cannot_be_paid(self):
        with self.assertRaisesRegex(UserError, "Send .* to the customer first"):
            self.move.action_psa_mark_paid()
