# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.exceptions import UserError
from odoo.tests import Form

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestDraftChanges(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3, 4)
        cls.draft = cls.work._psa_invoice(JANUARY)
        cls.entries = cls.work.timesheet_ids.sorted("date")
        cls.order_line = cls.work.sale_line_id

    def recalculate(self):
        return self.draft.action_psa_recalculate()["params"]["message"]

    def detail(self, entry):
        return self.draft.detail_ids.filtered(
            lambda detail: detail.analytic_line_id == entry
        )

    # === Recalculate ===

    def test_nothing_changed(self):
        messages = self.draft.message_ids
        self.assertIn("Nothing has changed", self.recalculate())
        self.assertEqual(self.draft.message_ids, messages)

    def test_late_hours_are_added(self):
        self.log(self.work, date(2026, 1, 20), 1)
        self.log(self.work, date(2026, 2, 1), 8)
        self.assertIn("1 added", self.recalculate())
        self.assertEqual(self.draft.invoice_line_ids.quantity, 10)
        self.assertIn("Nothing has changed", self.recalculate())
        self.assert_ledger(self.draft)

    def test_corrected_hours_are_followed(self):
        self.entries[0].unit_amount = 2.5
        self.entries[0].name = "Corrected"
        self.assertTrue(self.draft.needs_recalculation)
        self.assertEqual(self.draft.invoice_line_ids.quantity, 9)
        self.assertIn("1 changed", self.recalculate())
        self.assertFalse(self.draft.needs_recalculation)
        self.assertEqual(self.draft.invoice_line_ids.quantity, 9.5)
        self.assertEqual(self.detail(self.entries[0]).name, "Corrected")
        self.assert_ledger(self.draft)

    def test_deleted_hours_are_dropped(self):
        self.entries[2].unlink()
        self.assertTrue(self.draft.needs_recalculation)
        self.assertIn("1 dropped", self.recalculate())
        self.assertEqual(self.draft.invoice_line_ids.quantity, 5)
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        self.assert_ledger(self.draft)

    def test_hours_moved_to_another_project_go_there(self):
        other = self.project("Other")
        line = self.contract(other)
        self.entries[0].project_id = other
        self.assertTrue(self.draft.needs_recalculation)
        self.assertEqual(self.entries[0].so_line, line)
        self.recalculate()
        self.assertEqual(self.draft.invoice_line_ids.quantity, 7)
        moved = other._psa_invoice(JANUARY)
        self.assertEqual(moved.detail_ids.analytic_line_id, self.entries[0])
        self.assert_ledger(self.draft + moved)

    def test_another_cutoff(self):
        self.draft.billing_cutoff_date = date(2026, 1, 2)
        self.assertIn("1 dropped", self.recalculate())
        self.assertEqual(self.draft.invoice_line_ids.quantity, 5)
        self.assertEqual(self.entries[2].open_quantity, 4)

    def test_hours_on_another_draft_are_never_moved(self):
        self.draft.billing_cutoff_date = date(2026, 1, 2)
        self.recalculate()
        other = self.work._psa_invoice(JANUARY)
        self.draft.billing_cutoff_date = JANUARY
        self.assertIn("Nothing has changed", self.recalculate())
        self.assertEqual(other.invoice_line_ids.quantity, 4)

    def test_what_a_person_edited_stays(self):
        line = self.draft.invoice_line_ids
        line.write({"price_unit": 90, "name": "As agreed", "discount": 5})
        self.draft.narration = "Thank you"
        self.log(self.work, date(2026, 1, 20), 1)
        self.recalculate()
        self.assertRecordValues(
            line,
            [{"price_unit": 90, "name": "As agreed", "discount": 5, "quantity": 10}],
        )
        self.assertIn("Thank you", self.draft.narration)
        self.assertEqual(self.draft.amount_untaxed, 855)
        self.assert_ledger(self.draft)

    def test_lines_added_by_hand_stay(self):
        self.draft.invoice_line_ids = [
            (0, 0, {"name": "Travel", "quantity": 1, "price_unit": 50, "tax_ids": []})
        ]
        self.log(self.work, date(2026, 1, 20), 1)
        self.recalculate()
        self.assertEqual(self.draft.amount_untaxed, 1050)

    def test_hand_picked_transactions_stay_the_only_ones(self):
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.work.ids, "cutoff_date": JANUARY}
        )
        for day in (21, 22):
            self.log(self.work, date(2026, 1, day), 1)
        wizard.action_next()
        wizard.line_ids[0].selected = False
        draft = self.env["account.move"].browse(wizard.action_finish()["res_id"])
        self.log(self.work, date(2026, 1, 23), 1)
        draft.action_psa_recalculate()
        self.assertEqual(draft.invoice_line_ids.quantity, 1)

    def test_a_posted_invoice_is_not_recalculated(self):
        self.draft.action_post()
        with self.assertRaisesRegex(UserError, "no draft any more"):
            self.recalculate()

    def test_another_invoice_is_not_recalculated(self):
        invoice = self.init_invoice("out_invoice", products=self.product_a)
        with self.assertRaisesRegex(UserError, "not made from a project"):
            invoice.action_psa_recalculate()

    def test_changed_transactions_must_be_looked_at_before_posting(self):
        self.entries[0].unit_amount = 1
        with self.assertRaisesRegex(UserError, "Recalculate first"):
            self.draft.action_post()
        self.recalculate()
        self.draft.action_post()
        self.assertEqual(self.draft.amount_untaxed, 800)

    # === Transactions tab ===

    def test_complimentary_hours_are_not_charged_nor_billed_later(self):
        self.detail(self.entries[0]).billing_type = "complimentary"
        self.assertEqual(self.draft.invoice_line_ids.quantity, 7)
        self.assertEqual(self.detail(self.entries[0]).amount, 0)
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        self.assertIn("Nothing has changed", self.recalculate())
        self.assert_ledger(self.draft)
        self.draft.action_post()
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    def test_complimentary_and_back(self):
        detail = self.detail(self.entries[0])
        detail.billing_type = "complimentary"
        detail.billing_type = "chargeable"
        self.assertEqual(self.draft.invoice_line_ids.quantity, 9)
        self.assertEqual(self.order_line.billing_excluded_quantity, 0)
        self.assert_ledger(self.draft)

    def test_everything_complimentary_charges_nothing(self):
        self.draft.detail_ids.billing_type = "complimentary"
        self.assertEqual(self.draft.invoice_line_ids.quantity, 0)
        self.draft.detail_ids.billing_type = "chargeable"
        self.assertEqual(self.draft.invoice_line_ids.quantity, 9)
        self.assertEqual(self.draft.amount_total, 1035)
        self.assert_ledger(self.draft)

    def test_a_removed_row_is_open_again_and_stays_off(self):
        self.detail(self.entries[0]).unlink()
        self.assertEqual(self.draft.invoice_line_ids.quantity, 7)
        self.assertEqual(self.entries[0].open_quantity, 2)
        self.assertFalse(self.entries[0].timesheet_invoice_id)
        self.assertIn("Nothing has changed", self.recalculate())
        other = self.work._psa_invoice(JANUARY)
        self.assertEqual(other.invoice_line_ids.quantity, 2)
        self.assert_ledger(self.draft + other)

    def test_through_the_form(self):
        with Form(self.draft) as form:
            with form.detail_ids.edit(0) as detail:
                detail.billing_type = "complimentary"
            form.detail_ids.remove(1)
        self.assertEqual(self.draft.invoice_line_ids.quantity, 4)
        self.assertEqual(self.draft.amount_total, 460)
        self.assert_ledger(self.draft)

    def test_other_fields_follow_their_source(self):
        with self.assertRaisesRegex(UserError, "cannot be changed here"):
            self.draft.detail_ids[0].price_unit = 1

    def test_posted_details_never_change(self):
        self.draft.action_post()
        with self.assertRaisesRegex(UserError, "credit note"):
            self.draft.detail_ids[0].billing_type = "complimentary"
        with self.assertRaisesRegex(UserError, "credit note"):
            self.draft.detail_ids[0].unlink()
        with self.assertRaisesRegex(UserError, "already invoiced"):
            self.entries[0].unit_amount = 1

    # === Quantities typed by hand ===

    def test_a_lower_quantity_trims_the_latest_entries(self):
        line = self.draft.invoice_line_ids
        line.quantity = 3.5
        self.assertEqual(
            [self.detail(entry).quantity for entry in self.entries], [2, 1.5, 0]
        )
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 1.5, 4])
        self.assertIn("Nothing has changed", self.recalculate())
        self.assertEqual(line.quantity, 3.5)
        other = self.work._psa_invoice(JANUARY)
        self.assertEqual(other.invoice_line_ids.quantity, 5.5)
        self.assert_ledger(self.draft + other)

    def test_and_back_again(self):
        line = self.draft.invoice_line_ids
        line.quantity = 3.5
        line.quantity = 9
        self.assertEqual(
            [self.detail(entry).quantity for entry in self.entries], [2, 3, 4]
        )
        self.assert_ledger(self.draft)

    def test_a_higher_quantity_is_an_adjustment(self):
        line = self.draft.invoice_line_ids
        line.quantity = 10
        adjustment = self.draft.detail_ids.filtered(
            lambda detail: detail.transaction_type == "adjustment"
        )
        self.assertEqual(adjustment.quantity, 1)
        line.quantity = 9.5
        adjustment = self.draft.detail_ids.filtered(
            lambda detail: detail.transaction_type == "adjustment"
        )
        self.assertEqual(adjustment.quantity, 0.5)
        self.assertIn("Nothing has changed", self.recalculate())
        self.assertEqual(line.quantity, 9.5)

    def test_a_deleted_line_opens_its_transactions(self):
        self.draft.invoice_line_ids.unlink()
        self.assertFalse(self.draft.detail_ids)
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        self.assertIn("Nothing has changed", self.recalculate())
        self.assertEqual(self.work._psa_invoice(JANUARY).invoice_line_ids.quantity, 9)

    def test_what_was_lowered_is_for_its_own_draft(self):
        """4 h become 1 h: the draft bills 3 h too much until it is recalculated.

        No other invoice takes them off that entry; it bills what the line has left.
        """
        self.entries[2].unit_amount = 1
        self.assertEqual(self.entries[2].open_quantity, -3)
        self.log(self.work, date(2026, 1, 20), 5)
        other = self.work._psa_invoice(JANUARY)
        self.assertEqual(other.detail_ids.mapped("quantity"), [2])
        self.recalculate()
        self.assertEqual(self.draft.invoice_line_ids.quantity, 2 + 3 + 1 + 3)
        self.assert_ledger(self.draft + other)

    def test_what_was_deleted_keeps_its_line_until_recalculate(self):
        """A line per entry; the entry is gone, and offered before Recalculate."""
        project = self.time_project(2, 3, billing_layout="entry")
        draft = project._psa_invoice(JANUARY)
        project.timesheet_ids.sorted("date")[0].unlink()
        draft.detail_ids.sorted("date")[0].billing_type = "complimentary"
        self.assertEqual(draft.invoice_line_ids.mapped("quantity"), [0, 3])
        draft.action_psa_recalculate()
        self.assertEqual(draft.invoice_line_ids.mapped("quantity"), [3])

    def test_an_adjustment_stays_on_its_line(self):
        project = self.time_project(2, 3, billing_layout="entry")
        draft = project._psa_invoice(JANUARY)
        draft.invoice_line_ids[0].quantity = 2.5
        draft.detail_ids.filtered(
            lambda detail: detail.quantity == 3
        ).billing_type = "complimentary"
        self.assertEqual(draft.invoice_line_ids.mapped("quantity"), [2.5, 0])


class TestCorrectedElsewhere(BillingCase):
    """Two hours on a draft became -1 h, and another draft takes the three back."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(2)
        self.entry = self.work.timesheet_ids
        self.draft = self.work._psa_invoice(JANUARY)
        self.log(self.work, date(2026, 1, 3), 6)
        self.entry.unit_amount = -1
        self.order = self.work.sale_line_id.order_id

    def assert_asks_for_recalculate(self):
        self.assertTrue(self.draft.needs_recalculation)
        with self.assertRaisesRegex(UserError, "Recalculate"):
            self.draft.action_post()
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.invoice_line_ids.quantity, 5)
        self.assertEqual(self.entry.billed_quantity, -1)

    def test_the_other_draft_is_deleted(self):
        other = self.order._create_invoices()
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.invoice_line_ids.quantity, 2)
        other.unlink()
        self.assert_asks_for_recalculate()

    def test_the_other_draft_is_cancelled(self):
        other = self.order._create_invoices()
        self.draft.action_psa_recalculate()
        other.button_cancel()
        self.assert_asks_for_recalculate()
