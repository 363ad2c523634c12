# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import format_date

from .project_project import of_other_companies

_logger = logging.getLogger(__name__)

CHUNK = 50
ATTEMPTS = 5
# What a person can put right: it is told in words. Anything else is a defect and
# must not be swallowed.
EXPECTED = (UserError, AccessError)


class PsaInvoiceRun(models.Model):
    _name = "psa.invoice.run"
    _description = "Invoice Run"
    _order = "id desc"

    name = fields.Char(compute="_compute_name")
    run_date = fields.Date(required=True, readonly=True)
    state = fields.Selection(
        [("running", "Running"), ("done", "Finished")],
        string="Status",
        required=True,
        default="running",
        readonly=True,
    )
    total = fields.Integer(
        string="Due Rows",
        readonly=True,
        help="Rows of the invoice schedule that were due.",
    )
    done = fields.Integer(
        string="Processed",
        readonly=True,
        help="Rows that were billed, or had nothing to bill.",
    )
    failed = fields.Integer(readonly=True)
    schedule_ids = fields.Many2many(
        "psa.invoice.schedule", string="Schedule Rows", readonly=True
    )
    invoice_ids = fields.Many2many(
        "account.move", string="Invoices", compute="_compute_invoice_ids"
    )
    unsent_count = fields.Integer(string="Not Sent", compute="_compute_unsent_count")

    @api.depends("run_date")
    def _compute_name(self):
        for run in self:
            run.name = self.env._(
                "Invoice Run %(date)s", date=format_date(self.env, run.run_date)
            )

    @api.depends("schedule_ids.invoice_ids")
    def _compute_invoice_ids(self):
        for run in self:
            run.invoice_ids = run.schedule_ids.invoice_ids

    @api.depends("schedule_ids.invoice_ids.psa_state")
    def _compute_unsent_count(self):
        for run in self:
            run.unsent_count = len(run._unsent())

    def _unsent(self):
        return self.invoice_ids.filtered(
            lambda move: move.psa_state in ("draft", "in_review", "confirmed")
        )

    @api.model
    def action_run_due(self):
        """Run what is due today, for the button; show what came out.

        :raises AccessError: unless the user is a billing administrator
        """
        self.env["account.move"]._check_billing_manager()
        run = self._run_due()
        if not run.total:
            return run._nothing_due_notification()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_invoice_run_action"
        )
        return {**action, "views": [(False, "form")], "res_id": run.id}

    def _nothing_due_notification(self) -> dict:
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("No project is due for invoicing today."),
            },
        }

    def action_open_invoices(self):
        """The invoices of this run."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.account_move_action"
        )
        invoices = self.invoice_ids
        if len(invoices) == 1:
            return {**action, "views": [(False, "form")], "res_id": invoices.id}
        return {
            **action,
            "domain": [("id", "in", invoices.ids)],
            "context": {"create": False},
        }

    def action_send_invoices(self):
        """Send what this run has made and nobody has sent yet.

        :raises AccessError: unless the user is a billing administrator
        """
        self.ensure_one()
        return self._unsent().action_psa_send()

    @api.model
    def _cron_run_due(self):
        """Daily: extend the schedules by a day and bill what is due."""
        self.env["project.project"].search(
            [("billing_frequency_id", "!=", False)]
        )._plan_invoices()
        self._run_due()

    @api.model
    def _run_due(self, date: date | None = None, projects=None):
        """Bill every schedule row that is due; commit chunk by chunk.

        Rows of one project are billed oldest first, each with its own cut-off date. A
        project that cannot be billed fails alone, with the reason on its row; the rest
        of its chunk is billed. A user bills the companies that are switched on, the
        scheduled action all of them.

        :param date: bill what is due on this day (default: today)
        :param projects: only these projects
        :return: the run
        """
        # What the caller has done must not be lost when something is tried again.
        self._commit()
        run = self._tried_again(
            lambda: self._start(date or fields.Date.context_today(self), projects)
        )
        due = run.schedule_ids
        for rows in run._rounds(due):
            for chunk in rows._chunks(CHUNK):
                run._bill_chunk(chunk)
        run.state = "done"
        run._commit()
        return run.with_env(self.env)

    @api.model
    def _start(self, run_date: date, projects):
        """Note which rows are due.

        :return: the run
        """
        Schedule = self.env["psa.invoice.schedule"]
        # sudo: whoever may run the invoices need not read every project.
        due = Schedule.sudo().search(Schedule._due_domain(run_date, projects))
        foreign = self._foreign_projects(due)
        due = due.filtered(lambda row: row.project_id not in foreign)
        run = self.sudo().create(
            {
                "run_date": run_date,
                "total": len(due),
                "schedule_ids": [fields.Command.set(due.ids)],
            }
        )
        run._commit()
        return run

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

    def _foreign_projects(self, due):
        """Projects without a company whose orders belong to one that is not on."""
        projects = due.project_id
        orders = projects._orders()
        return projects.filtered(
            lambda project: of_other_companies(orders[project], self.env)
        )

    def _rounds(self, due):
        """Rows of different projects, the oldest of each first.

        When one of them fails, the later ones of its project wait for the next run.
        """
        waiting = [list(rows) for rows in due.grouped("project_id").values()]
        while waiting:
            yield due.browse(rows[0].id for rows in waiting)
            for first, *later in waiting:
                if first.state == "failed":
                    due.browse(row.id for row in later)._wait_for(first)
            waiting = [
                rows[1:] for rows in waiting if rows[1:] and rows[0].state != "failed"
            ]

    def _bill_chunk(self, rows):
        """Bill some rows together, or one by one if that does not work."""
        try:
            self._bill_together(rows)
        except (*EXPECTED, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            self.env.cr.rollback()
            for inseparable in rows._inseparable():
                self._bill_alone(inseparable)

    def _bill_alone(self, rows):
        try:
            self._tried_again(lambda: self._bill_or_fail(rows))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # They stay due, for the next run.
            self.env.cr.rollback()
            _logger.info("Projects %s are being billed elsewhere.", rows.project_id.ids)

    def _bill_or_fail(self, rows):
        """Of projects that share an invoice, the one that fails does so alone."""
        try:
            self._bill_together(rows)
        except EXPECTED as error:
            self.env.cr.rollback()
            if len(rows) > 1:
                for row in rows:
                    self._bill_or_fail(row)
                return
            rows._fail(str(error))
            self.failed += 1
            self._commit()

    def _bill_together(self, rows):
        # Billed by another run, or put on hold, since this one began?
        rows = rows.try_lock_for_update().filtered_domain(
            rows._due_domain(self.run_date)
        )
        problems = rows.project_id._billing_problems()
        for row in rows:
            if problem := problems.get(row.project_id):
                row._fail(problem)
        sound = rows.filtered(lambda row: row.project_id not in problems)
        sound._bill()
        self.done += len(sound)
        self.failed += len(rows - sound)
        self._commit()

    def _commit(self):
        """Make what was done so far last; tell the scheduler that work goes on."""
        self.env["ir.cron"]._commit_progress()
