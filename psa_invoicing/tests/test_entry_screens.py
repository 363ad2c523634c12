# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whoever has entered time or an expense sees what became of it, and cannot change what
is invoiced."""

from datetime import date

from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form

from .common import BillingCase

JANUARY = date(2026, 1, 31)
SHOWN = ("billing_status", "billing_hold_reason")


class EntryCase(BillingCase):
    """Alice logs her time and claims her expenses, and may do nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls.person(
            "alice", "base.group_user,hr_timesheet.group_hr_timesheet_user"
        )
        cls.alice.user_id = cls.user

    def as_alice(self, records):
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(self.user)

    def listed(self, records, view):
        """What a list of Odoo's shows to Alice: statuses and reasons.

        Every field of the list is read, so that none is beyond her rights.
        """
        own = self.as_alice(records)
        arch = own.get_view(self.env.ref(view).id, "list")["arch"]
        names = {node.get("name") for node in etree.fromstring(arch).iter("field")}
        self.assertLessEqual(set(SHOWN), names)
        rows = own.web_read({name: {} for name in names})
        return [tuple(row[name] for name in SHOWN) for row in rows]


class TestTimesheets(EntryCase):
    LIST = "hr_timesheet.hr_timesheet_line_tree"
    FORM = "hr_timesheet.hr_timesheet_line_form"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3)
        cls.entries = cls.work.timesheet_ids.sorted("date")
        cls.entry = cls.entries[0]

    def invoice(self):
        """An invoice of the first entry; the others wait."""
        (self.entries - self.entry).action_psa_hold("Later")
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        return move

    # === What became of it ===

    def test_what_became_of_my_time(self):
        self.assertEqual(
            self.listed(self.entries, self.LIST), [("ready", False), ("ready", False)]
        )
        self.entries[1].action_psa_hold("Ask the customer")
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(
            self.listed(self.entries, self.LIST),
            [("draft", False), ("hold", "Ask the customer")],
        )
        move.action_post()
        self.entries[1].action_psa_release()
        self.entries[1].action_psa_write_off("Goodwill")
        self.assertEqual(
            self.listed(self.entries, self.LIST),
            [("invoiced", False), ("written_off", False)],
        )
        move._reverse_moves().action_post()
        self.assertEqual(self.listed(self.entry, self.LIST), [("credited", False)])

    def test_time_that_is_not_billed(self):
        internal = self.log(self.project(allow_billable=False), JANUARY, 2)
        self.assertEqual(self.listed(internal, self.LIST), [("none", False)])

    def test_on_the_task(self):
        task = self.env["project.task"].create(
            {"name": "Task", "project_id": self.work.id}
        )
        self.entry.task_id = task
        arch = self.as_alice(task).get_view(
            self.env.ref("project.view_task_form2").id, "form"
        )["arch"]
        columns = etree.fromstring(arch).xpath(
            "//field[@name='timesheet_ids']/list/field/@name"
        )
        self.assertLessEqual(set(SHOWN), set(columns))
        self.assertEqual(
            self.as_alice(task).timesheet_ids.mapped("billing_status"), ["ready"]
        )

    def test_customers_see_nothing_of_it(self):
        self.assertIn(
            "billing_status",
            self.env["account.analytic.line"].get_view(
                self.env.ref("hr_timesheet.hr_timesheet_line_portal_tree").id, "list"
            )["arch"],
        )
        portal = self.person("portal_customer", "base.group_portal")
        for view, kind in (
            ("hr_timesheet.hr_timesheet_line_portal_tree", "list"),
            ("hr_timesheet.timesheet_view_form_portal_user", "form"),
            ("hr_timesheet.view_kanban_account_analytic_line_portal_user", "kanban"),
        ):
            model = self.env["account.analytic.line"].with_user(portal)
            arch = model.get_view(self.env.ref(view).id, kind)["arch"]
            self.assertNotIn("billing_", arch)
            self.assertNotIn("billed_", arch)

    # === What is locked ===

    def changes(self):
        """Every change that an invoiced entry must not see."""
        other = self.time_project(1)
        task = self.env["project.task"].create(
            {"name": "Task", "project_id": self.work.id}
        )
        return [
            {"unit_amount": 5},
            {"date": date(2026, 1, 20)},
            {"project_id": other.id},
            {"task_id": task.id},
            {"so_line": other.sale_line_id.id},
            {"employee_id": self.bob.id},
        ]

    def test_what_is_invoiced_is_locked(self):
        """To Alice, and to those who may change any timesheet."""
        move = self.invoice()
        manager = self.person(
            "manager",
            "hr_timesheet.group_timesheet_manager,psa_invoicing.group_billing_manager",
        )
        told = rf"“Work” of 01/01/2026 is already invoiced with {move.name}"
        for user in (self.user, manager):
            entry = self.as_alice(self.entry).with_user(user)
            for values in self.changes():
                with self.subTest(user=user.login, values=values):
                    with self.assertRaisesRegex(UserError, told):
                        entry.write(values)
            with self.assertRaisesRegex(UserError, "cannot be deleted"):
                entry.unlink()
        self.assertEqual(self.entry.unit_amount, 2)

    def test_the_description_of_what_is_invoiced_may_be_mended(self):
        self.invoice()
        self.as_alice(self.entry).name = "Better said"
        self.assertEqual(self.entry.name, "Better said")

    def test_what_is_invoiced_in_part_is_locked(self):
        """One of two hours is invoiced, and the other one is ready."""
        self.entries[1].action_psa_hold("Later")
        move = self.work._psa_invoice(JANUARY)
        move.detail_ids.quantity = 1
        move.action_post()
        self.assertEqual(self.listed(self.entry, self.LIST), [("ready", False)])
        with self.assertRaisesRegex(UserError, "already invoiced"):
            self.as_alice(self.entry).unit_amount = 5

    def test_the_form_is_locked_as_well(self):
        self.invoice()
        with Form(self.as_alice(self.entry), self.FORM) as form:
            for name in ("unit_amount", "date", "project_id", "task_id"):
                with self.assertRaisesRegex(AssertionError, "readonly"):
                    setattr(form, name, form[name])

    def test_what_is_on_a_draft_may_be_corrected(self):
        move = self.work._psa_invoice(JANUARY)
        with Form(self.as_alice(self.entry), self.FORM) as form:
            form.unit_amount = 1
        self.assertTrue(move.needs_recalculation)

    def test_what_was_credited_may_be_corrected(self):
        self.invoice()._reverse_moves().action_post()
        self.as_alice(self.entry).unit_amount = 1
        self.assertEqual(self.entry.unit_amount, 1)
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.as_alice(self.entry).unlink()

    def test_as_many_queries_for_many(self):
        """A list of 80 entries, half of them invoiced, takes as many as one of 8."""
        project = self.project()
        self.contract(project)
        many = self.env["account.analytic.line"].union(
            *(self.log(project, date(2026, 1, 1 + day % 28), 1) for day in range(40))
        )
        project._psa_invoice(JANUARY).action_post()
        many |= self.env["account.analytic.line"].union(
            *(self.log(project, date(2026, 1, 1 + day % 28), 1) for day in range(40))
        )
        for number in (8, 80):
            rows = self.as_alice(many[:number])
            spec = dict.fromkeys(
                [*SHOWN, "billed_quantity", "readonly_timesheet", "unit_amount"], {}
            )
            rows.web_read(spec)
            rows = self.as_alice(rows)
            with self.assertQueryCount(8):
                rows.web_read(spec)


class TestExpenses(EntryCase):
    LIST = "hr_expense.view_my_expenses_tree"
    FORM = "hr_expense.hr_expense_view_form"

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
        cls.work = cls.project()
        cls.contract(cls.work).order_id.project_id = cls.work

    def expense(self, **values):
        return self.env["hr.expense"].create(
            {
                "name": "Train",
                "employee_id": self.alice.id,
                "product_id": self.travel.id,
                "total_amount_currency": 80,
                "date": date(2026, 1, 10),
                "payment_mode": "company_account",
                "sale_order_id": self.work.sale_line_id.order_id.id,
                **values,
            }
        )

    def post(self, expenses):
        expenses.action_submit()
        expenses._do_approve()
        expenses.action_post()
        return expenses

    def status(self, expense):
        (row,) = self.listed(expense, self.LIST)
        return row

    def costs(self, expense):
        return self.env["psa.reinvoiced.cost"].search(
            [("source_move_line_id.expense_id", "=", expense.id)]
        )

    def test_what_became_of_my_expense(self):
        expense = self.expense()
        self.assertEqual(self.status(expense), (False, False))
        self.post(expense)
        self.assertEqual(self.status(expense), ("ready", False))
        self.costs(expense).action_psa_hold("Receipt is missing")
        self.assertEqual(self.status(expense), ("hold", "Receipt is missing"))
        self.costs(expense).action_psa_release()
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(self.status(expense), ("draft", False))
        move.action_post()
        self.assertEqual(self.status(expense), ("invoiced", False))
        move._reverse_moves().action_post()
        self.assertEqual(self.status(expense), ("credited", False))

    def test_an_expense_that_no_customer_pays(self):
        expense = self.post(self.expense(sale_order_id=False))
        self.assertEqual(self.status(expense), ("none", False))

    def test_in_the_form(self):
        expense = self.post(self.expense())
        with Form(self.as_alice(expense), self.FORM) as form:
            self.assertEqual(form.billing_status, "ready")

    def test_what_is_invoiced_is_locked(self):
        expense = self.post(self.expense())
        self.work._psa_invoice(JANUARY).action_post()
        own = self.as_alice(expense)
        with self.assertRaises(UserError):
            own.total_amount_currency = 90
        with self.assertRaises(UserError):
            own.unlink()
        with self.assertRaises(UserError):
            own.action_reset()

    def test_of_others_nothing_is_shown(self):
        """Who may not read the expense may not read what became of it."""
        expense = self.post(self.expense(employee_id=self.bob.id))
        with self.assertRaises(AccessError):
            self.as_alice(expense).web_read({"billing_status": {}})

    def test_as_many_queries_for_many(self):
        expenses = self.env["hr.expense"].union(*(self.expense() for _each in range(9)))
        self.post(expenses)
        spec = dict.fromkeys(SHOWN, {})
        for number in (1, 9):
            rows = self.as_alice(expenses[:number])
            rows.web_read(spec)
            rows = self.as_alice(rows)
            with self.assertQueryCount(10):
                rows.web_read(spec)
