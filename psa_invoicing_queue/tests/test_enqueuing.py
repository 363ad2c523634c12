# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which jobs a run makes; what they do is told in ``test_working.py``."""

from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError

from odoo.addons.psa_invoicing.models.schedule import psa_invoice_run_beginning
from odoo.addons.queue_job.tests.common import trap_jobs

from .common import BACKGROUND_CRON, NIGHTLY_CRON, QueueCase


@freeze_time("2026-01-31 12:00:00")
class TestEnqueuing(QueueCase):
    def test_a_job_for_each_chunk_in_a_channel_of_its_own(self):
        for hours in (1, 2, 3):
            self.due_project(hours)
        with trap_jobs() as trap:
            run = self.start()
        lines = run.line_ids.sorted("chunk").grouped("chunk").values()
        self.assertEqual([len(own) for own in lines], [2, 1])
        trap.assert_jobs_count(2)
        for job, own in zip(trap.enqueued_jobs, lines, strict=True):
            self.assertEqual(job.channel, "root.psa_invoicing")
            self.assertEqual(job.method_name, "_job_bill")
            self.assertEqual(job.args, (own,))
            self.assertEqual(job.identity_key, own._identity_key())
        self.assertEqual(
            (run.state, run.done), ("running", 0), "Nothing is billed yet."
        )

    def test_jobs_are_known_by_projects_and_dates(self):
        for hours in (1, 2, 3):
            self.due_project(hours)
        first, second = self.start(), self.start()
        keys = self.jobs().mapped("identity_key")
        self.assertEqual(len(set(keys)), 4, "Two jobs for each run.")
        lines = first.line_ids.filtered(lambda line: line.chunk == 1)
        self.assertIn(lines._identity_key(), keys)
        self.assertNotEqual(lines[0]._identity_key(), lines._identity_key())
        # As if the run had lost sight of them.
        second.sudo().line_ids.job_id = False
        self.call(BACKGROUND_CRON)
        self.assertEqual(self.jobs().mapped("identity_key"), keys)
        self.assertTrue(second.sudo().line_ids.mapped("job_id"), "Found again.")

    def test_many_rows_are_divided_so_that_workers_end_together(self):
        self.patch(psa_invoice_run_beginning, "CHUNK", 50)
        self.assertEqual(
            [self.Run._chunk_size(total) for total in (50, 51, 120, 400, 10_000)],
            [50, 10, 10, 25, 50],
        )

    def test_what_is_little_is_billed_while_its_user_waits(self):
        project = self.due_project(2)
        run = self.start()
        self.assertEqual((run.state, run.done), ("done", 1))
        self.assertEqual(project.invoice_schedule_ids[0].state, "done")
        self.assertFalse(self.jobs())

    def test_the_night_makes_jobs_and_does_not_wait_for_them(self):
        self.due_project(2)
        self.call(NIGHTLY_CRON)
        run = self.Run.search([], limit=1)
        self.assertEqual((run.state, run.total), ("running", 1))
        self.assertEqual(self.jobs().mapped("method_name"), ["_job_bill"])

    def test_a_night_on_which_nothing_is_due(self):
        self.call(NIGHTLY_CRON)
        self.assertEqual(self.Run.search([], limit=1).state, "done")
        self.assertFalse(self.jobs())

    def test_the_scheduler_does_nothing_that_a_job_does(self):
        for hours in (1, 2, 3):
            self.due_project(hours)
        self.call(NIGHTLY_CRON)
        jobs = self.jobs()
        for cron in (NIGHTLY_CRON, BACKGROUND_CRON):
            self.call(cron)
        self.assertEqual(self.Run.search_count([]), 1)
        self.assertEqual(self.jobs(), jobs)
        self.assertEqual(set(jobs.mapped("state")), {"pending"})

    def test_a_run_from_before_this_add_on_is_driven_to_its_end(self):
        """Its later dates are in chunks of their own, which wait for the earlier."""
        project = self.due_project(2)
        self.log(project, date(2026, 2, 10), 3)
        with freeze_time("2026-03-01"), self.driver() as env:
            run = env["psa.invoice.run"]._begin()
            for number, line in enumerate(run.sudo().line_ids.sorted("run_date"), 1):
                line.chunk = number
            run_id = run.id
        with freeze_time("2026-03-01"):
            self.call(BACKGROUND_CRON)
        run = self.Run.browse(run_id)
        self.assertEqual((run.state, run.done), ("done", 2))
        self.assertFalse(self.jobs())

    def test_who_bills_need_not_see_jobs(self):
        for hours in (1, 2, 3):
            self.due_project(hours)
        user = self.person("biller", "psa_invoicing.group_billing_manager")
        run = self.start(user)
        with self.assertRaises(AccessError):
            self.env["queue.job"].with_user(user).search([])
        lines = run.with_user(user).line_ids
        self.assertNotIn("job_id", lines.fields_get())
        self.work_off()
        self.assertEqual(run.state, "done")
        self.assertEqual(run._invoices().create_uid, user)


@freeze_time(datetime(2026, 1, 31, 12))
class TestIdleRunner(QueueCase):
    def test_jobs_that_nobody_carries_out(self):
        for hours in (1, 2, 3):
            self.due_project(hours)
        crons = self.env["ir.cron"].search([("cron_name", "like", "Project Service")])
        crons.nextcall = datetime(2026, 2, 1, 3)
        self.start()
        self.assertEqual(self.Run.get_scheduler_problem(), "")
        with freeze_time("2026-01-31 13:30:00"):
            self.assertIn(
                "Ask a system administrator whether the job runner works",
                self.Run.get_scheduler_problem(),
            )
            self.work(self.jobs()[0])
            self.assertEqual(self.Run.get_scheduler_problem(), "", "It goes on.")
