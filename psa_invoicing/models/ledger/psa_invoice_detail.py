# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections.abc import Iterator
from math import fsum

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.billing import LEDGER
from ...core.brief import Brief
from ...core.kinds import (
    ADJUSTMENT,
    BILLING_TYPES,
    CHARGEABLE,
    SOURCE_FIELDS,
    TRANSACTION_TYPES,
    source_of,
)
from ...core.scopes import OWN, scope_of


class PsaInvoiceDetail(models.Model):
    """The ledger: one transaction, or part of it, on one invoice.

    A detail counts ("is live") as long as its invoice is a draft or posted. What a
    credit note takes back has a negative quantity and counts only while the credit
    note is posted. A detail without an invoice is a write-off. Open quantity of a
    transaction = its billable quantity - its live details. Nothing else says what was
    billed; every figure that Odoo keeps is derived from here.

    A detail copies what a reviewer, the customer and an auditor need to know about its
    transaction, so that an invoice stays as it was when an employee is renamed.
    """

    _name = "psa.invoice.detail"
    _inherit = ["psa.pointing", "psa.exported"]
    _description = "Invoice Detail"
    _order = "move_id desc, sale_line_id, date, id"
    _rec_name = "name"
    # Who and when is the invoice's: four columns less in a table of millions of rows.
    _log_access = False

    move_id = fields.Many2one(
        "account.move",
        string="Customer Invoice",
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Invoice Line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty when nothing on this contract line is charged.",
    )
    transaction_type = fields.Selection(
        [*TRANSACTION_TYPES, (ADJUSTMENT, "Adjustment")],
        string="Type",
        required=True,
        readonly=True,
    )
    analytic_line_id = fields.Many2one(
        "account.analytic.line",
        string="Time Entry",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    cost_id = fields.Many2one(
        "psa.reinvoiced.cost",
        string="Re-invoiced Cost",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    source_move_line_id = fields.Many2one(
        "account.move.line",
        string="Bill or Expense Line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    milestone_id = fields.Many2one(
        "project.milestone", readonly=True, index="btree_not_null", ondelete="set null"
    )
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Contract Line",
        required=True,
        readonly=True,
        index=True,
        # What is on a draft or posted invoice is refused before it comes to this.
        ondelete="cascade",
    )
    product_id = fields.Many2one(related="sale_line_id.product_id")
    project_id = fields.Many2one(
        "project.project", readonly=True, index=True, ondelete="set null"
    )
    date = fields.Date(required=True, readonly=True)
    employee_name = fields.Char(string="Who", readonly=True)
    task_name = fields.Char(string="Task", readonly=True)
    name = fields.Char(string="Description", readonly=True)
    quantity = fields.Float(
        help="In the unit of the contract line, unrounded; negative where a credit "
        "note takes it back."
    )
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    source_quantity = fields.Float(
        readonly=True, help="In the transaction's own unit: hours for time."
    )
    price_unit = fields.Float(
        string="Unit Price", digits="Product Price", readonly=True
    )
    amount = fields.Monetary(
        readonly=True, help="Share in the untaxed amount of the invoice line."
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    company_id = fields.Many2one(related="sale_line_id.company_id")
    billing_type = fields.Selection(
        BILLING_TYPES,
        required=True,
        default=CHARGEABLE,
        help="Chargeable: the customer pays for it. Complimentary: the customer sees "
        "it on the invoice as offered, and does not pay for it. Non-chargeable: "
        "neither.",
    )
    origin_detail_id = fields.Many2one(
        "psa.invoice.detail",
        string="Credited Transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="What this row of a credit note takes back.",
    )
    is_released = fields.Boolean(
        string="Released",
        readonly=True,
        help="Credited, and billed again by the next invoice run.",
    )
    is_new_work = fields.Boolean(
        readonly=True,
        help="Billed without what a credit note has reopened, which still waits to be "
        "reviewed.",
    )
    is_write_off = fields.Boolean(string="Written Off", readonly=True)
    reason = fields.Char(readonly=True)
    user_id = fields.Many2one(
        "res.users",
        string="Decided By",
        readonly=True,
        ondelete="set null",
        help="Who has written it off, or entered a quantity beyond the transactions.",
    )
    write_off_date = fields.Date(string="Written Off On", readonly=True)
    is_suspended = fields.Boolean(
        readonly=True,
        help="Written off, and of no account as long as nothing of the transaction is "
        "to be billed: its milestone is not reached, or its bill is a draft.",
    )
    is_earlier_period = fields.Boolean(
        string="Earlier Period",
        compute="_compute_is_earlier_period",
        compute_sudo=True,
        help="Its day was billed with an earlier invoice: it came late.",
    )
    is_added = fields.Boolean(
        string="New",
        compute="_compute_is_earlier_period",
        compute_sudo=True,
        help="Added by the last Recalculate.",
    )
    open_rest = fields.Float(
        compute="_compute_rest",
        compute_sudo=True,
        help="What is still open of the transaction, in its own unit.",
    )
    rest_reason = fields.Char(
        store=False,
        help="Why what a person has just taken off the invoice is never billed. Empty: "
        "it is billed later.",
    )
    change = fields.Char(
        string="Changed Since",
        compute="_compute_change",
        compute_sudo=True,
        help="What the transaction is now, where it differs from this draft. Press "
        "Recalculate to follow it.",
    )
    write_off_reason = fields.Char(
        compute="_compute_rest",
        compute_sudo=True,
        help="Why a part of the transaction was written off.",
    )

    # Names, for whoever sees a row: an export reads projects and orders with the rights
    # of the user, who need not see those.
    project_name = fields.Char(related="project_id.display_name", string="Project Name")
    customer_name = fields.Char(
        related="sale_line_id.order_partner_id.display_name", string="Customer"
    )
    order_name = fields.Char(related="sale_line_id.order_id.name", string="Order")
    contract_line_name = fields.Text(
        related="sale_line_id.name", string="Contract Line Description"
    )
    invoice_date = fields.Date(related="move_id.invoice_date", string="Invoice Date")

    @api.depends("move_id.currency_id", "sale_line_id.currency_id")
    def _compute_currency_id(self):
        for detail in self:
            detail.currency_id = (
                detail.move_id.currency_id or detail.sale_line_id.currency_id
            )

    @api.depends("move_id.billing_request", "date", "project_id")
    def _compute_is_earlier_period(self):
        for move, details in self.grouped("move_id").items():
            brief = Brief.from_json(move.billing_request)
            known_until = brief.known_until
            for detail in details:
                detail.is_added = bool(known_until and detail._origin.id > known_until)
                project = detail.project_id.id
                scope = scope_of(
                    detail.transaction_type,
                    detail.sale_line_id.id,
                    brief.cutoffs.get(project) or (),
                )
                last = brief.last_cutoffs.get(project)
                detail.is_earlier_period = bool(
                    last and scope == OWN and detail.date <= last
                )

    @api.depends("move_id.psa_pending_changes")
    @api.depends_context("lang")
    def _compute_change(self):
        for move, details in self.grouped("move_id").items():
            texts = (move.psa_pending_changes or {}).get("texts", {})
            for detail in details:
                detail.change = texts.get(str(detail._origin.id))

    @api.depends("move_id.state", "quantity")
    def _compute_rest(self):
        """What became of the part of a transaction that is not on this invoice."""
        reasons = self._write_off_reasons()
        for detail in self:
            key = detail._key
            source = key and detail[SOURCE_FIELDS[key[0]]]
            detail.open_rest = source.open_quantity if source else 0.0
            detail.write_off_reason = reasons.get(key)

    def _write_off_reasons(self) -> dict[tuple, str]:
        """By transaction."""
        sources = self._sources()
        found: dict[tuple, str] = {}
        for kind, ids in sources.items():
            for detail in self.search(
                [
                    (SOURCE_FIELDS[kind], "in", ids),
                    ("is_write_off", "=", True),
                    ("move_id", "=", False),
                ],
                order="id",
            ):
                found[detail._key] = detail.reason
        return found

    @property
    def _source(self) -> str:
        """One of ``core.kinds.SOURCES``, or '' for an adjustment."""
        return source_of(self.transaction_type, self.sale_line_id.is_expense)

    @property
    def _key(self):
        """The transaction, or None if it was deleted since."""
        source = self._source
        record = source and self[SOURCE_FIELDS[source]]
        return (source, record.id) if record else None

    def _keys(self) -> list[tuple]:
        """The transactions of these rows, but for those that were deleted since."""
        return [key for detail in self if (key := detail._key)]

    # === Which rows count ===

    def _value(self) -> float:
        """What rows would be worth at their own price, untaxed."""
        return fsum(
            detail.currency_id.round(detail.quantity * detail.price_unit)
            for detail in self
        )

    def _chargeable(self):
        """Rows that an invoice line charges, or a credit note takes back."""
        return self.filtered(
            lambda detail: detail.billing_type == CHARGEABLE and not detail.is_write_off
        )

    # === Taken away ===

    def _drop(self):
        """Remove details and reopen their transactions.

        :raises UserError: if a posted credit note has taken them back
        """
        self._check_not_credited()
        sources = self._sources()
        lines = self.sale_line_id
        self.with_context(psa_ledger=LEDGER).unlink()
        self._refresh_sources(sources)
        lines._psa_refresh_excluded_quantity()
        self._tell_drafts_beyond(sources)

    def _check_not_credited(self):
        """Refuse to take away what a posted credit note gives back."""
        credit = self.search(
            [("origin_detail_id", "in", self.ids), ("move_id.state", "=", "posted")],
            limit=1,
        )
        if credit:
            raise UserError(
                self.env._(
                    "“%(transaction)s” was credited with %(credit_note)s. Cancel that "
                    "credit note first.",
                    transaction=credit.name or credit.sale_line_id.display_name,
                    credit_note=credit.move_id.display_name,
                )
            )

    # === What the transactions say of themselves ===

    def _sources(self) -> dict[str, list[int]]:
        """The transactions of these details, by type."""
        found: dict[str, list[int]] = {}
        for kind, id_ in self._keys():
            found.setdefault(kind, []).append(id_)
        return found

    def _refresh_sources(self, sources: dict[str, list[int]]):
        """Bring what the transactions say about themselves in line with the ledger."""
        for transactions in self._transactions(sources):
            transactions._psa_refresh_from_ledger()

    def _tell_drafts_beyond(self, sources: dict[str, list[int]]):
        """Ask for Recalculate where something was taken away that corrected what other
        drafts bill, or that they correct."""
        for transactions in self._transactions(sources):
            transactions._psa_flag_drafts_beyond()

    def _transactions(self, sources: dict[str, list[int]]) -> Iterator:
        """:return: a recordset of each type"""
        for kind, ids in sources.items():
            yield self.env[self._fields[SOURCE_FIELDS[kind]].comodel_name].browse(ids)
