# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether due invoices are made by themselves, and what says that they are not."""

from datetime import date, datetime

from freezegun import freeze_time

from .common import BillingCase

NOON = datetime(2026, 1, 31, 12)


@freeze_time(NOON)
class TestRunScheduler(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("psa_invoicing.ir_cron_run_due")
        cls.env["ir.cron"].search([("cron_name", "like", "Project Service")]).write(
            {"nextcall": datetime(2026, 2, 1, 3)}
        )
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.work = cls.time_project(2)
        cls.env["psa.invoice.schedule"].sudo().create(
            {
                "project_id": cls.work.id,
                "run_date": date(2026, 1, 30),
                "cutoff_date": date(2026, 1, 30),
            }
        )

    def problem(self):
        return self.env["psa.invoice.run"].get_scheduler_problem()

    def test_all_is_well(self):
        self.assertEqual(self.problem(), "")

    def test_switched_off(self):
        self.cron.active = False
        self.assertIn("switched off", self.problem())

    def test_failed_for_a_day(self):
        self.cron.write({"failure_count": 1, "first_failure_date": "2026-01-31 03:00"})
        self.assertEqual(self.problem(), "", "For nine hours: it may recover.")
        self.cron.first_failure_date = "2026-01-30 03:00:00"
        self.assertIn("has failed since", self.problem())

    def test_a_run_that_does_not_end(self):
        run = self.env["psa.invoice.run"].sudo().create({"run_date": date(2026, 1, 30)})
        self.assertEqual(self.problem(), "")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE psa_invoice_run SET create_date = '2026-01-30' WHERE id = %s",
            [run.id],
        )
        self.env.invalidate_all()
        self.assertIn("does not come to an end", self.problem())

    def test_not_called_for_a_day(self):
        self.cron.nextcall = "2026-01-31 03:00:00"
        self.assertEqual(self.problem(), "")
        self.cron.nextcall = "2026-01-30 03:00:00"
        self.assertIn("should have run on", self.problem())

    def test_deleted(self):
        self.cron.unlink()
        self.assertIn("was deleted", self.problem())

    def test_nothing_is_planned_at_all(self):
        """Who bills by hand only needs no scheduled action."""
        self.cron.active = False
        self.env["psa.invoice.schedule"].sudo().search([]).unlink()
        self.assertEqual(self.problem(), "")

    def test_only_billing_administrators_are_told(self):
        self.cron.active = False
        reviewer = self.person("reviewer", "psa_invoicing.group_billing_reviewer")
        Run = self.env["psa.invoice.run"].with_user(reviewer)
        self.assertEqual(Run.get_scheduler_problem(), "")
