# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An invoice run: what came out of it, and its buttons."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..shared import actions, rights, texts

UNSENT = ("draft", "in_review", "confirmed")
DAYS_TO_KEEP_DRY_RUNS = 30


class PsaInvoiceRun(models.Model):
    _name = "psa.invoice.run"
    _inherit = "psa.exported"
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
        index=True,
    )
    is_dry_run = fields.Boolean(
        string="Dry Run",
        readonly=True,
        help="Nothing was billed: it shows what would be.",
    )
    is_background = fields.Boolean(
        readonly=True,
        help="It was made without a person waiting for it, who is told when it ends.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Started By",
        readonly=True,
        help="Empty: the scheduled action.",
    )
    company_ids = fields.Many2many(
        "res.company",
        "psa_invoice_run_company_rel",
        "run_id",
        "company_id",
        string="Companies",
        readonly=True,
    )
    project_ids = fields.Many2many(
        "project.project",
        "psa_invoice_run_project_rel",
        "run_id",
        "project_id",
        string="Only These Projects",
        readonly=True,
        context={"active_test": False},
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
    skipped = fields.Integer(
        string="Left Out",
        readonly=True,
        help="Rows that wait for a failed one of their project, or that another run "
        "was billing at the same moment.",
    )
    progress = fields.Float(compute="_compute_progress")
    current = fields.Char(string="Working On", readonly=True)
    finished_at = fields.Datetime(string="Finished", readonly=True)
    expected_end = fields.Datetime(compute="_compute_progress")
    line_ids = fields.One2many("psa.invoice.run.line", "run_id", string="Rows")
    problem_ids = fields.One2many(
        "psa.invoice.run.line",
        "run_id",
        string="Failures",
        domain=[("state", "=", "failed")],
    )
    invoice_ids = fields.Many2many(
        "account.move", string="Invoices", compute="_compute_invoice_ids"
    )
    invoice_count = fields.Integer(
        string="Number of Invoices", compute="_compute_invoice_count"
    )
    unsent_count = fields.Integer(string="Not Sent", compute="_compute_invoice_count")
    retry_count = fields.Integer(string="To Be Retried", compute="_compute_retry_count")
    totals = fields.Text(
        string="Total, Untaxed",
        compute="_compute_totals",
        help="Of what the run has billed, by currency, as it was then.",
    )
    scheduler_problem = fields.Char(compute="_compute_scheduler_problem")

    _unfinished = models.Index("(id) WHERE state = 'running'")

    @api.depends("run_date", "is_dry_run")
    def _compute_name(self):
        for run in self:
            day = format_date(self.env, run.run_date)
            run.name = self.env._("Invoice Run %(date)s", date=day)
            if run.is_dry_run:
                run.name = self.env._("Dry Run %(date)s", date=day)

    @api.depends("total", "done", "failed", "skipped", "state")
    def _compute_progress(self):
        now = fields.Datetime.now()
        for run in self:
            ended = run.done + run.failed + run.skipped
            run.progress = 100 * ended / run.total if run.total else 100.0
            run.expected_end = False
            if run.state == "running" and ended and run.create_date:
                elapsed = now - run.create_date
                run.expected_end = run.create_date + timedelta(
                    seconds=elapsed.total_seconds() * run.total / ended
                )

    def _compute_invoice_ids(self):
        for run in self:
            run.invoice_ids = run._invoices()

    def _compute_invoice_count(self):
        Move = self.env["account.move"]
        for run in self:
            # Those that the user may see.
            domain = [("id", "in", run._invoices().ids)]
            run.invoice_count = Move.search_count(domain)
            run.unsent_count = Move.search_count([*domain, ("psa_state", "in", UNSENT)])

    def _compute_retry_count(self):
        Line = self.env["psa.invoice.run.line"]
        for run in self:
            run.retry_count = Line.search_count(run._retry_domain())

    def _compute_totals(self):
        for run in self:
            run.totals = "\n".join(run._amounts_in_words())

    def _compute_scheduler_problem(self):
        self.scheduler_problem = self._scheduler_problem()

    def _invoices(self):
        """What this run has made, and is still there."""
        self.ensure_one()
        self.env["psa.invoice.run.line"].flush_model()
        self.env["psa.invoice.schedule"].flush_model(["invoice_ids"])
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT rel.move_id
                     FROM psa_invoice_run_line AS line
                     JOIN psa_invoice_schedule_move_rel AS rel
                       ON rel.schedule_id = line.schedule_id
                    WHERE line.run_id = %s AND line.state = 'billed'
                      AND NOT %s""",
                self.id,
                self.is_dry_run,
            )
        )
        return self.env["account.move"].browse(sorted(id_ for (id_,) in rows))

    def _amounts(self, domain=()) -> dict:
        """Untaxed amounts by currency, of the rows that the user may see.

        :param domain: which of the rows (default: all)
        """
        Line = self.env["psa.invoice.run.line"]
        Line.flush_model()
        query = Line._search([("run_id", "in", self.ids), *domain])
        rows = self.env.execute_query(
            SQL(
                """SELECT item.key::int, SUM(item.value::numeric)
                     FROM psa_invoice_run_line AS line,
                          jsonb_each_text(line.amounts) AS item
                    WHERE line.id IN %s
                 GROUP BY item.key""",
                query.subselect(),
            )
        )
        sums = dict(rows)
        return {
            currency: float(sums[currency.id])
            for currency in self.env["res.currency"].browse(sorted(sums))
        }

    def _amounts_in_words(self, domain=()) -> list[str]:
        return texts.amounts(self.env, self._amounts(domain))

    def _retry_domain(self) -> list:
        """Rows that failed in this run, and that nobody has billed since."""
        return [
            ("run_id", "in", self.ids),
            ("state", "=", "failed"),
            ("run_id.is_dry_run", "=", False),
            ("schedule_id.state", "=", "failed"),
        ]

    # === Buttons ===

    @api.model
    def action_run_due(self):
        """Run what is due today, without a dialog; show what came out.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        return self._run_now()._show()

    def _show(self) -> dict:
        """What a person sees who has started this run: of a single invoice, that."""
        if not self.total and not self.line_ids:
            text = self.env._("No project is due for invoicing.")
            return actions.tell_and_close(text, "info")
        if self.state == "done" and not self.failed and self.invoice_count == 1:
            return self.action_open_invoices()
        views = [(False, "form")]
        return actions.named(
            self.env, "psa_invoice_run_action", views=views, res_id=self.id
        )

    def action_open_invoices(self):
        """The invoices of this run."""
        self.ensure_one()
        self.check_access("read")
        return actions.open_invoices(self._invoices())

    def action_open_lines(self):
        """All rows of this run, to search and to group."""
        self.ensure_one()
        self.check_access("read")
        domain = [("run_id", "=", self.id)]
        return actions.named(self.env, "psa_invoice_run_line_action", domain=domain)

    def action_send_invoices(self):
        """Send what this run has made and nobody has sent yet.

        :raises AccessError: unless the user is a billing administrator
        """
        self.ensure_one()
        # Those that the user may see: a run may be of other companies, too.
        domain = [("id", "in", self._invoices().ids), ("psa_state", "in", UNSENT)]
        return self.env["account.move"].search(domain).action_psa_send()

    def action_retry(self):
        """Try the projects again that failed in this run, now.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        lines = self.env["psa.invoice.run.line"].search(self._retry_domain())
        return lines.schedule_id.action_retry()

    def action_bill(self):
        """Do what a dry run has shown.

        :raises AccessError: unless the user is a billing administrator
        """
        self.ensure_one()
        rights.check_may_bill(self.env)
        self.check_access("read")
        # sudo: whoever may run the invoices need not read every project. Only those
        # that it has shown: none of it does not mean all.
        projects = self.sudo().line_ids.project_id
        run = self.with_context(allowed_company_ids=self.company_ids.ids)._run_now(
            self.run_date, projects
        )
        return run._show()

    @api.autovacuum
    def _gc_dry_runs(self):
        """Nobody looks at a dry run of last month."""
        limit = fields.Datetime.now() - timedelta(days=DAYS_TO_KEEP_DRY_RUNS)
        self.search([("is_dry_run", "=", True), ("create_date", "<", limit)]).unlink()
