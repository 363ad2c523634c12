# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An invoice run as jobs, which several processes carry out at the same time.

Each chunk is a job: it bills its rows and notes what became of them, in the one
transaction that queue_job gives it. Nobody holds the run meanwhile. With every chunk
comes a second job, a small one that holds the run: it counts the rows again, and the
one that finds none waiting does what follows, and ends the run.
"""

from odoo import fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.psa_invoicing.models.schedule.psa_invoice_run_beginning import CHUNK
from odoo.addons.psa_invoicing.models.schedule.psa_invoice_run_driving import (
    ATTEMPTS,
    RUN_CRON,
)
from odoo.addons.psa_invoicing.models.schedule.psa_invoice_run_line import (
    FAILED,
    SKIPPED,
    WAITING,
)
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import CANCELLED, DONE
from odoo.addons.queue_job.job import FAILED as JOB_FAILED

# In so many parts a run is divided, if they do not become too large or too small:
# enough for some workers to end at about the same time.
PARTS = 16
SMALLEST_CHUNK = 10
# Counting comes before billing: the progress is to be seen.
COUNTING_PRIORITY = 5


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"

    # === Plan ===

    def _chunk_size(self, total: int) -> int:
        size = super()._chunk_size(total)
        return size if total <= size else min(size, max(SMALLEST_CHUNK, total // PARTS))

    def _keeps_projects_together(self) -> bool:
        """Chunks are billed at the same time, the rows of a project one by one."""
        return True

    # === Jobs ===

    def _leave_to_background(self):
        self._as_its_user()._enqueue()

    def _go_on(self):
        """Make the jobs that are missing; end a run that has no rows left."""
        self.ensure_one()
        run = self._as_its_user()
        if run._can_be_shared():
            run._tried_again(run._share)
        return None if run._can_be_shared() else super()._go_on()

    def _share(self):
        # Another process that shares it at this moment does the same.
        if self._is_held():
            self._settle()
            self._enqueue()
        self._commit(remaining=0)

    def _can_be_shared(self) -> bool:
        """Whether rows wait, and no project's in more than one chunk, as of runs that
        began before this add-on came."""
        lines = self._waiting()
        places = {(line.project_id, line.chunk) for line in lines}
        return bool(lines) and len(places) == len(lines.project_id)

    def _waiting(self):
        return self.env["psa.invoice.run.line"].search(
            [("run_id", "=", self.id), ("state", "=", WAITING)]
        )

    def _enqueue(self):
        """Make a job of every chunk without one."""
        lines = self._waiting().filtered(lambda line: not line.job_id)
        for own in lines.grouped("chunk").values():
            self._enqueue_lines(own)

    def _enqueue_lines(self, lines):
        job = self.with_delay(
            identity_key=lines._identity_key(),
            description=self.env._(
                "%(run)s: %(count)s rows", run=self.name, count=len(lines)
            ),
        )._job_bill(lines)
        lines.job_id = self._job(job.uuid)

    def _enqueue_counting(self):
        # Without an identity key: one that has begun may not see these rows.
        description = self.env._("%(run)s: progress", run=self.name)
        self.with_delay(
            priority=COUNTING_PRIORITY, description=description
        )._job_count()

    def _job(self, uuid: str):
        # sudo: who may run the invoices need not see the jobs.
        return self.env["queue.job"].sudo().search([("uuid", "=", uuid)])

    # === What a worker does ===

    def _job_bill(self, lines):
        """Bill rows of this run that wait."""
        lines = lines.exists()
        if lines.try_lock_for_update(allow_referencing=True) != lines:
            raise RetryableJobError("Somebody else works on these rows.")
        lines = lines.filtered(lambda line: line.state == WAITING)
        try:
            with self.env.cr.savepoint():
                self._bill_chunk(lines)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            self._bill_later(lines, error)
        self._enqueue_counting()

    def _bill_later(self, lines, error: Exception):
        """Somebody bills or edits some of this work at this moment: the others get jobs
        of their own.

        :raises RetryableJobError: if it is a single one
        """
        parts = lines._inseparable()
        if len(parts) > 1:
            for own in parts:
                self._enqueue_lines(own)
        elif self._job(self.env.context.get("job_uuid")).retry + 1 < ATTEMPTS:
            raise RetryableJobError("Somebody else bills or edits it.") from error
        else:
            # They stay due, for the next run.
            self._note(dict.fromkeys(lines, self._elsewhere()))

    def _job_count(self):
        """Note the progress of this run; after the last row, what follows it."""
        if self.state != "running":
            return
        if not self._is_held_now():
            raise RetryableJobError("Somebody else counts.", 1, ignore_retry=True)
        self._note_progress()
        if self._count_waiting():
            return
        if moves := self._to_send()[:CHUNK]:
            self._send_each(moves)
            self._enqueue_counting()
            return
        self._finish()
        today = fields.Datetime.now().date()
        if not self.user_id and self.create_date.date() < today:
            # The next night's run has waited for this one.
            self.env.ref(RUN_CRON).sudo()._trigger()

    def _is_held_now(self) -> bool:
        """Hold the run, unless somebody else does, or did since this job began."""
        try:
            with self.env.cr.savepoint():
                return self._is_held()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            return False

    def _job_failed(self, **_values):
        """Called by queue_job when it gives up a job of this run."""
        self._settle()
        self._enqueue_counting()

    # === Jobs that bill nothing any more ===

    def _settle(self):
        """Note what became of rows whose jobs have ended without billing them."""
        for job, lines in self._waiting().grouped("job_id").items():
            if job.state == JOB_FAILED:
                self._give_up(lines, job)
            elif job.state in (CANCELLED, DONE):
                reason = self.env._(
                    "Its job was taken away by hand. It stays due, for the next run."
                )
                self._note(dict.fromkeys(lines, {"state": SKIPPED, "reason": reason}))

    def _give_up(self, lines, job):
        reason = self.env._(
            "The job that bills it has failed: %(error)s. Ask whoever looks after this "
            "Odoo; the job “%(job)s” says more.",
            error=job.exc_message or job.exc_name,
            job=job.name,
        )
        if not self.is_dry_run:
            rows = lines.schedule_id.try_lock_for_update()
            due = rows.filtered(lambda row: row.state in ("planned", "failed"))
            for row in due:
                row._fail(reason, self.run_date)
            self._tell_failures(dict.fromkeys(due, reason))
        self._note(dict.fromkeys(lines, {"state": FAILED, "reason": reason}))
