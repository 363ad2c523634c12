# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Goods that leave the warehouse in other ways: as kits, and as parts of a repair."""

from datetime import date

from odoo.fields import Command

from .beside_case import BesideCase


class TestBesideGoods(BesideCase):
    def setUp(self):
        super().setUp()
        self.log(self.trip, date(2026, 1, 5), 2)

    # === Kits ===

    def sell_kits(self, quantity):
        """Of two screws and a plate, at 50.00."""
        if "sale_mrp" not in self.env.registry._init_modules:
            self.skipTest("There are no kits.")
        kit = self.goods("Kit")
        self.env["mrp.bom"].create(
            {
                "product_tmpl_id": kit.product_tmpl_id.id,
                "type": "phantom",
                "bom_line_ids": [
                    Command.create(
                        {"product_id": self.goods(name).id, "product_qty": quantity}
                    )
                    for name, quantity in (("Screw", 2), ("Plate", 1))
                ],
            }
        )
        return self.sell(kit, quantity)

    def test_kits_are_billed_whole(self):
        kits = self.sell_kits(4)
        self.deliver(kits, 3)
        draft = self.bill()
        self.assertEqual(draft.amount_untaxed, 200 + 150)
        self.take_back(kits, 1)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 200 + 100)
        draft.action_post()
        self.assertEqual(self.reverse(draft).amount_untaxed, 300)
        self.assertFalse(self.bill())

    def test_a_kit_that_lacks_a_part_is_not_delivered(self):
        kits = self.sell_kits(4)
        picking = kits.move_ids.picking_id
        for move in picking.move_ids:
            is_screw = move.product_id.name == "Screw"
            move.quantity = 8 if is_screw else 0
            move.picked = is_screw
        picking.with_context(skip_backorder=True).button_validate()
        self.assertEqual(self.bill().amount_untaxed, 200)

    def test_kits_on_hold(self):
        kits = self.sell_kits(4)
        kits.action_psa_hold("Not agreed")
        self.deliver(kits, 4)
        self.env.flush_all()
        self.assertEqual(kits.qty_to_invoice, 0)
        self.take_back(kits, 1)
        self.assertEqual(kits.qty_to_invoice, 0)
        self.assertEqual(self.order._create_invoices(final=True).amount_untaxed, 200)
        kits.action_psa_release()
        self.assertEqual(self.bill().amount_untaxed, 150)

    # === Repairs ===

    def repair(self, quantity, **values):
        """Cables that are put into something which the customer has brought."""
        if "repair.order" not in self.env:
            self.skipTest("Nothing is repaired.")
        self.env.user.group_ids += self.env.ref("stock.group_stock_manager")
        repair = self.env["repair.order"].create(
            {
                "product_id": self.goods("Machine").id,
                "partner_id": self.customer.id,
                "sale_order_id": self.order.id,
                "move_ids": [
                    Command.create(
                        {
                            "product_id": self.cable.id,
                            "product_uom_qty": quantity,
                            "repair_line_type": "add",
                        }
                    )
                ],
                **values,
            }
        )
        repair.action_validate()
        return repair

    def finish(self, repair):
        repair.action_repair_start()
        repair.action_repair_end()
        self.env.flush_all()

    def test_parts_are_billed_when_the_repair_is_done(self):
        repair = self.repair(3)
        draft = self.bill()
        self.assertEqual(draft.amount_untaxed, 200)
        self.finish(repair)
        self.assertEqual(repair.move_ids.sale_line_id.qty_delivered, 3)
        self.assertEqual(self.bill().amount_untaxed, 150)
        self.assertFalse(self.bill())
        self.assertFalse(any(self.order.order_line.mapped("qty_to_invoice")))

    def test_parts_under_warranty_cost_nothing(self):
        self.finish(self.repair(3, under_warranty=True))
        self.assertEqual(self.bill().amount_untaxed, 200)

    def test_parts_on_hold(self):
        repair = self.repair(3)
        repair.move_ids.sale_line_id.action_psa_hold("Not agreed")
        self.finish(repair)
        self.assertEqual(self.order._create_invoices(final=True).amount_untaxed, 200)
