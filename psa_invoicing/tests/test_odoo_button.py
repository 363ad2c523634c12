# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo's own Create Invoice writes the same ledger, and respects what is on hold."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestOdooButton(BillingCase):
    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3, 4)
        self.entries = self.work.timesheet_ids.sorted("date")
        self.order_line = self.work.sale_line_id
        self.order = self.order_line.order_id

    def create_invoice(self, orders=None, **values):
        """Odoo's wizard, as its button opens it."""
        orders = orders or self.order
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_model="sale.order", active_ids=orders.ids)
            .create({"advance_payment_method": "delivered", **values})
        )
        before = orders.invoice_ids
        wizard.create_invoices()
        return orders.invoice_ids - before

    def details(self, move):
        return {
            detail.analytic_line_id: detail.quantity
            for detail in move.detail_ids.sorted("date")
        }

    # === The ledger ===

    def test_a_return_beside_a_draft_of_odoos_button(self):
        """Two delivered and billed, one comes back: the second draft bills -1 of it."""
        project = self.project()
        hours = self.contract(project)
        goods = self.env["product.product"].create(
            {"name": "Cable", "type": "consu", "invoice_policy": "delivery"}
        )
        line = self.env["sale.order.line"].create(
            {
                "order_id": hours.order_id.id,
                "product_id": goods.id,
                "product_uom_qty": 2,
                "qty_delivered": 2,
            }
        )
        self.log(project, date(2026, 1, 5), 4)
        hours.order_id._create_invoices()
        line.qty_delivered = 1
        self.log(project, date(2026, 1, 6), 3)
        second = hours.order_id._create_invoices(final=True)
        detail = second.detail_ids.filtered(lambda each: each.sale_line_id == line)
        self.assertEqual((detail.transaction_type, detail.quantity), ("material", -1))
        self.assertEqual(line.open_quantity, 0)

    def test_a_deleted_entry_of_a_draft_is_settled_once(self):
        """Odoo lets an entry on a draft be deleted; its button then credits the hours,
        and counts that credit from the draft on."""
        self.create_invoice()
        self.entries[0].unlink()
        self.assertEqual(self.order_line.qty_to_invoice, -2)
        credit_note = self.order._create_invoices(final=True)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual(
            credit_note.detail_ids.mapped(lambda row: (row._source, row.quantity)),
            [("", -2)],
        )
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.order._create_invoices(final=True)
        credit_note.action_post()
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        credit_note.button_draft()
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        credit_note.button_cancel()
        self.assertEqual(self.order_line.qty_to_invoice, -2)

    def test_a_correction_is_left_to_the_draft_that_offers_the_hours(self):
        """Nobody paid for what was offered: Recalculate corrects it, no credit note."""
        draft = self.work._psa_invoice(date(2026, 1, 1))
        draft.detail_ids.billing_type = "complimentary"
        self.entries[0].unit_amount = 0.5
        (self.entries[1] | self.entries[2]).action_psa_hold("Not agreed")
        self.log(self.work, date(2026, 1, 5), 1)
        with (
            self.assertRaisesRegex(UserError, "Recalculate that draft"),
            self.env.cr.savepoint(),
        ):
            self.order._create_invoices(final=True)
        draft.action_psa_recalculate()
        self.assertEqual(self.order_line.qty_to_invoice, 1)
        self.assertEqual(self.create_invoice().invoice_line_ids.quantity, 1)

    def test_it_writes_the_ledger(self):
        move = self.create_invoice()
        self.assertFalse(move.is_project_invoice)
        self.assertEqual(
            self.details(move), dict(zip(self.entries, [2, 3, 4], strict=True))
        )
        self.assertEqual(self.entries.timesheet_invoice_id, move)
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.assert_ledger(move)

    def test_a_period_bills_its_hours_and_no_others(self):
        move = self.create_invoice(
            date_start_invoice_timesheet=date(2026, 1, 2),
            date_end_invoice_timesheet=date(2026, 1, 2),
        )
        self.assertEqual(self.details(move), {self.entries[1]: 3})
        self.assertEqual(move.invoice_line_ids.quantity, 3)
        self.assertEqual(self.order_line.qty_to_invoice, 6, "Odoo would say 0.")
        self.assertEqual(self.order_line.invoice_status, "to invoice")
        self.assertEqual(
            self.details(self.create_invoice()),
            {
                self.entries[0]: 2,
                self.entries[2]: 4,
            },
        )

    def test_two_orders_in_one_batch_keep_their_hours(self):
        other = self.time_project(5, 6, name="Other")
        moves = self.create_invoice(
            self.order | other.sale_line_id.order_id,
            date_start_invoice_timesheet=date(2026, 1, 1),
            date_end_invoice_timesheet=date(2026, 1, 1),
        )
        billed = moves.detail_ids.analytic_line_id
        self.assertEqual(sorted(billed.mapped("unit_amount")), [2, 5])
        self.assertEqual(self.order_line.qty_to_invoice, 7)
        self.assertEqual(other.sale_line_id.qty_to_invoice, 6)

    def test_a_lower_quantity_leaves_the_rest_open(self):
        move = self.create_invoice()
        move.invoice_line_ids.quantity = 6
        self.assertEqual(
            self.entries.mapped("open_quantity"), [0, 0, 3], "The latest is lowered."
        )
        move.action_post()
        again = self.create_invoice()
        self.assertEqual(self.details(again), {self.entries[2]: 3})

    def test_a_higher_quantity_is_an_adjustment(self):
        move = self.create_invoice()
        move.invoice_line_ids.quantity = 10
        self.assertEqual(
            move.detail_ids.filtered(
                lambda each: each.transaction_type == "adjustment"
            ).quantity,
            1,
        )

    def test_deleted_cancelled_revived(self):
        move = self.create_invoice()
        move.unlink()
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        move = self.create_invoice()
        move.button_cancel()
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        ours = self.work._psa_invoice(date(2026, 1, 1))
        move.button_draft()
        self.assertEqual(self.entries[0].billed_quantity, 2)
        self.assertEqual(
            [
                (each.transaction_type, each.quantity)
                for each in move.detail_ids.sorted("id")
            ],
            [("time", 3), ("time", 4), ("adjustment", 2)],
            "It claims what is open; the rest shows as an adjustment.",
        )
        self.assertEqual(ours.invoice_line_ids.quantity, 2)

    def test_a_duplicate_bills_nothing(self):
        move = self.create_invoice()
        move.action_post()
        copy = move.copy()
        self.assertFalse(copy.detail_ids)
        self.assertFalse(copy.invoice_line_ids.sale_line_ids)
        self.assertEqual(self.order_line.qty_invoiced, 9)

    def test_two_projects_merged_by_odoo_stay_apart_in_the_ledger(self):
        other = self.time_project(5, name="Other")
        move = self.create_invoice(self.order | other.sale_line_id.order_id)
        self.assertEqual(len(move), 1, "Odoo puts both on one invoice.")
        self.assertEqual(move.detail_ids.project_id, self.work | other)
        move.invoice_line_ids.filtered(
            lambda line: line.sale_line_ids == other.sale_line_id
        ).unlink()
        self.assertEqual(other.timesheet_ids.open_quantity, 5)
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def test_an_order_without_a_project_is_not_ours(self):
        product = self._service("Plain", "manual", self.hour)
        product.invoice_policy = "order"
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create({"product_id": product.id, "product_uom_qty": 3})
                ],
            }
        )
        order.action_confirm()
        move = self.create_invoice(order)
        self.assertFalse(move.detail_ids)
        self.assertFalse(order.order_line.billing_project_id)
        self.assertEqual(order.order_line.billable_quantity, 0)
        self.assertEqual(order.order_line.billing_status, "none")

    # === Switched to the other kind of document ===

    def test_a_draft_that_becomes_a_credit_note_bills_nothing(self):
        """900 are credited: the hours are still to be billed."""
        move = self.create_invoice()
        move.action_switch_move_type()
        self.assertEqual(move.move_type, "out_refund")
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        self.assertEqual(sum(move.detail_ids.mapped("quantity")), -9)
        self.assertEqual(self.order_line.qty_invoiced, -9)
        move.action_post()
        self.assertEqual(set(self.entries.mapped("billing_status")), {"ready"})
        self.assertFalse(self.entries.timesheet_invoice_id)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 900)

    def test_there_and_back(self):
        move = self.create_invoice()
        move.action_switch_move_type()
        move.action_switch_move_type()
        self.assertEqual(
            self.details(move), dict(zip(self.entries, [2, 3, 4], strict=True))
        )
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    def test_the_type_is_written(self):
        move = self.create_invoice()
        move.write({"move_type": "out_refund"})
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])

    def test_it_credits_what_was_billed_before(self):
        """4 of 9 h are posted; 5 h more become a credit note, which takes the 4 h back
        when it is posted, and 1 h of nothing."""
        self.entries[:2].action_psa_hold("Wait")
        self.create_invoice().action_post()
        self.entries.action_psa_release()
        move = self.create_invoice()
        move.action_switch_move_type()
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 0])
        move.action_post()
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        self.assertEqual(self.entries[2].billing_status, "credited")

    def test_a_reversal_that_becomes_an_invoice(self):
        """It bills 9 h again, for which there is no work."""
        invoice = self.create_invoice()
        invoice.action_post()
        note = invoice._reverse_moves()
        note.action_switch_move_type()
        self.assertEqual(self.entries.mapped("billed_quantity"), [2, 3, 4])
        self.assertEqual(note.detail_ids.mapped("transaction_type"), ["adjustment"])
        self.assertEqual(sum(note.detail_ids.mapped("quantity")), 9)

    def test_what_is_due_to_the_customer(self):
        """Odoo's own way to a credit note: 3 h less than were billed."""
        self.create_invoice().action_post()
        self.log(self.work, date(2026, 1, 20), -3)
        note = self.order._create_invoices(final=True)
        self.assertEqual((note.move_type, note.amount_untaxed), ("out_refund", 300))
        self.assertEqual(note.detail_ids.mapped("quantity"), [-3])
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    # === Holds ===

    def test_it_leaves_what_is_on_hold(self):
        self.entries[1].action_psa_hold("Disputed")
        self.assertEqual(self.order_line.qty_to_invoice, 6)
        move = self.create_invoice()
        self.assertEqual(self.details(move), {self.entries[0]: 2, self.entries[2]: 4})
        self.assertEqual(self.order_line.invoice_status, "no")
        self.entries[1].action_psa_release()
        self.assertEqual(self.order_line.qty_to_invoice, 3)
        self.assertEqual(self.order_line.invoice_status, "to invoice")

    def test_hours_of_a_held_entry_follow(self):
        self.entries[1].action_psa_hold("Disputed")
        self.entries[1].unit_amount = 1
        self.assertEqual(self.order_line.qty_to_invoice, 6)
        self.entries[1].unlink()
        self.assertEqual(self.order_line.qty_to_invoice, 6)
        self.assertEqual(self.order_line.billing_excluded_quantity, 0)

    def test_non_chargeable_time_is_never_open(self):
        self.entries[1].action_psa_set_billing_type("non_chargeable")
        self.assertEqual(self.entries[1].open_quantity, 0)
        self.assertEqual(self.order_line.qty_to_invoice, 6)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 600)

    def test_free_time_is_not_charged(self):
        self.entries[1].action_psa_set_billing_type("complimentary")
        self.assertEqual(self.order_line.qty_to_invoice, 6)
        self.assertEqual(self.create_invoice().amount_untaxed, 600)
        self.assertEqual(self.entries[1].open_quantity, 3, "It waits to be shown.")
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    def test_written_off_time_is_not_offered(self):
        self.entries[1].action_psa_write_off("Too slow")
        self.assertEqual(self.order_line.qty_to_invoice, 6)
        self.create_invoice().action_post()
        line = self.order_line
        self.assertEqual((line.qty_to_invoice, line.untaxed_amount_to_invoice), (0, 0))
        line.product_uom_qty = 9
        self.assertEqual(line.invoice_status, "invoiced")
        self.assertEqual(line.amount_to_invoice, 0)
