# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the jobs of a run do, and how it ends."""

from datetime import date

from freezegun import freeze_time

from odoo.addons.queue_job.job import PENDING, Job

from ..models import psa_invoice_run
from .common import NIGHTLY_CRON, QueueCase


@freeze_time("2026-01-31 12:00:00")
class TestWorking(QueueCase):
    def invoiced(self, project):
        return project.invoice_schedule_ids.invoice_ids.sorted("billing_cutoff_date")

    def test_the_last_job_ends_the_run(self):
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        run = self.start()
        seen = []
        while jobs := self.jobs(PENDING):
            self.work(jobs[0])
            seen.append((jobs[0].method_name, run.done, run.state))
        self.assertEqual(
            seen,
            [
                ("_job_bill", 0, "running"),
                ("_job_count", 2, "running"),
                ("_job_bill", 2, "running"),
                ("_job_count", 3, "done"),
            ],
        )
        self.assertEqual(
            [self.invoiced(project).amount_untaxed for project in projects],
            [100, 200, 300],
        )
        self.assertIn("600.00", run.totals)

    def test_two_chunks_that_end_at_the_same_moment(self):
        """Both are billed before the rows are counted: one counting ends the run."""
        responsible = self.env.company.billing_user_id = self.env.user
        for hours in (1, 2, 3):
            self.due_project(hours)
        run = self.start()
        for job in self.jobs(method="_job_bill"):
            self.work(job)
        first, second = self.jobs(method="_job_count")
        self.work(first)
        ended = run.finished_at
        self.assertEqual((run.state, run.done), ("done", 3))
        with freeze_time("2026-01-31 12:00:05"):
            self.work(second)
        self.assertEqual((second.state, run.finished_at), ("done", ended))
        summaries = self.env["mail.message"].search_count(
            [
                ("model", "=", "psa.invoice.run"),
                ("res_id", "=", run.id),
                ("partner_ids", "in", responsible.partner_id.ids),
            ]
        )
        self.assertEqual(summaries, 1)

    def test_a_job_that_is_carried_out_twice_bills_once(self):
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        run = self.start()
        (job, *_others) = self.jobs()
        self.work(job)
        with self.driver() as env:
            Job.load(env, job.uuid).perform()
        self.assertEqual(
            sorted(run.line_ids.mapped("state")), ["billed", "billed", "waiting"]
        )
        self.assertEqual(
            [self.invoiced(project).amount_untaxed for project in projects],
            [100, 200, 0],
        )

    def test_rows_that_another_run_has_billed_meanwhile(self):
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        run = self.start()
        with self.driver() as env:
            env["psa.invoice.run"]._run_due(projects=projects[0].with_env(env))
        self.work_off()
        self.assertEqual((run.state, run.done, run.skipped), ("done", 2, 1))
        self.assertEqual(len(self.invoiced(projects[0])), 1)

    def test_missed_dates_of_a_project_are_billed_one_after_the_other(self):
        late = self.due_project(2, name="Late")
        self.log(late, date(2026, 2, 10), 3)
        others = [self.due_project(1), self.due_project(1)]
        with freeze_time("2026-03-01"):
            run = self.start()
            lines = run.line_ids.filtered(lambda line: line.project_id == late)
            self.assertEqual(len(lines), 2)
            self.assertEqual(len(set(lines.mapped("chunk"))), 1)
            self.work_off()
        self.assertEqual(run.state, "done")
        self.assertEqual(self.invoiced(late).mapped("amount_untaxed"), [200, 300])
        for project in others:
            self.assertEqual(self.invoiced(project).amount_untaxed, 100)

    def test_a_dry_run_bills_nothing(self):
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        run = self.start(is_dry_run=True)
        self.work_off()
        self.assertEqual(run.state, "done")
        self.assertEqual(set(run.line_ids.mapped("state")), {"to_bill"})
        self.assertIn("600.00", run.totals)
        self.assertFalse([project for project in projects if self.invoiced(project)])

    def test_what_follows_the_last_row(self):
        """Three invoices are confirmed, two of them and then one."""
        self.env.company.billing_after_run = "send"
        projects = [self.due_project(hours) for hours in (1, 2, 3)]
        self.call(NIGHTLY_CRON)
        self.patch(psa_invoice_run, "CHUNK", 2)
        run = self.Run.search([], limit=1)
        seen = []
        while jobs := self.jobs(PENDING):
            self.work(jobs[0])
            confirmed = run._invoices().filtered(lambda move: move.state == "posted")
            seen.append((len(run._invoices()), len(confirmed), run.state))
        self.assertEqual(
            seen[-3:], [(3, 2, "running"), (3, 3, "running"), (3, 3, "done")]
        )
        for project in projects:
            self.assertTrue(self.invoiced(project).is_being_sent)

    def test_a_night_that_waited_for_the_one_before(self):
        for hours in (1, 2, 3):
            self.due_project(hours)
        self.call(NIGHTLY_CRON)
        cron = self.env.ref(NIGHTLY_CRON)
        triggers = [("cron_id", "=", cron.id)]
        with freeze_time("2026-02-01 03:00:00"):
            self.call(NIGHTLY_CRON)
            self.assertEqual(self.Run.search_count([]), 1, "It waits.")
            self.assertFalse(self.env["ir.cron.trigger"].search(triggers))
            self.work_off()
            self.assertTrue(self.env["ir.cron.trigger"].search(triggers), "Its turn.")
