# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A product's policy changes after it was sold."""

from datetime import date
from itertools import permutations

from .common import BillingCase

ALWAYS = date(2099, 12, 31)
DAY = date(2026, 1, 1)
# Units of a contract line of twenty that each policy bills in all.
POLICIES = {
    "delivered_manual": 6,
    "delivered_milestones": 10,
    "delivered_timesheet": 8,
    "ordered_prepaid": 20,
}

MILESTONES_TO_TIME = ("delivered_milestones", "delivered_timesheet")


class TestPolicyChange(BillingCase):
    """Five hours of ten that were ordered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(5)
        cls.line = cls.work.sale_line_id

    def sell(self, policy):
        self.time_product.service_policy = policy
        if policy == "delivered_manual":
            self.line.qty_delivered = POLICIES[policy]
        self.env.flush_all()

    def test_ordered_and_back(self):
        self.sell("ordered_prepaid")
        self.assertEqual(self.line.qty_to_invoice, 10)
        self.assertEqual(self.line.open_quantity, 10)
        self.assertEqual(self.work._psa_invoice(ALWAYS).amount_untaxed, 1000)
        self.work.sale_line_id.order_id.invoice_ids.unlink()
        self.sell("delivered_timesheet")
        self.assertEqual(self.line.qty_to_invoice, 5)
        self.assertEqual(self.work._psa_invoice(ALWAYS).amount_untaxed, 500)

    def test_delivered_by_hand(self):
        self.sell("delivered_manual")
        self.line.qty_delivered = 3
        self.assertEqual(self.line.qty_to_invoice, 3)
        self.assertEqual(self.work._psa_invoice(ALWAYS).amount_untaxed, 300)

    def test_by_milestones(self):
        self.sell("delivered_milestones")
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertFalse(self.work._psa_invoice(ALWAYS))

    def test_after_a_part_was_billed(self):
        """Whatever it was billed as: what is open is what Odoo finds, too."""
        pairs = set(permutations(POLICIES, 2)) - {MILESTONES_TO_TIME}
        for before, after in sorted(pairs):
            with self.subTest(before=before, after=after):
                self.sell_and_deliver(before)
                first = self.work._psa_invoice(ALWAYS)
                first.action_post()
                self.sell(after)
                expected = POLICIES[after] - POLICIES[before]
                self.assertEqual(self.line.qty_to_invoice, expected)
                second = self.bill()
                self.assertEqual(second.amount_untaxed_signed, 100 * expected)
                second.action_post()
                self.assertEqual(self.line.qty_invoiced, POLICIES[after])
                self.assertFalse(self.bill())

    def test_milestones_pay_for_time_to_come(self):
        """Ten were billed and eight worked: two more are free, the next five not."""
        before, after = MILESTONES_TO_TIME
        self.sell_and_deliver(before)
        self.bill().action_post()
        self.sell(after)
        self.assertFalse(self.bill())
        self.log(self.work, DAY, 7)
        self.assertEqual(self.bill().amount_untaxed, 500)

    def bill(self):
        """What is due to the customer becomes a credit note."""
        found = self.work.psa_invoice(str(ALWAYS))
        return self.env["account.move"].browse(found["invoice_ids"])

    def sell_and_deliver(self, policy):
        """Twenty hours are ordered, eight are worked, half is reached."""
        self.time_product.service_policy = policy
        self.work = self.time_project(8)
        self.line = self.work.sale_line_id
        self.line.product_uom_qty = 20
        self.milestone(self.work, self.line, 0.5, DAY)
        self.sell(policy)

    def test_what_was_billed_is_a_draft_again(self):
        """Recalculate takes off what the contract line bills itself since."""
        first = self.work._psa_invoice(ALWAYS)
        first.action_post()
        self.sell("ordered_prepaid")
        self.assertEqual(self.line.open_quantity, 5)
        first.button_draft()
        self.assertTrue(first.needs_recalculation)
        first.action_psa_recalculate()
        self.assertEqual(first.amount_untaxed, 1000)
        first.action_post()
        self.assertFalse(self.work._psa_invoice(ALWAYS))

    def test_what_was_billed_is_credited(self):
        first = self.work._psa_invoice(ALWAYS)
        first.action_post()
        self.sell("ordered_prepaid")
        first._reverse_moves().action_post()
        self.assertEqual(self.line.open_quantity, 10)

    def test_on_a_draft(self):
        draft = self.work._psa_invoice(ALWAYS)
        self.sell("ordered_prepaid")
        self.assertTrue(draft.needs_recalculation)

    def test_the_policy_of_the_template(self):
        self.time_product.product_tmpl_id.invoice_policy = "order"
        self.env.flush_all()
        self.assertEqual(self.line.qty_to_invoice, 10)

    def test_an_order_of_no_project(self):
        """Is Odoo's own."""
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    (0, 0, {"product_id": self.time_product.id, "product_uom_qty": 4})
                ],
            }
        )
        order.action_confirm()
        self.env.flush_all()
        self.sell("ordered_prepaid")
        self.assertEqual(order.order_line.qty_to_invoice, 0)
