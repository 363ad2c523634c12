# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether somebody may write is asked before what they write is looked at."""

from datetime import date

from odoo.exceptions import AccessError
from odoo.fields import Command

from .common import BillingCase


class TestStrangers(BillingCase):
    """A billed milestone and an hour, and a customer with access to the portal."""

    def setUp(self):
        super().setUp()
        work = self.time_project(2)
        line = self.contract(work, self.milestone_product)
        milestone = self.milestone(work, line, 0.5, date(2026, 1, 5))
        invoice = work._psa_invoice(date(2026, 1, 31))
        invoice.action_post()
        self.stranger = self.person("stranger", "base.group_portal")
        # Milestones of a project that is shared with them they may read.
        work.write(
            {
                "privacy_visibility": "portal",
                "collaborator_ids": [
                    Command.create({"partner_id": self.stranger.partner_id.id})
                ],
            }
        )
        self.shared = milestone
        self.records = [
            (milestone, {"is_reached": False}),
            (work.timesheet_ids, {"unit_amount": 9}),
            (line, {"product_uom_qty": 1}),
            (invoice, {"move_type": "out_refund", "state": "draft"}),
            (invoice.invoice_line_ids, {"quantity": 1}),
            (invoice.detail_ids, {"quantity": 1}),
            (work, {"billing_hold": True, "sale_line_id": False}),
        ]

    def test_they_learn_nothing(self):
        """Least of all the number of an invoice."""
        for records, values in self.records:
            with self.subTest(records._name), self.assertRaises(AccessError) as caught:
                records.with_user(self.stranger).write(values)
            self.assertNotIn("INV/", str(caught.exception))

    def test_whatever_they_send(self):
        """Odoo's own suite sends a list of names."""
        milestone = self.shared.with_user(self.stranger)
        self.assertEqual(milestone.name, "Milestone")
        for names in (["name"], ["is_reached"]):
            with self.assertRaises(AccessError):
                milestone.write(names)
