# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, float_compare, format_date

from ..core.allocation import is_zero
from ..core.billing import CHARGEABLE, Key, Transaction
from ..models.psa_invoice_detail import SOURCE_FIELDS, TRANSACTION_TYPES
from ..models.psa_transaction_mixin import BILLING_TYPES


class PsaManualInvoiceLine(models.TransientModel):
    """A transaction in the wizard, to be ticked or not, and billed in part."""

    _name = "psa.manual.invoice.line"
    _description = "Manual Invoice Transaction"
    _order = "id"

    wizard_id = fields.Many2one(
        "psa.manual.invoice", required=True, ondelete="cascade", index=True
    )
    selected = fields.Boolean(string="Ticked", default=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    invoice_number = fields.Integer(
        readonly=True, help="Which of the invoices that the wizard would make."
    )
    slice = fields.Char(
        readonly=True, help="Which invoice line of its contract line, where several."
    )
    transaction_type = fields.Selection(
        TRANSACTION_TYPES,
        string="Type",
        required=True,
        readonly=True,
    )
    source = fields.Char(required=True, readonly=True)
    billing_type = fields.Selection(
        BILLING_TYPES, help="On this invoice; the transaction itself keeps its own."
    )
    own_billing_type = fields.Selection(
        BILLING_TYPES, string="Type of the Transaction", readonly=True
    )
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
    quantity_unrounded = fields.Float(
        string="Open", readonly=True, help="All that is open, unrounded."
    )
    quantity = fields.Float(
        digits="Product Unit", help="What of it is billed now; the rest stays open."
    )
    to_bill = fields.Float(
        compute="_compute_to_bill",
        store=True,
        help="The quantity, unrounded where all that is open is billed.",
    )
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    amount = fields.Monetary(compute="_compute_to_bill", store=True)
    currency_id = fields.Many2one(related="sale_line_id.currency_id")
    remark = fields.Selection(
        [("credited", "Credited"), ("before_start", "Before Billing Start")],
        readonly=True,
        help="Credited: it was on an invoice that was credited. Before billing start: "
        "dated before the project's billing begins. Invoice runs leave both out.",
    )

    @api.depends("quantity", "billing_type")
    def _compute_to_bill(self):
        for line in self:
            is_whole = not line._is_lowered()
            line.to_bill = line.quantity_unrounded if is_whole else line.quantity
            line.amount = self._amount(
                # sudo: an administrator need not read the orders.
                line.sudo().sale_line_id,
                line.to_bill,
                line.billing_type == CHARGEABLE,
            )

    @api.model
    def _amount(self, contract_line, quantity: float, is_chargeable: bool) -> float:
        """What a quantity is worth before taxes, in the order's currency."""
        if not is_chargeable:
            return 0.0
        price = contract_line.price_unit * (1 - contract_line.discount / 100)
        return contract_line.currency_id.round(quantity * price)

    @api.constrains("quantity")
    def _check_quantity(self):
        for line in self:
            sign = -1.0 if line.quantity_unrounded < 0 else 1.0
            if sign * line.quantity <= 0 or line._compare(sign) > 0:
                raise UserError(
                    self.env._(
                        "The quantity of “%(transaction)s” can only be lowered: "
                        "%(quantity)s is all that is open. To leave it out, untick "
                        "it.",
                        transaction=line._label(),
                        quantity=line.sudo().uom_id.round(line.quantity_unrounded),
                    )
                )

    def _compare(self, sign: float = 1.0) -> int:
        """The quantity to what is open: below zero, it is less."""
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        return float_compare(
            sign * self.quantity, sign * self.quantity_unrounded, digits
        )

    def _is_lowered(self) -> bool:
        return bool(self._compare())

    def _label(self) -> str:
        parts = [
            format_date(self.env, self.date),
            self.employee_name,
            self.name or self.task_name,
        ]
        return " · ".join(filter(None, parts))

    @property
    def _key(self) -> Key:
        """The transaction. A contract line is its own."""
        return (self.source, self[SOURCE_FIELDS[self.source]].id)

    def _differs(self, item: Transaction) -> bool:
        """Whether a transaction is no longer what a person saw and ticked."""
        return (
            item.sale_line_id != self.sale_line_id.id
            or item.billing_type != self.own_billing_type
            or not is_zero(item.quantity - self.quantity_unrounded)
        )

    def _as_chosen(self, item: Transaction) -> Transaction:
        """The transaction with the quantity and the type that a person left it."""
        if self._is_lowered():
            share = self.quantity / self.quantity_unrounded
            item = item.lowered(item.source_quantity * share)
        return item.typed(self.billing_type)

    # === Many at once ===

    @api.model
    def _insert(self, rows: list[dict]):
        """Write rows in one statement: the ORM's ``create`` of five thousand would be
        most of what a person waits for.

        :param rows: one dict of column values per row, all with the same keys
        """
        if not rows:
            return
        now = self.env.cr.now()
        stamp = {"create_uid": self.env.uid, "create_date": now, "write_date": now}
        names = list(rows[0])
        columns = [
            SQL(
                "%s::%s[]",
                [row[name] for row in rows],
                SQL(self._fields[name].column_type[0]),
            )
            for name in names
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO psa_manual_invoice_line (%s) SELECT *, %s FROM UNNEST(%s)",
                SQL(", ").join(map(SQL.identifier, [*names, *stamp])),
                SQL(", ").join(SQL("%s", value) for value in stamp.values()),
                SQL(", ").join(columns),
            )
        )
        self.invalidate_model()
        self.env["psa.manual.invoice"].invalidate_model(["line_ids"])
