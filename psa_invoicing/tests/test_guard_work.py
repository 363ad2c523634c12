# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Much of the past at once, texts without end, and reasons that nobody can read."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import UserError

from odoo.addons.base.models import ir_cron

from ..models.schedule import psa_invoice_run_beginning
from .common import BillingCase
from .doors import DOORS, JSON2
from .test_guard import GuardCase


class TestMuchOfThePast(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.first, cls.second = cls.time_project(1, 2, 3), cls.time_project(4, 5, 6)
        cls.env["psa.invoice.schedule"].sudo().create(
            [
                {
                    "project_id": project.id,
                    "run_date": date(2026, 1, day),
                    "cutoff_date": date(2026, 1, day),
                }
                for project in cls.first + cls.second
                for day in (1, 2, 3)
            ]
        )

    def dry_run(self, **values):
        with self.driver() as env:
            run = env["psa.invoice.run"]._run_now(
                date(2026, 1, 31), is_dry_run=True, **values
            )
            run_id = run.id
        return self.env["psa.invoice.run"].browse(run_id)

    def test_a_dry_run_shows_the_first_rows_of_a_project(self):
        with patch.object(psa_invoice_run_beginning, "MOST_SHOWN", 2):
            run = self.dry_run()
        self.assertRecordValues(run, [{"state": "done", "total": 4, "done": 4}])
        self.assertFalse(run.current)
        for project, amounts in ((self.first, [100, 200]), (self.second, [400, 500])):
            *shown, later = run.line_ids.filtered(
                lambda line, project=project: line.project_id == project
            ).sorted("run_date")
            self.assertEqual([sum(line.amounts.values()) for line in shown], amounts)
            self.assertEqual(later.state, "skipped")
            self.assertIn("shows 2 invoices of a project", later.reason)

    def test_a_step_of_a_dry_run_is_so_many_rows(self):
        """Not so many projects, each with all its past."""
        with patch.object(psa_invoice_run_beginning, "CHUNK", 5):
            run = self.dry_run()
        chunks = run.line_ids.grouped("project_id")
        self.assertEqual(
            [set(chunks[each].mapped("chunk")) for each in (self.first, self.second)],
            [{1}, {2}],
        )

    def test_the_scheduler_gets_its_turn_between_the_runs(self):
        cron = self.env.ref("psa_invoicing.ir_cron_background_runs")
        with patch.object(psa_invoice_run_beginning, "CHUNK", 5):
            runs = self.dry_run() + self.dry_run()
        self.assertEqual(set(runs.mapped("state")), {"running"})
        with (
            patch.object(ir_cron, "MIN_TIME_PER_JOB", 0),
            patch.object(ir_cron, "MIN_RUNS_PER_JOB", 1),
        ):
            states = []
            for _call in range(4):
                with self.enter_registry_test_mode():
                    cron.method_direct_trigger()
                self.env.invalidate_all()
                states.append([run.done for run in runs])
        self.assertEqual(states, [[3, 0], [6, 0], [6, 3], [6, 6]])
        self.assertEqual(set(runs.mapped("state")), {"done"})

    def test_a_schedule_of_twenty_years(self):
        daily = {"name": "Daily", "period": "day", "interval": 1}
        frequency = self.env["psa.billing.frequency"].create(daily)
        project = self.first
        project.write(
            {
                "billing_frequency_id": frequency.id,
                "billing_start_date": date.today() - timedelta(7000),
            }
        )
        number = len(project.invoice_schedule_ids)
        with self.assertRaisesRegex(UserError, "more than 260"):
            project.action_psa_plan_from_start()
        self.assertEqual(len(project.invoice_schedule_ids), number)
        project.billing_start_date = date.today() - timedelta(100)
        project.action_psa_plan_from_start()
        self.assertGreater(len(project.invoice_schedule_ids), number + 50)

    def test_a_text_without_end(self):
        """In lists that show eighty of them."""
        entry = self.first.timesheet_ids[0]
        unsold = self.log(self.project("Unsold", sale_line_id=False), "2026-01-05", 1)
        (entry + unsold).name = "x" * 20_000
        own = [("source", "=", "time"), ("source_id", "=", entry.id)]
        row = self.env["psa.backlog"].search(own)
        leak = self.env["psa.billing.leakage"].browse(unsold.id)
        for record in (row, leak):
            self.assertEqual(record.name, "x" * 10_000)

    def test_a_reason_without_end(self):
        """Of a project, it stands in every row of it."""
        entries = self.first.timesheet_ids
        entries[0].action_psa_hold("x" * 20_000)
        self.assertEqual(entries[0].billing_hold_reason, "x" * 2000)
        self.first.write({"billing_hold": True, "billing_hold_reason": "y" * 20_000})
        rows = self.env["psa.backlog"].search([("project_id", "=", self.first.id)])
        self.assertEqual({len(row.hold_reason) for row in rows}, {2000})


class TestReasons(GuardCase):
    def test_what_nobody_can_see_is_none(self):
        for reason in ("\u200b", " \u200b\u2060 ", "\ufeff", "", False):
            with self.subTest(reason=reason):
                self.assert_refused(
                    "Say why",
                    JSON2,
                    self.biller,
                    self.entries,
                    "action_psa_write_off",
                    reason=reason,
                )

    def test_who_logs_time_undoes_no_write_off(self):
        """2 h are written off: not lowered to 1, and raised to 3 then."""
        entry = self.entries[0]
        entry.action_psa_write_off("Goodwill")
        for door in DOORS:
            for hours in (1, 0):
                self.assert_refused(
                    "were written off",
                    door,
                    self.employee,
                    entry,
                    "write",
                    vals={"unit_amount": hours},
                )
        values = {"unit_amount": 3}
        self.through(JSON2, self.employee, entry, "write", vals=values)
        self.assertEqual(entry.open_quantity, 1)
        entry.unit_amount = 1
        self.assertEqual(entry.open_quantity, 0)
