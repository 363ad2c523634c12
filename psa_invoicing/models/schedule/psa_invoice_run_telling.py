# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows an invoice run: invoices are sent where a company wants them sent at
once, whoever is concerned is told, and so is what stops the runs."""

import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import format_datetime, split_every

from ..shared import rights
from .psa_invoice_run_beginning import CHUNK
from .psa_invoice_run_driving import BACKGROUND_CRON, RUN_CRON
from .psa_invoice_run_line import BILLED, FAILED, NOTHING, SKIPPED
from .psa_invoice_schedule import PENDING

_logger = logging.getLogger(__name__)

FAILED_ACTIVITY = "psa_invoicing.mail_activity_type_failed"
FAILURES_IN_SUMMARY = 50
# A day, and what a night's run may take.
PATIENCE = timedelta(hours=26)


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"  # pylint: disable=consider-merging-classes-inherited

    # === Sending ===

    def _send_made(self) -> bool:
        """Confirm and send what the run has made, chunk by chunk.

        Whoever goes on with an interrupted run finds what is still a draft.

        :return: whether the run is still held; else another process goes on with it
        """
        if not self.is_dry_run:
            for ids in split_every(CHUNK, self._to_send().ids):
                if not self._tried_again(lambda ids=ids: self._send_chunk(ids)):
                    return False
                self._commit()
        return self._is_held()

    def _send_chunk(self, ids) -> bool:
        """:return: whether the run is still held"""
        if not self._is_held():
            return False
        self._send_each(self._to_send(ids))
        return True

    def _is_held(self) -> bool:
        """Hold the run again: every commit lets go of it."""
        held = self.try_lock_for_update(allow_referencing=True)
        return bool(held) and self.state == "running"

    def _send_each(self, moves):
        """Confirm and send invoices together; if that does not work, find out which
        one is to blame."""
        if not moves:
            return
        try:
            with self.env.cr.savepoint():
                moves._psa_send_unattended()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            # A defect of one invoice must not keep the others, nor the runs of the
            # nights to come, from being sent.
            if len(moves) > 1:
                for move in moves:
                    self._send_each(move)
                return
            _logger.exception("Invoice %s cannot be confirmed.", moves.id)
            moves._psa_note_failed_sending(
                self.env._(
                    "it could not be confirmed because of an unexpected error "
                    "(%(error)s); the server's log says more",
                    error=f"{type(error).__name__}: {error}".strip(),
                )
            )

    def _to_send(self, ids=None):
        """:param ids: only these of the run's invoices"""
        # Searched, not read: there may be ten thousand of them.
        return self.env["account.move"].search(
            [
                ("id", "in", self._invoices().ids if ids is None else ids),
                ("state", "=", "draft"),
                ("company_id.billing_after_run", "=", "send"),
                ("billing_sending_error", "=", False),
            ],
            order="id",
        )

    # === Activities ===

    def _tell_failures(self, failures: dict):
        """One activity for each project, however often it fails.

        :param failures: reasons by row of the schedule
        """
        Project = self.env["project.project"]
        projects = Project.union(*(row.project_id for row in failures))
        known = projects.activity_search([FAILED_ACTIVITY]).grouped("res_id")
        for row, reason in failures.items():
            project = row.project_id
            note = Markup("<p>%s</p>") % reason
            if activities := known.get(project.id):
                activities.note = note
                continue
            project.activity_schedule(
                FAILED_ACTIVITY,
                user_id=self._responsible(project, with_manager=True).id,
                note=note,
                date_deadline=project._billing_today(),
            )

    def _tell_successes(self, rows):
        """What failed before is settled by itself."""
        rows.project_id.activity_feedback(
            [FAILED_ACTIVITY],
            feedback=self.env._("Settled: the invoice run has billed it."),
        )

    def _responsible(self, project, with_manager: bool = False):
        """Who looks after the billing of a project.

        :param with_manager: its manager, too, rather than somebody of the company
        """
        company = project._billing_company()
        candidates = (
            project.billing_user_id
            + (project.user_id if with_manager else project.user_id.browse())
            + company.billing_user_id
            + self.user_id
            + self._billing_manager(company)
        )
        return candidates.filtered("active")[:1]

    def _billing_manager(self, company):
        group = self.env.ref(rights.BILLING_MANAGER)
        return self.env["res.users"].search(
            [
                ("all_group_ids", "in", group.ids),
                ("company_ids", "in", company.ids),
                ("share", "=", False),
            ],
            order="id",
            limit=1,
        )

    # === Summary ===

    def _send_summaries(self):
        """Tell every billing responsible how his projects came out, in one message."""
        # Only what is needed: there may be ten thousand of them.
        own = [("run_id", "=", self.id)]
        lines = self.line_ids.search_fetch(own, ["project_id", "state"])
        lines.project_id.fetch(["billing_user_id"])
        lines.project_id._psa_fetch_companies()
        who = {project: self._responsible(project) for project in lines.project_id}
        for user, own in lines.grouped(lambda line: who[line.project_id]).items():
            if user:
                self._send_summary(user, own)

    def _send_summary(self, user, lines):
        run = self.with_context(lang=user.lang)
        lines = lines.with_env(run.env)
        counts = {state: len(own) for state, own in lines.grouped("state").items()}
        failures = lines.filtered(lambda line: line.state == FAILED)
        more = len(failures[FAILURES_IN_SUMMARY:])
        body = run.env["ir.qweb"]._render(
            "psa_invoicing.psa_invoice_run_summary",
            {
                "run": run,
                "url": run._url(),
                "points": run._summary_points(lines, counts),
                "failures": failures[:FAILURES_IN_SUMMARY],
                "more": more and run.env._("and %(count)s more", count=more),
                "project_url": lambda project: (
                    f"{run.get_base_url()}/odoo/project.project/{project.id}"
                ),
            },
        )
        run.env["mail.thread"].message_notify(
            model=run._name,
            res_id=run.id,
            partner_ids=user.partner_id.ids,
            subject=run._summary_subject(counts),
            body=body,
        )

    def _summary_points(self, lines, counts: dict) -> list[str]:
        amounts = ", ".join(self._amounts_in_words([("id", "in", lines.ids)]))
        billed = counts.get(BILLED, 0)
        points = [self.env._("Invoiced: %(count)s", count=billed)]
        if amounts:
            text = self.env._("Invoiced: %(count)s, untaxed %(amounts)s")
            points = [text % {"count": billed, "amounts": amounts}]
        for state, text in (
            (NOTHING, self.env._("Nothing to bill: %(count)s")),
            (SKIPPED, self.env._("Left out: %(count)s")),
            (FAILED, self.env._("Failed: %(count)s")),
        ):
            if counts.get(state):
                points.append(text % {"count": counts[state]})
        return points

    def _summary_subject(self, counts: dict) -> str:
        if counts.get(FAILED):
            return self.env._(
                "%(run)s: %(failed)s failed, %(billed)s invoiced",
                run=self.name,
                failed=counts[FAILED],
                billed=counts.get(BILLED, 0),
            )
        return self.env._(
            "%(run)s: %(billed)s invoiced", run=self.name, billed=counts.get(BILLED, 0)
        )

    def _url(self) -> str:
        return (
            f"{self.get_base_url()}/odoo/action-psa_invoicing.psa_invoice_run_action/"
            f"{self.id}"
        )

    # === Health ===

    @api.model
    def get_scheduler_problem(self) -> str:
        """Why due invoices are not made by themselves, for the banner of the start
        page; nothing to those who could not do anything about it."""
        if not rights.is_billing_manager(self.env):
            return ""
        return self._scheduler_problem()

    def _scheduler_problem(self) -> str:
        """:return: why due invoices are not made by themselves, or ''"""
        # sudo: whether anything waits to be billed is no secret.
        Schedule = self.env["psa.invoice.schedule"].sudo()
        if not Schedule.search_count([("state", "in", PENDING)], limit=1):
            return ""
        problems = (
            self._cron_problem(self.env.ref(xmlid, raise_if_not_found=False))
            for xmlid in (RUN_CRON, BACKGROUND_CRON)
        )
        return next(filter(None, problems), "") or self._endless_run_problem()

    def _endless_run_problem(self) -> str:
        # sudo: that a run does not end is no secret.
        run = self.sudo().search(
            [
                ("state", "=", "running"),
                ("create_date", "<", fields.Datetime.now() - PATIENCE),
            ],
            order="id",
            limit=1,
        )
        if not run:
            return ""
        return self.env._(
            "The “%(run)s” does not come to an end. Ask a system administrator to look "
            "into the server's log.",
            run=run.name,
        )

    def _cron_problem(self, cron) -> str:
        if not cron:
            return self.env._(
                "The scheduled action that runs due invoices was deleted: nothing is "
                "billed by itself. Upgrade the module Project Service Invoicing to "
                "get it back."
            )
        # sudo: scheduled actions are shown to system administrators only.
        cron = cron.sudo()
        now = fields.Datetime.now()
        if not cron.active:
            return self.env._(
                "The scheduled action “%(cron)s” is switched off: nothing is billed "
                "by itself. Ask a system administrator to switch it on.",
                cron=cron.name,
            )
        if cron.first_failure_date and cron.first_failure_date < now - timedelta(1):
            return self.env._(
                "The scheduled action “%(cron)s” has failed since %(date)s. Ask a "
                "system administrator to look into the server's log.",
                cron=cron.name,
                date=format_datetime(self.env, cron.first_failure_date),
            )
        if cron.nextcall < now - PATIENCE:
            return self.env._(
                "The scheduled action “%(cron)s” should have run on %(date)s and has "
                "not. Ask a system administrator whether the scheduler works.",
                cron=cron.name,
                date=format_datetime(self.env, cron.nextcall),
            )
        return ""
