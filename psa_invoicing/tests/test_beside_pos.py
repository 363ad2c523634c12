# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders that are settled in a shop: Odoo counts them as invoiced, without an invoice
line."""

from datetime import date
from unittest import SkipTest

from odoo.fields import Command

from .common import BillingCase

# Goods are billed with the day on which they were ordered: today.
LAST = date(2099, 12, 31)


class TestBesidePos(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shop = cls.env.get("pos.order.line")
        if shop is None or "sale_order_line_id" not in shop._fields:
            raise SkipTest("Orders are settled in no shop.")
        cls.env.user.group_ids += cls.env.ref("point_of_sale.group_pos_manager")
        cls.work = cls.project()
        cls.hours = cls.contract(cls.work)
        cls.order = cls.hours.order_id
        cls.cable = cls._product("Cable", "consu", "order")
        cls.shop = cls.env["pos.config"].create({"name": "Shop"})
        cls.shop.open_ui()

    @classmethod
    def _product(cls, name, kind, policy):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": kind,
                "invoice_policy": policy,
                "list_price": 50,
                "taxes_id": [Command.clear()],
            }
        )

    def sell(self, product, quantity):
        return self.env["sale.order.line"].create(
            {
                "order_id": self.order.id,
                "product_id": product.id,
                "product_uom_qty": quantity,
            }
        )

    def settle(self, line, quantity):
        """The customer pays at the till."""
        amount = quantity * line.price_unit
        self.env["pos.order"].create(
            {
                "company_id": self.env.company.id,
                "session_id": self.shop.current_session_id.id,
                "partner_id": self.customer.id,
                "state": "paid",
                "amount_tax": 0,
                "amount_total": amount,
                "amount_paid": amount,
                "amount_return": 0,
                "lines": [
                    Command.create(
                        {
                            "product_id": line.product_id.id,
                            "qty": quantity,
                            "price_unit": line.price_unit,
                            "price_subtotal": amount,
                            "price_subtotal_incl": amount,
                            "sale_order_line_id": line.id,
                            "sale_order_origin_id": line.order_id.id,
                        }
                    )
                ],
            }
        )
        self.env.flush_all()

    def test_what_the_shop_has_settled_is_not_billed_again(self):
        line = self.sell(self.cable, 6)
        self.settle(line, 6)
        self.assertEqual((line.qty_invoiced, line.qty_to_invoice), (6, 0))
        self.assertEqual((line.open_quantity, line.billing_status), (0, "none"))
        self.assertFalse(self.work._psa_invoice(LAST))

    def test_of_a_part_the_rest_is_billed(self):
        line = self.sell(self.cable, 6)
        self.settle(line, 2)
        draft = self.work._psa_invoice(LAST)
        self.assertEqual(draft.amount_untaxed, 200)
        self.assertEqual(line.qty_to_invoice, 0)

    def test_a_draft_follows_what_the_shop_settles(self):
        line = self.sell(self.cable, 6)
        draft = self.work._psa_invoice(LAST)
        self.settle(line, 2)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 200)

    def test_hours_that_the_shop_has_settled(self):
        self.log(self.work, date(2026, 1, 5), 4)
        self.log(self.work, date(2026, 1, 6), 2)
        self.settle(self.hours, 5)
        self.assertEqual(self.hours.qty_to_invoice, 1)
        draft = self.work._psa_invoice(LAST)
        self.assertEqual(draft.amount_untaxed, 100)
        self.assertEqual(self.hours.qty_to_invoice, 0)

    def test_what_is_on_hold_stays_so(self):
        line = self.sell(self.cable, 6)
        line.action_psa_hold("Not agreed")
        self.settle(line, 2)
        self.assertEqual(line.qty_to_invoice, 0)
        line.action_psa_release()
        self.assertEqual(line.qty_to_invoice, 4)

    def test_the_audit_knows_what_was_paid_twice(self):
        self.audited = False
        line = self.sell(self.cable, 6)
        self.work._psa_invoice(LAST).action_post()
        self.settle(line, 2)
        (finding,) = self.env["psa.ledger.audit"]._findings()
        self.assertEqual((finding["model"], finding["res_id"]), (line._name, line.id))
        self.assertIn("2 were invoiced elsewhere", finding["message"])
