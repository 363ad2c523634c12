# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every kind of transaction: what it is worth, when it is due, and its status."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user

from ..core.billing import LEDGER
from .common import BillingCase

JANUARY = date(2026, 1, 31)
ALWAYS = date(2099, 12, 31)


class TestTransactions(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("hr_expense.group_hr_expense_manager")
        cls.unit = cls.env.ref("uom.product_uom_unit")
        cls.travel = cls.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "can_be_expensed": True,
                "standard_price": 0,
                "uom_id": cls.unit.id,
                "taxes_id": [Command.clear()],
                "supplier_taxes_id": [Command.clear()],
            }
        )
        cls.vendor = cls.env["res.partner"].create({"name": "Vendor"})

    @classmethod
    def cost_project(cls, name="Project", **values):
        """A project with an account of its own, whose order re-invoices costs."""
        project = cls.project(name, **values)
        line = cls.contract(project)
        line.order_id.project_id = project
        if not project.account_id:
            project._create_analytic_account()
        return project

    @classmethod
    def bill(cls, distribution, day=date(2026, 1, 10), quantity=1, price=100, **values):
        """A vendor bill with one line; posted."""
        bill = cls.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": cls.vendor.id,
                "invoice_date": day,
                "date": day,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": (values.get("product") or cls.travel).id,
                            "quantity": quantity,
                            "price_unit": price,
                            "tax_ids": [Command.clear()],
                            "analytic_distribution": distribution,
                        }
                    )
                ],
            }
        )
        bill.action_post()
        return bill

    def costs(self, project):
        return self.env["psa.reinvoiced.cost"].search([("project_id", "=", project.id)])

    # === Expenses ===

    def expense(self, project, day=date(2026, 1, 10), **values):
        employee = self.alice
        employee.work_contact_id = self.env["res.partner"].create({"name": "Alice"})
        expense = self.env["hr.expense"].create(
            {
                "name": "Train",
                "employee_id": employee.id,
                "product_id": self.travel.id,
                "total_amount_currency": 80,
                "date": day,
                "payment_mode": "company_account",
                "sale_order_id": project.sale_line_id.order_id.id,
                **values,
            }
        )
        expense.action_submit()
        expense._do_approve()
        expense.action_post()
        return expense

    def test_an_expense_at_cost(self):
        project = self.cost_project()
        self.expense(project)
        cost = self.costs(project)
        self.assertRecordValues(
            cost,
            [
                {
                    "kind": "expense",
                    "date": date(2026, 1, 10),
                    "who": "Alice",
                    "billable_quantity": 1,
                    "billing_status": "ready",
                }
            ],
        )
        self.assertFalse(project._psa_invoice(date(2026, 1, 9)), "Not due yet.")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 80)
        self.assertEqual(move.detail_ids.transaction_type, "expense")
        self.assertEqual(move.detail_ids.source_move_line_id, cost.source_move_line_id)
        self.assertEqual(cost.billing_status, "draft")
        move.action_post()
        self.assertEqual(cost.billing_status, "invoiced")
        self.assertFalse(project._psa_invoice(ALWAYS))

    def test_an_expense_at_sales_price(self):
        self.travel.write({"expense_policy": "sales_price", "list_price": 120})
        project = self.cost_project()
        self.expense(project, quantity=2)
        self.assertEqual(
            project._psa_invoice(JANUARY).amount_untaxed,
            120 * self.costs(project).billable_quantity,
        )

    # === Material ===

    def test_a_vendor_bill(self):
        project = self.cost_project()
        bill = self.bill({project.account_id.id: 100}, quantity=3, price=50)
        cost = self.costs(project)
        self.assertRecordValues(
            cost,
            [
                {
                    "kind": "material",
                    "who": "Vendor",
                    "billable_quantity": 3,
                    "date": date(2026, 1, 10),
                    "source_move_line_id": bill.invoice_line_ids.id,
                }
            ],
        )
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 150)
        self.assertEqual(move.detail_ids.transaction_type, "material")
        self.assertEqual(cost.sale_line_id.qty_to_invoice, 0)

    def test_a_bill_split_over_two_projects_bills_each_its_share_once(self):
        first, second = self.cost_project("First"), self.cost_project("Second")
        self.bill(
            {first.account_id.id: 60, second.account_id.id: 40}, quantity=10, price=20
        )
        moves = (first + second)._psa_invoice(JANUARY)
        self.assertEqual(moves.mapped("amount_untaxed"), [120, 80])
        self.assertEqual(
            [self.costs(first).billable_quantity, self.costs(second).billable_quantity],
            [6, 4],
        )
        lines = moves.detail_ids.sale_line_id
        self.assertEqual(sorted(lines.mapped("qty_delivered")), [4, 6])
        self.assertEqual(lines.mapped("qty_to_invoice"), [0, 0])
        self.assertFalse((first + second)._psa_invoice(ALWAYS))

    def test_a_bill_on_two_analytic_plans_is_billed_once(self):
        plan = self.env["account.analytic.plan"].create({"name": "Sites"})
        department = self.env["account.analytic.account"].create(
            {"name": "Engineering", "plan_id": plan.id}
        )
        project = self.cost_project()
        self.bill({project.account_id.id: 100, department.id: 100}, quantity=2)
        self.bill({f"{project.account_id.id},{department.id}": 100}, quantity=1)
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 300)
        self.assertEqual(
            sum(self.costs(project).sale_line_id.mapped("qty_delivered")), 3
        )

    def test_a_bill_reset_and_posted_again_is_the_same_transaction(self):
        project = self.cost_project()
        bill = self.bill({project.account_id.id: 100})
        cost = self.costs(project)
        bill.button_draft()
        self.assertEqual((cost.billable_quantity, cost.billing_status), (0, "none"))
        self.assertFalse(project._psa_invoice(JANUARY))
        bill.invoice_line_ids.price_unit = 120
        bill.action_post()
        self.assertEqual(self.costs(project), cost)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 120)
        bill.button_draft()
        self.assertTrue(move.needs_recalculation)
        bill.action_post()
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 120)
        self.assertFalse(project._psa_invoice(ALWAYS))

    def test_goods_sold_on_the_order_are_material(self):
        project = self.cost_project()
        goods = self.env["product.product"].create(
            {
                "name": "Sensor",
                "type": "consu",
                "invoice_policy": "delivery",
                "list_price": 40,
                "taxes_id": [Command.clear()],
            }
        )
        order = project.sale_line_id.order_id
        line = self.env["sale.order.line"].create(
            {"order_id": order.id, "product_id": goods.id, "product_uom_qty": 5}
        )
        self.assertFalse(project._psa_invoice(ALWAYS), "Nothing was delivered.")
        line.qty_delivered = 3
        line.billing_date = date(2026, 1, 20)
        self.assertFalse(project._psa_invoice(date(2026, 1, 19)))
        self.assertFalse(project._psa_invoice(JANUARY, types=["order_line"]))
        move = project._psa_invoice(JANUARY, types=["material"])
        self.assertEqual(move.amount_untaxed, 120)
        self.assertEqual(move.detail_ids.transaction_type, "material")
        line.qty_delivered = 5
        self.assertTrue(move.needs_recalculation)
        line.billing_date = date(2026, 1, 20)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 200)

    # === Order lines ===

    def test_an_ordered_quantity_is_due_on_the_order_date(self):
        project = self.project()
        product = self._service("Licence", "manual", self.unit)
        product.invoice_policy = "order"
        line = self.contract(project, product)
        line.order_id.project_id = project
        line.order_id.date_order = "2026-01-15 12:00:00"
        self.assertEqual(line.billing_date, date(2026, 1, 15))
        self.assertFalse(project._psa_invoice(date(2026, 1, 14)))
        move = project._psa_invoice(date(2026, 1, 15))
        self.assertEqual(move.amount_untaxed, 1000)
        self.assertEqual(line.billing_status, "draft")
        line.product_uom_qty = 12
        self.assertTrue(move.needs_recalculation)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 1200)
        self.assertEqual(line.qty_to_invoice, 0)

    def test_an_order_that_gets_its_project_later(self):
        """What Odoo invoiced before is not billed again."""
        product = self._service("Licence", "manual", self.unit)
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
        order._create_invoices().action_post()
        project = self.project()
        project.sale_line_id = order.order_line
        line = order.order_line
        self.assertEqual(line.billing_project_id, project)
        self.assertEqual((line.billable_quantity, line.billed_quantity), (3, 3))
        self.assertEqual(line.open_quantity, 0)
        self.assertFalse(project._psa_invoice(ALWAYS))

    # === Status and decisions ===

    def test_status_can_be_searched_and_grouped(self):
        project = self.time_project(1, 2, 3, 4)
        entries = project.timesheet_ids.sorted("date")
        entries[0].action_psa_hold("Disputed")
        entries[1].action_psa_write_off("Training")
        project._psa_invoice(date(2026, 1, 3))
        self.assertEqual(
            entries.mapped("billing_status"), ["hold", "written_off", "draft", "ready"]
        )
        Entry = self.env["account.analytic.line"]
        mine = [("project_id", "=", project.id)]
        self.assertEqual(
            Entry.search([*mine, ("billing_status", "=", "hold")]), entries[0]
        )
        self.assertEqual(
            Entry.search([*mine, ("open_quantity", "!=", 0)]), entries[0] + entries[3]
        )
        self.assertEqual(
            dict(Entry._read_group(mine, ["billing_status"], ["open_quantity:sum"])),
            {"hold": 1, "written_off": 0, "draft": 0, "ready": 4},
        )

    def test_status_follows_the_entry(self):
        project = self.time_project(2)
        entry = project.timesheet_ids
        project._psa_invoice(JANUARY)
        self.assertEqual(entry.billing_status, "draft")
        entry.unit_amount = 3
        self.assertEqual((entry.billing_status, entry.open_quantity), ("draft", 1))
        entry.so_line = False
        self.assertEqual(entry.billable_quantity, 0)

    def test_write_offs_say_who_when_and_why(self):
        project = self.time_project(8)
        entry = project.timesheet_ids
        with self.assertRaisesRegex(UserError, "why"):
            entry.action_psa_write_off(" ")
        with self.assertRaisesRegex(UserError, "Only 8"):
            entry.action_psa_write_off("Too slow", {entry.id: 9})
        detail = entry.action_psa_write_off("Too slow", {entry.id: 2})
        self.assertEqual(detail.user_id, self.env.user)
        self.assertEqual(detail.reason, "Too slow")
        self.assertEqual(entry.open_quantity, 6)
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 600)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)
        with self.assertRaisesRegex(UserError, "Nothing is open"):
            entry.action_psa_write_off("Again")

    def test_an_entry_lowered_after_its_write_off_credits_nobody(self):
        project = self.time_project(5, 10)
        entry = project.timesheet_ids.sorted("date")[0]
        entry.action_psa_write_off("Too slow")
        entry.unit_amount = 3
        self.assertEqual(
            (entry.open_quantity, entry.billing_written_off_quantity), (0, 3)
        )
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 1000)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)
        entry.unit_amount = 0
        self.assertEqual(entry.billing_written_off_quantity, 0)

    def test_a_write_off_of_a_closed_period_stays(self):
        entry = self.time_project(8).timesheet_ids
        detail = entry.action_psa_write_off("Too slow")
        detail.with_context(psa_ledger=LEDGER).write_off_date = date(2025, 12, 1)
        self.env.company.fiscalyear_lock_date = date(2025, 12, 31)
        with self.assertRaisesRegex(UserError, "closed"):
            entry.action_psa_undo_write_off()
        self.assertEqual(entry.billing_status, "written_off")

    def test_complimentary_time_is_offered_and_used_up(self):
        project = self.time_project(2, 3)
        entries = project.timesheet_ids.sorted("date")
        entries[0].action_psa_set_billing_type("complimentary")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 300)
        self.assertEqual(move.detail_ids.analytic_line_id, entries)
        move.action_post()
        self.assertEqual(entries.mapped("open_quantity"), [0, 0])
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)

    def test_free_work_alone_waits(self):
        project = self.time_project(2)
        project.timesheet_ids.action_psa_set_billing_type("complimentary")
        self.assertFalse(project._psa_invoice(JANUARY))
        self.assertEqual(project.timesheet_ids.open_quantity, 2)

    def test_hold_takes_an_entry_off_its_draft(self):
        project = self.time_project(2, 3)
        move = project._psa_invoice(JANUARY)
        project.timesheet_ids.sorted("date")[0].action_psa_hold("Disputed")
        self.assertTrue(move.needs_recalculation)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 300)

    def test_every_kind_can_be_held_and_released(self):
        project = self.cost_project()
        self.bill({project.account_id.id: 100})
        line = self.env["sale.order.line"].create(
            {
                "order_id": project.sale_line_id.order_id.id,
                "product_id": self.milestone_product.id,
                "product_uom_qty": 1,
            }
        )
        milestone = self.milestone(project, line, 1, date(2026, 1, 10))
        for record in (self.costs(project), milestone):
            record.action_psa_hold("Waits for approval")
            self.assertEqual(record.billing_status, "hold")
            self.assertEqual(record._psa_contract_lines().qty_to_invoice, 0)
        self.assertFalse(project._psa_invoice(ALWAYS))
        for record in (self.costs(project), milestone):
            record.action_psa_release()
            self.assertEqual(record._psa_contract_lines().qty_to_invoice, 1)
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 200)

    def test_only_a_billing_administrator_decides(self):
        entry = self.time_project(2).timesheet_ids
        employee = new_test_user(
            self.env, "employee", "hr_timesheet.group_timesheet_manager"
        )
        for decide in (
            lambda record: record.action_psa_hold("No"),
            lambda record: record.action_psa_release(),
            lambda record: record.action_psa_write_off("No"),
            lambda record: record.action_psa_undo_write_off(),
            lambda record: record.action_psa_set_billing_type("complimentary"),
            lambda record: record.write({"billing_hold": True}),
        ):
            with self.assertRaises(AccessError):
                decide(entry.with_user(employee))
        self.assertEqual(entry.billing_status, "ready")

    # === Parts and rounding ===

    def test_eight_hours_written_down_to_six(self):
        project = self.time_project(8)
        move = project._psa_invoice(JANUARY)
        move.detail_ids.quantity = 6
        self.assertEqual(move.invoice_line_ids.quantity, 6)
        self.assertEqual(project.timesheet_ids.open_quantity, 2, "Billed later.")
        with self.assertRaisesRegex(UserError, "only be lowered"):
            move.detail_ids.quantity = 9
        move.detail_ids.action_psa_write_off_rest("Too slow")
        self.assertEqual(project.timesheet_ids.open_quantity, 0)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 6)

    def test_hours_on_a_day_rate(self):
        """Eight single hours are one day: 800.00, not eight days."""
        project = self.project()
        self.contract(project, product_uom_id=self.day.id, price_unit=800)
        for day in range(1, 9):
            self.log(project, date(2026, 1, day), 1)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(
            (move.invoice_line_ids.quantity, move.amount_untaxed), (1, 800)
        )

    def test_minutes_over_several_invoices(self):
        """15, 50, 225, 75 and 35 minutes are 6.67 h, however they are billed."""
        project = self.time_project()
        for day, minutes in enumerate((15, 50, 225, 75, 35), start=1):
            self.log(project, date(2026, 1, day), minutes / 60)
        moves = project.env["account.move"]
        for day in range(1, 6):
            moves |= project._psa_invoice(date(2026, 1, day))
        line = project.sale_line_id
        self.assertAlmostEqual(sum(moves.mapped("invoice_line_ids.quantity")), 6.67)
        self.assertEqual(line.qty_to_invoice, 0)

    def test_three_milestones_of_a_third(self):
        """33.33 % each: 0.33, 0.34 and 0.33 of a package, together all of it."""
        for share in (1 / 3, 0.3333):
            project = self.project()
            line = self.contract(project, self.milestone_product, product_uom_qty=1)
            line.price_unit = 1000
            moves = self.env["account.move"]
            for day in (1, 2, 3):
                self.milestone(project, line, share, date(2026, 1, day))
                moves |= project._psa_invoice(date(2026, 1, day))
            self.assertEqual(sum(moves.mapped("amount_untaxed")), 1000)
            self.assertEqual(line.qty_to_invoice, 0)

    # === Lines of an invoice ===

    def layout_project(self, layout):
        project = self.project(billing_layout=layout)
        self.contract(project)
        task = self.env["project.task"].create(
            {"name": "Design", "project_id": project.id}
        )
        self.log(project, date(2026, 1, 1), 2)
        self.log(project, date(2026, 1, 2), 3, employee=self.bob, task_id=task.id)
        self.log(project, date(2026, 1, 3), 4)
        return project

    def quantities(self, move):
        return [
            (line.name.split("\n")[-1], line.quantity)
            for line in move.invoice_line_ids.sorted("sequence")
        ]

    def test_a_line_per_employee(self):
        project = self.layout_project("employee")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(self.quantities(move), [("Alice", 6), ("Bob", 3)])
        self.log(project, date(2026, 1, 9), 1, employee=self.bob)
        move.action_psa_recalculate()
        self.assertEqual(self.quantities(move), [("Alice", 6), ("Bob", 4)])
        self.assert_ledger(move)

    def test_a_line_per_task(self):
        move = self.layout_project("task")._psa_invoice(JANUARY)
        self.assertEqual(sorted(line[1] for line in self.quantities(move)), [3, 6])
        self.assert_ledger(move)

    def test_a_line_per_entry(self):
        project = self.layout_project("entry")
        move = project._psa_invoice(JANUARY)
        self.assertEqual([line[1] for line in self.quantities(move)], [2, 3, 4])
        move.invoice_line_ids.sorted("sequence")[2].quantity = 1
        self.assertEqual(
            project.timesheet_ids.sorted("date").mapped("open_quantity"), [0, 0, 3]
        )
        project.timesheet_ids.sorted("date")[0].unlink()
        move.action_psa_recalculate()
        self.assertEqual([line[1] for line in self.quantities(move)], [3, 1])
        self.assert_ledger(move)

    def test_the_line_of_a_deleted_entry_is_offered(self):
        project = self.layout_project("entry")
        move = project._psa_invoice(JANUARY)
        entry = project.timesheet_ids.sorted("date")[0]
        row = move.detail_ids.filtered(lambda each: each.analytic_line_id == entry)
        entry.unlink()
        row.billing_type = "complimentary"
        self.assertEqual([line[1] for line in self.quantities(move)], [0, 3, 4])

    def test_lines_per_entry_add_up_to_the_contract_line(self):
        """Three times 0.333 h: 0.33, 0.33 and 0.34."""
        project = self.project(billing_layout="entry")
        self.contract(project)
        for day in (1, 2, 3):
            self.log(project, date(2026, 1, day), 1 / 3)
        move = project._psa_invoice(JANUARY)
        self.assertAlmostEqual(sum(move.invoice_line_ids.mapped("quantity")), 1)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)
