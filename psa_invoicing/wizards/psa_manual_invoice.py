# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ..core.allocation import is_zero
from ..core.billing import (
    EXPENSE,
    MATERIAL,
    MILESTONE,
    ORDER_LINE,
    TIME,
    Request,
)
from ..models.psa_billing_selection import MODELS
from ..models.psa_invoice_detail import SOURCE_FIELDS, TRANSACTION_TYPES
from ..models.psa_transaction_mixin import BILLING_TYPES


class PsaManualInvoice(models.TransientModel):
    """Invoice by hand: settings, Next, a look at every transaction, Finish."""

    _name = "psa.manual.invoice"
    _description = "Manual Invoice"

    step = fields.Selection(
        [("settings", "Settings"), ("review", "Review")],
        default="settings",
        required=True,
        readonly=True,
    )
    project_ids = fields.Many2many(
        "project.project",
        required=True,
        # What was left on an archived project can still be billed.
        context={"active_test": False},
    )
    cutoff_date = fields.Date(
        string="Up To",
        required=True,
        default=lambda self: self._default_cutoff_date(),
        help="Cut-off date: transactions dated up to and including this day are "
        "billed.",
    )
    bill_time = fields.Boolean(string="Time", default=True)
    bill_expense = fields.Boolean(string="Expenses", default=True)
    bill_material = fields.Boolean(string="Material", default=True)
    bill_milestone = fields.Boolean(string="Milestones", default=True)
    bill_order_line = fields.Boolean(string="Order Lines", default=True)
    unit_ids = fields.Many2many(
        "hr.department",
        string="Units",
        help="Only transactions of these departments and those below them. Leave it "
        "empty for all.",
    )
    milestone_ids = fields.Many2many(
        "project.milestone",
        string="Only These Milestones",
        domain="[('project_id', 'in', project_ids), ('is_reached', '=', True)]",
        help="Leave it empty for all milestones that are reached.",
    )
    line_ids = fields.One2many("psa.manual.invoice.line", "wizard_id")
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_total", help="Of the ticked transactions."
    )
    total = fields.Monetary(
        string="Total, Untaxed",
        compute="_compute_total",
        help="Before taxes and rounding of the invoice lines.",
    )
    ticked = fields.Integer(string="Transactions Ticked", compute="_compute_total")
    has_credited = fields.Boolean(compute="_compute_has_credited")
    hold_warning = fields.Char(compute="_compute_hold_warning")
    credit_warning = fields.Char(compute="_compute_credit_warning")
    is_cutoff_in_future = fields.Boolean(compute="_compute_is_cutoff_in_future")

    def _default_cutoff_date(self):
        """The next cut-off date of the schedule, else the end of last month."""
        projects = self.env["project.project"].browse(
            self.env.context.get("default_project_ids")
        )
        row = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .search(
                [
                    ("project_id", "in", projects.ids),
                    ("state", "in", ("planned", "failed")),
                ],
                limit=1,
            )
        )
        if row:
            return row.cutoff_date
        return fields.Date.context_today(self).replace(day=1) - timedelta(days=1)

    @api.depends("line_ids.selected", "line_ids.amount")
    def _compute_total(self):
        for wizard in self:
            ticked = wizard.line_ids.filtered("selected")
            currencies = wizard.line_ids.currency_id
            wizard.ticked = len(ticked)
            # Amounts of different currencies have no sum.
            wizard.currency_id = currencies if len(currencies) == 1 else False
            wizard.total = sum(ticked.mapped("amount")) if wizard.currency_id else 0.0

    @api.depends("line_ids.remark")
    def _compute_has_credited(self):
        for wizard in self:
            wizard.has_credited = any(wizard.line_ids.mapped("remark"))

    @api.depends("project_ids.billing_hold", "project_ids.billing_hold_reason")
    def _compute_hold_warning(self):
        for wizard in self:
            held = wizard.project_ids.filtered("billing_hold")
            wizard.hold_warning = bool(held) and self.env._(
                "On hold: %(projects)s. You can bill by hand all the same.",
                projects=", ".join(
                    f"{project.name} ({project.billing_hold_reason})"
                    if project.billing_hold_reason
                    else project.name
                    for project in held
                ),
            )

    @api.depends("cutoff_date")
    def _compute_is_cutoff_in_future(self):
        for wizard in self:
            today = fields.Date.context_today(wizard)
            wizard.is_cutoff_in_future = (wizard.cutoff_date or today) > today

    @api.depends("line_ids.selected", "line_ids.amount")
    def _compute_credit_warning(self):
        for wizard in self:
            sums: dict = defaultdict(float)
            for line in wizard.line_ids.filtered("selected"):
                sums[line.project_id, line.currency_id] += line.amount
            due = [
                f"{project.name} {formatLang(self.env, -amount, currency_obj=currency)}"
                for (project, currency), amount in sums.items()
                if currency.compare_amounts(amount, 0) < 0
            ]
            wizard.credit_warning = bool(due) and self.env._(
                "Due to the customer: %(amounts)s. Finish makes a credit note of it.",
                amounts=", ".join(due),
            )

    def action_next(self):
        """Show the transactions that the settings select.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if a project cannot be billed, or a setting makes no sense
        """
        self.ensure_one()
        request = self._checked_request()
        # sudo: the administrator was just checked; he need not read timesheets.
        Billing = self.env["psa.billing"].sudo()
        found = Billing._select(request)
        credited = self._credited(found)
        lines = self.env["sale.order.line"].sudo()
        self.line_ids = [
            fields.Command.clear(),
            *(
                fields.Command.create(
                    {
                        SOURCE_FIELDS[item.source]: item.source_id,
                        "source": item.source,
                        "transaction_type": item.kind,
                        "billing_type": item.billing_type,
                        "project_id": item.project_id,
                        "sale_line_id": item.sale_line_id,
                        "date": item.date,
                        "employee_name": item.who,
                        "task_name": item.task,
                        "name": item.text,
                        "quantity": item.quantity,
                        "quantity_unrounded": item.quantity,
                        "amount": self._amount(lines.browse(item.sale_line_id), item),
                        "remark": "credited" if item.key in credited else False,
                    }
                )
                for item in found
            ),
        ]
        self.step = "review"
        return self._reopen()

    @api.model
    def _credited(self, found) -> set:
        """Transactions that a credit note has reopened: no invoice run bills them."""
        credited = set()
        for source, model in MODELS.items():
            ids = [item.source_id for item in found if item.source == source]
            # sudo: the administrator was just checked; he need not read timesheets.
            records = self.env[model].sudo().browse(ids)
            credited |= {
                (source, record.id)
                for record in records
                if not is_zero(record.credited_quantity)
            }
        return credited

    @api.model
    def _amount(self, line, item) -> float:
        """What a transaction is worth before taxes, in the order's currency."""
        if not item.is_chargeable:
            return 0.0
        price = line.price_unit * (1 - line.discount / 100)
        return line.currency_id.round(item.quantity * price)

    def action_back(self):
        """Change the settings."""
        self.ensure_one()
        self.step = "settings"
        return self._reopen()

    def action_finish(self):
        """Make draft invoices of the ticked transactions and show them.

        What is due to a customer becomes a draft credit note.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nothing is ticked, or somebody else billed it meanwhile
        """
        self.ensure_one()
        picks = frozenset(line._key for line in self.line_ids if line.selected)
        if not picks:
            raise UserError(self.env._("Tick at least one transaction."))
        everything = len(picks) == len(self.line_ids)
        request = self._checked_request(picks=None if everything else picks)
        # sudo: the administrator was just checked; he need not read timesheets.
        Billing = self.env["psa.billing"].sudo()
        selected = [item for item in Billing._select(request) if item.key in picks]
        shown = {line._key: line for line in self.line_ids if line.selected}
        if len(selected) != len(picks) or any(
            shown[item.key]._differs(item) for item in selected
        ):
            raise UserError(
                self.env._(
                    "Some of these transactions were billed or changed meanwhile. Go "
                    "back and press Next to see what is open now."
                )
            )
        moves = Billing._write(Billing._group(selected, with_credits=True), request)
        if not moves:
            raise UserError(
                self.env._(
                    "The ticked transactions add up to nothing that could be charged."
                )
            )
        return self._open(moves)

    def _checked_request(self, picks=None) -> Request:
        self.env["account.move"]._check_billing_manager()
        self.project_ids.check_access("read")
        if problems := self.project_ids._billing_problems():
            raise UserError("\n".join(problems.values()))
        types = [
            kind
            for kind, wanted in (
                (TIME, self.bill_time),
                (EXPENSE, self.bill_expense),
                (MATERIAL, self.bill_material),
                (MILESTONE, self.bill_milestone),
                (ORDER_LINE, self.bill_order_line),
            )
            if wanted
        ]
        if not types:
            raise UserError(self.env._("Choose what to bill: tick at least one type."))
        if unreached := self.milestone_ids.filtered(lambda each: not each.is_reached):
            raise UserError(
                self.env._(
                    "Not reached yet: %(milestones)s. Mark a milestone as reached "
                    "before you bill it.",
                    milestones=", ".join(unreached.mapped("name")),
                )
            )
        return Request(
            project_ids=tuple(self.project_ids.ids),
            cutoff_date=self.cutoff_date,
            types=tuple(types),
            unit_ids=tuple(self.unit_ids.ids),
            milestone_ids=tuple(self.milestone_ids.ids),
            picks=picks,
            credited=True,
        )

    def _open(self, moves) -> dict:
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.account_move_action"
        )
        if len(moves) == 1:
            form = self.env.ref("account.view_move_form").id
            return {**action, "views": [(form, "form")], "res_id": moves.id}
        return {
            **action,
            "domain": [("id", "in", moves.ids)],
            "context": {"create": False},
        }

    def _reopen(self) -> dict:
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "psa_invoicing.psa_manual_invoice_action"
        )
        if self.step == "review":
            # A row has a dozen columns.
            action["context"] = {"dialog_size": "extra-large"}
        return {**action, "res_id": self.id}


class PsaManualInvoiceLine(models.TransientModel):
    """A transaction in the wizard, to be ticked or not."""

    _name = "psa.manual.invoice.line"
    _description = "Manual Invoice Transaction"
    _order = "id"

    wizard_id = fields.Many2one("psa.manual.invoice", required=True, ondelete="cascade")
    selected = fields.Boolean(string="Ticked", default=True)
    transaction_type = fields.Selection(
        TRANSACTION_TYPES,
        string="Type",
        required=True,
        readonly=True,
    )
    source = fields.Char(required=True, readonly=True)
    billing_type = fields.Selection(BILLING_TYPES, readonly=True)
    analytic_line_id = fields.Many2one("account.analytic.line", readonly=True)
    cost_id = fields.Many2one("psa.reinvoiced.cost", readonly=True)
    milestone_id = fields.Many2one("project.milestone", readonly=True)
    project_id = fields.Many2one("project.project", readonly=True)
    sale_line_id = fields.Many2one(
        "sale.order.line", string="Contract Line", readonly=True
    )
    product_id = fields.Many2one(related="sale_line_id.product_id")
    date = fields.Date(readonly=True)
    employee_name = fields.Char(string="Who", readonly=True)
    task_name = fields.Char(string="Task", readonly=True)
    name = fields.Char(string="Description", readonly=True)
    quantity_unrounded = fields.Float(readonly=True)
    quantity = fields.Float(digits="Product Unit", readonly=True)
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    amount = fields.Monetary(readonly=True)
    currency_id = fields.Many2one(related="sale_line_id.currency_id")
    remark = fields.Selection(
        [("credited", "Credited")],
        readonly=True,
        help="Credited: it was on an invoice that was credited. Invoice runs leave it "
        "out.",
    )

    def _differs(self, item) -> bool:
        """Whether a transaction is no longer what a person saw and ticked."""
        return item.sale_line_id != self.sale_line_id.id or not is_zero(
            item.quantity - self.quantity_unrounded
        )

    @property
    def _key(self):
        return (self.source, self[SOURCE_FIELDS[self.source]].id)
