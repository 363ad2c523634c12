# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Combos are billed as with Odoo's own button: under a heading of their own."""

from datetime import date

from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestCombos(BillingCase):
    """A workplace is made of a desk and a chair."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.project()
        cls.hours = cls.contract(cls.work)
        cls.order = cls.hours.order_id
        desk, chair = cls.goods("Desk", 300), cls.goods("Chair", 100)
        parts = cls.env["product.combo"].create(
            [
                {
                    "name": product.name,
                    "combo_item_ids": [Command.create({"product_id": product.id})],
                }
                for product in (desk, chair)
            ]
        )
        workplace = cls.env["product.product"].create(
            {
                "name": "Workplace",
                "type": "combo",
                "list_price": 400,
                "combo_ids": [Command.set(parts.ids)],
            }
        )
        cls.combo = cls.sell(workplace)
        cls.desk, cls.chair = (
            cls.sell(
                item.product_id, linked_line_id=cls.combo.id, combo_item_id=item.id
            )
            for item in parts.combo_item_ids
        )

    @classmethod
    def goods(cls, name, price):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "consu",
                "invoice_policy": "order",
                "list_price": price,
                "taxes_id": [Command.clear()],
            }
        )

    @classmethod
    def sell(cls, product, **values):
        return cls.env["sale.order.line"].create(
            {
                "order_id": cls.order.id,
                "product_id": product.id,
                "product_uom_qty": 2,
                "billing_date": date(2026, 1, 5),
                "sequence": 20,
                **values,
            }
        )

    def texts(self, move):
        lines = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        return lines.mapped(lambda line: (line.display_type, line.name.split("\n")[0]))

    def test_as_odoo_bills_them(self):
        draft = self.work._psa_invoice(JANUARY)
        mine = self.texts(draft)
        self.assertEqual(
            mine,
            [
                ("line_section", "Workplace x 2"),
                ("product", "Desk"),
                ("product", "Chair"),
            ],
        )
        self.assertEqual(draft.amount_untaxed, 800)
        self.assertEqual(self.combo.qty_to_invoice, 0)
        draft.action_psa_recalculate()
        self.assertEqual(self.texts(draft), mine)
        draft.button_cancel()
        self.assertEqual(self.texts(self.order._create_invoices()), mine)

    def test_recalculate_adds_the_heading(self):
        (self.desk | self.chair).action_psa_hold("Not agreed")
        self.log(self.work, date(2026, 1, 6), 1)
        draft = self.work._psa_invoice(JANUARY)
        self.assertEqual(self.texts(draft), [("product", "Consulting hour")])
        self.chair.action_psa_release()
        draft.action_psa_recalculate()
        self.assertEqual(
            self.texts(draft)[1:],
            [("line_section", "Workplace x 2"), ("product", "Chair")],
        )
