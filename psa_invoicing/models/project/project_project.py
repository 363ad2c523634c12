# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.fields import Domain

from ..shared import actions


class ProjectProject(models.Model):
    _name = "project.project"
    _inherit = ["project.project", "psa.guard", "psa.internal"]

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
        help="Reviews the project's invoices where the company wants that. If it is "
        "empty, the project manager does.",
    )
    billing_copy_to_ids = fields.Many2many(
        "res.partner",
        "psa_project_copy_to_rel",
        "project_id",
        "partner_id",
        string="Copy Invoices To",
        tracking=True,
        help="They get the invoices by e-mail beside the customer's invoice address.",
    )

    # === Contract lines ===

    def _update_timesheets_sale_line_id(self):
        """Odoo writes the contract lines of employees on all entries that are not
        billed; of a line with several rates each keeps that of its day."""
        result = super()._update_timesheets_sale_line_id()
        self.timesheet_ids._psa_follow_rates()
        return result

    # === Billing ===

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
        context = {"default_project_ids": sorted(with_backlog)}
        return actions.named(self.env, "psa_project_backlog_action", context=context)

    def action_manual_invoice(self):
        """Open the wizard that invoices these projects by hand.

        :raises AccessError: unless the user is a billing administrator
        """
        return actions.invoice_by_hand(self)
