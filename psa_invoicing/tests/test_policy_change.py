# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A product's policy changes after it was sold."""

from datetime import date

from .common import BillingCase

ALWAYS = date(2099, 12, 31)


class TestPolicyChange(BillingCase):
    """Five hours of ten that were ordered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(5)
        cls.line = cls.work.sale_line_id

    def sell(self, policy):
        self.time_product.service_policy = policy
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
        self.work._psa_invoice(ALWAYS).action_post()
        self.sell("ordered_prepaid")
        self.assertEqual(self.line.qty_to_invoice, 5)

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
