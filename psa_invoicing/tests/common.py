# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from contextlib import contextmanager
from datetime import date
from math import fsum

from odoo import fields
from odoo.tests import new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from ..core.billing import Transaction

HOUR_PRICE = 100.0


@tagged("post_install", "-at_install")
class BillingCase(AccountTestInvoicingCommon):
    """A firm with two consultants, a customer, and helpers to tell short stories.

    Every hour costs 100.00 and is taxed with 15 %, so that figures can be checked by
    hand.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("psa_invoicing.group_billing_manager")
        cls.env.user.group_ids += cls.env.ref("project.group_project_manager")
        cls.env.user.group_ids += cls.env.ref("hr_timesheet.group_timesheet_manager")
        cls.env.user.group_ids += cls.env.ref("sales_team.group_sale_manager")
        cls.hour = cls.env.ref("uom.product_uom_hour")
        cls.day = cls.env.ref("uom.product_uom_day")
        cls.consulting = cls.env["hr.department"].create({"name": "Consulting"})
        cls.engineering = cls.env["hr.department"].create({"name": "Engineering"})
        cls.alice = cls._employee("Alice", cls.consulting)
        cls.bob = cls._employee("Bob", cls.engineering)
        cls.customer = cls.env["res.partner"].create(
            {
                "name": "Customer",
                "is_company": True,
                "email": "billing@customer.example.com",
                "property_account_receivable_id": cls.company_data[
                    "default_account_receivable"
                ].id,
            }
        )
        cls.time_product = cls._service("Consulting hour", "timesheet", cls.hour)
        cls.milestone_product = cls._service(
            "Package", "milestones", cls.env.ref("uom.product_uom_unit")
        )

    def review_total(self, wizard):
        """What is ticked in a manual invoice, untaxed; all in one currency."""
        return fsum(wizard._totals(wizard._preview(wizard._parts())).values())

    @classmethod
    def setup_independent_company(cls, **kwargs):
        """The same firm every time, where the database has it already: loading its
        accounts would take longer than most tests."""
        is_usual = not (kwargs or cls.country_code or cls.chart_template)
        firm = cls.env["res.company"].search([("name", "=", "Consulting Firm")])
        if not is_usual or not firm:
            return super().setup_independent_company(**kwargs)
        cls.env.user.company_ids += firm
        return firm

    @classmethod
    def _employee(cls, name, department):
        return cls.env["hr.employee"].create(
            {
                "name": name,
                "department_id": department.id,
                "company_id": cls.env.company.id,
                "hourly_cost": 40,
            }
        )

    @classmethod
    def _service(cls, name, service_type, uom):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "invoice_policy": "delivery",
                "service_type": service_type,
                "uom_id": uom.id,
                "list_price": HOUR_PRICE,
                "taxes_id": [
                    fields.Command.set(cls.company_data["default_tax_sale"].ids)
                ],
            }
        )

    audited = True
    """Whether every test must leave a ledger in which nothing is off."""

    def tearDown(self):
        if self.audited:
            self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])
        super().tearDown()

    # === Telling stories ===

    @classmethod
    def project(cls, name="Project", customer=None, **values):
        """A billable project."""
        return cls.env["project.project"].create(
            {
                "name": name,
                "partner_id": (customer or cls.customer).id,
                "allow_billable": True,
                "allow_milestones": True,
                **values,
            }
        )

    @classmethod
    def contract(cls, project, product=None, **values):
        """An order with one line that the project works on.

        :return: its line
        """
        order_values = {
            key: values.pop(key)
            for key in list(values)
            if key in cls.env["sale.order"]._fields
        }
        order = cls.env["sale.order"].create(
            {"partner_id": project.partner_id.id, **order_values}
        )
        line = cls.env["sale.order.line"].create(
            {
                "order_id": order.id,
                "product_id": (product or cls.time_product).id,
                "product_uom_qty": 10,
                **values,
            }
        )
        order.action_confirm()
        if not project.sale_line_id:
            project.sale_line_id = line
        return line

    @classmethod
    def log(cls, project, day, hours, employee=None, **values):
        """A time entry."""
        return cls.env["account.analytic.line"].create(
            {
                "name": values.pop("name", "Work"),
                "date": day,
                "project_id": project.id,
                "employee_id": (employee or cls.alice).id,
                "unit_amount": hours,
                **values,
            }
        )

    @classmethod
    def milestone(cls, project, line, share, day=None, **values):
        """A milestone, reached if it has a day."""
        return cls.env["project.milestone"].create(
            {
                "name": values.pop("name", "Milestone"),
                "project_id": project.id,
                "sale_line_id": line.id,
                "quantity_percentage": share,
                "is_reached": bool(day),
                "reached_date": day,
                **values,
            }
        )

    @classmethod
    def time_project(cls, *hours, **values):
        """A project with a contract and an entry a day from 1 January 2026 on."""
        project = cls.project(**values)
        cls.contract(project)
        for offset, quantity in enumerate(hours, start=1):
            cls.log(project, date(2026, 1, offset), quantity)
        return project

    @classmethod
    def posted_bill(
        cls, product, *distributions, vendor=None, day=None, currency=None, **values
    ):
        """A posted vendor bill with a line for each distribution.

        :param distributions: a project that bears the line, or shares of analytic
            accounts
        :param day: default: 5 January 2026
        :param currency: default: that of the company
        :param values: of its lines; default: one at 50.00, without tax
        """
        vendor = vendor or cls.env["res.partner"].create({"name": "Vendor"})
        day = day or date(2026, 1, 5)
        bill = cls.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": vendor.id,
                "invoice_date": day,
                "date": day,
                "currency_id": (currency or cls.env.company.currency_id).id,
                "invoice_line_ids": [
                    fields.Command.create(
                        {
                            "product_id": product.id,
                            "price_unit": 50,
                            "tax_ids": [fields.Command.clear()],
                            "analytic_distribution": cls._shares(distribution),
                            **values,
                        }
                    )
                    for distribution in distributions
                ],
            }
        )
        bill.action_post()
        return bill

    @classmethod
    def posted_entry(cls, product, *costs, day=None):
        """A posted journal entry of what nobody sent a bill for.

        :param costs: ``(name, amount, project or shares of analytic accounts)``
        :param day: default: 5 January 2026
        """
        accounts = cls.company_data
        entry = cls.env["account.move"].create(
            {
                "date": day or date(2026, 1, 5),
                "line_ids": [
                    fields.Command.create(
                        {
                            "account_id": accounts["default_account_expense"].id,
                            "name": name,
                            "product_id": product.id,
                            "analytic_distribution": cls._shares(distribution),
                            "debit": amount,
                        }
                    )
                    for name, amount, distribution in costs
                ]
                + [
                    fields.Command.create(
                        {
                            "account_id": accounts["default_account_assets"].id,
                            "credit": fsum(amount for _name, amount, _to in costs),
                        }
                    )
                ],
            }
        )
        entry.action_post()
        return entry

    @classmethod
    def post_expense(cls, expense):
        """As its approver does, an employee's own one through the dialog."""
        action = expense.action_post()
        if isinstance(action, dict) and action["res_model"] == "hr.expense.post.wizard":
            wizards = cls.env["hr.expense.post.wizard"]
            wizard = wizards.with_context(**action["context"]).create({})
            wizard.action_post_entry()
        drafts = expense.account_move_id.filtered(lambda move: move.state == "draft")
        drafts.action_post()
        return expense

    @classmethod
    def _shares(cls, distribution) -> dict:
        if isinstance(distribution, dict):
            return distribution
        if not distribution.account_id:
            distribution._create_analytic_account()
        return {distribution.account_id.id: 100}

    @classmethod
    def person(cls, login, groups, company=None, **values):
        """A user of one company (default: the firm).

        :param groups: external ids, separated by commas
        """
        company = company or cls.env.company
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=company.id,
            company_ids=[fields.Command.set(company.ids)],
            **values,
        )

    def send(self, moves, **values):
        """Open the dialog of a single invoice, or of several, and press Send.

        :param values: what a person changes in the dialog of a single one
        """
        return self.press_send(moves.env, moves.action_psa_send(), **values)

    def press_send(self, env, action, **values):
        """:param action: that opens the dialog"""
        Dialog = env[action["res_model"]].with_context(**action.get("context", {}))
        if "res_id" in action:
            return Dialog.browse(action["res_id"]).action_send()
        return Dialog.create(values).action_send_and_print()

    @contextmanager
    def driver(self):
        """An environment that may commit, for what drives and commits."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            yield self.env(cr=cr)
        self.env.invalidate_all()

    def run_due(self, day, projects=None):
        """Let the scheduled action do its work on a day."""
        with self.driver() as env:
            run = env["psa.invoice.run"]._run_due(
                day, projects and projects.with_env(env)
            )
            run_id = run.id
        return self.env["psa.invoice.run"].browse(run_id)

    # === What must always hold ===

    def assert_rows(self, details):
        """Read by the thousand, rows of the ledger say what their records say."""
        rows = {row.id: row for row in details._rows([("id", "in", details.ids)])}
        self.assertEqual(rows.keys(), set(details.ids))
        for detail in details:
            row = rows[detail.id]
            self.assertEqual(
                (row.key, row.move_line_id, row.is_write_off, row.amount),
                (
                    detail._key,
                    detail.move_line_id.id or 0,
                    detail.is_write_off,
                    detail.amount,
                ),
            )
            self.assertEqual(
                row.item._replace(source_id=0),
                Transaction(
                    kind=detail.transaction_type,
                    source=detail._source,
                    source_id=0,
                    sale_line_id=detail.sale_line_id.id,
                    project_id=detail.project_id.id or 0,
                    date=detail.date,
                    source_quantity=detail.source_quantity,
                    quantity=detail.quantity,
                    text=detail.name or "",
                    who=detail.employee_name or "",
                    task=detail.task_name or "",
                    billing_type=detail.billing_type,
                ),
            )

    def assert_ledger(self, moves):
        """Lines are sums of their details, and no transaction is billed twice."""
        self.env.flush_all()
        self.env.invalidate_all()
        self.assert_rows(moves.detail_ids)
        for line in moves.invoice_line_ids.filtered("detail_ids"):
            details = line.detail_ids.filtered(
                lambda detail: detail.billing_type == "chargeable"
            )
            unit = details.sale_line_id.product_uom_id
            self.assertAlmostEqual(
                line._billing_quantity(line.sale_line_ids[:1]),
                fsum(details.mapped("quantity")),
                delta=1e-6 if line.billing_share else unit.rounding,
                msg="The line is the sum of its details, rounded or by amount.",
            )
            self.assertEqual(
                line.currency_id.round(fsum(details.mapped("amount"))),
                line.price_subtotal,
                "The amounts of the details add up to the line, to the cent.",
            )
        for source in (
            moves.detail_ids.analytic_line_id,
            moves.detail_ids.milestone_id,
            moves.detail_ids.cost_id,
        ):
            for record in source:
                self.assertGreaterEqual(record.open_quantity, 0, record.display_name)
        for line in moves.detail_ids.sale_line_id:
            invoiced = line.qty_invoiced + line.psa_never_billed_quantity
            due = (
                line.qty_delivered
                if line.product_id.invoice_policy == "delivery"
                else line.product_uom_qty
            )
            self.assertLessEqual(
                line.product_uom_id.compare(
                    invoiced, due + line.product_uom_id.rounding
                ),
                0,
                "Never more than was delivered, or ordered.",
            )
