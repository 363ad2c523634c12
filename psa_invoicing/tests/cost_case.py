# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stories about what somebody was paid for and a customer pays."""

from datetime import date
from functools import wraps

from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)
DAY = date(2026, 1, 10)
LATER = date(2026, 2, 1)


def of_each_source(test):
    """A story of every kind of source in turn, each as if there were no other."""

    @wraps(test)
    def tell(self):
        for name, make in self.sources():
            with self.subTest(name):
                savepoint = self.env.cr.savepoint()
                try:
                    test(self, make())
                    self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])
                finally:
                    savepoint.close(rollback=True)
                    self.env.invalidate_all()

    return tell


class CostCase(BillingCase):
    """A hotel of 250.00, whoever has paid for it first."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("hr_expense.group_hr_expense_manager")
        cls.alice.work_contact_id = cls.env["res.partner"].create({"name": "Alice"})
        cls.hotel = cls.env["product.product"].create(
            {
                "name": "Hotel",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "can_be_expensed": True,
                "standard_price": 0,
                "taxes_id": [Command.clear()],
                "supplier_taxes_id": [Command.clear()],
            }
        )
        cls.trip = cls.bearer("Trip")

    # === Telling stories ===

    @classmethod
    def bearer(cls, name, **order_values):
        """A project whose costs its customer pays."""
        project = cls.project(name)
        cls.contract(project, **order_values).order_id.project_id = project
        if not project.account_id:
            project._create_analytic_account()
        return project

    def expense(self, paid_by="company_account", **values):
        expense = self.env["hr.expense"].create(
            {
                "name": "Hotel",
                "employee_id": self.alice.id,
                "product_id": self.hotel.id,
                "total_amount_currency": 250,
                "date": DAY,
                "payment_mode": paid_by,
                "sale_order_id": self.trip.sale_line_id.order_id.id,
                **values,
            }
        )
        expense.action_submit()
        expense._do_approve()
        return self.post_expense(expense)

    def journal_entry(self):
        """A cost that nobody sent a bill for."""
        return self.posted_entry(self.hotel, ("Hotel", 250, self.trip), day=DAY)

    def vendor_bill(self):
        return self.posted_bill(self.hotel, self.trip, day=DAY, price_unit=250)

    def sources(self):
        """``(what it is, its journal entry)``, whoever has paid for the hotel."""
        yield "company", lambda: self.expense().account_move_id
        yield "employee", lambda: self.expense("own_account").account_move_id
        yield "vendor", self.vendor_bill
        yield "entry", self.journal_entry

    def reverse(self, move, part=1.0):
        """With Odoo's dialog; then posted.

        :param part: of every line, typed on the draft of the reversal
        """
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": LATER})
        )
        wizard.refund_moves()
        reversal = wizard.new_move_ids
        if part != 1.0:
            reversal.filtered(lambda each: each.state == "posted").button_draft()
            if reversal.move_type == "entry":
                for line in reversal.line_ids:
                    line.with_context(check_move_validity=False).balance *= part
            else:
                reversal.invoice_line_ids.price_unit *= part
        if reversal.move_type != "entry":
            reversal.invoice_date = LATER
        reversal.filtered(lambda each: each.state == "draft").action_post()
        return reversal

    def costs(self):
        return self.env["psa.reinvoiced.cost"].search(
            [("project_id", "=", self.trip.id)]
        )

    def open(self):
        """What is open of each transaction of the backlog."""
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["psa.backlog"].search([("project_id", "=", self.trip.id)])

    def credit(self):
        """What the wizard credits."""
        before = self.env["account.move"].search([])
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.trip.ids, "cutoff_date": FEBRUARY}
        )
        wizard.action_next()
        wizard.action_finish()
        return self.env["account.move"].search([]) - before

    def assert_nothing_is_due(self):
        self.assertFalse(self.open())
        self.assertFalse(self.trip._psa_invoice(FEBRUARY))
        self.assertFalse(
            any(self.costs().sale_line_id.mapped("qty_to_invoice")),
            "Nor does Odoo offer anything.",
        )
