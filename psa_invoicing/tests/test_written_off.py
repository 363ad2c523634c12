# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Written off is written off, wherever the transaction goes."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


class TestWrittenOff(BillingCase):
    """4 h on line A (100.00) are written off; line B costs 50.00."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(4)
        self.dear = self.work.sale_line_id
        self.entry = self.work.timesheet_ids
        self.cheap = self.cheaper(self.time_product)

    def cheaper(self, product):
        """Another line of the same order."""
        return self.env["sale.order.line"].create(
            {
                "order_id": self.dear.order_id.id,
                "product_id": product.id,
                "product_uom_qty": 10,
                "price_unit": 50,
            }
        )

    def write_off(self, quantity=4):
        self.entry.action_psa_write_off("Goodwill", {self.entry.id: quantity})

    def assert_settled(self, lines=None):
        """Odoo's button has nothing to make, and a run neither."""
        self.env.flush_all()
        self.env.invalidate_all()
        for line in lines or self.dear + self.cheap:
            self.assertEqual(line.qty_to_invoice, 0, line.display_name)
        with self.assertRaises(UserError):
            self.dear.order_id._create_invoices(final=True)
        self.assertFalse(self.work._psa_invoice(FEBRUARY))

    def test_the_project_gets_another_line(self):
        self.write_off()
        self.work.sale_line_id = self.cheap
        self.assertEqual(self.entry.so_line, self.cheap)
        self.assertEqual(self.entry.billing_status, "written_off")
        self.assert_settled()

    def test_the_task_gets_another_line(self):
        task = self.env["project.task"].create(
            {"name": "Task", "project_id": self.work.id, "sale_line_id": self.dear.id}
        )
        self.entry.task_id = task
        self.write_off()
        task.sale_line_id = self.cheap
        self.assertEqual(self.entry.so_line, self.cheap)
        self.assert_settled()

    def test_somebody_chooses_another_line(self):
        self.write_off()
        self.entry.write({"so_line": self.cheap.id, "is_so_line_edited": True})
        self.assert_settled()

    def test_a_line_in_another_unit(self):
        """4 h are half a day."""
        days = self.cheaper(self._service("Consulting day", "timesheet", self.day))
        self.write_off()
        self.work.sale_line_id = days
        self.assertEqual(days.billing_excluded_quantity, 0.5)
        self.assert_settled(self.dear + days)

    def test_a_part_that_is_written_off(self):
        """1 of 4 h: 3 h are billed at the price of the other line."""
        self.write_off(1)
        self.work.sale_line_id = self.cheap
        self.assertEqual(self.dear.qty_to_invoice, 0)
        self.assertEqual(self.cheap.qty_to_invoice, 3)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 150)

    def test_a_new_rate(self):
        """3 h are left at the new rate; the one that is written off goes along."""
        self.write_off(1)
        line, _left = self.dear._psa_add_rate(date(2026, 1, 1), 80)
        self.assertEqual(self.entry.so_line, line)
        self.assertEqual((self.dear.qty_to_invoice, line.qty_to_invoice), (0, 3))
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 240)

    def test_another_project(self):
        other = self.time_project()
        self.write_off()
        self.entry.project_id = other
        self.assertEqual(self.entry.so_line, other.sale_line_id)
        self.assertEqual(self.entry.billing_status, "written_off")
        self.assert_settled(self.dear + other.sale_line_id)

    def test_a_line_that_is_not_billed_by_time_and_back(self):
        package = self.contract(self.work, self.milestone_product)
        self.write_off()
        self.entry.write({"so_line": package.id, "is_so_line_edited": True})
        self.assertEqual(self.entry.open_quantity, 0)
        self.assertEqual(package.qty_to_invoice, 0)
        self.assert_settled()
        self.entry.so_line = self.dear
        self.assertEqual(self.entry.billing_status, "written_off")
        self.assert_settled()

    def test_no_line_and_back(self):
        self.write_off()
        self.work.allow_billable = False
        self.assertFalse(self.entry.so_line)
        self.assertEqual(self.dear.qty_to_invoice, 0)
        self.work.write({"allow_billable": True, "partner_id": self.customer.id})
        self.work.sale_line_id = self.dear
        self.assertEqual(self.entry.so_line, self.dear)
        self.assertEqual(self.entry.billing_status, "written_off")
        self.assert_settled()

    def test_no_hours_and_back(self):
        self.write_off()
        self.entry.unit_amount = 0
        self.assert_settled()
        self.entry.unit_amount = 3
        self.assertEqual(self.entry.billing_written_off_quantity, 3)
        self.assert_settled()

    def test_it_is_undone_where_it_is(self):
        self.write_off()
        self.work.sale_line_id = self.cheap
        self.entry.action_psa_undo_write_off()
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 200)

    def test_the_entry_is_deleted(self):
        self.write_off()
        self.entry.unlink()
        self.assert_settled()
        self.assertFalse(
            self.env["psa.invoice.detail"].search([("is_write_off", "=", True)])
        )
        self.assertIn("Goodwill", self.work.message_ids[0].body)
        self.assertIn("4.00", self.work.message_ids[0].body)

    # === Of a closed period ===

    def close(self):
        self.write_off()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE psa_invoice_detail SET write_off_date = '2026-01-31'"
            " WHERE analytic_line_id = %s",
            [self.entry.id],
        )
        self.env.invalidate_all()
        self.env.company.fiscalyear_lock_date = FEBRUARY

    def test_a_move_is_refused(self):
        self.close()
        for values in (
            {"so_line": self.cheap.id, "is_so_line_edited": True},
            {"project_id": self.time_project().id},
        ):
            with (
                self.assertRaisesRegex(UserError, "period that is closed"),
                self.env.cr.savepoint(),
            ):
                self.entry.write(values)
        self.assertEqual(self.entry.so_line, self.dear)
        self.assert_settled()

    def test_it_stays_when_the_project_gets_another_line(self):
        """As what is invoiced does."""
        self.close()
        self.work.sale_line_id = self.cheap
        self.assertEqual(self.entry.so_line, self.dear)
        self.assert_settled()

    # === Credited, and so open again ===

    def test_a_credit_note_that_took_it_back_is_cancelled(self):
        """2 of 4 h are billed, 2 h written off with them; a full credit takes both
        back. The entry gets a new line before the credit note is cancelled."""
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 2
        rest = {self.entry.id: move.detail_ids.id}
        self.env["psa.billing"].sudo().write_off(self.entry, "Goodwill", {}, rest)
        move.action_post()
        note = move._reverse_moves([{"invoice_date": JANUARY}])
        note.action_post()
        self.assertEqual(self.entry.open_quantity, 4)
        self.entry.action_psa_release()
        self.entry.write({"so_line": self.cheap.id, "is_so_line_edited": True})
        self.assertEqual(self.dear.qty_to_invoice, 0)
        self.assertEqual(self.cheap.qty_to_invoice, 4)

    # === Of other kinds ===

    def test_a_milestone_is_unreached_and_reached_again(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.5, JANUARY)
        milestone.action_psa_write_off("Goodwill")
        milestone.is_reached = False
        self.assertEqual((milestone.open_quantity, line.qty_to_invoice), (0, 0))
        self.assertFalse(project._psa_invoice(JANUARY))
        milestone.write({"is_reached": True, "reached_date": JANUARY})
        self.assertEqual(milestone.billing_status, "written_off")
        self.assertEqual(line.qty_to_invoice, 0)
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_less_is_ordered(self):
        """Half of 10 is written off, and then 4 are ordered: half of it is 2."""
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.5, JANUARY)
        milestone.action_psa_write_off("Goodwill")
        line.product_uom_qty = 4
        self.assertEqual((milestone.open_quantity, line.qty_to_invoice), (0, 0))
        self.assertEqual(milestone.billing_written_off_quantity, 2)

    def test_a_milestone_is_deleted(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.5, JANUARY)
        milestone.action_psa_write_off("Goodwill")
        milestone.unlink()
        self.assertEqual(line.qty_to_invoice, 0)
        self.assertIn("Goodwill", project.message_ids[0].body)

    def test_a_milestone_of_another_line(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        other = self.contract(project, self.milestone_product, price_unit=50)
        milestone = self.milestone(project, line, 0.5, JANUARY)
        milestone.action_psa_write_off("Goodwill")
        milestone.sale_line_id = other
        self.assertEqual((line.qty_to_invoice, other.qty_to_invoice), (0, 0))
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_a_bill_is_reset_and_posted_again(self):
        product = self.env["product.product"].create(
            {
                "name": "Subcontractor",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "taxes_id": [Command.clear()],
            }
        )
        bill = self.posted_bill(product, self.work)
        cost = self.env["psa.reinvoiced.cost"].search(
            [("project_id", "=", self.work.id)]
        )
        cost.action_psa_write_off("Goodwill")
        line = cost.sale_line_id
        bill.button_draft()
        self.assertEqual((cost.open_quantity, line.qty_to_invoice), (0, 0))
        bill.action_post()
        self.assertEqual(cost.billing_status, "written_off")
        self.assertEqual(cost.sale_line_id.qty_to_invoice, 0)
