# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestMilestones(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fixed = cls.project("Fixed price")
        cls.line = cls.contract(
            cls.fixed, cls.milestone_product, product_uom_qty=1, price_unit=1000
        )

    def test_a_reached_milestone_is_billed(self):
        milestone = self.milestone(self.fixed, self.line, 0.4, date(2026, 1, 10))
        self.milestone(self.fixed, self.line, 0.6)
        move = self.fixed._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 400)
        self.assertEqual(move.detail_ids.milestone_id, milestone)
        self.assertEqual(move.detail_ids.date, date(2026, 1, 10))
        self.assertEqual(milestone.open_quantity, 0)
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertFalse(self.fixed._psa_invoice(JANUARY))
        self.assert_ledger(move)

    def test_a_milestone_reached_after_the_cutoff_waits(self):
        self.milestone(self.fixed, self.line, 0.4, date(2026, 2, 1))
        self.assertFalse(self.fixed._psa_invoice(JANUARY))

    def test_three_thirds_make_the_whole(self):
        """Each invoice is exact to the cent, and so are all of them together."""
        for month in (1, 2, 3):
            self.milestone(self.fixed, self.line, 1 / 3, date(2026, month, 10))
        moves = self.env["account.move"]
        for month in (1, 2, 3):
            moves += self.fixed._psa_invoice(date(2026, month, 28))
        amounts = moves.mapped("amount_untaxed")
        self.assertEqual(amounts, [333.33, 333.34, 333.33])
        self.assertEqual(self.line.qty_to_invoice, 0)

    def test_each_invoice_names_its_milestone(self):
        self.milestone(self.fixed, self.line, 0.4, date(2026, 1, 10), name="Concept")
        self.milestone(self.fixed, self.line, 0.6, date(2026, 2, 10), name="Go-live")
        first = self.fixed._psa_invoice(JANUARY)
        second = self.fixed._psa_invoice(date(2026, 2, 28))
        self.assertTrue(
            first.invoice_line_ids.name.endswith(
                "\nConcept: 40 % of 1,000.00 (to date 40 %)"
            )
        )
        self.assertTrue(
            second.invoice_line_ids.name.endswith(
                "\nGo-live: 60 % of 1,000.00 (to date 100 %)"
            )
        )

    def test_only_these_milestones(self):
        first = self.milestone(self.fixed, self.line, 0.4, date(2026, 1, 10))
        self.milestone(self.fixed, self.line, 0.6, date(2026, 1, 11))
        move = self.fixed._psa_invoice(JANUARY, milestones=first)
        self.assertEqual(move.detail_ids.milestone_id, first)

    def test_the_day_it_was_reached_can_be_given_and_stays(self):
        milestone = self.milestone(self.fixed, self.line, 0.4)
        with freeze_time("2026-03-01"):
            milestone.is_reached = True
            self.assertEqual(milestone.reached_date, date(2026, 3, 1))
        milestone.reached_date = date(2026, 1, 15)
        milestone.name = "Renamed"
        self.assertEqual(milestone.reached_date, date(2026, 1, 15))
        milestone.is_reached = False
        self.assertFalse(milestone.reached_date)

    def test_a_billed_milestone_stays_reached(self):
        milestone = self.milestone(
            self.fixed, self.line, 0.4, date(2026, 1, 10), name="Concept"
        )
        move = self.fixed._psa_invoice(JANUARY)
        move.action_post()
        with self.assertRaisesRegex(UserError, "Concept.*was billed with"):
            milestone.is_reached = False
        with self.assertRaisesRegex(UserError, "Concept.*was billed with"):
            milestone.unlink()
        self.assertTrue(milestone.is_reached)

    def test_taken_back_while_on_a_draft(self):
        milestone = self.milestone(
            self.fixed, self.line, 0.4, date(2026, 1, 10), name="Concept"
        )
        self.milestone(self.fixed, self.line, 0.1, date(2026, 1, 11), name="Start")
        move = self.fixed._psa_invoice(JANUARY)
        milestone.is_reached = False
        self.assertTrue(move.needs_recalculation)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 100)
        self.assertNotIn("Concept", move.invoice_line_ids.name)
        self.assertIn("\nStart: 10 % of 1,000.00", move.invoice_line_ids.name)
        self.assert_ledger(move)
