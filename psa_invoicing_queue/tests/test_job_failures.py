# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Jobs that cannot bill their rows, or never do: the run ends all the same."""

from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import PENDING, Job

from ..hooks import uninstall_hook
from .common import BACKGROUND_CRON, QueueCase


@freeze_time("2026-01-31 12:00:00")
class TestJobFailures(QueueCase):
    def setUp(self):
        super().setUp()
        self.projects = [
            self.due_project(hours, name=name)
            for hours, name in ((1, "One"), (2, "Two"), (3, "Three"))
        ]

    def billing(self, error):
        """Every chunk meets with an error."""
        return patch.object(type(self.Run), "_bill_chunk", side_effect=error)

    def activities(self, project):
        return project.activity_search(["psa_invoicing.mail_activity_type_failed"])

    # === Somebody else works on the same ===

    def test_one_of_several_is_in_use(self):
        """Each gets a job of its own, so that only that one waits."""
        self.start()
        (first, second) = self.jobs()
        with self.billing(SerializationFailure):
            self.work(first)
        self.assertEqual(first.state, "done")
        self.assertEqual(
            [len(job.args[0]) for job in self.jobs(PENDING, method="_job_bill")],
            [1, 1, 1],
        )
        self.assertIn(second, self.jobs(PENDING))
        self.work_off()
        run = self.Run.search([], limit=1)
        self.assertEqual((run.state, run.done), ("done", 3))

    def try_in_vain(self, job):
        """:return: what the job says to be tried again"""
        with (
            self.assertRaises(RetryableJobError) as caught,
            self.driver() as env,
            self.billing(SerializationFailure),
        ):
            Job.load(env, job.uuid).perform()
        return str(caught.exception)

    def test_a_single_one_is_tried_again(self):
        run = self.start()
        second = self.jobs()[1]
        self.assertEqual(self.try_in_vain(second), "Somebody else bills or edits it.")
        self.work_off()
        self.assertEqual((run.state, run.done), ("done", 3))

    def test_one_that_stays_in_use_is_left_to_the_next_run(self):
        run = self.start()
        second = self.jobs()[1]
        for tries in range(4):
            second.retry = tries
            self.try_in_vain(second)
        second.retry = 4
        with self.billing(SerializationFailure):
            self.work(second)
        self.assertEqual(second.state, "done")
        self.work_off()
        self.assertEqual(
            self.states(run), {"One": "billed", "Two": "billed", "Three": "skipped"}
        )
        self.assertEqual((run.state, run.done, run.skipped), ("done", 2, 1))
        self.assertEqual(self.projects[2].invoice_schedule_ids[0].state, "planned")

    def test_who_comes_second_counts_later(self):
        run = self.start()
        self.work(self.jobs()[0])
        (count,) = self.jobs(method="_job_count")
        with (
            self.assertRaises(RetryableJobError) as caught,
            self.driver() as env,
            patch.object(type(self.Run), "_is_held", return_value=False),
        ):
            Job.load(env, count.uuid).perform()
        self.assertTrue(caught.exception.ignore_retry, "As often as it takes.")
        self.work_off()
        self.assertEqual((run.state, run.done), ("done", 3))

    # === A defect ===

    def give_up(self, job, reason):
        """As a worker notes it, in a transaction of its own."""
        values = {"exc_name": "ZeroDivisionError", "exc_message": reason}
        with self.driver() as env:
            mine = Job.load(env, job.uuid)
            mine.set_failed(**values)
            mine.store()
            mine.on_fail(values)

    def test_a_job_that_fails_for_good(self):
        run = self.start()
        self.give_up(self.jobs()[0], "division by zero")
        line = run.line_ids[0]
        self.assertEqual(line.state, "failed")
        self.assertIn("has failed: division by zero. Ask whoever", line.reason)
        row = self.projects[0].invoice_schedule_ids[0]
        self.assertEqual((row.state, row.attempts), ("failed", 1))
        self.assertEqual(row.error, line.reason)
        self.assertEqual(len(self.activities(self.projects[0])), 1)
        self.work_off()
        self.assertEqual((run.state, run.done, run.failed), ("done", 1, 2))

    def test_it_is_billed_by_retry(self):
        run = self.start()
        self.give_up(self.jobs()[0], "division by zero")
        self.work_off()
        with self.driver() as env:
            run.with_env(env).action_retry()
        self.assertEqual(
            [project.invoice_schedule_ids[0].state for project in self.projects],
            ["done"] * 3,
        )
        self.assertFalse(self.activities(self.projects[0]), "Settled.")

    def test_a_job_that_kills_its_workers(self):
        """The job runner has given it up, and has told nobody."""
        run = self.start()
        self.jobs()[0].write({"state": "failed", "exc_name": "JobFoundDead"})
        self.call(BACKGROUND_CRON)
        self.work_off()
        self.assertEqual((run.state, run.done, run.failed), ("done", 1, 2))
        self.assertIn("JobFoundDead", run.problem_ids[0].reason)

    # === Somebody takes jobs away ===

    def test_a_job_that_was_cancelled(self):
        run = self.start()
        first, second = self.jobs()
        first.button_cancelled()
        self.work_off()
        self.assertEqual((run.state, run.done), ("running", 1))
        self.call(BACKGROUND_CRON)
        self.assertEqual((run.state, run.done, run.skipped), ("done", 1, 2))
        reasons = run.line_ids.filtered("reason").mapped("reason")
        self.assertEqual(
            reasons,
            ["Its job was taken away by hand. It stays due, for the next run."] * 2,
        )
        self.assertEqual(self.projects[0].invoice_schedule_ids[0].state, "planned")

    def test_a_job_that_was_deleted(self):
        run = self.start()
        self.jobs()[0].unlink()
        self.work_off()
        self.assertEqual((run.state, run.done), ("running", 1))
        self.call(BACKGROUND_CRON)
        self.assertEqual(run.state, "running")
        self.work_off()
        self.assertEqual((run.state, run.done), ("done", 3))

    def test_the_counting_was_cancelled(self):
        run = self.start()
        for job in self.jobs(method="_job_bill"):
            self.work(job)
        self.jobs(PENDING).button_cancelled()
        self.assertEqual((run.state, run.done), ("running", 0))
        self.call(BACKGROUND_CRON)
        self.assertEqual((run.state, run.done), ("done", 3))

    def test_the_add_on_is_uninstalled(self):
        self.start()
        uninstall_hook(self.env(su=True))
        self.assertEqual(set(self.jobs().mapped("state")), {"cancelled"})

    def test_rows_in_the_hands_of_somebody_else(self):
        run = self.start()
        lines = run.sudo().line_ids[:1]
        with (
            patch.object(type(lines), "try_lock_for_update", return_value=lines[:0]),
            self.assertRaises(RetryableJobError),
        ):
            run.sudo()._job_bill(lines)
