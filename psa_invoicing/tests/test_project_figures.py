# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the page of a project says was agreed, billed and is left."""

from datetime import date, timedelta

from freezegun import freeze_time
from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, new_test_user

from ..core.figures import FIGURES
from .common import BillingCase
from .other_dates import OtherDatesCase

JANUARY = date(2026, 1, 31)
BILLER = "psa_invoicing.group_billing_manager"
REVIEWER = "psa_invoicing.group_billing_reviewer"


def figures(project) -> dict[str, float]:
    """Those that are not zero."""
    project.env.invalidate_all()
    found = {name: project[f"billing_{name}_amount"] for name in FIGURES}
    return {name: amount for name, amount in found.items() if amount}


class FigureCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("hr_expense.group_hr_expense_manager")
        cls.alice.work_contact_id = cls.env["res.partner"].create({"name": "Alice"})
        cls.travel = cls.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "can_be_expensed": True,
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "standard_price": 0,
                "taxes_id": [Command.clear()],
                "supplier_taxes_id": [Command.clear()],
            }
        )

    @classmethod
    def someone(cls, login, groups):
        return new_test_user(
            cls.env,
            login=f"psa_figures_{login}",
            groups=groups,
            company_id=cls.env.company.id,
            company_ids=[Command.set(cls.env.company.ids)],
        )

    def entries(self, project):
        return project.timesheet_ids.sorted("date")

    def order_line(self, project, quantity, price=100, **values):
        """A contract line that is billed by the ordered quantity."""
        product = self._service("Licence", "manual", self.hour)
        product.invoice_policy = "order"
        line = self.contract(
            project,
            product,
            product_uom_qty=quantity,
            price_unit=price,
            project_id=project.id,
            **values,
        )
        line.billing_date = date(2026, 1, 5)
        return line

    def material(self, project, price):
        """A posted vendor bill that the customer pays."""
        project.sale_line_id.order_id.project_id = project
        if not project.account_id:
            project._create_analytic_account()
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.env["res.partner"].create({"name": "Vendor"}).id,
                "invoice_date": date(2026, 1, 5),
                "date": date(2026, 1, 5),
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.travel.id,
                            "price_unit": price,
                            "tax_ids": [Command.clear()],
                            "analytic_distribution": {project.account_id.id: 100},
                        }
                    )
                ],
            }
        )
        bill.action_post()
        return bill

    def expense(self, project, amount):
        """An expense of Alice, which the customer pays."""
        project.sale_line_id.order_id.project_id = project
        if not project.account_id:
            project._create_analytic_account()
        expense = self.env["hr.expense"].create(
            {
                "name": "Train",
                "employee_id": self.alice.id,
                "product_id": self.travel.id,
                "total_amount_currency": amount,
                "date": date(2026, 1, 10),
                "payment_mode": "company_account",
                "sale_order_id": project.sale_line_id.order_id.id,
            }
        )
        expense.action_submit()
        expense._do_approve()
        if wizard := expense.action_post():
            self.env[wizard["res_model"]].browse(wizard["res_id"]).with_context(
                **wizard["context"]
            ).action_post_entry()
        return expense


class TestFiguresOfAProject(FigureCase):
    """Ten hours at 100.00 are ordered."""

    def test_time_from_the_backlog_to_the_credit_note(self):
        work = self.time_project(2, 3)
        self.assertEqual(figures(work), {"contract": 1000, "ready": 500, "left": 1000})
        invoice = work._psa_invoice(date(2026, 1, 1))
        self.assertEqual(
            figures(work),
            {"contract": 1000, "draft": 200, "ready": 300, "left": 800},
        )
        invoice.action_post()
        self.assertEqual(
            figures(work),
            {"contract": 1000, "billed": 200, "ready": 300, "left": 800},
        )
        credit_note = invoice._reverse_moves()
        self.assertEqual(figures(work)["billed"], 200, "A draft gives nothing back.")
        credit_note.action_post()
        self.assertEqual(
            figures(work),
            {"contract": 1000, "ready": 300, "credited": 200, "left": 1000},
        )

    def test_on_hold(self):
        work = self.time_project(2, 3)
        self.entries(work)[0].action_psa_hold("Disputed")
        self.assertEqual(
            figures(work),
            {"contract": 1000, "ready": 300, "hold": 200, "left": 1000},
        )
        work.billing_hold = True
        self.assertEqual(figures(work), {"contract": 1000, "hold": 500, "left": 1000})

    def test_written_off(self):
        work = self.time_project(2, 3)
        work.sale_line_id.discount = 50
        self.entries(work)[0].action_psa_write_off("Rework")
        self.assertEqual(
            figures(work),
            {"contract": 500, "ready": 150, "written_off": 100, "left": 400},
        )
        work._psa_invoice(JANUARY).action_post()
        self.assertEqual(
            figures(work),
            {"contract": 500, "billed": 150, "written_off": 100, "left": 250},
        )

    def test_complimentary_and_non_chargeable_work_uses_the_contract_up(self):
        work = self.time_project(2, 3, 1)
        self.entries(work)[0].action_psa_set_billing_type("complimentary")
        self.entries(work)[2].action_psa_set_billing_type("non_chargeable")
        self.assertEqual(
            figures(work),
            {"contract": 1000, "ready": 300, "not_charged": 300, "left": 700},
        )
        work._psa_invoice(JANUARY).action_post()
        self.assertEqual(
            figures(work),
            {"contract": 1000, "billed": 300, "not_charged": 300, "left": 400},
        )

    def test_a_price_that_is_credited_is_not_billed_again(self):
        work = self.time_project(10)
        invoice = work._psa_invoice(JANUARY)
        invoice.action_post()
        credit_note = invoice._reverse_moves()
        credit_note.invoice_line_ids.price_unit = 20
        credit_note.psa_reopens_transactions = False
        credit_note.action_post()
        self.assertEqual(
            figures(work), {"contract": 1000, "billed": 800, "not_charged": 200}
        )

    def test_more_hours_than_were_estimated_take_nothing_from_other_lines(self):
        work = self.time_project(12)
        package = self.contract(work, self.milestone_product, project_id=work.id)
        self.milestone(work, package, 0.4, date(2026, 1, 5))
        self.assertEqual(figures(work), {"contract": 2000, "ready": 1600, "left": 2000})
        work._psa_invoice(JANUARY).action_post()
        self.assertEqual(
            figures(work),
            {"contract": 2000, "billed": 1600, "beyond": 200, "left": 600},
        )

    def test_a_new_rate_goes_on_with_the_same_estimate(self):
        work = self.time_project(4, 4)
        work.sale_line_id._psa_add_rate(date(2026, 1, 2), 125)
        self.assertEqual(figures(work), {"contract": 1000, "ready": 900, "left": 1000})
        work._psa_invoice(JANUARY).action_post()
        self.assertEqual(figures(work), {"contract": 1000, "billed": 900, "left": 100})

    def test_costs_are_added_to_the_contract(self):
        work = self.time_project()
        self.material(work, 50)
        self.expense(work, 80)
        self.assertEqual(figures(work), {"contract": 1130, "ready": 130, "left": 1130})
        work._psa_invoice(JANUARY).action_post()
        self.assertEqual(figures(work), {"contract": 1130, "billed": 130, "left": 1000})

    def test_what_is_ordered(self):
        work = self.time_project()
        line = self.order_line(work, 3)
        self.assertEqual(figures(work), {"contract": 1300, "ready": 300, "left": 1300})
        draft = work._psa_invoice(JANUARY)
        draft.detail_ids.quantity = 2
        self.assertEqual(
            figures(work),
            {"contract": 1300, "draft": 200, "ready": 100, "left": 1100},
        )
        self.assertEqual(line.order_id.billing_ready_amount, 100)

    def test_a_milestone_and_its_share(self):
        work = self.project()
        package = self.contract(work, self.milestone_product, discount=10)
        first = self.milestone(work, package, 0.4, date(2026, 1, 5))
        second = self.milestone(work, package, 0.6)
        self.assertEqual(first.billing_amount + second.billing_amount, 360 + 540)
        self.assertEqual(figures(work), {"contract": 900, "ready": 360, "left": 900})

    def test_a_price_with_tax_is_left_without_it(self):
        tax = self.company_data["default_tax_sale"].copy(
            {"name": "Included", "price_include_override": "tax_included"}
        )
        work = self.project()
        self.contract(work, price_unit=115, tax_ids=[Command.set(tax.ids)])
        for day in (1, 2, 3):
            self.log(work, date(2026, 1, day), 1)
        self.entries(work)[0].action_psa_write_off("Rework")
        self.entries(work)[1].action_psa_set_billing_type("complimentary")
        work._psa_invoice(JANUARY).action_post()
        self.assertEqual(
            figures(work),
            {
                "contract": 1000,
                "billed": 100,
                "written_off": 100,
                "not_charged": 100,
                "left": 700,
            },
        )

    def test_a_down_payment_is_none_of_them(self):
        work = self.time_project(2)
        order = work.sale_line_id.order_id
        self.env["sale.advance.payment.inv"].create(
            {
                "sale_order_ids": order.ids,
                "advance_payment_method": "fixed",
                "fixed_amount": 115,
            }
        ).create_invoices()
        order.invoice_ids.action_post()
        self.assertEqual(figures(work), {"contract": 1000, "ready": 200, "left": 1000})
        invoice = work._psa_invoice(JANUARY)
        invoice.action_psa_deduct_downpayment()
        invoice.action_post()
        self.assertEqual(invoice.amount_untaxed, 100)
        self.assertEqual(figures(work), {"contract": 1000, "billed": 200, "left": 800})

    def test_an_invoice_of_odoos_own_button_counts(self):
        work = self.time_project(2)
        invoice = work.sale_line_id.order_id._create_invoices()
        self.assertEqual(figures(work), {"contract": 1000, "draft": 200, "left": 800})
        invoice.action_post()
        self.assertEqual(figures(work), {"contract": 1000, "billed": 200, "left": 800})
        self.assertIn(invoice, work.billing_invoice_ids)

    def test_an_order_that_two_projects_share(self):
        """The work is where it was done; the contract is used up where it is kept."""
        first = self.time_project(2)
        first.sale_line_id.order_id.project_id = first
        second = self.project("Second", sale_line_id=first.sale_line_id.id)
        self.log(second, date(2026, 1, 3), 3)
        (first + second)._psa_invoice(JANUARY).action_post()
        self.assertEqual(figures(first), {"contract": 1000, "billed": 200, "left": 500})
        self.assertEqual(figures(second), {"billed": 300})

    def test_without_an_order(self):
        work = self.project(partner_id=False)
        self.assertEqual(figures(work), {})
        self.assertEqual(work.billing_currency_id, self.env.company.currency_id)
        self.assertIn("has no customer", work.billing_problem)
        work.partner_id = self.customer
        self.assertIn("has no sales order", work.billing_problem)
        work.allow_billable = False
        self.assertFalse(work.billing_problem, "Nobody wants to bill it.")
        self.assertFalse(self.time_project().billing_problem)

    def test_they_are_what_the_backlog_says(self):
        work = self.time_project(2, 3, 4)
        self.entries(work)[0].action_psa_hold("Disputed")
        self.log(work, fields.Date.today() + timedelta(days=9), 1)
        by_status = dict(
            self.env["psa.backlog"]._read_group(
                [("project_id", "=", work.id)], ["status"], ["amount:sum"]
            )
        )
        self.assertEqual(by_status, {"ready": 700, "hold": 200, "later": 100})
        found = figures(work)
        self.assertEqual(
            (found["ready"], found["hold"], found["other"]), (700, 200, 100)
        )
        action = work.action_psa_view_backlog()
        rows = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(sum(rows.mapped("amount")), 1000)


class TestCurrenciesAndCompanies(FigureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.setup_other_currency("EUR", rates=[("2020-01-01", 2.0)])
        cls.pricelist = cls.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": cls.euro.id}
        )

    def test_a_project_in_one_foreign_currency(self):
        work = self.project()
        self.contract(work, pricelist_id=self.pricelist.id, price_unit=100)
        self.log(work, date(2026, 1, 2), 3)
        self.log(work, date(2026, 1, 3), 2)
        work._psa_invoice(date(2026, 1, 2)).action_post()
        self.assertEqual(
            figures(work),
            {"contract": 1000, "billed": 300, "ready": 200, "left": 700},
        )
        self.assertEqual(work.billing_currency_id, self.euro)

    def test_contracts_in_two_currencies_are_in_the_companys(self):
        """1,000.00 here, and 1,000.00 euros, which are 500.00."""
        work = self.time_project(2)
        self.order_line(work, 10, pricelist_id=self.pricelist.id)
        self.assertEqual(work.billing_currency_id, self.env.company.currency_id)
        self.assertEqual(figures(work), {"contract": 1500, "ready": 700, "left": 1500})
        for invoice in work._psa_invoice(JANUARY):
            invoice.action_post()
        self.assertEqual(figures(work), {"contract": 1500, "billed": 700, "left": 800})

    def test_orders_of_companies_that_are_off_are_left_out(self):
        work = self.project(company_id=False)
        self.contract(work)
        there = self.setup_other_company(name="Second firm")["company"]
        env = self.env(context={"allowed_company_ids": there.ids})
        product = env["product.product"].create(
            {"name": "Hour there", "type": "service", "taxes_id": [Command.clear()]}
        )
        order = env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "project_id": work.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_uom_qty": 3,
                            "price_unit": 100,
                        }
                    )
                ],
            }
        )
        order.action_confirm()
        here = work.with_context(allowed_company_ids=self.env.company.ids)
        self.assertEqual(figures(here), {"contract": 1000, "left": 1000})
        both = work.with_context(allowed_company_ids=(self.env.company + there).ids)
        self.assertEqual(figures(both), {"contract": 1300, "ready": 300, "left": 1300})


class TestWhoSeesFigures(FigureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.someone("project_manager", "project.group_project_manager")
        cls.reviewer = cls.someone("reviewer", REVIEWER)
        cls.work = cls.time_project(2, user_id=cls.reviewer.id)
        cls.other = cls.time_project(3, name="Other")

    def test_billing_administrators_and_accountants_see_all(self):
        accountant = "project.group_project_user,account.group_account_invoice"
        for role, groups in (("biller", BILLER), ("accountant", accountant)):
            with self.subTest(role):
                user = self.someone(role, groups)
                self.assertEqual(
                    figures(self.other.with_user(user)),
                    {"contract": 1000, "ready": 300, "left": 1000},
                )

    def test_a_reviewer_sees_what_he_reviews(self):
        work, other = (self.work + self.other).with_user(self.reviewer)
        self.assertEqual(figures(work), {"contract": 1000, "ready": 200, "left": 1000})
        self.assertTrue(work.psa_can_see_figures)
        self.assertEqual(figures(other), {})
        self.assertFalse(other.psa_can_see_figures)
        self.assertFalse(other.billing_chart)
        self.assertFalse(other.billing_unsold_warning)
        self.assertNotIn("billing", other.get_panel_data())
        with self.assertRaises(AccessError):
            work.action_psa_view_backlog()

    def test_others_see_none(self):
        roles = {
            "manager": self.manager,
            "salesman": self.someone(
                "salesman",
                "sales_team.group_sale_salesman_all_leads,project.group_project_user,"
                "hr_timesheet.group_hr_timesheet_user",
            ),
        }
        names = [f"billing_{name}_amount" for name in FIGURES]
        for role, user in roles.items():
            work = self.work.with_user(user)
            for name in [*names, "billing_chart", "billing_invoice_ids"]:
                with self.subTest(role=role, field=name):
                    with self.assertRaises(AccessError):
                        work.read([name])
            for name in ("action_psa_view_backlog", "action_psa_view_unsold_time"):
                with self.subTest(role=role, button=name):
                    with self.assertRaises(AccessError):
                        getattr(work, name)()
            self.assertFalse(work.psa_can_see_figures)
            self.assertNotIn("billing", work.get_panel_data())
            self.assertFalse(
                {"To Invoice", "Invoiced"}
                & {button["text"] for button in work._get_stat_buttons()}
            )

    @freeze_time("2026-11-20")
    def test_the_page_opens_for_a_project_manager(self):
        self.work.billing_frequency_id = self.env.ref(
            "psa_invoicing.frequency_monthly_last_day"
        )
        Form(self.work.with_user(self.reviewer))
        with Form(self.work.with_user(self.manager)) as form:
            form.billing_layout = "task"
        self.assertEqual(self.work.billing_layout, "task")
        work = self.work.with_user(self.manager)
        for view_type in ("form", "kanban", "list"):
            arch = etree.fromstring(work.get_view(view_type=view_type)["arch"])
            shown = {node.get("name") for node in arch.iter("field")}
            self.assertFalse({name for name in shown if "_amount" in name})
        self.assertRegex(work.billing_next, r"^Next: [^,]+, up to [^,]+$")


class TestQueriesForFigures(FigureCase):
    def queries(self, projects):
        names = [
            "billing_next",
            "billing_next_state",
            "billing_problem",
            "billing_draft_count",
            "billing_invoice_ids",
            "billing_unsold_warning",
            "billing_chart",
            *(f"billing_{name}_amount" for name in FIGURES),
        ]
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        projects.read(names)
        return self.env.cr.sql_log_count - before

    def test_as_many_for_twelve_projects_as_for_two(self):
        monthly = self.env.ref("psa_invoicing.frequency_monthly_last_day").id
        projects = self.env["project.project"].union(
            *(
                self.time_project(1, 2, name=f"P{number}", billing_frequency_id=monthly)
                for number in range(12)
            )
        )
        projects._psa_invoice(date(2026, 1, 1)).action_post()
        self.queries(projects)
        few = self.queries(projects[:2])
        many = self.queries(projects)
        self.assertLessEqual(many, few)


@freeze_time("2026-01-20")
class TestNextInvoice(OtherDatesCase):
    """Billed on the last day of the month; two hours on 1 January."""

    def test_what_is_done_until_then(self):
        self.assertEqual(
            self.work.billing_next, "Next: 31 Jan, up to 31 Jan, about $\xa0200"
        )
        self.assertEqual(self.work.billing_next_state, "planned")
        self.log(self.work, date(2026, 1, 31), 1)
        self.log(self.work, date(2026, 2, 1), 4)
        self.log(self.work, date(2025, 12, 31), 5, name="Before the billing start")
        self.env.invalidate_all()
        self.assertIn("about $\xa0300", self.work.billing_next)

    def test_nothing_is_open(self):
        self.work._psa_invoice(JANUARY)
        self.env.invalidate_all()
        self.assertEqual(
            self.work.billing_next,
            "Next: 31 Jan, up to 31 Jan, nothing to invoice yet",
        )

    def test_only_what_the_row_covers(self):
        """Milestones are billed on their own date, one day later."""
        self.override(self.first_day, transaction_type="milestone")
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 10))
        self.env.invalidate_all()
        self.assertIn("about $\xa0200", self.work.billing_next)
        self.row(JANUARY).sudo().state = "skipped"
        self.env.invalidate_all()
        self.assertEqual(
            self.work.billing_next, "Next: 1 Feb, up to 31 Jan, about $\xa050"
        )

    def test_not_beyond_the_billing_end(self):
        self.log(self.work, date(2026, 1, 25), 3)
        self.work.billing_end_date = date(2026, 1, 24)
        self.env.invalidate_all()
        self.assertIn("up to 24 Jan, about $\xa0200", self.work.billing_next)

    def test_due_failed_and_on_hold(self):
        row = self.row(JANUARY).sudo()
        with freeze_time("2026-02-01"):
            self.env.invalidate_all()
            self.assertEqual(self.work.billing_next_state, "due")
            self.assertTrue(self.work.billing_next.startswith("Due: 31 Jan"))
            row.state = "failed"
            self.env.invalidate_all()
            self.assertEqual(self.work.billing_next_state, "failed")
            self.assertTrue(self.work.billing_next.startswith("Failed: 31 Jan"))
            row.state = "planned"
        self.work.billing_hold = True
        self.env.invalidate_all()
        self.assertEqual(self.work.billing_next_state, "hold")
        self.assertEqual(
            self.work.billing_next, "On hold: nothing is invoiced on 31 Jan."
        )

    def test_by_hand_only(self):
        work = self.time_project(2)
        self.assertFalse(work.billing_next)
        self.assertFalse(work.billing_next_state)

    def test_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        work = self.work.with_context(lang="fr_FR")
        self.assertIn("31 janv.", work.billing_next)


@freeze_time("2026-03-20")
class TestMonths(FigureCase):
    def test_billed_in_draft_and_open_by_month_of_the_work(self):
        work = self.project()
        self.contract(work)
        for day, hours in (
            (date(2025, 3, 31), 8),
            (date(2025, 4, 1), 1),
            (date(2026, 1, 31), 2),
            (date(2026, 2, 1), 3),
            (date(2026, 2, 28), 4),
        ):
            self.log(work, day, hours)
        work._psa_invoice(date(2026, 2, 1)).action_post()
        self.log(work, date(2026, 2, 2), 0.5)
        work._psa_invoice(date(2026, 2, 2))
        chart = work.billing_chart
        self.assertEqual(len(chart["months"]), 12)
        self.assertEqual(
            [chart["months"][0], chart["months"][-1]], ["Apr 25", "Mar 26"]
        )
        by_name = {each["name"]: each["values"] for each in chart["series"]}
        self.assertEqual(by_name["billed"], [100] + [0] * 8 + [200, 300, 0])
        self.assertEqual(by_name["draft"], [0] * 10 + [50, 0])
        self.assertEqual(by_name["open"], [0] * 10 + [400, 0])
        self.assertIn("USD", chart["title"])

    def test_nothing_was_done(self):
        self.assertFalse(self.project().billing_chart)


class TestWaysToTheFigures(FigureCase):
    def test_odoos_dashboard_says_the_same(self):
        work = self.time_project(2, 3)
        invoice = work._psa_invoice(date(2026, 1, 1))
        invoice.action_post()
        work._psa_invoice(JANUARY)
        panel = work.get_panel_data()
        shown = {each["label"]: each["amount"] for each in panel["billing"]["figures"]}
        self.assertEqual(
            shown,
            {
                "Contract Value": "$\xa01,000.00",
                "Billed": "$\xa0200.00",
                "In Draft": "$\xa0300.00",
                "Ready to Invoice": "$\xa00.00",
                "Left": "$\xa0500.00",
            },
        )
        buttons = {each["text"]: each for each in panel["buttons"]}
        self.assertEqual(buttons["Invoiced"]["number"], "$\xa0200")
        self.assertEqual(buttons["Drafts"]["number"], 1)
        self.assertFalse(buttons["To Invoice"]["show"])
        action = getattr(work, buttons["Drafts"]["action"])()
        self.assertEqual(
            self.env["account.move"].search(action["domain"]).amount_untaxed, 300
        )
        action = getattr(work, buttons["Invoiced"]["action"])()
        self.assertEqual(self.env["account.move"].search(action["domain"]), invoice)

    def test_a_project_that_nobody_pays_for_has_none_there(self):
        internal = self.project(allow_billable=False)
        self.assertNotIn("billing", internal.get_panel_data())

    def test_buttons_of_order_and_customer(self):
        work = self.time_project(2, 3)
        order = work.sale_line_id.order_id
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id}
        )
        invoice = work._psa_invoice(date(2026, 1, 1))
        self.assertEqual(order.billing_invoice_count, 1)
        self.assertEqual(order.billing_ready_amount, 300)
        for partner in (self.customer, contact):
            self.assertEqual(partner.billing_invoice_count, 1)
            self.assertEqual(partner.billing_ready_amount, 300)
        for record in (order, self.customer):
            action = record.action_psa_view_invoices()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, invoice)
            action = record.action_psa_view_backlog()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(sum(found.mapped("amount")), 300)

    def test_prices_on_their_buttons_are_for_those_who_bill(self):
        order = self.time_project(2).sale_line_id.order_id
        seller = self.someone("seller", "sales_team.group_sale_salesman_all_leads")
        for record in (order, self.customer):
            with self.subTest(model=record._name):
                with self.assertRaises(AccessError):
                    record.with_user(seller).read(["billing_ready_amount"])
                with self.assertRaises(AccessError):
                    record.with_user(seller).action_psa_view_backlog()

    def test_time_without_contract_line(self):
        work = self.time_project(2)
        self.assertFalse(work.billing_unsold_warning)
        work.sale_line_id = False  # Odoo takes it off what was logged, too.
        for day in (2, 3):
            self.log(work, date(2026, 1, day), 1.25)
        self.env.invalidate_all()
        self.assertIn(
            "3 entries, 04:30 hours, about $\xa0450.00", work.billing_unsold_warning
        )
        action = work.action_psa_view_unsold_time()
        rows = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(rows.entry_id.sorted("date"), self.entries(work))
