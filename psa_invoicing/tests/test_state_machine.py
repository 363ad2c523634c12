# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Thousands of random steps, and the ledger holds after each of them.

Needs Hypothesis. The same steps every time, unless asked otherwise::

    PSA_STEPS=20000 PSA_SEED=7 make test ARGS=psa_invoicing/tests/test_state_machine.py

With ``--odoo-log-level=info``, how often each step was done or refused is in the log.
``PSA_SHRINK=1`` looks for the shortest story that fails, which takes its time.
"""

import logging
import os
from collections import Counter
from datetime import date
from importlib.util import find_spec
from unittest import skipUnless

from odoo import fields
from odoo.tests import tagged

from .common import BillingCase

if WITH_HYPOTHESIS := bool(find_spec("hypothesis")):
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    from .billing_machine import BillingMachine

_logger = logging.getLogger(__name__)

# Enough for a change; ``make test-all`` takes more of them.
STEPS = int(os.environ.get("PSA_STEPS", 900))
STEPS_OF_A_STORY = 60


@skipUnless(WITH_HYPOTHESIS, "Hypothesis is not installed.")
@tagged("post_install", "-at_install", "psa_random")
class TestStateMachine(BillingCase):
    """A small firm with one project of every kind.

    :cvar projects: hours; hours on the same contract line; days, a line per employee;
        milestones; ordered and delivered goods, a line per entry; hours in another
        currency, a line per entry; hours in another company, a line per task
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.done, cls.refused = Counter(), Counter()
        cls.vendor = cls.env["res.partner"].create({"name": "Vendor"})
        cls.setUpHours()
        cls.setUpMilestones()
        cls.setUpGoods()
        cls.setUpCurrency()
        cls.setUpOtherCompany()
        cls.projects = (
            cls.hours
            + cls.shared
            + cls.days
            + cls.packages
            + cls.shop
            + cls.abroad
            + cls.subsidiary
        )
        for project in cls.projects:
            cls.env["project.task"].create(
                [
                    {"name": name, "project_id": project.id}
                    for name in ("Design", "Build")
                ]
            )
        cls.orders = cls.projects.sale_line_id.order_id
        # Orders of January, whenever the test runs.
        cls.orders.date_order = fields.Datetime.to_datetime("2026-01-01 12:00:00")
        cls.setUpWork()
        cls.env.flush_all()

    @classmethod
    def setUpWork(cls):
        """Something to work with from the first step on: entries, drafts, invoices."""
        for project in cls.projects - cls.packages - cls.shop:
            for offset, hours in enumerate((50 / 60, 6.66, 2), start=5):
                cls.log(
                    project,
                    date(2026, 1, offset),
                    hours,
                    cls.employees[project.company_id][:1],
                    task_id=project.task_ids[0].id,
                )
        cls.milestones[0].write({"is_reached": True, "reached_date": date(2026, 1, 10)})
        cls.vendor_bill(date(2026, 1, 8), 1, True)
        cls.expense(date(2026, 1, 9), cls.hours.sale_line_id.order_id)
        (cls.hours + cls.abroad)._psa_invoice(date(2026, 1, 6)).action_post()
        (cls.hours + cls.packages + cls.days)._psa_invoice(date(2026, 1, 31))

    @classmethod
    def setUpHours(cls):
        cls.hours, cls.shared = cls.project("Hours"), cls.project("Shared")
        cls.shared.sale_line_id = cls.contract(cls.hours)
        cls.days = cls.project("Days", billing_layout="employee")
        day_rate = cls._service("Consulting day", "timesheet", cls.day)
        cls.contract(cls.days, day_rate, price_unit=777.77)

    @classmethod
    def setUpMilestones(cls):
        cls.packages = cls.project("Packages")
        line = cls.contract(cls.packages, cls.milestone_product, product_uom_qty=1)
        cls.milestones = cls.env["project.milestone"].union(
            *(cls.milestone(cls.packages, line, 1 / 3) for _index in range(3))
        )

    @classmethod
    def setUpGoods(cls):
        cls.shop = cls.project("Shop", billing_layout="entry")
        line = cls.contract(
            cls.shop,
            cls.env["product.product"].create(
                {
                    "name": "Licence",
                    "type": "service",
                    "service_type": "manual",
                    "invoice_policy": "order",
                    "list_price": 30,
                }
            ),
            product_uom_qty=3,
        )
        goods = cls.env["product.product"].create(
            {"name": "Cable", "type": "consu", "invoice_policy": "delivery"}
        )
        cls.goods = line + cls.env["sale.order.line"].create(
            {
                "order_id": line.order_id.id,
                "product_id": goods.id,
                "product_uom_qty": 5,
                "price_unit": 9.99,
            }
        )
        # Hours are worth 150.00 less: more, with their tax.
        voucher = cls.env["product.product"].create(
            {
                "name": "Voucher",
                "type": "service",
                "service_type": "manual",
                "invoice_policy": "order",
                "taxes_id": [fields.Command.clear()],
            }
        )
        cls.goods += cls.env["sale.order.line"].create(
            {
                "order_id": cls.hours.sale_line_id.order_id.id,
                "product_id": voucher.id,
                "product_uom_qty": 0,
                "price_unit": -150,
            }
        )
        # The other line, and the hours, have the default tax.
        line.tax_ids = cls.env["account.tax"].create(
            {"name": "21 %", "amount": 21, "type_tax_use": "sale"}
        )
        for project in cls.hours + cls.days:
            if not project.account_id:
                project._create_analytic_account()
        cls.env.user.group_ids += cls.env.ref("hr_expense.group_hr_expense_manager")
        cls.alice.work_contact_id = cls.env["res.partner"].create({"name": "Alice"})
        cls.train = cls.env["product.product"].create(
            {
                "name": "Train",
                "type": "service",
                "can_be_expensed": True,
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "standard_price": 0,
            }
        )
        cls.flight = cls.env["product.product"].create(
            {
                "name": "Flight",
                "type": "service",
                "expense_policy": "sales_price",
                "invoice_policy": "delivery",
                "list_price": 50,
            }
        )

    @classmethod
    def setUpCurrency(cls):
        cls.other_currency = currency = cls.setup_other_currency("EUR")
        pricelist = cls.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": currency.id}
        )
        cls.abroad = cls.project("Abroad", billing_layout="entry")
        cls.contract(cls.abroad, pricelist_id=pricelist.id, price_unit=83.33)

    @classmethod
    def setUpOtherCompany(cls):
        data = cls.setup_other_company()
        company = data["company"]
        cls.env.user.company_ids += company
        employee = cls.env["hr.employee"].create(
            {"name": "Carol", "company_id": company.id, "hourly_cost": 40}
        )
        cls.employees = {
            cls.env.company: cls.alice + cls.bob,
            company: employee,
            cls.env["res.company"]: cls.alice + cls.bob,
        }
        env = cls.env(
            context={
                **cls.env.context,
                "allowed_company_ids": [cls.env.company.id, company.id],
            }
        )
        cls.env = env
        cls.customer.with_company(company).property_account_receivable_id = data[
            "default_account_receivable"
        ]
        cls.subsidiary = cls.project(
            "Subsidiary", company_id=company.id, billing_layout="task"
        )
        product = cls.time_product.copy(
            {"name": "Hour of the subsidiary", "taxes_id": [fields.Command.clear()]}
        )
        cls.contract(cls.subsidiary, product, company_id=company.id)

    @classmethod
    def shares(cls, shared):
        """Who bears a cost: one project, or two by 60 to 40."""
        accounts = cls.hours.account_id, cls.days.account_id
        if shared:
            return {str(accounts[0].id): 60.0, str(accounts[1].id): 40.0}
        return {str(accounts[0].id): 100.0}

    @classmethod
    def journal_entry(cls, day, amount, shared):
        return cls.posted_entry(
            cls.train, ("Taxi", amount, cls.shares(shared)), day=day
        )

    @classmethod
    def vendor_bill(cls, day, quantity, shared, abroad=False):
        """A posted bill that the customer pays.

        :param abroad: at what it costs in the other currency
        """
        return cls.posted_bill(
            cls.train if abroad else cls.flight,
            cls.shares(shared),
            vendor=cls.vendor,
            day=day,
            currency=cls.other_currency if abroad else None,
            quantity=quantity,
            price_unit=40,
        )

    @classmethod
    def expense(cls, day, order, paid_by="company_account", abroad=False):
        """What an employee spent for a customer, approved and posted."""
        expense = cls.env["hr.expense"].create(
            {
                "name": "Train",
                "employee_id": cls.alice.id,
                "product_id": cls.train.id,
                "total_amount_currency": 80,
                "date": day,
                "payment_mode": paid_by,
                "currency_id": (
                    cls.other_currency if abroad else cls.env.company.currency_id
                ).id,
                "sale_order_id": order.id,
            }
        )
        expense.action_submit()
        expense._do_approve()
        return cls.post_expense(expense)

    @classmethod
    def post_expense_again(cls, expense, amount=None):
        """:param amount: another one (default: the same)"""
        if amount:
            expense.action_reset()
            expense.total_amount_currency = amount
            # As a form does, before the next click.
            expense.flush_recordset()
            expense.action_submit()
            expense._do_approve()
        return cls.post_expense(expense)

    def test_random_steps(self):
        """Whatever people do, and in whatever order."""
        machine = type("Machine", (BillingMachine,), {"case": self})
        wanted_seed = os.environ.get("PSA_SEED")
        if wanted_seed:
            seed(int(wanted_seed))(machine)
        phases = [Phase.generate]
        if os.environ.get("PSA_SHRINK"):
            phases += [Phase.shrink]
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=-(-STEPS // STEPS_OF_A_STORY),
                stateful_step_count=STEPS_OF_A_STORY,
                derandomize=not wanted_seed,
                database=None,
                deadline=None,
                phases=phases,
                suppress_health_check=list(HealthCheck),
            ),
        )
        steps = self.done.total() + self.refused.total()
        report = f"Seed {wanted_seed or '(fixed)'}, {steps} steps:\n" + "\n".join(
            f"{name}: {self.done[name]} done, {self.refused[name]} refused"
            for name in sorted(self.done | self.refused)
        )
        _logger.info(report)
        # One in ten finds nothing to act on.
        self.assertGreaterEqual(steps, STEPS * 5 // 6, report)
        self.assertGreater(self.done.total(), self.refused.total(), report)
