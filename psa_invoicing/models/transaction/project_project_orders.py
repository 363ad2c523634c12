# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The orders of a project, and why it cannot be billed."""

from collections import defaultdict
from datetime import date

from odoo import models


def of_other_companies(orders, env):
    """Orders of companies that a user has not switched on; none for the system."""
    if env.su:
        return orders.browse()
    return orders.filtered(lambda order: order.company_id not in env.companies)


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

    # === Orders ===

    def _psa_contracts(self):
        """Confirmed orders of these projects."""
        orders = self.env["sale.order"].sudo().union(*self._psa_orders().values())
        return orders.filtered(lambda order: order.state == "sale")

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

    # === Whether it can be billed ===

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

    # === The company that bills ===

    def _billing_company(self):
        """The company that bills a project: its own, else that of its order."""
        self.ensure_one()
        # sudo: whoever bills a project need not see its order.
        project = self.sudo()
        company = project.company_id or project.sale_line_id.company_id
        return company.sudo(self.env.su) or self.env.company

    def _billing_today(self) -> date:
        """Today where these projects are billed; of several companies, the first day.

        Of no project, where the user's company works.
        """
        if len(self) > 1:
            self._psa_fetch_companies()
        companies = {project._billing_company() for project in self}
        return min(
            company._billing_today() for company in companies or {self.env.company}
        )

    def _psa_fetch_companies(self):
        """Read what :meth:`_billing_company` needs, and no more: there may be ten
        thousand projects, and all of their fields and contract lines fill memory."""
        # sudo: as there
        projects = self.sudo()
        projects.fetch(["company_id", "sale_line_id"])
        projects.sale_line_id.fetch(["company_id"])
