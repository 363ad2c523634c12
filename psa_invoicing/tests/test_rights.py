# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.exceptions import AccessError

from .common import BillingCase

JANUARY = date(2026, 1, 31)
OUTSIDERS = {
    "employee": "base.group_user,hr_timesheet.group_hr_timesheet_user",
    "project_manager": "project.group_project_manager",
    "salesman": "sales_team.group_sale_salesman_all_leads",
    "accountant": "account.group_account_invoice",
    "portal": "base.group_portal",
}


class TestRights(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3)
        cls.draft = cls.work._psa_invoice(date(2026, 1, 1))
        cls.row = (
            cls.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": cls.work.id,
                    "run_date": JANUARY,
                    "cutoff_date": JANUARY,
                    "state": "done",
                }
            )
        )
        cls.users = {
            name: cls.person(f"psa_{name}", groups)
            for name, groups in OUTSIDERS.items()
        }
        cls.biller = cls.person("biller", "psa_invoicing.group_billing_manager")

    def test_every_button_is_refused_to_everyone_else(self):
        buttons = {
            "recalculate": lambda env: self.draft.with_env(
                env
            ).action_psa_recalculate(),
            "send": lambda env: self.draft.with_env(env).action_psa_send(),
            "paid": lambda env: self.draft.with_env(env).action_psa_mark_paid(),
            "run": lambda env: env["psa.invoice.run"].action_run_due(),
            "invoice": lambda env: self.work.with_env(env).action_manual_invoice(),
            "plan": lambda env: self.work.with_env(env).action_psa_plan_from_start(),
            "again": lambda env: self.row.with_env(env).action_plan_again(),
            "wizard": lambda env: env["psa.manual.invoice"].create(
                {"project_ids": self.work.ids}
            ),
            "detail": lambda env: self.draft.detail_ids.with_env(env).write(
                {"billing_type": "complimentary"}
            ),
            "row": lambda env: self.draft.detail_ids.with_env(env).unlink(),
        }
        for role, user in self.users.items():
            for name, button in buttons.items():
                with self.subTest(role=role, button=name):
                    with self.assertRaises(AccessError):
                        button(self.env(user=user))
        self.assertEqual(self.draft.state, "draft")
        self.assertEqual(self.draft.invoice_line_ids.quantity, 2)

    def test_the_message_names_the_missing_right(self):
        accountant = self.users["accountant"]
        with self.assertRaisesRegex(AccessError, "Billing Administrator"):
            self.draft.with_user(accountant).action_psa_recalculate()

    def test_a_billing_administrator_needs_no_timesheet_rights(self):
        self.assertFalse(self.biller.has_group("hr_timesheet.group_hr_timesheet_user"))
        draft = self.draft.with_user(self.biller)
        draft.action_psa_recalculate()
        draft.detail_ids.billing_type = "complimentary"
        draft.detail_ids.billing_type = "chargeable"
        wizard = (
            self.env["psa.manual.invoice"]
            .with_user(self.biller)
            .create({"project_ids": self.work.ids, "cutoff_date": JANUARY})
        )
        wizard.action_next()
        self.assertEqual(self.review_total(wizard), 300)
        move = draft.browse(wizard.action_finish()["res_id"])
        self.assertEqual(move.amount_untaxed, 300)
        move.invoice_line_ids.quantity = 2
        self.assertEqual(move.detail_ids.quantity, 2)
        self.send(move)
        self.assertEqual(move.psa_state, "sent")
        move.action_psa_mark_paid()

    def test_a_billing_administrator_opens_every_screen(self):
        env = self.env(user=self.biller)
        for model, views in {
            "account.move": [
                self.env.ref("psa_invoicing.account_move_view_list").id,
                self.env.ref("account.view_move_form").id,
            ],
            "project.project": [
                self.env.ref("psa_invoicing.project_project_view_list").id,
                self.env.ref("project.edit_project").id,
            ],
            "psa.billing.frequency": [False],
            "psa.invoice.schedule": [False],
            "psa.manual.invoice": [False],
        }.items():
            for view in views:
                kind = self.env["ir.ui.view"].browse(view).type if view else "form"
                self.assertTrue(env[model].get_view(view, kind)["arch"])
        names = ("project_id", "employee_name", "amount", "billing_type", "uom_id")
        self.assertTrue(self.draft.detail_ids.with_env(env).read(names))

    def test_an_accountant_reads_the_ledger(self):
        details = self.draft.detail_ids.with_user(self.users["accountant"])
        self.assertEqual(details.employee_name, "Alice")

    def test_an_accountant_may_edit_the_lines_of_a_draft(self):
        draft = self.draft.with_user(self.users["accountant"])
        draft.invoice_line_ids.quantity = 1.5
        self.assertEqual(self.draft.detail_ids.quantity, 1.5)
        draft.action_post()
        self.assertEqual(self.draft.state, "posted")

    def test_an_employee_corrects_the_hours_on_a_draft(self):
        user = self.users["employee"]
        self.alice.user_id = user
        entry = self.draft.detail_ids.analytic_line_id
        entry.user_id = user
        entry.with_user(user).unit_amount = 1
        self.assertTrue(self.draft.needs_recalculation)
        self.assertFalse(entry.with_user(user).readonly_timesheet)
        self.draft.action_psa_recalculate()
        self.draft.action_post()
        entry.invalidate_recordset(["readonly_timesheet"])
        self.assertTrue(entry.with_user(user).readonly_timesheet)

    def test_another_company_sees_nothing(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        user = self.person(
            "psa_elsewhere", "psa_invoicing.group_billing_manager", company=other
        )
        details = self.env["psa.invoice.detail"].with_user(user)
        self.assertFalse(details.search([("id", "in", self.draft.detail_ids.ids)]))
        with self.assertRaises(AccessError):
            self.draft.with_user(user).action_psa_recalculate()
