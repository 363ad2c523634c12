# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Correct: what should have been invoiced, and a credit note of the difference."""

from datetime import date

from odoo.exceptions import UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestCorrection(BillingCase):
    """Two, three and four hours at 100.00, and 15 % tax."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3, 4)
        self.entries = self.work.timesheet_ids.sorted("date")
        self.order_line = self.work.sale_line_id
        self.invoice = self.work._psa_invoice(JANUARY)
        self.invoice.action_post()
        self.invoice.billing_sent_date = JANUARY

    def correction(self, *quantities):
        """What should have been invoiced of each entry (None: as it is)."""
        action = self.invoice.action_psa_correct()
        correction = self.env[action["res_model"]].browse(action["res_id"])
        lines = correction.line_ids.sorted("date")
        for line, quantity in zip(lines, quantities, strict=True):
            if quantity is not None:
                line.quantity = quantity
        return correction

    def apply(self, correction):
        return self.env["account.move"].browse(correction.action_apply()["res_id"])

    def test_all_is_credited_with_the_deduction(self):
        """900 of work less 200 that were paid down: 700, and 200 to deduct again."""
        self.invoice.button_draft()
        order = self.order_line.order_id
        payment = self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": order.ids,
                "advance_payment_method": "fixed",
                "fixed_amount": 230,
            }
        )
        payment.create_invoices()
        (order.invoice_ids - self.invoice).action_post()
        self.invoice.action_psa_deduct_downpayment()
        self.assertEqual(self.invoice.amount_untaxed, 700)
        self.invoice.action_post()
        self.invoice.billing_sent_date = JANUARY
        self.apply(self.correction(1, None, None)).action_post()
        credit_note = self.apply(self.correction(0, 0, 0))
        self.assertEqual(credit_note.amount_untaxed, 800 - 200)
        credit_note.action_post()
        draft = self.work._psa_invoice(JANUARY)
        self.assertFalse(draft, "Credited work waits for a decision.")
        self.entries.action_psa_release()
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(draft.billing_downpayment_to_deduct, 200)

    def test_the_difference_is_credited(self):
        correction = self.correction(None, 1, 0)
        self.assertEqual(correction.amount, 600)
        correction.reason = "Two hours were agreed"
        credit_note = self.apply(correction)
        self.assertEqual(credit_note.state, "draft")
        self.assertEqual(credit_note.amount_untaxed, 600)
        self.assertIn("Two hours were agreed", credit_note.ref)
        self.assertEqual(
            {row.analytic_line_id: row.quantity for row in credit_note.detail_ids},
            {self.entries[1]: -2, self.entries[2]: -4},
        )
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])
        credit_note.action_post()
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 2, 4])
        self.assertEqual(
            self.entries.mapped("billing_status"), ["invoiced", "credited", "credited"]
        )
        self.assertEqual(self.invoice.billing_credit_note_ids, credit_note)
        self.assertFalse(self.work._psa_invoice(JANUARY), "It is reviewed first.")

    def test_a_second_correction_starts_from_what_is_left(self):
        self.apply(self.correction(None, None, 1)).action_post()
        correction = self.correction(None, None, None)
        self.assertEqual(
            correction.line_ids.sorted("date").mapped("billed_quantity"), [2, 3, 1]
        )
        correction.action_credit_all()
        credit_note = self.apply(correction)
        credit_note.action_post()
        self.assertEqual(credit_note.amount_untaxed, 600)
        self.assertEqual(self.invoice.psa_state, "credited")
        self.assertEqual(self.order_line.qty_invoiced, 0)
        with self.assertRaisesRegex(UserError, "credited already"):
            self.invoice.action_psa_correct()

    def test_all_takes_the_rounding_back(self):
        """6.66 and 6.67 hundredths of an hour are billed as one rounded sum."""
        work = self.time_project(0.123, 0.123, 0.123, name="Minutes")
        self.invoice = work._psa_invoice(JANUARY)
        self.assertEqual(self.invoice.invoice_line_ids.quantity, 0.37)
        self.invoice.action_post()
        self.invoice.billing_sent_date = JANUARY
        self.apply(self.correction(0, None, None)).action_post()
        credit_note = self.apply(self.correction(0, 0))
        self.assertAlmostEqual(credit_note.invoice_line_ids.quantity, 0.25)
        credit_note.action_post()
        self.assertEqual(work.sale_line_id.qty_invoiced, 0)

    def test_lines_of_other_kinds_stay(self):
        """What was typed on the invoice by hand, and notes, are not credited."""
        work = self.time_project(5, name="Other")
        self.invoice = work._psa_invoice(JANUARY)
        self.invoice.write(
            {
                "invoice_line_ids": [
                    (0, 0, {"name": "Stamp", "price_unit": 7}),
                    (0, 0, {"display_type": "line_note", "name": "Thank you"}),
                ]
            }
        )
        self.invoice.action_post()
        credit_note = self.apply(self.correction(4))
        self.assertEqual(credit_note.invoice_line_ids.mapped("quantity"), [1])
        self.assertEqual(credit_note.amount_untaxed, 100)

    def test_what_makes_no_sense(self):
        for quantities, message in {
            (None, None, None): "Enter what should have been invoiced",
            (None, None, 5): "between 0 and 4",
            (-1, None, None): "between 0 and 2",
        }.items():
            with self.subTest(quantities=quantities):
                with self.assertRaisesRegex(UserError, message):
                    with self.env.cr.savepoint():
                        self.correction(*quantities).action_apply()
        self.assertFalse(self.invoice.reversal_move_ids)

    def test_a_draft_is_changed_directly(self):
        draft = self.time_project(1, name="Other")._psa_invoice(JANUARY)
        with self.assertRaisesRegex(UserError, "change it directly"):
            draft.action_psa_correct()
