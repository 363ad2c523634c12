# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.addons.psa_invoicing.core.billing import Request
from odoo.addons.psa_invoicing.models.billing.grouping import Grouping
from odoo.addons.psa_invoicing.models.billing.selection import Selection
from odoo.addons.psa_invoicing.tests.common import BillingCase

JANUARY = date(2026, 1, 31)


class TestTerms(BillingCase):
    """Each place where contract terms come in."""

    def setUp(self):
        super().setUp()
        self.work = self.project("Tower")
        self.line = self.contract(self.work)
        self.order = self.line.order_id

    def bill(self, *hours):
        for day, number in enumerate(hours, start=5):
            self.log(self.work, date(2026, 1, day), number)
        return self.work._psa_invoice(JANUARY)

    def assert_up_to_date(self, move):
        answer = move.action_psa_recalculate()
        self.assertIn("Nothing has changed", answer["params"]["message"])

    def added(self, move, kind):
        line = move.invoice_line_ids.filtered(lambda line: line.psa_added == kind)
        return line.price_subtotal

    def test_billable_quantity(self):
        self.work.psa_half_time = True
        move = self.bill(8, 3)
        self.assertEqual(move.detail_ids.sorted("date").mapped("quantity"), [4, 1.5])
        self.assertEqual(move.invoice_line_ids.quantity, 5.5)
        self.assertEqual(self.line.qty_delivered, 5.5)
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assert_up_to_date(move)
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_rate_by_date(self):
        self.line.psa_weekend_line_id = self.line.copy(
            {"order_id": self.order.id, "price_unit": 150}
        )
        friday = self.log(self.work, date(2026, 1, 9), 8)
        saturday = self.log(self.work, date(2026, 1, 10), 2)
        self.assertEqual(friday.so_line.price_unit, 100)
        self.assertEqual(saturday.so_line.price_unit, 150)
        friday.date = date(2026, 1, 11)
        self.assertEqual(friday.so_line.price_unit, 150)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 1500)

    def test_another_payer(self):
        insurer = self.env["res.partner"].create(
            {
                "name": "Insurer",
                "property_payment_term_id": self.env.ref(
                    "account.account_payment_term_15days"
                ).id,
            }
        )
        packages = self.contract(
            self.work, self.milestone_product, order_id=self.order.id
        )
        packages.psa_payer_id = insurer
        self.milestone(self.work, packages, 1, date(2026, 1, 20))
        moves = self.bill(8)
        self.assertEqual(moves.partner_id, self.customer | insurer)
        paid = moves.filtered(lambda move: move.partner_id == insurer)
        self.assertEqual(paid.invoice_line_ids.sale_line_ids, packages)
        self.assertEqual(paid.invoice_payment_term_id, insurer.property_payment_term_id)
        for move in moves:
            self.assert_up_to_date(move)
        self.log(self.work, date(2026, 1, 21), 2)
        (moves - paid).action_psa_recalculate()
        self.assertEqual((moves - paid).invoice_line_ids.quantity, 10)
        self.assert_up_to_date(paid)

    def test_covered_by_a_pack(self):
        self.work.psa_free_until = date(2026, 1, 5)
        move = self.bill(8, 3)
        self.assertEqual(
            move.detail_ids.sorted("date").mapped("billing_type"),
            ["complimentary", "chargeable"],
        )
        self.assertEqual(move.amount_untaxed, 300)
        self.assert_up_to_date(move)

    def test_covered_by_a_pack_for_odoos_button_and_the_manual_invoice(self):
        self.work.psa_free_until = date(2026, 1, 5)
        self.log(self.work, date(2026, 1, 5), 8)
        self.log(self.work, date(2026, 1, 6), 3)
        self.assertEqual(self.line.qty_to_invoice, 3)
        manual = self.env["psa.manual.invoice"].create(
            {"project_ids": self.work.ids, "cutoff_date": JANUARY}
        )
        manual.action_next()
        self.assertEqual(
            manual.line_ids.sorted("date").mapped("billing_type"),
            ["complimentary", "chargeable"],
        )
        manual.action_finish()
        self.assertEqual(self.work.billing_draft_count, 1)
        move = self.env["account.move"].search(
            [("billing_project_ids", "in", self.work.ids)]
        )
        self.assertEqual(move.amount_untaxed, 300)
        self.assert_up_to_date(move)

    def test_lines_and_their_rounding(self):
        self.line.psa_in_quarters = True
        move = self.bill(1.1, 2.1)
        self.assertEqual(move.invoice_line_ids.quantity, 3.25)
        self.assert_up_to_date(move)
        self.log(self.work, date(2026, 1, 20), 1.2)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 4.5)

    def test_what_lines_say(self):
        packages = self.contract(self.work, self.milestone_product)
        self.milestone(self.work, packages, 0.5, date(2026, 1, 20), name="Roof")
        move = self.work._psa_invoice(JANUARY)
        self.assertRegex(move.invoice_line_ids.name, "\nRoof: .*\n1 milestones$")
        self.assert_up_to_date(move)
        self.milestone(self.work, packages, 0.5, date(2026, 1, 21), name="Door")
        move.action_psa_recalculate()
        for line, name in zip(move.invoice_line_ids, ("Roof", "Door"), strict=True):
            self.assertRegex(line.name, f"\n{name}: .*\n1 milestones$")

    def test_what_transactions_cost(self):
        self.line.psa_in_quarters = True
        self.log(self.work, date(2026, 1, 5), 1.1)
        transactions = Selection(self.env).select(Request((self.work.id,), JANUARY))
        self.assertEqual(Grouping(self.env).amounts(transactions), {self.line.id: 100})

    def test_lines_added(self):
        self.work.psa_fee_percent = 2
        move = self.bill(8)
        self.assertEqual(self.added(move, "fee"), 16)
        self.assertEqual(move.amount_untaxed, 816)
        self.assert_up_to_date(move)
        self.log(self.work, date(2026, 1, 20), 2)
        move.action_psa_recalculate()
        self.assertEqual(self.added(move, "fee"), 20)
        move.action_post()
        self.assertEqual(move.amount_untaxed, 1020)

    def test_advances(self):
        self.customer.psa_retainer = 1000
        first = self.bill(8)
        self.assertEqual(self.added(first, "retainer"), -800)
        self.log(self.work, date(2026, 1, 20), 3)
        second = self.work._psa_invoice(JANUARY)
        self.assertEqual(self.added(second, "retainer"), -200)
        second.detail_ids.unlink()
        self.assertEqual(self.added(second, "retainer"), 0)

    def test_header(self):
        immediate = self.env.ref("account.account_payment_term_immediate")
        self.line.product_uom_qty = 200
        self.order.validity_date = date(2026, 2, 3)
        move = self.bill(8)
        self.assertEqual(move.invoice_payment_term_id, immediate)
        self.assertEqual(move.invoice_date, date(2026, 2, 3))
        self.assert_up_to_date(move)
