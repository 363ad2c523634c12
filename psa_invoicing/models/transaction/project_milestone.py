# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ...core.allocation import is_zero
from ...core.kinds import MILESTONE
from ...tools import rules
from ..shared import rights

# What stays as it is once a milestone is billed.
LOCKED_FIELDS = {"is_reached", "project_id", "reached_date", "sale_line_id"}


class ProjectMilestone(models.Model):
    _name = "project.milestone"
    _inherit = ["project.milestone", "psa.transaction.mixin"]

    _billing_source = MILESTONE
    _billing_detail_field = "milestone_id"
    _billing_columns = {
        "sale_line_id": "sale_line_id",
        "project_id": "project_id",
        "date": "reached_date",
        "text": "name",
    }

    reached_date = fields.Date(
        readonly=False,
        copy=False,
        help="The day that counts for the cut-off date of an invoice.",
    )
    billable_quantity = fields.Float(store=True)
    billing_currency_id = fields.Many2one(
        "res.currency", compute="_compute_billing_amount", groups=rights.FIGURE_GROUPS
    )
    billing_amount = fields.Monetary(
        string="Amount",
        compute="_compute_billing_amount",
        currency_field="billing_currency_id",
        groups=rights.FIGURE_GROUPS,
        help="Its share in the contract line, untaxed.",
    )

    _psa_open_index = models.Index(
        f"(project_id, reached_date) WHERE ABS({rules.OPEN}) > 0.000001"
    )

    @api.depends("is_reached")
    def _compute_reached_date(self):
        """Today, where the project is billed, if nobody gave another day: a milestone
        may be ticked late."""
        # Odoo is asked once for each company, and returns nothing.
        # pylint: disable=missing-return
        dated = self.filtered(lambda milestone: milestone.is_reached).filtered(
            "reached_date"
        )
        by_company = (self - dated).grouped(
            lambda milestone: (
                milestone.project_id._billing_company()
                if milestone.project_id
                else self.env.company
            )
        )
        for company, milestones in by_company.items():
            there = milestones.with_context(tz=company._billing_zone())
            super(ProjectMilestone, there)._compute_reached_date()

    @api.depends(
        "is_reached",
        "quantity_percentage",
        "sale_line_id.product_uom_qty",
        "sale_line_id.qty_delivered_method",
    )
    def _compute_billable_quantity(self):
        for milestone in self:
            line = milestone.sale_line_id.sudo()
            billed_by_milestones = (
                milestone.is_reached
                and line.qty_delivered_method == "milestones"
                and line.product_id.invoice_policy == "delivery"
            )
            milestone.billable_quantity = (
                milestone.quantity_percentage * line.product_uom_qty
                if billed_by_milestones
                else 0.0
            )

    @api.depends("quantity_percentage", "sale_line_id.price_subtotal")
    @api.depends_context("uid")
    def _compute_billing_amount(self):
        seen = rights.projects_with_figures(self.project_id)
        for milestone in self:
            # sudo: it was just checked who may see amounts; he need not see the order.
            line = milestone.sudo().sale_line_id
            milestone.billing_currency_id = line.currency_id
            milestone.billing_amount = (
                milestone.quantity_percentage * line.price_subtotal
                if milestone.project_id in seen
                else 0.0
            )

    def _billing_domain(self, request, with_held=False):
        domain = super()._billing_domain(request, with_held) & Domain(
            [
                ("is_reached", "=", True),
                ("sale_line_id.qty_delivered_method", "=", "milestones"),
                ("sale_line_id.product_id.invoice_policy", "=", "delivery"),
            ]
        )
        if request.milestone_ids:
            domain &= Domain("id", "in", request.milestone_ids)
        return domain

    @api.constrains("is_reached", "reached_date")
    def _check_billing_reached_date(self):
        for milestone in self:
            if milestone.is_reached and not milestone.reached_date:
                raise ValidationError(
                    self.env._(
                        "Enter the day on which the milestone “%(milestone)s” was "
                        "reached: it decides on which invoice it is billed.",
                        milestone=milestone.name,
                    )
                )

    def _psa_check_change(self, vals):
        """What was billed stays reached, and where it is.

        Who may not write a milestone hears nothing of its invoices.
        """
        self.check_access("write")
        self.filtered(
            lambda milestone: milestone._psa_changed(LOCKED_FIELDS, vals)
        )._psa_check_not_billed()

    def _psa_follow_change(self, vals):
        """What is on a draft asks for Recalculate."""
        if set(vals) & {
            "is_reached",
            "name",
            "product_uom_qty",
            "quantity_percentage",
            "reached_date",
            "sale_line_id",
        }:
            self.filtered("billed_quantity")._psa_flag_drafts()
            self._psa_follow_write_offs()
            self._psa_refresh_held()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billing_details(self):
        self._psa_check_not_billed()
        self.filtered("billed_quantity")._psa_flag_drafts()

    def _psa_check_not_billed(self):
        # sudo: whoever manages milestones need not see the invoices.
        billed = self.sudo().filtered(
            lambda each: not is_zero(each.billed_quantity - each.billing_draft_quantity)
        )
        details = (
            self.env["psa.invoice.detail"]
            .sudo()
            .search(
                [
                    ("milestone_id", "in", billed.ids),
                    ("move_id.state", "=", "posted"),
                    ("origin_detail_id", "=", False),
                ],
                order="id desc",
                limit=1,
            )
        )
        if details:
            raise UserError(
                self.env._(
                    "The milestone “%(milestone)s” was billed with %(invoice)s and "
                    "stays as it is. To take it back, credit that invoice first.",
                    milestone=details.milestone_id.name,
                    invoice=details.move_id.display_name,
                )
            )
