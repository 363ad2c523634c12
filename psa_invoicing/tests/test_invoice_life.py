# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from ..core.billing import LEDGER
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

    # === What its transactions are worth ===

    def test_posting_looks_at_details_that_do_not_add_up(self):
        """Else not: there may be thousands of them."""
        self.assertFalse(self.draft._psa_with_amounts_to_spread())
        details = self.draft.detail_ids
        figures = details.mapped(lambda detail: (detail.amount, detail.price_unit))
        for wrong in ({"amount": 1}, {"price_unit": 1}):
            details[:1].with_context(psa_ledger=LEDGER).write(wrong)
            self.assertEqual(self.draft._psa_with_amounts_to_spread(), self.draft)
            self.draft.action_post()
            self.assertEqual(
                details.mapped(lambda detail: (detail.amount, detail.price_unit)),
                figures,
            )
            self.draft.button_draft()

    def test_posting_looks_at_what_is_offered(self):
        """It is worth nothing, and says so when the invoice is posted."""
        offered = self.draft.detail_ids[:1]
        offered.billing_type = "complimentary"
        self.assertFalse(self.draft._psa_with_amounts_to_spread())
        offered.with_context(psa_ledger=LEDGER).write({"amount": 1})
        self.draft.action_post()
        self.assertFalse(offered.amount)

    # === What Odoo's own screens say ===

    def test_portal_and_timesheet_screens(self):
        self.draft.action_post()
        Entry = self.env["account.analytic.line"]
        line = self.work.sale_line_id

        def in_portal():
            domain = Entry._timesheet_get_sale_domain(line, self.draft)
            return Entry.search(domain, order="date")

        self.assertEqual(in_portal(), self.entries)
        self.assertEqual(self.draft.timesheet_count, 2)
        credit_note = self.draft._reverse_moves()
        credit_note.invoice_line_ids.quantity = 4
        credit_note.action_post()
        self.assertEqual(in_portal(), self.entries[0], "3 h of 3 and 1 h of 2.")
        self.assertEqual(self.draft.timesheet_count, 1)
        self.assertEqual(self.entries[0].timesheet_invoice_id, self.draft)

    def test_merged_with_another_order(self):
        """Odoo puts two orders of a customer on one invoice; each line is its own."""
        other = self.time_project(4, name="Other")
        self.draft.unlink()
        orders = (self.work + other).sale_line_id.order_id
        move = orders._create_invoices()
        self.assertEqual(len(move), 1)
        self.assertEqual(
            {line.sale_line_ids: line.quantity for line in move.invoice_line_ids},
            {self.work.sale_line_id: 5, other.sale_line_id: 4},
        )
        move.action_post()
        credit_note = move._reverse_moves()
        credit_note.invoice_line_ids.filtered(
            lambda line: line.sale_line_ids == self.work.sale_line_id
        ).unlink()
        credit_note.action_post()
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0])
        self.assertEqual(other.timesheet_ids.open_quantity, 4)


class TestOrderFigures(BillingCase):
    """8 h at 100.00 and 15 % tax: what Odoo derives from the order line.

    What is held or credited is still owed; what is offered, not charged or written off
    never is.
    """

    def setUp(self):
        super().setUp()
        self.env.company.account_use_credit_limit = True
        self.work = self.time_project(8)
        self.entry = self.work.timesheet_ids
        self.line = self.work.sale_line_id
        self.line.product_uom_qty = 8

    def assert_figures(self, to_invoice, untaxed, total, status):
        self.env.flush_all()
        self.env.invalidate_all()
        line = self.line
        self.assertEqual(line.qty_to_invoice, to_invoice)
        self.assertEqual(line.untaxed_amount_to_invoice, untaxed)
        self.assertEqual(line.amount_to_invoice, total)
        self.assertEqual(line.amount_to_invoice_at_date, untaxed)
        self.assertEqual(line.invoice_status, status)
        self.assertEqual(line.order_id.amount_to_invoice, total)
        self.assertEqual(self.customer.credit_to_invoice, total)
        sections = self.work._get_profitability_items(False)["revenues"]["data"]
        self.assertEqual(sum(each["to_invoice"] for each in sections), untaxed)

    def test_open(self):
        self.assert_figures(8, 800, 920, "to invoice")

    def test_held(self):
        self.entry.action_psa_hold("Disputed")
        self.assert_figures(0, 800, 920, "no")

    def test_written_off(self):
        self.entry.action_psa_write_off("Goodwill")
        self.assert_figures(0, 0, 0, "invoiced")

    def test_not_chargeable(self):
        self.entry.action_psa_set_billing_type("non_chargeable")
        self.assert_figures(0, 0, 0, "invoiced")

    def test_offered(self):
        self.entry.action_psa_set_billing_type("complimentary")
        self.assert_figures(0, 0, 0, "invoiced")

    def test_at_a_date(self):
        """The day after the entry, another of 3 h was offered: at the end of its own
        day, the first one is still worth all of its 800."""
        offered = self.log(self.work, date(2026, 1, 2), 3)
        offered.action_psa_set_billing_type("complimentary")
        for day, amount in (("2026-01-01", 800), ("2026-01-31", 800)):
            line = self.line.with_context(accrual_entry_date=day)
            self.assertEqual(line.amount_to_invoice_at_date, amount)
        self.entry.action_psa_write_off("Goodwill")
        line = self.line.with_context(accrual_entry_date="2026-01-31")
        self.assertEqual(line.amount_to_invoice_at_date, 0)

    def test_billed(self):
        self.work._psa_invoice(JANUARY).action_post()
        self.assert_figures(0, 0, 0, "invoiced")

    def test_billed_in_part_and_the_rest_written_off(self):
        move = self.work._psa_invoice(JANUARY)
        move.detail_ids.quantity = 6
        move.detail_ids.action_psa_write_off_rest("Too slow")
        move.action_post()
        self.assert_figures(0, 0, 0, "invoiced")

    def test_credited(self):
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        move._reverse_moves().action_post()
        self.assert_figures(8, 800, 920, "to invoice")

    def test_credited_in_part(self):
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        credit_note = move._reverse_moves()
        credit_note.invoice_line_ids.quantity = 3
        credit_note.action_post()
        self.assert_figures(3, 300, 345, "to invoice")

    def test_a_lower_price(self):
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        credit_note = move._reverse_moves()
        credit_note.invoice_line_ids.price_unit = 10
        credit_note.action_post()
        self.assert_figures(0, 0, 0, "invoiced")
