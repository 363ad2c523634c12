# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections.abc import Iterator
from math import fsum

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..core.allocation import TOLERANCE, is_zero
from ..core.billing import (
    ADJUSTMENT,
    CHARGEABLE,
    COST,
    EXPENSE,
    LEDGER,
    MATERIAL,
    MILESTONE,
    ORDER_LINE,
    TIME,
)
from ..core.scopes import OWN, scope_of
from .psa_transaction_mixin import BILLING_TYPES

# Where a detail's transaction is kept, by source.
SOURCE_FIELDS = {
    TIME: "analytic_line_id",
    COST: "cost_id",
    MILESTONE: "milestone_id",
    ORDER_LINE: "sale_line_id",
}
TRANSACTION_TYPES = [
    (TIME, "Time"),
    (EXPENSE, "Expense"),
    (MATERIAL, "Material"),
    (MILESTONE, "Milestone"),
    (ORDER_LINE, "Order Line"),
]

# What a person may change on a draft, through the Transactions tab.
EDITABLE = {"billing_type", "quantity", "rest_reason"}


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
    _description = "Invoice Detail"
    _order = "move_id desc, sale_line_id, date, id"
    _rec_name = "name"
    # Who and when is the invoice's: four columns less in a table of millions of rows.
    _log_access = False

    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
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
        "project.milestone",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
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
        "note takes it back.",
    )
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    source_quantity = fields.Float(
        readonly=True,
        help="In the transaction's own unit: hours for time.",
    )
    price_unit = fields.Float(
        string="Unit Price", digits="Product Price", readonly=True
    )
    amount = fields.Monetary(
        readonly=True,
        help="Share in the untaxed amount of the invoice line.",
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
        "res.users", string="Written Off By", readonly=True, ondelete="set null"
    )
    write_off_date = fields.Date(string="Written Off On", readonly=True)
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

    @api.depends("move_id.currency_id", "sale_line_id.currency_id")
    def _compute_currency_id(self):
        for detail in self:
            detail.currency_id = (
                detail.move_id.currency_id or detail.sale_line_id.currency_id
            )

    @api.depends("move_id.billing_request", "date", "project_id")
    def _compute_is_earlier_period(self):
        # What is JSON is copied whenever it is read: once for each invoice, then.
        for move, details in self.grouped("move_id").items():
            request = move.billing_request or {}
            last_cutoffs = request.get("last_cutoffs") or {}
            own_dates = request.get("cutoffs") or {}
            known_until = request.get("known_until")
            for detail in details:
                detail.is_added = bool(known_until and detail._origin.id > known_until)
                project = str(detail.project_id.id)
                scope = scope_of(
                    detail.transaction_type,
                    detail.sale_line_id.id,
                    own_dates.get(project) or (),
                )
                last = last_cutoffs.get(project)
                detail.is_earlier_period = bool(
                    last and scope == OWN and detail.date <= fields.Date.to_date(last)
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
        """One of ``core.billing.SOURCES``, or '' for an adjustment."""
        kind = self.transaction_type
        if kind == ADJUSTMENT:
            return ""
        if kind == EXPENSE or (kind == MATERIAL and self.sale_line_id.is_expense):
            return COST
        return ORDER_LINE if kind == MATERIAL else kind

    @property
    def _key(self):
        """The transaction, or None if it was deleted since."""
        source = self._source
        record = source and self[SOURCE_FIELDS[source]]
        return (source, record.id) if record else None

    # === Which rows count ===

    @api.model
    def _credit_sql(self) -> SQL:
        """What a credit note takes back; a correction that it bills is none, nor is
        the adjustment that settles an order, as Odoo's button makes it."""
        return SQL(
            """COALESCE(move.move_type = 'out_refund'
                        AND (detail.origin_detail_id IS NOT NULL
                             OR detail.transaction_type = 'adjustment'
                                AND move.reversed_entry_id IS NOT NULL), FALSE)"""
        )

    @api.model
    def _live_sql(self) -> SQL:
        """Rows that count, in a query with ``detail`` and its invoice ``move``."""
        return SQL(
            """(move.id IS NULL
                OR (move.state <> 'cancel' OR move.payment_state = 'invoicing_legacy')
                   AND (NOT %s OR (move.state = 'posted'
                                   AND move.psa_reopens_transactions IS NOT FALSE)))""",
            self._credit_sql(),
        )

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

    # === A person's changes on a draft ===

    def write(self, vals):
        if self.env.context.get("psa_ledger") is LEDGER:
            return super().write(vals)
        if refused := set(vals) - EDITABLE:
            raise UserError(
                self.env._(
                    "These transaction fields follow their source and cannot be "
                    "changed here: %(fields)s.",
                    fields=", ".join(
                        self._fields[name]._description_string(self.env)
                        for name in sorted(refused & set(self._fields))
                    ),
                )
            )
        moves = self.move_id
        moves._psa_check_may_change_rows()
        moves._psa_check_drafts()
        vals = dict(vals)
        if "quantity" in vals:
            self._lower(vals.pop("quantity"))
        if reason := vals.pop("rest_reason", False):
            self.action_psa_write_off_rest(reason)
        if chosen := vals.get("billing_type"):
            for move, details in self.grouped("move_id").items():
                if move.is_project_invoice:
                    move._psa_choose_types(
                        {detail._key: chosen for detail in details if detail._key}
                    )
        result = super().write(vals)
        moves._psa_follow_details()
        moves._psa_keep_review()
        return result

    def _lower(self, quantity: float):
        """Bill less of each of these transactions; the rest stays open.

        :param quantity: in the contract line's unit
        :raises UserError: if it is more than what is billed now
        """
        caps: dict = {}
        for detail in self:
            sign = -1.0 if detail.quantity < 0 else 1.0
            rest = sign * (detail.quantity - quantity)
            if sign * quantity < 0 or (rest < 0 and not is_zero(rest)):
                raise UserError(
                    self.env._(
                        "The quantity of “%(transaction)s” can only be lowered: "
                        "%(quantity)s is all there is. Correct the entry itself to "
                        "bill more.",
                        transaction=detail.name or detail.transaction_type,
                        quantity=detail.uom_id.round(detail.quantity),
                    )
                )
            if is_zero(rest):
                continue
            source_quantity = detail.source_quantity * quantity / detail.quantity
            if detail._key:
                caps.setdefault(detail.move_id, {})[detail._key] = source_quantity
            detail.with_context(psa_ledger=LEDGER).write(
                {"quantity": quantity, "source_quantity": source_quantity}
            )
        for move, quantities in caps.items():
            move._psa_cap(quantities)
        self._refresh_sources(self._sources())

    def unlink(self):
        """Take transactions off a draft: they are open again.

        Recalculate does not add them to this invoice again.
        """
        if self.env.context.get("psa_ledger") is LEDGER:
            return super().unlink()
        moves = self.move_id
        moves._psa_check_may_change_rows()
        moves._psa_check_drafts()
        for move, details in self.grouped("move_id").items():
            move._psa_cap({detail._key: 0.0 for detail in details if detail._key})
        self._drop()
        moves._psa_follow_details()
        moves._psa_keep_review()
        return True

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

    # === Credited, written off ===

    def action_psa_write_off_rest(self, reason: str):
        """Never bill the rest of transactions that were lowered on a draft.

        :param reason: why, for whoever asks later
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nothing is left of them
        """
        self.move_id._check_billing_manager()
        self.move_id._psa_check_drafts()
        if not (reason or "").strip():
            raise UserError(self.env._("Say why it is written off."))
        # sudo: the administrator was just checked; he need not read timesheets.
        Billing = self.env["psa.billing"].sudo()
        for source, details in self.sudo().grouped(lambda each: each._source).items():
            if source:
                Billing._write_off(
                    details[SOURCE_FIELDS[source]],
                    reason.strip(),
                    {},
                    {detail._key[1]: detail.id for detail in details if detail._key},
                )

    def _check_still_open(self):
        """Refuse to undo a credit whose transactions would then be billed twice.

        :raises UserError: if what it reopened was billed, written off or changed since
        """
        for detail in self:
            if detail._is_still_open():
                continue
            if again := detail._billed_again():
                raise UserError(
                    self.env._(
                        "%(credit_note)s has to stay: what it reopened was billed "
                        "again with %(invoice)s. Credit that invoice first.",
                        credit_note=detail.move_id.display_name,
                        invoice=again.move_id.display_name or self.env._("a write-off"),
                    )
                )
            raise UserError(
                self.env._(
                    "%(credit_note)s has to stay: “%(transaction)s”, which it "
                    "reopened, was changed since. Bill what is open with a new "
                    "invoice.",
                    credit_note=detail.move_id.display_name,
                    transaction=detail.name or detail.sale_line_id.display_name,
                )
            )

    def _is_still_open(self) -> bool:
        """Whether all that this row of a credit note reopened is there to bill."""
        source = self._key and self[SOURCE_FIELDS[self._key[0]]]
        if not source:
            return True
        sign = -1.0 if self.source_quantity > 0 else 1.0
        missing = abs(self.source_quantity) - sign * source.open_quantity
        return missing < 0 or is_zero(missing)

    def _billed_again(self):
        """The last row that bills, or writes off, what this credit reopened."""
        later = (
            self[SOURCE_FIELDS[self._key[0]]]
            ._psa_details()
            .filtered(
                lambda each: each.id > self.id and each._counts() and each != self
            )
        )
        return later.sorted("id", reverse=True)[:1]

    def _is_credited_already(self) -> bool:
        """Whether this row of a draft takes back more than is left to take back."""
        origin = self.origin_detail_id
        left = origin.quantity + origin._taken_back().get(origin.id, 0.0)
        return abs(self.quantity) > abs(left) + TOLERANCE

    def _taken_back(self, also=None) -> dict[int, float]:
        """What live documents have taken back of these details, by id.

        :param also: a credit note that is about to be posted
        """
        found: dict[int, float] = {}
        for detail in self.search(
            [("origin_detail_id", "in", self.ids), ("move_id", "!=", False)]
        ):
            if detail._counts() or (also and detail.move_id == also):
                origin = detail.origin_detail_id.id
                found[origin] = found.get(origin, 0.0) + detail.quantity
        return found

    def _counts(self) -> bool:
        """:meth:`_live_sql`, of one row that is at hand."""
        move = self.move_id
        takes_back = move.move_type == "out_refund" and (
            self.origin_detail_id
            or (self.transaction_type == ADJUSTMENT and move.reversed_entry_id)
        )
        if not takes_back:
            return not move or move.state != "cancel"
        return move.state == "posted" and move.psa_reopens_transactions

    def _release(self):
        """Let the next invoice run bill what was credited."""
        self.with_context(psa_ledger=LEDGER).write({"is_released": True})
        self._refresh_sources(self._sources())

    def _undo_write_off(self):
        """Make what was written off open again.

        :raises UserError: if it happened in a period that is closed
        """
        for company, details in self.grouped("company_id").items():
            lock_date = company._get_user_fiscal_lock_date(
                self.env["account.journal"].browse()
            )
            if any(detail.write_off_date <= lock_date for detail in details):
                raise UserError(
                    self.env._(
                        "It was written off in a period that is closed since "
                        "%(date)s, and stays so.",
                        date=format_date(self.env, lock_date),
                    )
                )
        self._drop()

    def _shrink(self, excess: float):
        """Lower rows of one transaction, the first ones first.

        :param excess: by how much in all, in the transaction's own unit
        """
        sign = -1.0 if excess < 0 else 1.0
        left = abs(excess)
        for detail in self:
            part = min(left, sign * detail.source_quantity)
            if part <= 0:
                continue
            left -= part
            kept = detail.source_quantity - sign * part
            quantity = detail.quantity * kept / detail.source_quantity
            detail.with_context(psa_ledger=LEDGER).write(
                {"source_quantity": kept, "quantity": quantity}
            )
        sources = self._sources()
        lines = self.sale_line_id
        empty = self.filtered(lambda detail: is_zero(detail.source_quantity))
        empty.with_context(psa_ledger=LEDGER).unlink()
        self._refresh_sources(sources)
        lines._psa_refresh_excluded_quantity()

    # === What the transactions say of themselves ===

    def _sources(self) -> dict[str, list[int]]:
        """The transactions of these details, by type."""
        found: dict[str, list[int]] = {}
        for detail in self:
            if key := detail._key:
                found.setdefault(key[0], []).append(key[1])
        return found

    @api.model
    def _refresh_sources(self, sources: dict[str, list[int]]):
        """Bring what the transactions say about themselves in line with the ledger."""
        for transactions in self._transactions(sources):
            transactions._psa_refresh_from_ledger()

    @api.model
    def _tell_drafts_beyond(self, sources: dict[str, list[int]]):
        """Ask for Recalculate where something was taken away that corrected what other
        drafts bill, or that they correct."""
        for transactions in self._transactions(sources):
            transactions._psa_flag_drafts_beyond()

    @api.model
    def _transactions(self, sources: dict[str, list[int]]) -> Iterator:
        """:return: a recordset of each type"""
        for kind, ids in sources.items():
            yield self.env[self._fields[SOURCE_FIELDS[kind]].comodel_name].browse(ids)
