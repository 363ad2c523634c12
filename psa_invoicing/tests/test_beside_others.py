# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A billing life, whatever is installed beside: figures worked out by hand.

``make test-with`` tells it in a database with other modules; what needs one of them is
left out where it is not there.
"""

from datetime import date

from freezegun import freeze_time

from .beside_case import BesideCase
from .cost_case import JANUARY


class TestBesideOthers(BesideCase):
    def test_a_billing_life(self):
        self.log(self.trip, date(2026, 1, 5), 2)
        late = self.log(self.trip, date(2026, 1, 6), 3)
        self.milestone(self.trip, self.package, 0.25, date(2026, 1, 7))
        self.expense()
        self.posted_bill(self.material, self.trip)
        self.deliver(self.cables, 3)
        draft = self.bill()
        self.assertEqual(
            sorted(draft.invoice_line_ids.mapped("price_subtotal")),
            # Material, cables, package, hotel, time.
            [50, 150, 250, 250, 500],
        )
        late.unit_amount = 4
        self.take_back(self.cables, 1)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1200 + 100 - 50)
        draft.action_post()
        self.assertFalse(self.bill(), "All is billed.")
        credit_note = self.reverse(draft)
        self.assertEqual(credit_note.amount_untaxed, 1250)
        self.assertFalse(self.bill(), "What was credited waits.")
        self.log(self.trip, date(2026, 1, 8), 1)
        self.open().filtered(lambda row: row.status == "credited").action_psa_release()
        again = self.order._create_invoices()
        self.assertEqual(again.amount_untaxed, 1250 + 100)
        again.action_post()
        self.assertFalse(self.bill())
        self.assertFalse(any(self.order.order_line.mapped("qty_to_invoice")))

    @freeze_time("2026-01-01")
    def test_a_run_bills_what_is_due(self):
        work = self.project(
            "Work",
            billing_frequency_id=self.env.ref(
                "psa_invoicing.frequency_monthly_last_day"
            ).id,
            billing_start_date=date(2026, 1, 1),
        )
        order = self.contract(work).order_id
        order.project_id = work
        self.log(work, date(2026, 1, 5), 2)
        cables = self.sell(self.cable, 10, order)
        self.deliver(cables, 3)
        cables.billing_date = date(2026, 1, 20)
        run = self.run_due(JANUARY, work)
        self.assertEqual(run.invoice_ids.amount_untaxed, 200 + 150)

    def test_a_return_asks_the_draft_to_recalculate(self):
        """It posted 500.00 of 350.00 that were right."""
        self.deliver(self.cables, 10)
        draft = self.bill()
        self.assertEqual(draft.amount_untaxed, 500)
        self.take_back(self.cables, 3)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 350)

    def test_held_goods_are_not_for_odoos_button(self):
        """Nor are those that are never charged, or written off: before they leave the
        warehouse, and after."""
        self.log(self.trip, date(2026, 1, 5), 2)
        for delivered_first in (True, False):
            for decide in (
                lambda line: line.action_psa_hold("Not agreed"),
                lambda line: line.write({"billing_type": "non_chargeable"}),
            ):
                line = self.sell(self.cable, 6)
                if delivered_first:
                    self.deliver(line, 6)
                decide(line)
                if not delivered_first:
                    self.deliver(line, 6)
                self.env.flush_all()
                self.assertEqual(line.qty_to_invoice, 0)
                self.take_back(line, 2)
                self.assertEqual(line.qty_to_invoice, 0)
        self.assertEqual(self.order._create_invoices(final=True).amount_untaxed, 200)

    def test_written_off_goods_that_come_back_are_no_credit(self):
        self.deliver(self.cables, 6)
        self.cables.action_psa_write_off("Damaged")
        self.log(self.trip, date(2026, 1, 5), 2)
        self.assertEqual(self.cables.qty_to_invoice, 0)
        self.take_back(self.cables, 2)
        self.assertEqual(self.cables.qty_to_invoice, 0)
        self.assertEqual(self.order._create_invoices(final=True).amount_untaxed, 200)
        self.assertFalse(self.bill())
