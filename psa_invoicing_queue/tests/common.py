# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.addons.psa_invoicing.models.schedule import psa_invoice_run_beginning
from odoo.addons.psa_invoicing.tests.common import BillingCase
from odoo.addons.queue_job.controllers.main import RunJobController
from odoo.addons.queue_job.job import ENQUEUED, PENDING

BACKGROUND_CRON = "psa_invoicing.ir_cron_background_runs"
NIGHTLY_CRON = "psa_invoicing.ir_cron_run_due"


class QueueCase(BillingCase):
    """Runs of some projects, of which two share a chunk."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["psa.invoice.schedule"].sudo().search([]).unlink()
        cls.monthly = cls.env.ref("psa_invoicing.frequency_monthly_last_day")
        cls.startClassPatcher(patch.object(psa_invoice_run_beginning, "CHUNK", 2))
        cls.Run = cls.env["psa.invoice.run"]

    def due_project(self, *hours, **values):
        with freeze_time("2026-01-01"):
            return self.time_project(
                *hours,
                billing_frequency_id=self.monthly.id,
                billing_start_date=date(2026, 1, 1),
                **values,
            )

    def start(self, user=None, **values):
        """Start a run, and do not wait for it."""
        with self.driver() as env:
            run = env["psa.invoice.run"].with_user(user or self.env.user)
            run_id = run._run_now(**values).id
        return self.Run.browse(run_id)

    def call(self, cron):
        """Let the scheduler call an action."""
        with self.enter_registry_test_mode():
            self.env.ref(cron).method_direct_trigger()
        self.env.invalidate_all()

    def jobs(self, *states, method=None):
        domain = [("model_name", "=", "psa.invoice.run")]
        if states:
            domain += [("state", "in", states)]
        if method:
            domain += [("method_name", "=", method)]
        return self.env["queue.job"].sudo().search(domain, order="priority, id")

    def work(self, job):
        """Carry out a job, as a worker does."""
        with self.driver() as env:
            job.with_env(env).sudo().state = ENQUEUED
            env.flush_all()
            mine = RunJobController._acquire_job(env, job.uuid)
            RunJobController._runjob(env, mine)
        self.env.invalidate_all()

    def work_off(self):
        """Carry out whatever waits, until nothing does."""
        while jobs := self.jobs(PENDING):
            self.work(jobs[0])

    def states(self, run):
        return {line.project_id.name: line.state for line in run.line_ids}
