# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of the manual invoice: made many at once, the same as one by one."""

from datetime import date, timedelta

from odoo.fields import Command

from .common import BillingCase
from .one_by_one import assert_same_rows

JANUARY = date(2026, 1, 31)


class RowsCase(BillingCase):
    def review(self, projects, **values):
        """A wizard at its second step."""
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": projects.ids, "cutoff_date": JANUARY, **values}
        )
        wizard.action_next()
        return wizard

    def work(self, **values):
        """Hours of two people on two tasks, in any order."""
        project = self.time_project(2, **values)
        tasks = self.env["project.task"].create(
            [{"name": name, "project_id": project.id} for name in ("Design", "Build")]
        )
        for day in range(9, 1, -1):
            self.log(
                project,
                date(2026, 1, day),
                1 + day / 7,
                self.bob if day % 3 else self.alice,
                task_id=tasks[day % 2].id,
                name=f"Work of day {day}",
            )
        return project


class TestManualInvoiceRows(RowsCase):
    # === The same as one by one ===

    def test_every_layout_and_consolidated_or_not(self):
        layouts = self.env["project.project"]._fields["billing_layout"]
        projects = self.env["project.project"]
        for layout in layouts.get_values(self.env):
            projects |= self.work(billing_layout=layout)
            projects |= self.work(billing_layout=layout, billing_consolidate=True)
        assert_same_rows(self, self.review(projects))
        for project in projects:
            assert_same_rows(self, self.review(project))

    def test_every_kind(self):
        """Milestones, goods, and what stands on the order itself."""
        project = self.work()
        packages = self.contract(project, self.milestone_product, price_unit=1000)
        self.milestone(project, packages, 0.1, date(2026, 1, 10))
        goods = self.env["product.product"].create(
            {"name": "Cable", "type": "consu", "invoice_policy": "order"}
        )
        fee = self.env["product.product"].create(
            {"name": "Fee", "type": "service", "invoice_policy": "order"}
        )
        order = packages.order_id
        order.project_id = project
        order.date_order = date(2026, 1, 2)
        order.order_line = [
            Command.create({"product_id": product.id, "product_uom_qty": 3})
            for product in (goods, fee)
        ]
        wizard = self.review(project)
        self.assertEqual(
            set(wizard.line_ids.mapped("transaction_type")),
            {"time", "milestone", "material", "order_line"},
        )
        assert_same_rows(self, wizard)
        for name in ("bill_time", "bill_material", "bill_order_line"):
            assert_same_rows(self, self.review(project, **{name: False}))

    def test_units_discounts_and_corrections(self):
        """Hours are billed in days, less a discount; a correction counts down."""
        by_day = self._service("Consulting day", "timesheet", self.day)
        project = self.project()
        self.contract(project, by_day, price_unit=777.77, discount=7.5)
        for index, hours in enumerate((5, 1 / 3, 20 / 60, -0.5, 2.675), start=1):
            self.log(project, date(2026, 1, index), hours)
        wizard = self.review(project)
        self.assertAlmostEqual(wizard.line_ids[0].quantity_unrounded, 0.625)
        assert_same_rows(self, wizard)

    def test_offered_credited_and_before_the_start(self):
        project = self.work(billing_start_date=date(2026, 1, 5))
        first = project.timesheet_ids.sorted("date")[0]
        move = (
            project._psa_invoice(date(2026, 1, 1))
            or self.review(project, cutoff_date=date(2026, 1, 1))._finish()
        )
        move.action_post()
        move._reverse_moves(cancel=True)
        self.assertTrue(first.billing_credited_quantity)
        project.timesheet_ids[0].action_psa_set_billing_type("complimentary")
        wizard = self.review(project)
        self.assertEqual(
            set(wizard.line_ids.mapped("remark")), {"credited", "before_start", False}
        )
        assert_same_rows(self, wizard)

    def test_one_contract_line_of_two_projects(self):
        first, second = self.work(), self.work()
        second.sale_line_id = first.sale_line_id
        second.timesheet_ids.so_line = first.sale_line_id
        assert_same_rows(self, self.review(first + second))

    # === What a person chose ===

    def test_what_was_lowered_is_not_raised(self):
        """Of 5 hours 4 are billed; meanwhile they are corrected to 3."""
        project = self.time_project(5)
        wizard = self.review(project)
        wizard.line_ids.quantity = 4
        project.timesheet_ids.unit_amount = 3
        wizard.review_refresh()
        self.assertEqual(wizard.line_ids.quantity, 3)
        self.assertFalse(wizard.line_ids._is_lowered())

    def test_what_was_lowered_follows_what_is_open(self):
        project = self.time_project(5)
        wizard = self.review(project)
        wizard.line_ids.write({"quantity": 4, "billing_type": "complimentary"})
        project.timesheet_ids.unit_amount = 6
        wizard.review_refresh()
        self.assertRecordValues(
            wizard.line_ids,
            [{"quantity": 4, "quantity_unrounded": 6, "billing_type": "complimentary"}],
        )

    def test_all_but_the_unticked(self):
        project = self.work()
        wizard = self.review(project)
        wizard.review_tick(False, {})
        wizard.review_tick(True, {"row": wizard.line_ids[3].id})
        wizard.action_back()
        wizard.action_next()
        self.assertEqual(wizard.line_ids.filtered("selected"), wizard.line_ids[3])

    # === Thousands ===

    def test_statements_do_not_follow_the_number_of_rows(self):
        counts = []
        # The first time reads what is kept for all.
        for number in (1, 10, 200):
            project = self.time_project()
            self.env["account.analytic.line"].create(
                [
                    {
                        "name": f"Work {index}",
                        "date": date(2026, 1, 1) + timedelta(days=index % 28),
                        "project_id": project.id,
                        "employee_id": self.alice.id,
                        "unit_amount": 1,
                    }
                    for index in range(number)
                ]
            )
            counts.append([self.statements(step) for step in self.steps(project)])
        self.assertEqual(*counts[1:])

    def steps(self, project):
        """Next, ticks, Back and Next, Refresh, and what is left out."""
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": JANUARY}
        )
        yield lambda: (wizard.action_next(), wizard.web_read({"review": {}}))
        yield lambda: wizard.review_tick(False, {})
        yield lambda: wizard.review_tick(True, {"customer": self.customer.id})
        yield lambda: (wizard.action_back(), wizard.action_next())
        yield wizard.review_refresh
        yield wizard.review_left_out

    def statements(self, step) -> int:
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        step()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_projects_are_read_together(self):
        counts = []
        for number in (1, 2, 6):
            projects = self.env["project.project"]
            for _index in range(number):
                customer = self.env["res.partner"].create({"name": "Another customer"})
                projects |= self.time_project(2, customer=customer)
            counts.append([self.statements(step) for step in self.steps(projects)])
        self.assertEqual(*counts[1:])


class TestBilledWithoutTransactions(RowsCase):
    """Invoices that the ledger does not know of, as other programs leave them."""

    audited = False

    def test_a_contract_line_with_less_to_bill(self):
        """An invoice that names no transactions has billed 4 of 9 hours; nothing is
        left of another contract line, and all of a third one."""
        project = self.time_project(2, 3, 4)
        other = self.contract(project)
        self.log(project, date(2026, 1, 9), 5, so_line=other.id, is_so_line_edited=True)
        third = self.work()
        for line, quantity in ((project.sale_line_id, 4), (other, 5)):
            self.bill_without_transactions(line, quantity)
        wizard = self.review(project + third)
        own = wizard.line_ids.filtered(lambda each: each.project_id == project)
        self.assertEqual(own.mapped("quantity"), [2, 3])
        self.assertEqual(len(wizard.line_ids - own), 9)
        left_out = wizard.review_left_out()
        self.assertEqual(
            [(each["reason"], each["count"]) for each in left_out],
            [("beyond", 1), ("beyond", 1)],
        )
        assert_same_rows(self, wizard)
        wizard = self.review(project + third, unit_ids=self.consulting.ids)
        assert_same_rows(self, wizard)

    def bill_without_transactions(self, line, quantity):
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": line.product_id.id,
                            "quantity": quantity,
                            "sale_line_ids": [Command.set(line.ids)],
                        }
                    )
                ],
            }
        )
        move.action_post()
        entries = move.detail_ids.analytic_line_id
        self.env.flush_all()
        self.env.cr.execute(
            "DELETE FROM psa_invoice_detail WHERE move_id = %s", [move.id]
        )
        self.env.invalidate_all()
        entries._psa_refresh_from_ledger()
