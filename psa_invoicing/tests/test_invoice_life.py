# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestInvoiceLife(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3)
        cls.draft = cls.work._psa_invoice(JANUARY)
        cls.entries = cls.work.timesheet_ids.sorted("date")

    def test_a_deleted_draft_opens_its_transactions(self):
        self.draft.unlink()
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3])
        self.assertFalse(self.entries.timesheet_invoice_id)
        self.assertEqual(self.work.sale_line_id.qty_to_invoice, 5)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)

    def test_a_deleted_draft_forgets_what_it_offered(self):
        self.draft.detail_ids[0].billing_type = "complimentary"
        self.draft.unlink()
        self.assertEqual(self.work.sale_line_id.qty_to_invoice, 5)

    def test_a_cancelled_invoice_opens_its_transactions(self):
        self.draft.button_cancel()
        self.assertEqual(self.draft.psa_state, "cancelled")
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3])
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)

    def test_a_revived_invoice_claims_what_is_still_open(self):
        self.draft.button_cancel()
        other = self.work._psa_invoice(date(2026, 1, 1))
        self.draft.button_draft()
        self.assertTrue(self.draft.needs_recalculation)
        self.assertEqual(self.draft.detail_ids.analytic_line_id, self.entries[1])
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.invoice_line_ids.quantity, 3)
        self.assertEqual(other.invoice_line_ids.quantity, 2)
        self.assert_ledger(self.draft + other)

    def test_reset_to_draft_and_posted_again(self):
        self.draft.action_post()
        number = self.draft.name
        self.draft.button_draft()
        self.assertEqual(self.draft.psa_state, "draft")
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0])
        self.entries[0].unit_amount = 1
        self.draft.action_psa_recalculate()
        self.draft.action_post()
        self.assertEqual(self.draft.amount_untaxed, 400)
        self.assertEqual(self.draft.name, number)
        self.assert_ledger(self.draft)

    def test_a_duplicate_is_an_ordinary_invoice(self):
        copied = self.draft.copy()
        self.assertFalse(copied.is_project_invoice)
        self.assertFalse(copied.psa_state)
        self.assertFalse(copied.detail_ids)
        self.assertFalse(copied.invoice_line_ids.detail_ids)

    def test_credited_work_is_not_billed_again(self):
        """A credit note is for a person to follow up; no run bills it again."""
        self.draft.action_post()
        self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=self.draft.ids
        ).create({"journal_id": self.draft.journal_id.id}).refund_moves()
        self.draft.reversal_move_ids.action_post()
        self.assertEqual(self.draft.psa_state, "credited")
        self.assertFalse(self.work._psa_invoice(JANUARY))
