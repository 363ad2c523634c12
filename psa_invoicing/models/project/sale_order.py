# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict

from odoo import api, fields, models

from ...core.kinds import TRANSACTION_MODELS
from ..shared import actions, rights


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "psa.internal"]

    psa_has_time_rates = fields.Boolean(
        string="Has Time Rates", compute="_compute_psa_has_time_rates"
    )

    psa_has_billed_project = fields.Boolean(
        string="Has Billed Project", compute="_compute_psa_has_billed_project"
    )

    billing_ready_amount = fields.Monetary(
        string="Ready to Invoice",
        compute="_compute_billing_ready_amount",
        groups=rights.BILLING_MANAGER,
        help="Work on this order that the backlog shows as ready, of any project, "
        "untaxed.",
    )
    billing_invoice_count = fields.Integer(
        string="Project Invoices", compute="_compute_billing_invoice_count"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_billing_ready_amount(self):
        groups = self.env["psa.backlog"]._read_group(
            [("order_id", "in", self.ids), ("status", "=", "ready")],
            ["order_id"],
            ["amount:sum"],
        )
        amounts = {order.id: amount for order, amount in groups}
        for order in self:
            order.billing_ready_amount = amounts.get(order._origin.id, 0.0)

    @api.depends("order_line.invoice_lines")
    def _compute_billing_invoice_count(self):
        moves = self._psa_project_invoices()
        for order in self:
            order.billing_invoice_count = len(moves.get(order._origin.id, ()))

    def _psa_project_invoices(self) -> dict[int, set[int]]:
        """Ids of project invoices and credit notes with work on these orders."""
        found: dict[int, set[int]] = defaultdict(set)
        # sudo: their number is shown to whoever sees the order.
        Detail = self.env["psa.invoice.detail"].sudo()
        domain = [
            ("sale_line_id.order_id", "in", self.ids),
            ("move_id.is_project_invoice", "=", True),
        ]
        groups = Detail._read_group(domain, ["sale_line_id", "move_id"])
        for line, move in groups:
            found[line.order_id.id].add(move.id)
        return found

    def action_psa_view_invoices(self):
        """Those project invoices and credit notes with work on these orders that the
        user may read."""
        self.check_access("read")
        ids = set().union(*self._psa_project_invoices().values())
        moves = self.env["account.move"].browse(sorted(ids))._filtered_access("read")
        return actions.list_invoices(self.env, [("id", "in", moves.ids)])

    def action_psa_view_backlog(self):
        """What is open on these orders.

        :raises AccessError: unless the user is a billing administrator
        """
        self.check_access("read")
        return actions.open_backlog(self.env, [("order_id", "in", self.ids)])

    @api.depends("order_line.billing_project_id", "project_ids")
    def _compute_psa_has_billed_project(self):
        for order in self:
            order.psa_has_billed_project = bool(
                # sudo: who sells need not see the projects.
                order.sudo().order_line.billing_project_id or order.sudo().project_ids
            )

    @api.depends("order_line.product_id", "state")
    def _compute_psa_has_time_rates(self):
        for order in self:
            order.psa_has_time_rates = bool(order._psa_lines_with_rates())

    def _psa_lines_with_rates(self):
        """Lines on which time is billed; of one with several rates the first."""
        return self.order_line.filtered(
            lambda line: (
                line.state == "sale"
                and line.product_id
                and line.product_id._is_delivered_timesheet()
                and not line.billing_rate_origin_line_id
            )
        )

    def _create_invoices(self, grouped=False, final=False, date=None):
        """What contract terms leave out is counted now; what Odoo's wizard put in the
        place of a stored figure is computed again."""
        if self.order_line._billing_has_terms():
            self.order_line._psa_refresh_excluded_quantity()
        moves = super()._create_invoices(grouped=grouped, final=final, date=date)
        context = self.env.context
        if context.get("timesheet_start_date") or context.get("timesheet_end_date"):
            # What depends on the quantity to invoice, the status too, is computed anew.
            self.order_line.modified(["billing_excluded_quantity"])
        return moves

    def action_manual_invoice(self):
        """Open the wizard that invoices what was done for these orders by hand.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nobody works on them in a project
        """
        rights.check_may_bill(self.env)
        return actions.invoice_by_hand(self._psa_billed_projects(), order_ids=self.ids)

    def _psa_billed_projects(self):
        """Projects in which something is done or sold on these orders."""
        # sudo: who bills need not read orders and timesheets.
        lines = self.sudo().order_line
        projects = lines.billing_project_id
        for name in TRANSACTION_MODELS:
            model = lines.env[name]
            columns = model._billing_columns
            groups = model._read_group(
                [(columns["sale_line_id"], "in", lines.ids)], [columns["project_id"]]
            )
            projects = projects.union(*(project for (project,) in groups))
        return projects.with_env(self.env)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billing_details(self):
        # Odoo deletes the lines with it, and asks nobody.
        self.order_line._psa_check_deletable()
