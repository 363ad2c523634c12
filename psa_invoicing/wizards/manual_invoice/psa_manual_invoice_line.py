# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import float_compare, format_date, formatLang

from ...core import obstacles
from ...core.allocation import is_zero
from ...core.billing import Transaction
from ...core.charges import Charge
from ...core.kinds import BILLING_TYPES, CHARGEABLE, MILESTONE, TRANSACTION_TYPES, Key
from ...models.shared.external_arguments import as_number, as_word

# What a person may choose of a transaction; all else is what was found.
CHOSEN = {"selected", "quantity", "billing_type"}


class UncheckedMany2one(fields.Many2one):
    """Without a foreign key: each would take as long as all the rest of an INSERT.

    For rows that live as long as a dialog, and point to what cannot be deleted as long
    as there is something to bill.
    """

    def update_db_foreign_key(self, model, column):
        """None is made."""


class PsaManualInvoiceLine(models.TransientModel):
    """A transaction in the wizard, to be ticked or not, and billed in part.

    It is what a person saw: Finish compares it with what is open by then.
    """

    _name = "psa.manual.invoice.line"
    _inherit = "psa.pointing"
    _description = "Manual Invoice Transaction"
    _order = "id"

    create_uid = UncheckedMany2one("res.users", readonly=True)
    write_uid = UncheckedMany2one("res.users", readonly=True)
    wizard_id = UncheckedMany2one("psa.manual.invoice", required=True, index=True)
    selected = fields.Boolean(string="Ticked", default=True)
    partner_id = UncheckedMany2one("res.partner", string="Customer", readonly=True)
    invoice_number = fields.Integer(
        readonly=True, help="Which of the invoices that the wizard would make."
    )
    slice = fields.Char(
        readonly=True, help="Which invoice line of its contract line, where several."
    )
    transaction_type = fields.Selection(
        TRANSACTION_TYPES, string="Type", required=True, readonly=True
    )
    source = fields.Char(required=True, readonly=True)
    source_id = fields.Integer(string="Source ID", required=True, readonly=True)
    billing_type = fields.Selection(
        BILLING_TYPES, help="On this invoice; the transaction itself keeps its own."
    )
    own_billing_type = fields.Selection(
        BILLING_TYPES, string="Type of the Transaction", readonly=True
    )
    project_id = UncheckedMany2one("project.project", readonly=True)
    sale_line_id = UncheckedMany2one(
        "sale.order.line", string="Contract Line", readonly=True
    )
    date = fields.Date(readonly=True)
    employee_name = fields.Char(string="Who", readonly=True)
    task_name = fields.Char(string="Task", readonly=True)
    name = fields.Char(string="Description", readonly=True)
    quantity_unrounded = fields.Float(
        string="Open", readonly=True, help="All that is open, unrounded."
    )
    to_bill = fields.Float(
        readonly=True,
        help="What of it is billed now: all that is open, unrounded, or what a person "
        "has lowered it to.",
    )
    quantity = fields.Float(
        digits="Product Unit",
        compute="_compute_quantity",
        inverse="_inverse_quantity",
        help="What of it is billed now; the rest stays open.",
    )
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    amount = fields.Monetary(compute="_compute_amount")
    currency_id = fields.Many2one(related="sale_line_id.currency_id")
    remark = fields.Selection(
        [
            (obstacles.CREDITED, "Credited"),
            (obstacles.BEFORE_START, "Before Billing Start"),
        ],
        readonly=True,
        help="Credited: it was on an invoice that was credited. Before billing start: "
        "dated before the project's billing begins. Invoice runs leave both out.",
    )

    def init(self):
        """Leave room in each page of the table: then a tick on thousands of rows
        rewrites them where they are, and no index."""
        self.env.cr.execute("ALTER TABLE psa_manual_invoice_line SET (fillfactor = 45)")

    def write(self, vals):
        """:raises AccessError: for what a person cannot choose
        :raises UserError: for a quantity or a billing type that is none
        """
        if not self.env.su and set(vals) - CHOSEN:
            raise AccessError(
                self.env._(
                    "Of a transaction you can choose whether, as what and how much of "
                    "it is billed; the rest is what is open."
                )
            )
        if "quantity" in vals:
            as_number(self.env, vals["quantity"])
        if "billing_type" in vals:
            as_word(self.env, vals["billing_type"], dict(BILLING_TYPES))
        return super().write(vals)

    @api.depends("to_bill")
    def _compute_quantity(self):
        for line in self:
            line.quantity = line.to_bill

    def _inverse_quantity(self):
        """:raises UserError: if it is more than what is open"""
        for line in self:
            sign = -1.0 if line.quantity_unrounded < 0 else 1.0
            if not (sign * line.quantity > 0 and line._compare(sign) <= 0):
                raise UserError(
                    self.env._(
                        "The quantity of “%(transaction)s” can only be lowered: "
                        "%(quantity)s is all that is open. To leave it out, untick "
                        "it.",
                        transaction=line._label(),
                        quantity=line.sudo().uom_id.round(line.quantity_unrounded),
                    )
                )
            is_whole = not line._compare()
            # sudo: it was just checked; no client writes it.
            line.sudo().to_bill = line.quantity_unrounded if is_whole else line.quantity

    @api.depends("to_bill", "billing_type", "sale_line_id")
    def _compute_amount(self):
        for line in self:
            line.amount = self._amount(
                # sudo: an administrator need not read the orders.
                line.sudo().sale_line_id,
                line.to_bill,
                line.billing_type == CHARGEABLE,
            )

    def _amount(self, contract_line, quantity: float, is_chargeable: bool) -> float:
        """What a quantity is worth before taxes, in the order's currency."""
        if not is_chargeable:
            return 0.0
        charge = Charge(
            quantity,
            own_price=contract_line._psa_price_back() if quantity < 0 else None,
        )
        return contract_line._psa_worth(charge)

    def _compare(self, sign: float = 1.0) -> int:
        """The quantity to what is open: below zero, it is less."""
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        return float_compare(
            sign * self.quantity, sign * self.quantity_unrounded, digits
        )

    def _is_lowered(self) -> bool:
        return self.to_bill != self.quantity_unrounded

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
        return (self.source, self.source_id)

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

    # === As it is shown ===

    def _shown(self, labels: dict) -> dict:
        """:param labels: of types and remarks, by field and value"""
        # sudo: the administrator is checked; they need not read orders.
        line = self.sudo()
        return {
            "id": self.id,
            "invoice": self.invoice_number,
            "contract_line": line.sale_line_id.id,
            "selected": self.selected,
            "date": format_date(self.env, self.date),
            "kind": labels["transaction_type"].get(self.transaction_type, ""),
            "who": self.employee_name or "",
            "task": self.task_name or "",
            "text": self.name or "",
            "quantity": self.quantity,
            "open": line.uom_id.round(self.quantity_unrounded),
            "is_lowered": self._is_lowered(),
            "is_milestone": self.transaction_type == MILESTONE,
            "uom": line.uom_id.name,
            "billing_type": self.billing_type,
            "amount": formatLang(self.env, self.amount, currency_obj=line.currency_id),
            "remark": labels["remark"].get(self.remark, ""),
        }

    def _values(self) -> dict:
        """As other systems see it."""
        return {
            "key": list(self._key),
            "type": self.transaction_type,
            "date": fields.Date.to_string(self.date),
            "project_id": self.project_id.id,
            "sale_line_id": self.sale_line_id.id,
            "employee": self.employee_name or "",
            "task": self.task_name or "",
            "description": self.name or "",
            "quantity": self.quantity,
            "unit": self.uom_id.name,
            "billing_type": self.billing_type,
            "amount_untaxed": self.amount,
        }
