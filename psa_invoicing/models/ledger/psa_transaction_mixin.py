# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.allocation import TOLERANCE, is_zero
from ...core.kinds import (
    BILLING_STATUSES,
    BILLING_TYPES,
    CHARGEABLE,
    COLUMNS,
    LEDGER_FIELDS,
    NON_CHARGEABLE,
)
from ...tools import rules
from ..shared import rights
from ..shared.external_arguments import as_number

# What decides how much of a transaction is to be billed.
QUANTITY_FIELDS = {
    "billable_quantity",
    "is_reached",
    "product_uom_qty",
    "qty_delivered",
    "quantity_percentage",
    "unit_amount",
}
# What a billing administrator decides about a transaction.
DECISION_FIELDS = {"billing_type", "billing_hold", "billing_hold_reason"}


class PsaTransactionMixin(models.AbstractModel):
    """What every kind of transaction knows about its billing.

    Quantities are in the transaction's own unit: hours for time. They are plain
    columns that the ledger writes, one UPDATE for all transactions of a kind; what
    follows from them (open quantity, status) is computed in one SQL expression, which
    also filters, groups and is indexed.
    """

    _name = "psa.transaction.mixin"
    _inherit = ["psa.guard", "psa.internal"]
    _description = "Billable Transaction"

    _billing_source = ""
    """One of ``core.billing.SOURCES``."""
    _billing_detail_field = ""
    """Name of the field of ``psa.invoice.detail`` that points to this model."""
    _billing_columns: dict[str, str] = {}
    """Columns by what selection calls them: sale_line_id, project_id, date, text, and
    where there are such: uom_id, employee_id, task_id, who, kind."""

    billing_type = fields.Selection(
        BILLING_TYPES,
        copy=False,
        help="Chargeable: the customer pays for it. Complimentary: the customer sees "
        "it on the invoice as offered, and does not pay for it. Non-chargeable: "
        "neither. Empty means chargeable.",
    )
    billing_hold = fields.Boolean(
        string="Billing on Hold", copy=False, help="Not billed until it is released."
    )
    billing_hold_reason = fields.Char(string="Hold Reason", copy=False)
    billable_quantity = fields.Float(
        compute="_compute_billable_quantity",
        help="Quantity that is to be billed in all, in the transaction's own unit.",
    )
    billed_quantity = fields.Float(
        readonly=True,
        copy=False,
        help="Quantity on draft and posted invoices, less what was credited, in the "
        "transaction's own unit.",
    )
    billing_draft_quantity = fields.Float(
        string="Draft Quantity",
        readonly=True,
        copy=False,
        help="Part of the billed quantity, on drafts.",
    )
    billing_credited_quantity = fields.Float(
        string="Credited Quantity",
        readonly=True,
        copy=False,
        help="Open again because it was credited. No invoice run bills it until "
        "somebody releases it.",
    )
    billing_written_off_quantity = fields.Float(
        string="Written Off Quantity",
        readonly=True,
        copy=False,
        help="Quantity that is never billed.",
    )
    open_quantity = fields.Float(
        compute="_compute_open_quantity",
        search="_search_open_quantity",
        help="Quantity that is neither on an invoice nor written off, in the "
        "transaction's own unit.",
    )
    billing_status = fields.Selection(
        BILLING_STATUSES,
        compute="_compute_billing_status",
        search="_search_billing_status",
        help="What comes first, when a transaction is partly treated: credited, on "
        "hold, on a draft, ready, invoiced, written off.",
    )

    def _compute_billable_quantity(self):
        """In Python what :meth:`_psa_billable_sql` is in SQL."""
        raise NotImplementedError

    @api.depends(
        "billing_type",
        "billable_quantity",
        "billed_quantity",
        "billing_written_off_quantity",
    )
    def _compute_open_quantity(self):
        for record in self:
            quantity = (
                record.billable_quantity
                - record.billed_quantity
                - record.billing_written_off_quantity
            )
            if record.billing_type == NON_CHARGEABLE or is_zero(quantity):
                quantity = 0.0
            record.open_quantity = quantity

    @api.depends("open_quantity", "billing_hold", *LEDGER_FIELDS)
    def _compute_billing_status(self):
        """Asked of the database: the rule stands in one place."""
        stored = self._origin
        self.billing_status = "none"
        if not stored:
            return
        query = stored._as_query(ordered=False)
        status = self._psa_status_sql(self._table)
        rows = self.env.execute_query(
            query.select(SQL.identifier(self._table, "id"), status)
        )
        found = dict(rows)
        for record in self:
            record.billing_status = found.get(record._origin.id, "none")

    # === Open quantity and status, in SQL ===

    def _field_to_sql(self, alias, field_expr, query=None):
        to_sql = {
            "open_quantity": self._psa_open_sql,
            "billing_status": self._psa_status_sql,
            "billable_quantity": self._psa_billable_sql,
        }.get(field_expr)
        if not to_sql:
            return super()._field_to_sql(alias, field_expr, query)
        self._psa_check_may_read(field_expr)
        return to_sql(alias)

    def _psa_check_may_read(self, name: str):
        """Odoo does not ask who searches by a field that is not stored."""
        self._check_field_access(self._fields[name], "read")

    def _psa_column_sql(self, alias: str, name: str) -> SQL:
        """A stored field, as its table has it."""
        return self._fields[name].to_sql(self, alias)

    def _psa_quantity_sql(self, alias: str, name: str) -> SQL:
        """A stored quantity; nothing is 0."""
        return SQL("COALESCE(%s, 0)", self._psa_column_sql(alias, name))

    def _psa_billable_sql(self, alias: str) -> SQL:
        """The billable quantity, whatever its billing type.

        Who changes it (see ``psa.billing.terms``) changes alike what is computed in
        Python, and what Odoo says was delivered; and makes an index over what is open.

        :param alias: of the transactions' table
        :return: an expression, in the transaction's own unit: hours for time
        """
        return self._psa_quantity_sql(alias, "billable_quantity")

    def _psa_open_sql(self, alias: str) -> SQL:
        """What is neither on an invoice nor written off, in its own unit."""
        return SQL(
            "CASE WHEN %s = 'non_chargeable' THEN 0 ELSE %s - %s - %s END",
            self._psa_column_sql(alias, "billing_type"),
            self._psa_billable_sql(alias),
            self._psa_quantity_sql(alias, "billed_quantity"),
            self._psa_quantity_sql(alias, "billing_written_off_quantity"),
        )

    def _psa_is_open_sql(self, alias: str) -> SQL:
        """The condition of the index over what is open."""
        return SQL("ABS(%s) > 0.000001", self._psa_open_sql(alias))

    def _psa_is_beyond_sql(self, alias: str) -> SQL:
        """Whether drafts bill more than there is, or take back more than was billed."""
        return SQL(
            "%s * %s < 0",
            self._psa_open_sql(alias),
            self._psa_quantity_sql(alias, "billing_draft_quantity"),
        )

    def _psa_status_sql(self, alias: str) -> SQL:
        return SQL(
            """CASE
                 WHEN ABS(%(credited)s) > %(zero)s THEN 'credited'
                 WHEN %(is_open)s AND %(hold)s THEN 'hold'
                 WHEN ABS(%(draft)s) > %(zero)s THEN 'draft'
                 WHEN %(is_open)s THEN 'ready'
                 WHEN ABS(%(billed)s) > %(zero)s THEN 'invoiced'
                 WHEN ABS(%(written_off)s) > %(zero)s THEN 'written_off'
                 ELSE 'none'
               END""",
            credited=self._psa_quantity_sql(alias, "billing_credited_quantity"),
            draft=self._psa_quantity_sql(alias, "billing_draft_quantity"),
            billed=self._psa_quantity_sql(alias, "billed_quantity"),
            written_off=self._psa_quantity_sql(alias, "billing_written_off_quantity"),
            hold=self._psa_column_sql(alias, "billing_hold"),
            is_open=self._psa_is_open_sql(alias),
            zero=TOLERANCE,
        )

    def _search_open_quantity(self, operator, value):
        self._psa_check_may_read("open_quantity")
        if operator not in ("=", "!=", ">", ">=", "<", "<="):
            return NotImplemented
        if operator == "!=" and not value:
            # Literally what the index says.
            return Domain.custom(
                to_sql=lambda model, alias, _query: model._psa_is_open_sql(alias)
            )
        quantity = as_number(self.env, value or 0)
        return Domain.custom(
            to_sql=lambda model, alias, _query: SQL(
                f"ROUND((%s)::numeric, 6) {operator} %s",
                model._psa_open_sql(alias),
                quantity,
            )
        )

    def _search_billing_status(self, operator, value):
        self._psa_check_may_read("billing_status")
        if operator != "in":
            return NotImplemented
        # Every transaction has one: nothing else is found.
        known = [status for status, _label in BILLING_STATUSES if status in value]
        return Domain.custom(
            to_sql=lambda model, alias, _query: SQL(
                "%s = ANY(%s)", model._psa_status_sql(alias), known
            )
        )

    # === Columns, by what selection, backlog, wizard and report call them ===

    def _billing_column_sql(self, name: str) -> SQL:
        """:param name: one of ``core.kinds.COLUMNS``; NULL where this kind has none"""
        if own := self._billing_columns.get(name):
            return SQL.identifier(self._table, own)
        return SQL(f"NULL::{COLUMNS[name]}")

    def _billing_type_sql(self) -> SQL:
        """An empty billing type means chargeable."""
        return SQL(
            "COALESCE(%s, %s)", SQL.identifier(self._table, "billing_type"), CHARGEABLE
        )

    def _psa_type_sql(self) -> SQL:
        """The type of a transaction: one of ``core.billing.TYPES``."""
        return SQL("%s", self._billing_source)

    def _psa_unit_sql(self) -> SQL:
        """The transaction's own unit, where it has one; else that of its project."""
        return SQL("NULL")

    def _psa_in_open_index_sql(self) -> SQL:
        """What the index over what is open is about, but for what is open."""
        return SQL("TRUE")

    def _psa_treated_sql(self, line_ids: list[int], until: date | None = None) -> SQL:
        """``(contract line id, excluded, never billed)`` of what is on hold or not
        charged, in the contract line's unit.

        What is on hold still waits; what is offered or non-chargeable is never paid
        for, but for what was billed before somebody said so.

        :param until: only what is dated up to this day
        """
        table = self._table
        names = self._billing_columns
        column = SQL.identifier(table, names["sale_line_id"])
        rest = SQL(
            "(%s - %s - %s)",
            self._psa_billable_sql(table),
            self._psa_quantity_sql(table, "billed_quantity"),
            self._psa_quantity_sql(table, "billing_written_off_quantity"),
        )
        factor, join = SQL("1"), SQL()
        if "uom_id" in names:
            factor = rules.factor_sql()
            join = SQL(
                """LEFT JOIN uom_uom AS unit ON unit.id = %s
                   JOIN sale_order_line AS line ON line.id = %s
                   JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id""",
                SQL.identifier(table, names["uom_id"]),
                column,
            )
        return SQL(
            """SELECT %(column)s, %(rest)s * %(factor)s,
                      CASE WHEN %(type)s <> 'chargeable'
                           THEN %(rest)s * %(factor)s END
                 FROM %(table)s %(join)s
                WHERE %(column)s = ANY(%(ids)s)
                  AND (%(hold)s OR %(type)s <> 'chargeable') AND %(dated)s""",
            dated=SQL("%s <= %s", SQL.identifier(table, names["date"]), until)
            if until
            else SQL("TRUE"),
            column=column,
            rest=rest,
            factor=factor,
            table=SQL.identifier(table),
            join=join,
            ids=line_ids,
            type=SQL.identifier(table, "billing_type"),
            hold=SQL.identifier(table, "billing_hold"),
        )

    # === Life of a transaction ===

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(DECISION_FIELDS & set(vals) for vals in vals_list):
            self._check_billing_decision(vals_list)
        records = super().create(vals_list)
        if records._billing_has_terms() or any(
            vals.get("billing_hold") or vals.get("billing_type") for vals in vals_list
        ):
            records._psa_contract_lines()._psa_refresh_excluded_quantity()
        return records

    def write(self, vals):
        if not self.env.su and DECISION_FIELDS & set(vals):
            self._check_billing_decision([vals])
        result = super().write(vals)
        if {"billing_type", "billing_hold"} & set(vals):
            self._psa_contract_lines()._psa_refresh_excluded_quantity()
            self._psa_flag_drafts()
        elif self._billing_has_terms() and set(vals) & {
            *self._billing_columns.values(),
            *QUANTITY_FIELDS,
        }:
            self._psa_contract_lines()._psa_refresh_excluded_quantity()
        return result

    def _billing_has_terms(self) -> bool:
        """Whether there are contract terms: what one transaction takes, others have no
        room for."""
        return False

    def _psa_without_defaults(self):
        names = super()._psa_without_defaults()
        return names if rights.is_billing_manager(self.env) else names | DECISION_FIELDS

    def _check_billing_decision(self, vals_list: list[dict]):
        """Whether to bill something is a billing administrator's decision.

        Values that change nothing, as a client sends them with a new record, pass.
        """
        for vals in vals_list:
            for name in DECISION_FIELDS & set(vals):
                if (vals[name] or False) != CHARGEABLE and any(
                    (record[name] or False) != (vals[name] or False)
                    for record in self or [self.new()]
                ):
                    rights.check_may_bill(self.env)

    def _psa_contract_lines(self):
        """The order lines that they are billed on."""
        # sudo: whoever records a transaction need not see the order.
        name = self._billing_columns["sale_line_id"]
        lines = self.sudo() if name == "id" else self.sudo()[name]
        return self.env["sale.order.line"].sudo().browse(lines.ids)

    def _psa_refresh_held(self):
        """What is on hold or not charged is not for Odoo's order button either: its
        contract line follows when its quantity changes."""
        self._psa_treated()._psa_contract_lines()._psa_refresh_excluded_quantity()

    def _psa_treated(self):
        """Transactions on hold, offered or non-chargeable."""
        return self.filtered(
            lambda record: (
                record.billing_hold or (record.billing_type or CHARGEABLE) != CHARGEABLE
            )
        )

    def _psa_flag_drafts(self):
        """Ask for Recalculate on the drafts that these transactions are on."""
        drafts = self._psa_rows_on("draft").move_id
        # Nobody has modified the invoice by that.
        drafts.filtered("is_project_invoice").with_context(
            skip_is_manually_modified=True
        ).needs_recalculation = True

    def _psa_rows_on(self, *states: str, limit: int | None = None):
        """Rows of the ledger on invoices in these states."""
        # sudo: whoever may correct a transaction need not see its invoices.
        Detail = self.env["psa.invoice.detail"].sudo()
        if not self.ids:
            return Detail
        own = Domain(self._billing_detail_field, "in", self.ids)
        return Detail.search(own & Domain("move_id.state", "in", states), limit=limit)

    def _psa_flag_drafts_beyond(self):
        """Ask for Recalculate on drafts that bill more of these transactions than there
        is, since what had corrected it is gone."""
        self.flush_recordset()
        query = self._as_query(ordered=False)
        query.add_where(self._psa_is_open_sql(self._table))
        query.add_where(self._psa_is_beyond_sql(self._table))
        self.browse(query)._psa_flag_drafts()

    def _psa_details(self, domain=()):
        """The ledger rows of these transactions.

        :param domain: only these
        """
        Detail = self.env["psa.invoice.detail"]
        if not self.ids:
            return Detail
        details = Detail.search([(self._billing_detail_field, "in", self.ids), *domain])
        return details.filtered(
            lambda detail: detail._key and detail._key[0] == self._billing_source
        )
