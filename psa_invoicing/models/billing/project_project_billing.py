# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Billing projects: drafts of what is open on them."""

from datetime import date

from odoo import models
from odoo.exceptions import UserError

from ...core.billing import Request, Transaction
from ...core.kinds import MODELS, TYPES
from .selection import Selection


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

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
        """Make the drafts of a request. Nothing is committed, and no rights are asked.

        :raises UserError: if one of these projects cannot be billed at all
        """
        if problems := self._billing_problems():
            raise UserError("\n".join(problems.values()))
        # sudo: billing reads timesheets and orders, which the biller need not see.
        return self.env["psa.billing"].sudo().bill(request)

    def _psa_open_transactions(self) -> list[Transaction]:
        """Open transactions of these projects in the user's companies, of any date,
        those on hold too."""
        if not self:
            return []
        request = Request(project_ids=tuple(self.ids), cutoff_date=None, credited=True)
        # sudo: the caller shows no more than the user may see.
        selection = Selection(self.sudo().env)
        lines = selection.env["sale.order.line"]
        return [
            item
            for source in MODELS
            for item in selection.of_source(source, request, with_held=True)
            if lines.browse(item.sale_line_id).company_id in self.env.companies
        ]

    def _psa_adopt_contract_lines(self):
        """Order lines of no other project are billed with the one that works on one of
        them; so is what Odoo has invoiced of them before."""
        # sudo: whoever sets the order of a project need not see it.
        lines = self.sudo().sale_line_id.order_id.order_line
        orphans = lines.filtered(lambda line: not line.billing_project_id)
        orphans.modified(["project_id"])
        if invoiced := orphans.filtered("invoice_lines"):
            self.env["psa.billing"].sudo().take_over_history(invoiced)
