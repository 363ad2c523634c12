# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Driving an invoice run: chunk by chunk, each committed before the next begins.

Billing a chunk commits nothing; who drives it does.
What waits is written down before the first invoice is made, with the chunk that it is
billed in; a chunk notes what became of its rows in the transaction that bills them.
A process may die at any moment: whoever goes on finds the chunks that are left.
"""

import logging
from contextlib import closing
from datetime import date

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from .psa_invoice_run_line import BILLED, FAILED, NOTHING, SKIPPED, TO_BILL, WAITING
from .psa_invoice_schedule_attempts import NEVER_FAILED

_logger = logging.getLogger(__name__)

ATTEMPTS = 5
# What a person can put right: it is told in words.
EXPECTED = (UserError, AccessError)
RUN_CRON = "psa_invoicing.ir_cron_run_due"
BACKGROUND_CRON = "psa_invoicing.ir_cron_background_runs"


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"  # pylint: disable=consider-merging-classes-inherited

    # === Who starts it ===

    def _run_due(self, date: date | None = None, projects=None):
        """Bill every schedule row that is due; commit chunk by chunk.

        Rows of one project are billed oldest first, each with its own cut-off date. A
        project that cannot be billed fails alone, with the reason on its row; the rest
        of its chunk is billed. A user bills the companies that are switched on, the
        scheduled action all of them.

        :param date: bill what is due on this day (default: today, where the company
            of each project works)
        :param projects: only these projects
        :return: the run
        """
        run = self._begin(date, projects)
        run._drive()
        return run

    def _run_now(self, date: date | None = None, projects=None, **values):
        """Bill at once what is little; start what is more in the background.

        :return: the run
        """
        run = self._begin(date, projects, **values)
        if run.total > run._chunk_size(run.total):
            run.sudo().is_background = True
            run._leave_to_background()
            run._commit()
        else:
            run._drive()
        return run

    def _cron_run_due(self):
        """Daily: extend the schedules by a day and bill what is due."""
        own = [("user_id", "=", False)]
        interrupted = self._unfinished(own)
        stopped = interrupted._resume()
        today = fields.Datetime.now().date()
        if self._unfinished(own) - stopped or any(
            run.create_date.date() == today for run in interrupted - stopped
        ):
            # The scheduler calls as often as the run of today needs.
            return
        self.env["project.project"]._psa_plan_all()
        run = self._begin(is_background=True)
        run._go_on()

    def _cron_background_runs(self):
        """Go on with what persons have started, and what was interrupted."""
        self._unfinished([])._resume()

    def _unfinished(self, domain: list):
        return self.search([("state", "=", "running"), *domain], order="id")

    def _resume(self):
        """Go on with these runs, until the scheduler asks for its turn.

        :return: those that a defect has stopped: it must not keep other runs, nor
            that of tonight, from theirs
        """
        stopped = self.browse()
        for run in self:
            if run != self[0] and not self._commit():
                self._ask_to_be_called_again()
                break
            try:
                run._go_on()
            except Exception:
                self.env.cr.rollback()
                _logger.exception("Invoice run %s cannot go on.", run.id)
                stopped += run
        return stopped

    def _leave_to_background(self):
        """Let somebody else do what is left of a run, soon."""
        # sudo: whoever may run the invoices may start what continues it.
        self.env.ref(BACKGROUND_CRON).sudo()._trigger()

    def _go_on(self):
        """Do what is left of a run, while no person waits for it."""
        self._drive()

    # === Drive ===

    def _drive(self):
        """Bill what waits, until nothing does or the scheduler asks for its turn.

        Several processes may drive a run: each takes the chunk that comes next, and
        leaves the run to whoever holds it.
        """
        self.ensure_one()
        run = self._as_its_user()
        run._commit(remaining=run._count_waiting())
        while True:
            outcome = run._tried_again(run._step)
            if outcome is None:
                break
            if not run._commit(outcome) and run._count_waiting():
                run._ask_to_be_called_again()
                return
        run._commit(remaining=0)

    def _as_its_user(self):
        """The run in the companies and the language of whoever has started it."""
        # sudo: rights were checked when it was started.
        run = self.sudo()
        if run.user_id:
            run = run.with_user(run.user_id).with_context(
                allowed_company_ids=run.company_ids.ids, lang=run.user_id.lang
            )
        else:
            company = self.env.company
            reader = company.billing_user_id.partner_id or company.partner_id
            run = run.with_context(lang=reader.lang)
        return run.sudo()

    def _step(self) -> int | None:
        """Bill the next chunk; whoever comes second leaves it to the first.

        :return: number of rows, None if there is nothing left to do
        """
        if not self.try_lock_for_update(allow_referencing=True):
            return None
        if self.state != "running":
            return None
        lines = self._next_lines()
        if not lines:
            if self._send_made():
                self._finish()
            self._commit()
            return None
        try:
            self._bill_chunk(lines)
            self._commit_noted()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            for own in lines._inseparable():
                self._bill_alone(own)
        return len(lines)

    def _next_lines(self):
        lines = self.env["psa.invoice.run.line"]
        waiting = [("run_id", "=", self.id), ("state", "=", WAITING)]
        first = lines.search(waiting, order="chunk", limit=1)
        waiting.append(("chunk", "=", first.chunk))
        return lines.search(waiting, order="turn, run_date, id")

    def _bill_alone(self, lines):
        """Bill projects whose work somebody else bills or edits at this moment."""

        def bill():
            # Whoever goes on with the run may have come first.
            self._bill_chunk(lines.filtered(lambda line: line.state == WAITING))
            self._commit_noted()

        def leave():
            self._note(dict.fromkeys(lines, self._elsewhere()))
            self._commit_noted()

        try:
            self._tried_again(bill)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # They stay due, for the next run.
            self.env.cr.rollback()
            _logger.info(
                "Projects %s are being billed elsewhere.", lines.project_id.ids
            )
            self._tried_again(leave)

    def _commit_noted(self):
        self._note_progress()
        self._commit()

    def _note_progress(self):
        Line = self.env["psa.invoice.run.line"].sudo()
        domain = [("run_id", "=", self.id), ("chunk", "!=", 0)]
        groups = dict(Line._read_group(domain, ["state"], ["__count"]))
        following = self._next_lines().project_id
        ended = (BILLED, TO_BILL, NOTHING)
        self.write(
            {
                "done": sum(groups.get(state, 0) for state in ended),
                "failed": groups.get(FAILED, 0),
                "skipped": groups.get(SKIPPED, 0),
                "current": bool(following) and self._current(following),
            }
        )

    def _current(self, projects) -> str:
        if len(projects) == 1:
            return projects.display_name
        return self.env._(
            "%(project)s and %(count)s more",
            project=projects[0].display_name,
            count=len(projects) - 1,
        )

    def _finish(self):
        self._note_progress()
        self.write({"state": "done", "finished_at": fields.Datetime.now()})
        if self.is_background and not self.is_dry_run:
            self._send_summaries()

    def _count_waiting(self) -> int:
        return self.env["psa.invoice.run.line"].search_count(
            [("run_id", "=", self.id), ("state", "=", WAITING)]
        )

    # === Bill: without a commit, whoever drives ===

    def _bill_chunk(self, lines):
        """Bill rows, and note in the same transaction what became of each."""
        bill = self._tried_out if self.is_dry_run else self._bill_turns
        self._note(bill(lines))

    def _tried_out(self, lines) -> dict:
        """What billing rows would give, by row; nothing of it stays."""
        with closing(self.env.cr.savepoint()):
            results = self._bill_turns(lines)
        for values in results.values():
            if values["state"] == BILLED:
                values["state"] = TO_BILL
        return results

    def _note(self, results: dict):
        """:param results: what became of rows: values by row of the run"""
        for line, values in results.items():
            line.write(values)

    def _bill_turns(self, lines) -> dict:
        """Bill rows of the schedule, the earlier ones of a project first: with one that
        fails, or that somebody else bills, the later ones are left.

        :return: what to note, by row of the run
        """
        own = [("run_id", "=", self.id), ("project_id", "in", lines.project_id.ids)]
        # Those without a chunk were left out from the beginning.
        own.append(("chunk", "!=", 0))
        known = lines.search([*own, ("state", "in", (FAILED, SKIPPED))])
        failed = {
            line.project_id: line.run_date for line in known if line.state == FAILED
        }
        busy = known._left_to_others().project_id
        results = {}
        for _turn, own in sorted(lines.grouped("turn").items()):
            late = own.browse(line.id for line in own if line.project_id in failed)
            for line in late:
                reason = line.schedule_id._waits_for(failed[line.project_id])
                line.schedule_id.error = reason
                results[line] = {"state": SKIPPED, "reason": reason}
            behind = own.browse(
                line.id for line in own - late if line.project_id in busy
            )
            results |= {line: self._elsewhere() for line in behind}
            tried = own - late - behind
            results |= self._bill_turn(tried)
            failed |= {
                line.project_id: line.run_date
                for line in tried
                if results[line]["state"] == FAILED
            }
            skipped = own.browse(
                line.id for line in tried if results[line]["state"] == SKIPPED
            )
            busy |= skipped._left_to_others().project_id
        return results

    def _bill_turn(self, lines) -> dict:
        """Bill rows of different projects, together or one by one."""
        rows = lines.schedule_id
        # Billed by another run, or put on hold, since this one began?
        free = rows._free_in_order()
        last = max(rows.mapped("run_date"), default=None)
        due = free.filtered_domain(rows._due_domain(last)) if free else free
        problems = due.project_id._billing_problems()
        sound = due.filtered(lambda row: row.project_id not in problems)
        failures = {
            row: problems[row.project_id] for row in due - sound
        } | self._bill_or_fail(sound)
        for row, reason in failures.items():
            row._fail(reason, self.run_date)
        billed = sound.filtered(lambda row: row not in failures)
        billed.filtered("attempts").write({**NEVER_FAILED})
        if not self.is_dry_run:
            self._tell_failures(failures)
            self._tell_successes(billed)
        figures = billed._figures()
        results = {}
        for line in lines:
            row = line.schedule_id
            if row in failures:
                values = {"state": FAILED, "reason": failures[row]}
            elif row in billed:
                values = figures[row]
            elif row in free or not row:
                values = {"state": SKIPPED, "reason": self.env._("No longer due.")}
            else:
                values = self._elsewhere()
            results[line] = values
        return results

    def _bill_or_fail(self, rows) -> dict:
        """Bill rows together; if that does not work, find out which one is to blame.

        :return: reasons by row that cannot be billed
        """
        if not rows:
            return {}
        try:
            with self.env.cr.savepoint():
                rows._bill()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        # Any: a defect of one project, logged in full below, must not keep all the
        # others from their invoices.
        except Exception as error:  # noqa: BLE001
            parts = rows._inseparable()
            if len(parts) == 1:
                parts = list(rows)
            if len(parts) == 1:
                return {rows: self._in_words(error, rows)}
            failures: dict = {}
            for part in parts:
                failures |= self._bill_or_fail(part)
            return failures
        return {}

    def _in_words(self, error: Exception, row) -> str:
        if isinstance(error, EXPECTED):
            return str(error)
        _logger.error("Project %s cannot be billed.", row.project_id.id, exc_info=error)
        return self.env._(
            "“%(project)s” cannot be billed because of an unexpected error: %(error)s. "
            "Ask whoever looks after this Odoo; the server's log says more.",
            project=row.project_id.display_name,
            error=f"{type(error).__name__}: {error}".strip(),
        )

    def _elsewhere(self) -> dict:
        return {
            "state": SKIPPED,
            "reason": self.env._(
                "Somebody else was billing it at this moment. If it was not billed "
                "then, the next run does."
            ),
        }

    # === Transactions ===

    def _tried_again(self, action):
        """Look again at what somebody left who bills or edits the same rows.

        :return: what the action returns
        """
        for _attempt in range(ATTEMPTS - 1):
            try:
                return action()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
        return action()

    def _commit(self, processed: int = 0, remaining: int | None = None) -> float:
        """Make what was done so far last; tell the scheduler that work goes on.

        :return: seconds that the scheduler leaves us
        """
        return self.env["ir.cron"]._commit_progress(processed, remaining=remaining)

    def _ask_to_be_called_again(self):
        """As soon as others have had their turn, instead of a minute later."""
        cron = self.env["ir.cron"].sudo().browse(self.env.context.get("cron_id"))
        cron._trigger()
        self._commit()
