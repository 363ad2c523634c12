# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stories of a billing life beside other modules."""

from datetime import date

from odoo.fields import Command

from .cost_case import CostCase

# Goods are billed with the day on which they were delivered: today.
LAST = date(2099, 12, 31)


class BesideCase(CostCase):
    """10 cables at 50.00 were ordered, hours cost 100.00, a hotel 250.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls.trip.sale_line_id.order_id
        cls.package = cls.env["sale.order.line"].create(
            {
                "order_id": cls.order.id,
                "product_id": cls.milestone_product.id,
                "product_uom_qty": 10,
            }
        )
        cls.cable = cls.goods("Cable")
        cls.material = cls.goods("Material", list_price=1, expense_policy="cost")

    def setUp(self):
        super().setUp()
        self.cables = self.sell(self.cable, 10)

    # === Telling stories ===

    @classmethod
    def goods(cls, name, **values):
        """Something at 50.00 that is billed once it is delivered."""
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "consu",
                "invoice_policy": "delivery",
                "list_price": 50,
                "taxes_id": [Command.clear()],
                **values,
            }
        )

    def sell(self, product, quantity, order=None):
        return self.env["sale.order.line"].create(
            {
                "order_id": (order or self.order).id,
                "product_id": product.id,
                "product_uom_qty": quantity,
            }
        )

    def deliver(self, line, quantity):
        """Through the warehouse, where there is one."""
        if "stock.picking" not in self.env or not line.move_ids:
            line.qty_delivered += quantity
        else:
            self.ship(line, quantity)

    def ship(self, line, quantity):
        picking = line.move_ids.picking_id.filtered(
            lambda each: each.state not in ("done", "cancel")
        )
        for move in picking.move_ids:
            move.quantity = (
                self.of_part(move, quantity) if move.sale_line_id == line else 0
            )
            move.picked = move.sale_line_id == line
        picking.with_context(skip_backorder=True).button_validate()
        self.assertEqual(line.qty_delivered, quantity)

    def of_part(self, move, quantity):
        """How much of what a warehouse moves: a kit has several parts, and of each
        several pieces."""
        part = move.bom_line_id if "bom_line_id" in move._fields else None
        return quantity * part.product_qty if part else quantity

    def take_back(self, line, quantity):
        """It comes back, to be refunded."""
        if "stock.picking" not in self.env or not line.move_ids:
            line.qty_delivered -= quantity
        else:
            done = line.move_ids.filtered(lambda move: move.state == "done")
            wizard = (
                self.env["stock.return.picking"]
                .with_context(
                    active_id=done.picking_id.id, active_model="stock.picking"
                )
                .create({"picking_id": done.picking_id.id})
            )
            for each in wizard.product_return_moves:
                each.quantity = (
                    self.of_part(each.move_id, quantity) if each.move_id in done else 0
                )
                each.to_refund = True
            returned = wizard._create_return()
            for move in returned.move_ids:
                move.quantity = self.of_part(move, quantity)
                move.picked = True
            returned.button_validate()
        self.env.flush_all()

    def bill(self):
        return self.trip._psa_invoice(LAST)
