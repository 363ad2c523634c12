# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from unittest.mock import patch

from odoo.fields import Command

from ..models.schedule import psa_invoice_run_beginning
from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


class TestGrouping(BillingCase):
    """What may share an invoice, and what never does."""

    def billed(self, *projects, cutoff=JANUARY):
        return self.env["project.project"].union(*projects)._psa_invoice(cutoff)

    # === Orders of one project ===

    def two_orders(self, **values):
        """A project with two contracts; the second has values of its own."""
        project = self.time_project(2)
        second = self.contract(project, **values)
        task = self.env["project.task"].create(
            {"name": "Task", "project_id": project.id, "sale_line_id": second.id}
        )
        self.log(project, date(2026, 1, 5), 3, task_id=task.id)
        return project

    def test_orders_that_agree_share_an_invoice(self):
        self.assertEqual(self.billed(self.two_orders()).amount_untaxed, 500)

    def test_each_key_makes_an_invoice_of_its_own(self):
        other = self.env["res.partner"].create(
            {"name": "Elsewhere", "parent_id": self.customer.id, "type": "other"}
        )
        term = self.env["account.payment.term"].create(
            {"name": "Later", "line_ids": [Command.create({"nb_days": 10})]}
        )
        position = self.env["account.fiscal.position"].create({"name": "Abroad"})
        journal = self.company_data["default_journal_sale"].copy()
        currency = self.setup_other_currency("EUR")
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": currency.id}
        )
        for key in (
            {"partner_invoice_id": other.id},
            {"partner_shipping_id": other.id},
            {"payment_term_id": term.id},
            {"fiscal_position_id": position.id},
            {"journal_id": journal.id},
            {"pricelist_id": pricelist.id},
            {"client_order_ref": "PO-7"},
        ):
            with self.subTest(**key):
                self.assertEqual(len(self.billed(self.two_orders(**key))), 2)

    # === Projects of one customer ===

    def test_projects_never_share_an_invoice_by_accident(self):
        first, second = self.time_project(2), self.time_project(3, name="Second")
        second.billing_consolidate = True
        moves = self.billed(first, second)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [200, 300])

    def consolidated(self, *hours, **values):
        return [
            self.time_project(
                each, name=f"Project {number}", billing_consolidate=True, **values
            )
            for number, each in enumerate(hours, start=1)
        ]

    def test_projects_that_consolidate(self):
        """Each has a section, with a subtotal of its own on paper."""
        projects = self.consolidated(2, 3)
        move = self.billed(*projects)
        self.assertEqual(len(move), 1)
        self.assertEqual(move.billing_project_ids, projects[0] + projects[1])
        self.assertEqual(
            [
                (line.display_type, line.name.split("\n")[0], line.price_subtotal)
                for line in move.invoice_line_ids.sorted("sequence")
            ],
            [
                ("line_section", "Project 1", 0),
                ("product", "Consulting hour", 200),
                ("line_section", "Project 2", 0),
                ("product", "Consulting hour", 300),
            ],
        )
        self.assertEqual(
            move.invoice_origin,
            ", ".join(each.sale_line_id.order_id.name for each in projects),
        )
        self.assert_ledger(move)

    def test_never_across_customers_and_terms(self):
        first, second = self.consolidated(2, 3)
        second.sale_line_id.order_id.client_order_ref = "PO-9"
        elsewhere = self.time_project(
            4,
            name="Elsewhere",
            customer=self.partner_a,
            billing_consolidate=True,
        )
        self.assertEqual(len(self.billed(first, second, elsewhere)), 3)

    def test_recalculate_adds_to_the_section_of_the_project(self):
        first, second = self.consolidated(2, 3)
        move = self.billed(first, second)
        fee = self.env["sale.order.line"].create(
            {
                "order_id": first.sale_line_id.order_id.id,
                "product_id": self._service("Fee", "manual", self.hour).id,
                "product_uom_qty": 1,
                "qty_delivered": 1,
            }
        )
        fee.billing_date = date(2026, 1, 20)
        self.log(second, date(2026, 1, 20), 1)
        move.action_psa_recalculate()
        self.assertEqual(
            move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id)).mapped(
                "price_subtotal"
            ),
            [0, 200, 100, 0, 400],
        )
        message = move.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)
        self.assert_ledger(move)

    def test_one_contract_line_for_two_projects(self):
        """Each project has its own hours, on a line of its own."""
        first, second = self.consolidated(2, 3)
        second.sale_line_id = first.sale_line_id
        second.timesheet_ids.so_line = first.sale_line_id
        move = self.billed(first, second)
        lines = move.invoice_line_ids.filtered(lambda each: each.quantity)
        self.assertEqual(lines.sorted("sequence").mapped("quantity"), [2, 3])
        lines[0].quantity = 1
        self.assertEqual(first.timesheet_ids.open_quantity, 1)
        self.assertEqual(second.timesheet_ids.open_quantity, 0)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 400)
        self.assert_ledger(move)

    def test_one_layout_to_an_invoice(self):
        first, second = self.consolidated(2, 3)
        second.billing_layout = "employee"
        self.assertEqual(len(self.billed(first, second)), 2)

    # === In a run ===

    def plan(self, projects):
        for project in projects:
            project.billing_start_date = date(2026, 1, 1)
        return (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                [
                    {
                        "project_id": project.id,
                        "run_date": FEBRUARY,
                        "cutoff_date": JANUARY,
                    }
                    for project in projects
                ]
            )
        )

    def test_a_run_keeps_a_customer_together(self):
        """Chunks of two rows; four projects share an invoice."""
        projects = self.consolidated(1, 2, 3, 4)
        alone = self.time_project(5, name="Alone")
        rows = self.plan([projects[0], alone, *projects[1:]])
        with patch.object(psa_invoice_run_beginning, "CHUNK", 2):
            self.run_due(FEBRUARY, rows.project_id)
        self.assertEqual(set(rows.mapped("state")), {"done"})
        shared = rows[0].invoice_ids
        self.assertEqual(shared.amount_untaxed, 1000)
        self.assertEqual((rows - rows[1]).invoice_ids, shared)
        self.assertEqual(rows[1].invoice_ids.amount_untaxed, 500)

    def test_one_that_fails_does_so_alone(self):
        projects = self.consolidated(1, 2, 3)
        rows = self.plan(projects)
        projects[1].partner_id = False
        self.run_due(FEBRUARY, rows.project_id)
        self.assertEqual(rows.mapped("state"), ["done", "failed", "done"])
        self.assertEqual(rows[0].invoice_ids, rows[2].invoice_ids)
        self.assertEqual(rows[0].invoice_ids.amount_untaxed, 400)
