# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..shared import actions, rights, texts

WAITING, BILLED, TO_BILL = "waiting", "billed", "to_bill"
NOTHING, FAILED, SKIPPED = "nothing", "failed", "skipped"


class PsaInvoiceRunLine(models.Model):
    """A row of the invoice schedule in an invoice run, and what became of it there."""

    _name = "psa.invoice.run.line"
    _inherit = "psa.exported"
    _description = "Row of an Invoice Run"
    _order = "run_id desc, state, id"
    _rec_name = "project_id"
    # Thousands at once, by one statement; who and when is the run's.
    _log_access = False

    run_id = fields.Many2one(
        "psa.invoice.run", required=True, readonly=True, ondelete="cascade", index=True
    )
    schedule_id = fields.Many2one(
        "psa.invoice.schedule",
        string="Schedule Row",
        readonly=True,
        index="btree_not_null",
    )
    project_id = fields.Many2one(
        "project.project", required=True, readonly=True, ondelete="cascade", index=True
    )
    partner_id = fields.Many2one(related="project_id.partner_id", string="Customer")
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    run_date = fields.Date(string="Invoice Date", required=True, readonly=True)
    cutoff_date = fields.Date(string="Cut-off Date", required=True, readonly=True)
    chunk = fields.Integer(
        readonly=True, help="Rows of the same number are billed together."
    )
    turn = fields.Integer(
        readonly=True, help="Which of the due rows of its project it is, from 0 on."
    )
    state = fields.Selection(
        [
            (WAITING, "Waiting"),
            (FAILED, "Failed"),
            (SKIPPED, "Left Out"),
            (BILLED, "Invoiced"),
            (TO_BILL, "To Invoice"),
            (NOTHING, "Nothing to Bill"),
        ],
        string="Status",
        required=True,
        default=WAITING,
        readonly=True,
    )
    reason = fields.Text(readonly=True)
    transactions = fields.Integer(readonly=True)
    amounts = fields.Json(readonly=True)
    amount = fields.Char(
        string="Amount, Untaxed",
        compute="_compute_amount",
        help="Before down payments.",
    )
    is_dry_run = fields.Boolean(related="run_id.is_dry_run")
    can_retry = fields.Boolean(compute="_compute_can_retry")
    invoice_ids = fields.Many2many(
        "account.move", string="Invoices", compute="_compute_invoice_ids"
    )

    _chunk = models.Index("(run_id, chunk) WHERE state = 'waiting'")

    @api.depends("amounts")
    def _compute_amount(self):
        Currency = self.env["res.currency"]
        for line in self:
            amounts = (line.amounts or {}).items()
            found = {Currency.browse(int(id_)): amount for id_, amount in amounts}
            line.amount = ", ".join(texts.amounts(self.env, found))

    @api.depends("state", "schedule_id.state")
    def _compute_can_retry(self):
        for line in self:
            line.can_retry = (
                line.state == FAILED
                and line.schedule_id.state == "failed"
                and not line.is_dry_run
            )

    @api.depends("state", "schedule_id.invoice_ids")
    def _compute_invoice_ids(self):
        for line in self:
            line.invoice_ids = line.state == BILLED and line.schedule_id.invoice_ids

    def action_retry(self):
        """Try the projects of these rows again, now.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        return self.schedule_id.action_retry()

    def action_open_project(self):
        """Open the project, to put right what is wrong there."""
        self.ensure_one()
        form = self.env.ref("project.edit_project").id
        return actions.open_record(self.project_id, form)

    def _left_to_others(self):
        """Rows that were skipped and are due yet: somebody else was billing them."""
        rows = self.schedule_id
        last = max(rows.mapped("run_date"), default=None)
        due = rows.filtered_domain(rows._due_domain(last)) if rows else rows
        return self.filtered(
            lambda line: line.state != FAILED and line.schedule_id in due
        )

    def _inseparable(self) -> list:
        """Rows by who may share an invoice; all of a project together."""
        return list(
            self.grouped(
                lambda line: (
                    line.partner_id.commercial_partner_id
                    if line.project_id.billing_consolidate
                    else line.project_id
                )
            ).values()
        )

    def _add(self, run, planned: list[tuple[int, int, int]]):
        """Note the rows of a run, in one statement.

        :param planned: id of the schedule row, number of its chunk, its turn
        """
        if not planned:
            return
        ids, chunks, turns = map(list, zip(*planned, strict=True))
        self.env["psa.invoice.schedule"].flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO psa_invoice_run_line (
                       run_id, schedule_id, project_id, company_id, run_date,
                       cutoff_date, chunk, turn, state)
                   SELECT %s, due.id, due.project_id, due.company_id, due.run_date,
                          due.cutoff_date, plan.chunk, plan.turn, 'waiting'
                     FROM unnest(%s, %s, %s) AS plan (id, chunk, turn)
                     JOIN psa_invoice_schedule AS due ON due.id = plan.id
                 ORDER BY plan.chunk, due.run_date, due.id""",
                run.id,
                ids,
                chunks,
                turns,
            )
        )
        self.invalidate_model()
