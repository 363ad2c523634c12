# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The dialog "Run Due Invoices", dry runs, and runs that go on in the background."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import Form

from odoo.addons.base.models import ir_cron

from ..models.schedule import psa_invoice_run_beginning
from .common import BillingCase


@freeze_time("2026-01-31 12:00:00")
class TestRunNow(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")

    def due_project(self, *hours, **values):
        with freeze_time("2026-01-01"):
            return self.time_project(
                *hours,
                billing_frequency_id=self.monthly.id,
                billing_start_date=date(2026, 1, 1),
                **values,
            )

    def row(self, project):
        return project.invoice_schedule_ids[0]

    def press(self, button, **values):
        """Open the dialog, fill it in and press a button.

        :return: what it opens, and the run
        """
        with self.driver() as env:
            wizard = env["psa.run.due"].create(values)
            action = getattr(wizard, button)()
            run_id = env["psa.invoice.run"].search([], limit=1).id
        return action, self.env["psa.invoice.run"].browse(run_id)

    def lines(self, run):
        return {
            line.project_id.name: (
                line.state,
                line.transactions,
                sum((line.amounts or {}).values()),
            )
            for line in run.line_ids
        }

    # === The dialog ===

    def test_it_knows_what_is_due_today(self):
        self.due_project(2)
        self.due_project(3)
        dialog = Form(self.env["psa.run.due"])
        self.assertEqual(dialog.run_date, date(2026, 1, 31))
        self.assertEqual(dialog.summary, "Due dates: 2. Projects: 2.")
        dialog.run_date = "2026-01-30"
        self.assertEqual(dialog.summary, "Due dates: 0. Projects: 0.")
        self.assertFalse(dialog.is_in_future)
        dialog.run_date = "2026-02-28"
        self.assertEqual(dialog.summary, "Due dates: 4. Projects: 2.")
        self.assertTrue(dialog.is_in_future)

    def test_a_single_invoice_is_opened_at_once(self):
        project = self.due_project(2)
        action, run = self.press("action_run")
        self.assertEqual(action["res_model"], "account.move")
        self.assertEqual(action["res_id"], self.row(project).invoice_ids.id)
        self.assertEqual(run.user_id, self.env.user)

    def test_of_several_the_run_is_shown(self):
        self.due_project(2)
        self.due_project(3)
        action, run = self.press("action_run")
        self.assertEqual((action["res_model"], action["res_id"]), (run._name, run.id))
        self.assertEqual(run.invoice_count, 2)
        self.assertEqual(run.unsent_count, 2)
        self.assertIn("500.00", run.totals)

    def test_only_a_customer(self):
        other = self.env["res.partner"].create({"name": "Other", "is_company": True})
        mine, theirs = self.due_project(2), self.due_project(3, customer=other)
        self.press("action_run", partner_ids=other.ids)
        self.assertEqual(self.row(mine).state, "planned")
        self.assertEqual(self.row(theirs).state, "done")

    def test_only_a_project(self):
        first, second = self.due_project(2), self.due_project(3)
        _action, run = self.press("action_run", project_ids=second.ids)
        self.assertEqual(self.row(first).state, "planned")
        self.assertEqual(self.row(second).state, "done")
        self.assertEqual(run.project_ids, second)

    def test_only_a_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.env.user.company_ids += other
        project = self.due_project(2, company_id=self.env.company.id)
        self.press("action_run", company_ids=other.ids)
        self.assertEqual(self.row(project).state, "planned")
        self.press("action_run", company_ids=self.env.company.ids)
        self.assertEqual(self.row(project).state, "done")

    def test_who_may_not_run_invoices_may_not_look_either(self):
        user = self.person("manager", "project.group_project_manager")
        with self.assertRaises(AccessError):
            self.env["psa.run.due"].with_user(user).create({}).action_dry_run()

    # === Dry run ===

    def test_a_dry_run_bills_nothing(self):
        project = self.due_project(2, 3)
        _action, run = self.press("action_dry_run")
        self.assertEqual(run.state, "done")
        self.assertEqual(self.lines(run), {"Project": ("to_bill", 2, 500)})
        self.assertIn("500.00", run.totals)
        self.assertFalse(run._invoices())
        row = self.row(project)
        self.assertEqual((row.state, row.invoice_ids.ids), ("planned", []))
        self.assertFalse(project.billing_invoice_count)
        self.assertEqual(sum(project.timesheet_ids.mapped("open_quantity")), 5)

    def test_a_dry_run_shows_what_a_run_then_does(self):
        self.due_project(2, 3, name="Two entries")
        self.due_project(name="Idle")
        self.due_project(4, name="Broken").partner_id = False
        consolidated = {"billing_consolidate": True}
        self.due_project(1, name="Together", **consolidated)
        self.due_project(2, name="With it", **consolidated)
        _action, dry = self.press("action_dry_run")
        with self.driver() as env:
            dry.with_env(env).action_bill()
        real = self.env["psa.invoice.run"].search([], limit=1)
        self.assertNotEqual(real, dry)
        shown = {
            name: (state.replace("to_bill", "billed"), *figures)
            for name, (state, *figures) in self.lines(dry).items()
        }
        self.assertEqual(self.lines(real), shown)
        self.assertEqual(real.totals, dry.totals)
        self.assertEqual((real.done, real.failed), (4, 1))
        self.assertEqual(len(real._invoices()), 2)

    def test_three_periods_of_a_dry_run_bill_each_hour_once(self):
        project = self.due_project(2)
        self.log(project, date(2026, 2, 10), 5)
        self.log(project, date(2026, 3, 10), 7)
        with freeze_time("2026-04-01"):
            _action, run = self.press("action_dry_run")
        self.assertEqual(
            [sum(line.amounts.values()) for line in run.line_ids.sorted("run_date")],
            [200, 500, 700],
        )

    def test_reasons_for_nothing(self):
        reasons = {
            "Idle": "Nothing recorded up to 01/31/2026.",
            "Held": "On hold: 2.",
            "Too old": "Before the billing start: 1.",
            "Stopped": "The project is on hold: Dispute",
            "Failed": "has no customer",
            "Credit due": "Credit due: $ 200.00",
        }
        projects = {name: self.due_project(name=name) for name in reasons}
        for day in (5, 6):
            self.log(projects["Held"], date(2026, 1, day), 2).billing_hold = True
        self.log(projects["Too old"], date(2025, 12, 31), 2)
        self.log(projects["Stopped"], date(2026, 1, 5), 2)
        projects["Stopped"].write(
            {"billing_hold": True, "billing_hold_reason": "Dispute"}
        )
        projects["Failed"].partner_id = False
        self.log(projects["Credit due"], date(2026, 1, 5), -2)
        _action, run = self.press("action_dry_run")
        for line in run.line_ids:
            name = line.project_id.name
            with self.subTest(name):
                self.assertIn(
                    reasons[name].replace("$ ", ""), line.reason.replace("$\xa0", "")
                )
        self.assertEqual(len(run.line_ids), len(reasons))

    # === In the background ===

    def test_what_is_more_than_a_chunk_goes_on_in_the_background(self):
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        user = self.person("biller", "psa_invoicing.group_billing_manager")
        with (
            patch.object(psa_invoice_run_beginning, "CHUNK", 2),
            self.driver() as env,
        ):
            wizard = env["psa.run.due"].with_user(user).create({})
            action = wizard.action_run()
        run = self.env["psa.invoice.run"].browse(action["res_id"])
        self.assertRecordValues(
            run, [{"state": "running", "total": 3, "done": 0, "progress": 0}]
        )
        self.assertIn("and 1 more", run.current)
        with self.enter_registry_test_mode():
            self.env.ref(
                "psa_invoicing.ir_cron_background_runs"
            ).method_direct_trigger()
        self.env.invalidate_all()
        self.assertRecordValues(
            run, [{"state": "done", "total": 3, "done": 3, "progress": 100}]
        )
        self.assertEqual(
            [self.row(project).state for project in projects], ["done"] * 3
        )
        self.assertEqual(run._invoices().create_uid, user)

    def test_a_background_run_keeps_to_its_users_companies(self):
        self.due_project(2, company_id=self.env.company.id)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        user = self.person(
            "elsewhere", "psa_invoicing.group_billing_manager", company=elsewhere
        )
        with self.driver() as env:
            run = env["psa.invoice.run"].with_user(user)._begin()
            values = run.total, run.company_ids.ids
        self.assertEqual(values, (0, elsewhere.ids))

    def test_an_interrupted_run_is_finished(self):
        """It was noted and half done when its process died."""
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        with (
            patch.object(psa_invoice_run_beginning, "CHUNK", 1),
            self.driver() as env,
        ):
            run = env["psa.invoice.run"]._begin()
            run._as_its_user()._step()
            run_id = run.id
        run = self.env["psa.invoice.run"].browse(run_id)
        self.assertEqual((run.state, run.done), ("running", 1))
        self.assertAlmostEqual(run.progress, 33.3, 1)
        with self.enter_registry_test_mode():
            self.env.ref(
                "psa_invoicing.ir_cron_background_runs"
            ).method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((run.state, run.done), ("done", 3))
        self.assertEqual(
            [self.row(project).invoice_ids.amount_untaxed for project in projects],
            [100, 200, 300],
        )

    def test_the_scheduler_gets_its_turn_between_the_chunks(self):
        """Its time is over after each chunk; it calls again, and nobody waits for the
        next night."""
        cron = self.env.ref("psa_invoicing.ir_cron_run_due")
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        with (
            patch.object(psa_invoice_run_beginning, "CHUNK", 1),
            patch.object(ir_cron, "MIN_TIME_PER_JOB", 0),
            patch.object(ir_cron, "MIN_RUNS_PER_JOB", 1),
        ):
            states = []
            for _call in projects:
                with self.enter_registry_test_mode():
                    cron.method_direct_trigger()
                self.env.invalidate_all()
                run = self.env["psa.invoice.run"].search([], limit=1)
                triggers = self.env["ir.cron.trigger"].search_count(
                    [("cron_id", "=", cron.id)]
                )
                states.append((run.done, run.state, bool(triggers)))
        self.assertEqual(
            states, [(1, "running", True), (2, "running", True), (3, "done", False)]
        )
        self.assertEqual(run.create_uid, self.env.ref("base.user_root"))
