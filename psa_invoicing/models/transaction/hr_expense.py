# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ...core.kinds import BILLING_STATUSES

# What comes first, when an expense is shared by several projects.
PRECEDENCE = ("credited", "hold", "draft", "ready", "invoiced", "written_off", "none")


class HrExpense(models.Model):
    """Whoever has claimed an expense sees what became of it at the customer."""

    _inherit = "hr.expense"

    # compute_sudo: whoever may read the expense sees its status, and no amounts; he
    # need not read the journal entry and the ledger.
    billing_status = fields.Selection(
        BILLING_STATUSES,
        compute="_compute_billing_status",
        compute_sudo=True,
        help="Whether the customer is invoiced for this expense; empty until it is "
        "posted. Of several projects that share it, what comes first: credited, on "
        "hold, on a draft, ready, invoiced, written off.",
    )
    billing_hold_reason = fields.Char(
        string="Hold Reason", compute="_compute_billing_status", compute_sudo=True
    )

    @api.depends("account_move_id.state")
    def _compute_billing_status(self):
        costs = self.env["psa.reinvoiced.cost"].search(
            [("source_move_line_id.expense_id", "in", self.ids)]
        )
        by_expense = costs.grouped(lambda cost: cost.source_move_line_id.expense_id)
        for expense in self:
            if expense.account_move_id.state != "posted":
                expense.billing_status = expense.billing_hold_reason = False
                continue
            own = by_expense.get(expense._origin, costs.browse())
            expense.billing_status = min(
                own.mapped("billing_status"), key=PRECEDENCE.index, default="none"
            )
            held = own.filtered(lambda cost: cost.billing_status == "hold")
            reasons = set(filter(None, held.mapped("billing_hold_reason")))
            expense.billing_hold_reason = ", ".join(sorted(reasons)) or False

    def _sale_expense_reset_sol_quantities(self):
        """A reversal takes back once it is posted: until then, the order line has what
        its analytic items say."""
        # sudo: whoever reverses an expense need not see the order.
        lines = self.sudo().sale_order_line_id.filtered("billing_project_id")
        result = super()._sale_expense_reset_sol_quantities()
        self.env.add_to_compute(lines._fields["qty_delivered"], lines)
        return result
