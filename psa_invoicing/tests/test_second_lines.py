# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two invoice lines of one contract line, which another add-on or a client has made."""

from datetime import date

from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestSecondLines(BillingCase):
    """2 and 3 h at 100.00 on a line each: 500.00, whatever is done to the draft."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3)
        self.line = self.work.sale_line_id
        self.draft = self.drafted(2, 3)
        self.draft.filtered("psa_is_adoptable")._psa_adopt(JANUARY)
        self.entries = self.work.timesheet_ids.sorted("date")

    def drafted(self, *quantities, **values):
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create(self.line._prepare_invoice_line(quantity=quantity))
                    for quantity in quantities
                ],
                **values,
            }
        )

    def assert_lines(self, *quantities):
        self.assertEqual(
            self.draft.invoice_line_ids.mapped("quantity"), list(quantities)
        )
        self.assertEqual(self.draft.amount_untaxed, 100 * sum(quantities))
        self.assertEqual(sum(self.draft.detail_ids.mapped("quantity")), sum(quantities))
        self.assert_ledger(self.draft)

    def test_recalculate(self):
        self.assertTrue(self.draft.is_project_invoice)
        self.draft.action_psa_recalculate()
        self.assert_lines(2, 3)
        message = self.draft.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)
        self.draft.action_post()
        self.assertEqual(self.line.qty_to_invoice, 0)

    def test_more_work(self):
        self.log(self.work, date(2026, 1, 20), 1)
        self.draft.action_psa_recalculate()
        self.assert_lines(3, 3)

    def test_corrected_work(self):
        self.entries[1].unit_amount = 1
        self.draft.action_psa_recalculate()
        self.assert_lines(2, 1)

    def test_a_line_of_which_nothing_is_left(self):
        self.entries[1].unlink()
        self.draft.action_psa_recalculate()
        self.assert_lines(2)

    def ours_and_theirs(self, ours, theirs):
        """A draft of ours, with a quantity that a person typed, and a second line."""
        self.draft.button_cancel()
        self.draft = self.work._psa_invoice(JANUARY)
        self.draft.invoice_line_ids.quantity = ours
        values = self.line._prepare_invoice_line(quantity=theirs)
        self.draft.write({"invoice_line_ids": [Command.create(values)]})
        self.assertEqual(self.draft.invoice_line_ids.mapped("quantity"), [ours, theirs])

    def test_lines_of_which_nothing_is_left_beside_what_is_offered(self):
        """One of them stays, with nothing to charge, for its text."""
        self.log(self.work, date(2026, 1, 9), 1, billing_type="complimentary")
        self.ours_and_theirs(2, 3)
        self.entries.unlink()
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.invoice_line_ids.mapped("quantity"), [0])
        self.assertEqual(self.draft.detail_ids.billing_type, "complimentary")

    def test_theirs_has_what_was_taken_off_ours(self):
        self.ours_and_theirs(2, 3)
        self.draft.action_psa_recalculate()
        self.assert_lines(2, 3)
        self.entries[1].unit_amount = 4
        self.draft.action_psa_recalculate()
        self.assert_lines(2, 4)

    def test_theirs_has_a_part_of_what_was_taken_off_ours(self):
        self.ours_and_theirs(2, 1)
        self.draft.action_psa_recalculate()
        self.assert_lines(2, 1)
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 2])

    def test_a_row_is_offered(self):
        row = self.draft.detail_ids.filtered(lambda each: each.quantity == 3)
        row.billing_type = "complimentary"
        self.assertEqual(self.draft.amount_untaxed, 200)
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.amount_untaxed, 200)

    def test_a_quantity_is_typed(self):
        self.draft.invoice_line_ids[1].quantity = 2
        self.assert_lines(2, 2)
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 1])
        self.draft.action_psa_recalculate()
        self.assert_lines(2, 2)
        self.draft.invoice_line_ids[0].quantity = 1
        self.assert_lines(1, 2)
        self.assertEqual(self.entries.mapped("open_quantity"), [1, 1])

    def test_a_line_of_their_own_beside_ours(self):
        """1 h more than was worked, typed on a line of its own."""
        self.draft.button_cancel()
        self.draft = self.work._psa_invoice(JANUARY)
        self.draft.write(
            {
                "invoice_line_ids": [
                    Command.create(self.line._prepare_invoice_line(quantity=1))
                ]
            }
        )
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.invoice_line_ids.mapped("quantity"), [5, 1])
        self.assertEqual(self.draft.amount_untaxed, 600)

    def test_an_entry_on_both(self):
        """4 and 1 h: the entry of 3 h is on both lines."""
        self.draft.button_cancel()
        self.draft = self.drafted(4, 1)
        self.draft._psa_adopt(JANUARY)
        self.draft.action_psa_recalculate()
        self.assertEqual(self.draft.amount_untaxed, 500)
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0])


class TestThreeHoursLess(BillingCase):
    """3.3 and 1 h at 90.00 on a line each, 387.00; of the first one 3 h are taken
    back, and 117.00 are left."""

    def setUp(self):
        super().setUp()
        self.work = self.project("Work")
        self.line = self.contract(self.work, price_unit=90)
        self.entries = self.log(self.work, date(2026, 1, 5), 3.3) + self.log(
            self.work, date(2026, 1, 6), 1
        )
        self.adopt(3.3, 1)

    def adopt(self, *quantities):
        self.draft = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create(self.line._prepare_invoice_line(quantity=quantity))
                    for quantity in quantities
                ],
            }
        )
        self.draft._psa_adopt(JANUARY)

    def recalculate(self):
        for _time in range(2):
            self.draft.action_psa_recalculate()
            self.assert_ledger(self.draft)
        return self.draft.amount_untaxed

    def test_nothing_has_changed(self):
        self.assertEqual(self.draft.amount_untaxed, 387)
        self.assertEqual(self.recalculate(), 387)

    def test_the_entry_is_lowered(self):
        self.entries[0].unit_amount = 0.3
        self.assertEqual(self.recalculate(), 117)
        self.draft.action_post()
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_a_correction_is_logged(self):
        self.log(self.work, date(2026, 1, 7), -3)
        self.assertEqual(self.recalculate(), 117)

    def test_of_117_nothing_becomes_387(self):
        """1 and 0.3 h from the first: what Recalculate doubled."""
        self.draft.unlink()
        self.entries[0].unit_amount = 0.3
        self.adopt(0.3, 1)
        self.assertEqual(self.recalculate(), 117)
