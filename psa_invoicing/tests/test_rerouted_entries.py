# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Entries that Odoo moves to another contract line, because their project changed.

After each test the ledger is audited: order lines must agree with what is held.
"""

from datetime import date

from .common import BillingCase


class TestReroutedEntries(BillingCase):
    """Two hours on hold, three that are not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3, name="Tower")
        cls.line = cls.work.sale_line_id
        cls.held = cls.work.timesheet_ids.filtered(lambda entry: entry.unit_amount == 2)
        cls.held.billing_hold = True

    def excluded(self, line):
        self.env.flush_all()
        self.env.invalidate_all()
        return line.billing_excluded_quantity

    def test_another_contract_line_of_the_project(self):
        self.assertEqual(self.excluded(self.line), 2)
        other = self.contract(self.work)
        self.work.sale_line_id = other
        self.assertEqual(self.excluded(self.line), 0)
        self.assertEqual(self.excluded(other), 2)
        self.assertEqual(other.qty_to_invoice, 3)

    def test_another_contract_line_of_the_task(self):
        other = self.contract(self.work)
        task = self.env["project.task"].create(
            {"name": "Design", "project_id": self.work.id}
        )
        self.held.task_id = task
        task.sale_line_id = other
        self.assertEqual(self.excluded(self.line), 0)
        self.assertEqual(self.excluded(other), 2)

    def test_a_project_that_is_not_billable_any_more(self):
        self.work.allow_billable = False
        self.assertEqual(self.excluded(self.line), 0)

    def test_a_customer_who_is_taken_off(self):
        self.work.partner_id = False
        self.assertFalse(self.held.so_line)
        self.assertEqual(self.excluded(self.line), 0)

    def test_what_is_offered_moves_too(self):
        self.held.write({"billing_hold": False, "billing_type": "complimentary"})
        other = self.contract(self.work)
        self.work.sale_line_id = other
        self.assertEqual(self.excluded(self.line), 0)
        self.assertEqual(self.excluded(other), 2)

    def test_logged_on_the_new_line(self):
        self.work.allow_billable = False
        self.work.allow_billable = True
        self.work.sale_line_id = self.line
        self.log(self.work, date(2026, 1, 4), 1)
        self.assertEqual(self.excluded(self.line), 2)
