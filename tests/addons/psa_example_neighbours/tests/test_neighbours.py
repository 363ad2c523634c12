# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError

from odoo.addons.psa_invoicing.tests.common import BillingCase

JANUARY = date(2026, 1, 31)


class TestNeighbours(BillingCase):
    """Ten hours at 100.00."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 8)
        self.line = self.work.sale_line_id
        self.order = self.line.order_id

    def second_order(self):
        """Of the same project, with two hours at 100.00."""
        line = self.contract(self.work)
        self.log(self.work, date(2026, 1, 7), 2, so_line=line.id)
        return line.order_id

    # === Odoo's hooks ===

    def test_a_disputed_order_waits(self):
        self.order.is_disputed = True
        self.assertFalse(self.work._psa_invoice(JANUARY))
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.order._create_invoices()
        self.order.is_disputed = False
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 1000)

    @freeze_time("2026-01-01")
    def test_a_run_says_why_an_order_waits(self):
        work = self.time_project(
            2,
            billing_frequency_id=self.env.ref(
                "psa_invoicing.frequency_monthly_last_day"
            ).id,
            billing_start_date=date(2026, 1, 1),
        )
        work.sale_line_id.order_id.is_disputed = True
        run = self.run_due(JANUARY, work)
        self.assertFalse(run.invoice_ids)
        self.assertIn("keeps its order from being invoiced", str(run.line_ids.read()))

    def test_a_draft_of_an_order_that_is_disputed_since(self):
        """It stays for a person to decide, and takes nothing more."""
        draft = self.work._psa_invoice(JANUARY)
        self.order.is_disputed = True
        self.log(self.work, date(2026, 1, 8), 3)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1000)

    def test_another_order_of_the_project_is_billed(self):
        other = self.second_order()
        self.order.is_disputed = True
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 200)
        self.assertEqual(draft.invoice_line_ids.sale_line_ids.order_id, other)

    def test_what_another_system_has_invoiced(self):
        """1,000.00 were billed in place of 600.00."""
        self.line.quantity_of_other_system = 4
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(draft.amount_untaxed, 600)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 600)
        self.log(self.work, date(2026, 1, 8), 1)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 100)

    def test_orders_with_different_keys_are_not_merged(self):
        other = self.second_order()
        self.order.paid_by = "Card"
        other.paid_by = "Direct debit"
        drafts = self.work._psa_invoice(JANUARY)
        self.assertEqual(
            {draft.paid_by: draft.amount_untaxed for draft in drafts},
            {"Card": 1000, "Direct debit": 200},
        )

    def test_orders_with_the_same_key_are_merged(self):
        (self.order | self.second_order()).paid_by = "Card"
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual((draft.paid_by, draft.amount_untaxed), ("Card", 1200))
        self.log(self.work, date(2026, 1, 9), 1)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1300)

    def test_what_stands_beside_a_line(self):
        self.line.remark = "As agreed by telephone"
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(
            draft.invoice_line_ids.sorted("sequence").mapped("display_type"),
            ["product", "line_note"],
        )
        self.assertEqual(draft.amount_untaxed, 1000)
        draft.action_psa_recalculate()
        self.assertEqual(len(draft.invoice_line_ids), 2)

    def test_what_happens_when_invoices_are_made(self):
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(draft.made_of, self.order.name)
        self.assertFalse(draft.message_ids.tracking_value_ids)

    # === Odoo's button, as others have changed it ===

    def test_an_order_that_is_frozen(self):
        """Refused before anything is made."""
        self.order.is_frozen = True
        with self.assertRaisesRegex(UserError, "is not to be invoiced"):
            self.work._psa_invoice(JANUARY)
        self.assertFalse(self.order.invoice_ids)
        self.order.is_frozen = False
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 1000)

    @freeze_time("2026-01-01")
    def test_a_run_says_what_another_add_on_says(self):
        values = {
            "billing_frequency_id": self.env.ref(
                "psa_invoicing.frequency_monthly_last_day"
            ).id,
            "billing_start_date": date(2026, 1, 1),
        }
        frozen, other = self.time_project(2, **values), self.time_project(3, **values)
        frozen.sale_line_id.order_id.is_frozen = True
        run = self.run_due(JANUARY, frozen | other)
        self.assertEqual(run.invoice_ids.amount_untaxed, 300)
        self.assertIn("is not to be invoiced", str(run.line_ids.read()))

    def test_headings_of_orders(self):
        (self.order | self.second_order()).is_headed = True
        draft = self.work._psa_invoice(JANUARY)
        shown = draft.invoice_line_ids.sorted("sequence").mapped("display_type")
        self.assertEqual(shown, ["line_section", "product"] * 2)
        self.log(self.work, date(2026, 1, 9), 1)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1300)
        self.assertEqual(len(draft.invoice_line_ids), 4)

    def test_lines_that_are_split(self):
        self.order.is_split = True
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(draft.invoice_line_ids.mapped("quantity"), [5, 5])
        self.assert_ledger(draft)
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.log(self.work, date(2026, 1, 9), 1)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1100)
        self.assert_ledger(draft)
        draft.action_post()
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.assertEqual(self.line.qty_to_invoice, 0)

    def test_lines_of_odoos_button_that_are_split(self):
        self.order.is_split = True
        invoice = self.order._create_invoices()
        self.assertEqual(invoice.invoice_line_ids.mapped("quantity"), [5, 5])
        self.assert_ledger(invoice)
        invoice.action_post()
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_an_add_on_that_makes_invoices_itself(self):
        """The service makes none, and says whose doing that is; what the add-on makes
        is billed."""
        self.order.has_own_way = True
        with (
            self.assertRaisesRegex(UserError, "psa_example_neighbours"),
            self.env.cr.savepoint(),
        ):
            self.work._psa_invoice(JANUARY)
        self.assertFalse(self.order.invoice_ids)
        own = self.order._create_invoices()
        self.assertEqual(own.amount_untaxed, 500)
        self.assert_ledger(own)
        self.order.has_own_way = False
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)

    # === Approved, and merged ===

    def test_hours_of_a_draft_that_is_being_approved(self):
        draft = self.work._psa_invoice(JANUARY)
        draft.is_being_approved = True
        self.work.timesheet_ids[0].unit_amount += 1
        self.assertTrue(draft.needs_recalculation)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            draft.ref = "Changed"
        draft.with_context(is_approving=True).is_being_approved = False
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1100)

    def test_merged_drafts_keep_the_ledger(self):
        first = self.work._psa_invoice(date(2026, 1, 1))
        second = self.work._psa_invoice(date(2026, 1, 2))
        later = self.log(self.work, date(2026, 1, 3), 5)
        merged = (first | second).merge()
        self.assertEqual(merged.amount_untaxed, 1000)
        self.assertEqual(merged.detail_ids.mapped("transaction_type"), ["time", "time"])
        self.assertEqual(self.work.timesheet_ids.mapped("open_quantity"), [5, 0, 0])
        self.assertEqual(later.open_quantity, 5)
        merged.action_post()
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)
