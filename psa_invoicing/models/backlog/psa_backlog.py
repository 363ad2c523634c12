# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The backlog: what is open on all projects, whatever its kind, in one list."""

from odoo import api, fields, models

from ...core import obstacles
from ...core.kinds import (
    BILLING_TYPES,
    COST,
    MILESTONE,
    MODELS,
    ORDER_LINE,
    TIME,
    TRANSACTION_TYPES,
)

AGE_BANDS = [("0", "0-30 Days"), ("30", "31-60 Days"), ("60", "Older")]

# What every transaction says of its billing.
BILLED_FIELDS = (
    "billed_quantity",
    "billing_credited_quantity",
    "billing_draft_quantity",
    "billing_hold",
    "billing_hold_reason",
    "billing_type",
    "billing_written_off_quantity",
)
# What a time entry says of itself, besides.
TIME_FIELDS = (
    *BILLED_FIELDS,
    "company_id",
    "date",
    "department_id",
    "employee_id",
    "name",
    "product_uom_id",
    "project_id",
    "so_line",
    "task_id",
    "timesheet_invoice_type",
    "unit_amount",
)


class PsaBacklog(models.Model):
    """What is neither invoiced nor written off, one row for each open transaction.

    Nothing is stored: a row is read from where its transaction is kept, at the moment
    somebody looks. Ready is what an invoice run bills up to today; what a credit note
    has reopened is a row of its own, also where more is open on the same transaction.

    A million rows page as quickly as a thousand because each branch of the union reads
    one table and has no condition: PostgreSQL then carries the conditions, the order
    and the limit of the whole into the branches, and reads no more rows of the index
    over what is open than it shows.
    """

    _name = "psa.backlog"
    _inherit = "psa.exported"
    _description = "Backlog"
    _auto = False
    _order = "date, id"
    _rec_name = "name"
    _depends = {
        "account.analytic.line": [*TIME_FIELDS],
        "psa.reinvoiced.cost": [*BILLED_FIELDS, "billable_quantity"],
        "project.milestone": [
            *BILLED_FIELDS,
            "billable_quantity",
            "is_reached",
            "name",
            "project_id",
            "reached_date",
            "sale_line_id",
        ],
        "sale.order.line": [
            *BILLED_FIELDS,
            "billable_quantity",
            "billing_date",
            "billing_project_id",
            "company_id",
            "discount",
            "name",
            "order_id",
            "price_unit",
            "product_id",
            "product_uom_id",
            "qty_delivered_method",
            "state",
        ],
        "sale.order": ["currency_id", "currency_rate", "partner_id"],
        "project.project": [
            "allow_billable",
            "billing_hold",
            "billing_hold_reason",
            "billing_start_date",
            "is_template",
            "partner_id",
            "unit_id",
        ],
        "product.template": ["invoice_policy", "service_type", "type"],
        "hr.employee": ["name"],
        "uom.uom": ["factor"],
    }

    _billing_columns = {"text": "name", "uom_id": "uom_id"}
    """As of transactions, for the dialogs that decide about them."""

    source = fields.Selection(
        [
            (TIME, "Time Entry"),
            (COST, "Bill or Expense"),
            (MILESTONE, "Milestone"),
            (ORDER_LINE, "Order Line"),
        ],
        string="Kept As",
        readonly=True,
    )
    source_id = fields.Many2oneReference(
        string="Transaction",
        model_field="source_model",
        readonly=True,
        aggregator=None,
        exportable=False,
    )
    source_model = fields.Char(compute="_compute_source_model", exportable=False)
    company_id = fields.Many2one("res.company", readonly=True)
    contract_company_id = fields.Many2one(
        "res.company", string="Company of the Contract", readonly=True, exportable=False
    )
    own_company_id = fields.Many2one(
        "res.company",
        string="Company without a Contract",
        readonly=True,
        exportable=False,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        readonly=True,
        help="Of the order; without an order, of the project.",
    )
    project_id = fields.Many2one("project.project", readonly=True)
    unit_id = fields.Many2one(
        "hr.department",
        readonly=True,
        help="The department of the transaction, else that of its project.",
    )
    order_id = fields.Many2one("sale.order", string="Contract", readonly=True)
    sale_line_id = fields.Many2one(
        "sale.order.line", string="Contract Line", readonly=True
    )
    task_id = fields.Many2one("project.task", readonly=True)
    transaction_type = fields.Selection(TRANSACTION_TYPES, string="Type", readonly=True)
    date = fields.Date(readonly=True)
    age = fields.Integer(
        string="Age (Days)", readonly=True, aggregator=None, help="Days since its date."
    )
    age_band = fields.Selection(AGE_BANDS, string="Age", readonly=True)
    employee_id = fields.Many2one("hr.employee", readonly=True)
    who = fields.Char(readonly=True, help="The employee, or the vendor.")
    name = fields.Char(string="Description", readonly=True)
    open_quantity = fields.Float(
        digits="Product Unit",
        readonly=True,
        aggregator=None,
        help="In the unit of the contract line.",
    )
    uom_id = fields.Many2one("uom.uom", string="Unit of Measure", readonly=True)
    own_quantity = fields.Float(
        readonly=True,
        aggregator=None,
        exportable=False,
        help="What is open in the transaction's own unit: hours for time.",
    )
    price_unit = fields.Float(
        string="Unit Price",
        digits="Product Price",
        readonly=True,
        aggregator=None,
        help="Of the contract line, less its discount.",
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(
        readonly=True,
        help="Open quantity at the price of the contract line, untaxed, in the "
        "currency of the order. What is offered is worth nothing.",
    )
    company_currency_id = fields.Many2one("res.currency", readonly=True)
    company_amount = fields.Monetary(
        string="Amount in Company Currency",
        currency_field="company_currency_id",
        readonly=True,
        help="At today's rate.",
    )
    billing_type = fields.Selection(BILLING_TYPES, readonly=True)
    status = fields.Selection(
        [("ready", "Ready"), *obstacles.OF_TRANSACTION, *obstacles.OF_PROJECT],
        readonly=True,
        help="Ready: an invoice run up to today bills it. Else the first that keeps it "
        "from that.",
    )
    hold_reason = fields.Char(readonly=True)
    # An export reads projects, orders and tasks with the rights of the user, who need
    # not see those: names, for whoever sees a row.
    project_name = fields.Char(related="project_id.display_name", string="Project Name")
    order_name = fields.Char(related="order_id.name", string="Order")
    contract_line_name = fields.Text(
        related="sale_line_id.name", string="Contract Line Description"
    )
    task_name = fields.Char(related="task_id.name", string="Task Name")

    @api.depends("source")
    def _compute_source_model(self):
        for row in self:
            row.source_model = MODELS.get(row.source)
