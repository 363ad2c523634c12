# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain

from ..models.shared import rights


class PsaRunDue(models.TransientModel):
    """Run what is due now: of which day, companies, customers and projects."""

    _name = "psa.run.due"
    _inherit = "psa.pointing"
    _description = "Run Due Invoices"

    run_date = fields.Date(
        string="Due On",
        required=True,
        default=lambda self: self.env.company._billing_today(),
        help="Rows of the invoice schedule dated up to and including this day are "
        "billed, each up to its own cut-off date.",
    )
    allowed_company_ids = fields.Many2many(
        "res.company",
        "psa_run_due_allowed_company_rel",
        compute="_compute_allowed_company_ids",
    )
    company_ids = fields.Many2many(
        "res.company",
        "psa_run_due_company_rel",
        string="Companies",
        domain="[('id', 'in', allowed_company_ids)]",
        default=lambda self: self.env.companies,
        required=True,
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        help="Leave it empty for all; those of the same commercial entity come along.",
    )
    project_ids = fields.Many2many(
        "project.project", string="Projects", help="Leave it empty for all."
    )
    summary = fields.Char(compute="_compute_summary")
    is_in_future = fields.Boolean(compute="_compute_is_in_future")

    @api.depends_context("allowed_company_ids")
    def _compute_allowed_company_ids(self):
        self.allowed_company_ids = self.env.companies

    @api.depends("run_date", "company_ids", "partner_ids", "project_ids")
    def _compute_summary(self):
        for wizard in self:
            due = wizard._run_model()._due(wizard._date(), wizard._projects())
            counts = {"rows": len(due), "projects": len(due.project_id)}
            wizard.summary = self.env._(
                "Due dates: %(rows)s. Projects: %(projects)s.", **counts
            )

    @api.depends("run_date")
    def _compute_is_in_future(self):
        for wizard in self:
            today = self.env.company._billing_today()
            wizard.is_in_future = (wizard.run_date or today) > today

    def action_run(self):
        """Make the drafts of what is due, and show what came out.

        What is more than a chunk goes on in the background.

        :raises AccessError: unless the user is a billing administrator
        """
        return self._run()._show()

    def action_dry_run(self):
        """Show what would be billed, and bill nothing.

        :raises AccessError: unless the user is a billing administrator
        """
        return self._run(is_dry_run=True)._show()

    def _run(self, **values):
        """:return: the run, ended or in the background"""
        self.ensure_one()
        rights.check_may_bill(self.env)
        run = self._run_model()._run_now(self._date(), self._projects(), **values)
        return run.with_env(self.env)

    def _run_model(self):
        """Runs of the chosen companies, of those that are switched on."""
        companies = self.company_ids._origin & self.env.companies
        return self.env["psa.invoice.run"].with_context(
            allowed_company_ids=companies.ids or self.env.companies.ids
        )

    def _date(self) -> date | None:
        """None for today: that may be another day in another company."""
        today = self.env.company._billing_today()
        return self.run_date if self.run_date != today else None

    def _projects(self):
        """The chosen projects, and those of the chosen customers; None for all."""
        if not self.project_ids and not self.partner_ids:
            return None
        domain = Domain("billing_frequency_id", "!=", False) | Domain(
            "invoice_schedule_ids", "!=", False
        )
        if self.partner_ids:
            customers = self.partner_ids._origin.commercial_partner_id
            domain &= Domain("partner_id", "child_of", customers.ids)
        if self.project_ids:
            domain &= Domain("id", "in", self.project_ids._origin.ids)
        return self.env["project.project"].search(domain)
