# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..core.billing import TYPES, Request, Transaction
from .psa_billing_selection import MODELS


def of_other_companies(orders, env):
    """Orders of companies that a user has not switched on; none for the system."""
    if env.su:
        return orders.browse()
    return orders.filtered(lambda order: order.company_id not in env.companies)


class ProjectProject(models.Model):
    _inherit = "project.project"

    billing_hold = fields.Boolean(
        string="On Hold",
        copy=False,
        tracking=True,
        help="Invoice runs leave the project out; it can still be invoiced by hand.",
    )
    billing_hold_reason = fields.Char(copy=False, tracking=True)
    unit_id = fields.Many2one(
        "hr.department",
        help="Organisational unit of transactions that have none of their own.",
    )
    billing_layout = fields.Selection(
        [
            ("order_line", "Contract Line"),
            ("employee", "Employee"),
            ("task", "Task"),
            ("entry", "Entry"),
        ],
        string="One Invoice Line Per",
        required=True,
        default="order_line",
        tracking=True,
        help="What has an invoice line of its own. Drafts that exist keep theirs.",
    )
    billing_consolidate = fields.Boolean(
        string="Consolidate Invoices",
        help="Projects of the same customer and terms that say so, too, share an "
        "invoice when they are billed together: a section with a subtotal for each.",
    )
    billing_user_id = fields.Many2one(
        "res.users",
        string="Billing Responsible",
        domain="[('share', '=', False)]",
        tracking=True,
        ondelete="set null",
        help="Reviews the project's invoices where the company wants that. If it is "
        "empty, the project manager does.",
    )
    billing_copy_to_ids = fields.Many2many(
        "res.partner",
        "psa_project_copy_to_rel",
        "project_id",
        "partner_id",
        string="Copy Invoices To",
        help="They get the invoices by e-mail beside the customer's invoice address.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        projects = super().create(vals_list)
        if any(vals.get("sale_line_id") for vals in vals_list):
            projects._psa_adopt_contract_lines()
        return projects

    def write(self, vals):
        result = super().write(vals)
        if vals.get("sale_line_id"):
            self._psa_adopt_contract_lines()
        return result

    def _psa_adopt_contract_lines(self):
        """Order lines of no other project are billed with the one that works on one of
        them; so is what Odoo has invoiced of them before."""
        # sudo: whoever sets the order of a project need not see it.
        lines = self.sudo().sale_line_id.order_id.order_line
        orphans = lines.filtered(lambda line: not line.billing_project_id)
        orphans.modified(["project_id"])
        if invoiced := orphans.filtered("invoice_lines"):
            self.env["psa.billing"].sudo()._take_over_history(invoiced)

    # === Contract lines ===

    def _update_timesheets_sale_line_id(self):
        """Odoo writes the contract lines of employees on all entries that are not
        billed; of a line with several rates each keeps that of its day."""
        result = super()._update_timesheets_sale_line_id()
        self.timesheet_ids._psa_follow_rates()
        return result

    # === Billing ===

    def _psa_invoice(
        self,
        cutoff_date: date,
        types: list[str] | None = None,
        units=None,
        milestones=None,
    ):
        """Make draft invoices of these projects. Nothing is committed.

        Rights are the caller's to check.

        :param cutoff_date: bill transactions dated up to and including this day
        :param types: ``time``, ``expense``, ``material``, ``milestone``,
            ``order_line`` (default: all)
        :param units: ``hr.department`` records (default: all), with those below them
        :param milestones: ``project.milestone`` records (default: all reached ones)
        :return: draft invoices, none if there is nothing to bill
        :raises UserError: if one of the projects cannot be billed at all
        """
        return self._psa_bill(
            Request(
                project_ids=tuple(self.ids),
                cutoff_date=cutoff_date,
                types=tuple(types or TYPES),
                unit_ids=tuple(units.ids) if units else (),
                milestone_ids=tuple(milestones.ids) if milestones else (),
            )
        )

    def _psa_bill(self, request: Request):
        if problems := self._billing_problems():
            raise UserError("\n".join(problems.values()))
        # sudo: billing reads timesheets and orders, which the biller need not see.
        return self.env["psa.billing"].sudo()._make_drafts(request)

    def _psa_contracts(self):
        """Confirmed orders of these projects."""
        orders = self.env["sale.order"].sudo().union(*self._psa_orders().values())
        return orders.filtered(lambda order: order.state == "sale")

    def _get_profitability_sale_order_items_domain(self, domain=None):
        """What is on hold is revenue still to come, though not to be invoiced now."""
        found = super()._get_profitability_sale_order_items_domain(domain)
        on_hold = Domain(
            [
                ("product_id", "!=", False),
                ("is_expense", "=", False),
                ("state", "=", "sale"),
                ("billing_excluded_quantity", ">", 0),
                ("untaxed_amount_to_invoice", ">", 0),
            ]
        )
        return found | (on_hold & Domain(domain or Domain.TRUE))

    def _psa_order_for_costs(self):
        """The confirmed order on which expenses and bills of a project are re-invoiced.

        The one that somebody chose; else that of its contract line; else the oldest.
        """
        self.ensure_one()
        # sudo: whoever posts a bill need not see the orders.
        project = self.sudo()
        chosen = project.reinvoiced_sale_order_id | project.sale_line_id.order_id
        chosen = chosen.filtered(lambda order: order.state == "sale")
        return chosen[:1] or project.env["sale.order"].search(
            [("project_id", "=", project.id), ("state", "=", "sale")],
            order="create_date, id",
            limit=1,
        )

    def _psa_orders(self) -> dict:
        """Orders by project, in whatever state: those whose lines its work is sold on,
        and those that were written for it."""
        # sudo: whoever bills a project need not see its orders; what is archived may
        # have work left to bill.
        projects = self.sudo().with_context(active_test=False)
        Order = projects.env["sale.order"]
        found = defaultdict(lambda: Order)
        lines = projects._fetch_sale_order_items_per_project_id()
        # Read together, rather than those of each project on their own.
        projects.env["sale.order.line"].union(*lines.values()).fetch(["order_id"])
        for project in projects:
            if project.id in lines:
                found[project] |= lines[project.id].order_id
        for order in Order.search(
            [("project_id", "in", self.ids), ("state", "!=", "cancel")]
        ):
            found[order.project_id] |= order
        return found

    def action_archive(self):
        """Ask what becomes of open transactions, as soon as a project is archived.

        Archived it is all the same: other code archives projects with this method, too,
        and closing the dialog keeps what is open in the lists of transactions.
        """
        archived = self.filtered("active")
        result = super().action_archive()
        with_backlog = {item.project_id for item in archived._psa_open_transactions()}
        if result or not with_backlog:
            return result
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_project_backlog_action"
        )
        return {**action, "context": {"default_project_ids": sorted(with_backlog)}}

    def _psa_open_transactions(self) -> list[Transaction]:
        """Open transactions of these projects in the user's companies, of any date,
        those on hold too."""
        if not self:
            return []
        request = Request(project_ids=tuple(self.ids), cutoff_date=None, credited=True)
        # sudo: the caller shows no more than the user may see.
        Billing = self.env["psa.billing"].sudo()
        lines = Billing.env["sale.order.line"]
        return [
            item
            for source in MODELS
            for item in Billing._select_source(source, request, {}, with_held=True)
            if lines.browse(item.sale_line_id).company_id in self.env.companies
        ]

    def _billing_problems(self) -> dict:
        """Why projects cannot be billed at all, in words that say what to do.

        :return: a message by project; those without a problem are not in it
        """
        orders = self._psa_orders()
        self.env["sale.order"].sudo().union(*orders.values()).fetch(
            ["company_id", "state"]
        )
        journals = self._psa_companies_with_journal()
        problems = {}
        # sudo: the names of customer and order, for whoever may bill the project.
        for project in self.sudo():
            problem = project._billing_problem(
                orders[project], self.env
            ) or project._psa_journal_problem(orders[project].company_id - journals)
            if problem:
                problems[project] = problem
        return problems

    @api.model
    def _psa_companies_with_journal(self):
        """Companies that have a sales journal, or whose parent has one."""
        # sudo: whoever bills a project need not see the journals.
        groups = (
            self.env["account.journal"]
            .sudo()
            ._read_group([("type", "=", "sale")], ["company_id"])
        )
        companies = self.env["res.company"].sudo().union(*(own for (own,) in groups))
        return companies.search([("id", "child_of", companies.ids)])

    def _psa_journal_problem(self, companies) -> str:
        """:param companies: of its orders, that have no sales journal"""
        if not companies:
            return ""
        return self.env._(
            "%(companies)s has no sales journal to invoice the project “%(project)s” "
            "with. Create one under Invoicing > Configuration > Journals.",
            companies=", ".join(companies.mapped("name")),
            project=self.display_name,
        )

    def _billing_problem(self, orders, env) -> str:
        name = self.display_name
        if self.is_template:
            return self.env._(
                "“%(project)s” is a template. Create a project from it to invoice it.",
                project=name,
            )
        if not self.allow_billable:
            return self.env._(
                "The project “%(project)s” is not billable. Tick Billable in its "
                "settings to invoice it.",
                project=name,
            )
        if not self.partner_id:
            return self.env._(
                "The project “%(project)s” has no customer. Choose one on the project.",
                project=name,
            )
        if not orders:
            return self.env._(
                "The project “%(project)s” has no sales order. Choose a sales order "
                "item on the project or its tasks.",
                project=name,
            )
        if foreign := of_other_companies(orders, env):
            return self.env._(
                "The sales order %(orders)s of the project “%(project)s” belongs to "
                "%(company)s. Switch that company on to bill it.",
                orders=", ".join(foreign.mapped("name")),
                project=name,
                company=", ".join(foreign.company_id.mapped("name")),
            )
        if not any(order.state == "sale" for order in orders):
            return self.env._(
                "The sales order %(orders)s of the project “%(project)s” is not "
                "confirmed. Confirm it first.",
                orders=", ".join(orders.mapped("name")),
                project=name,
            )
        return ""

    def action_manual_invoice(self):
        """Open the wizard that invoices these projects by hand.

        :raises AccessError: unless the user is a billing administrator
        """
        return self.env["psa.manual.invoice"]._action_on(self)
