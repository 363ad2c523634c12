# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..core.allocation import TOLERANCE, is_zero
from ..core.billing import Request
from ..core.kinds import (
    BILLING_STATUSES,
    BILLING_TYPES,
    CHARGEABLE,
    COLUMNS,
    LEDGER_FIELDS,
    NON_CHARGEABLE,
)
from ..tools import rules
from .external_arguments import as_quantities, as_word, check_exist, check_switched_on
from .sql_values import id_array

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
    _description = "Billable Transaction"

    _billing_source = ""
    """One of ``core.billing.SOURCES``."""
    _detail_field = ""
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
    draft_quantity = fields.Float(
        readonly=True, copy=False, help="Part of the billed quantity, on drafts."
    )
    credited_quantity = fields.Float(
        readonly=True,
        copy=False,
        help="Open again because it was credited. No invoice run bills it until "
        "somebody releases it.",
    )
    written_off_quantity = fields.Float(
        readonly=True, copy=False, help="Quantity that is never billed."
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
        raise NotImplementedError

    @api.depends(
        "billing_type", "billable_quantity", "billed_quantity", "written_off_quantity"
    )
    def _compute_open_quantity(self):
        for record in self:
            quantity = (
                record.billable_quantity
                - record.billed_quantity
                - record.written_off_quantity
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
        status = self._field_to_sql(self._table, "billing_status", query)
        rows = self.env.execute_query(
            query.select(SQL.identifier(self._table, "id"), status)
        )
        found = dict(rows)
        for record in self:
            record.billing_status = found.get(record._origin.id, "none")

    # === Open quantity and status, in SQL ===

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "open_quantity":
            return self._open_sql(alias)
        if field_expr == "billing_status":
            return self._status_sql(alias)
        if field_expr == "billable_quantity":
            return self._billable_sql(alias)
        return super()._field_to_sql(alias, field_expr, query)

    def _column(self, alias: str, name: str) -> SQL:
        return self._fields[name].to_sql(self, alias)

    def _quantity_sql(self, alias: str, name: str) -> SQL:
        return SQL("COALESCE(%s, 0)", self._column(alias, name))

    def _billable_sql(self, alias: str) -> SQL:
        """The billable quantity, whatever its billing type."""
        return self._quantity_sql(alias, "billable_quantity")

    def _open_sql(self, alias: str) -> SQL:
        return SQL(
            "CASE WHEN %s = 'non_chargeable' THEN 0 ELSE %s - %s - %s END",
            self._column(alias, "billing_type"),
            self._billable_sql(alias),
            self._quantity_sql(alias, "billed_quantity"),
            self._quantity_sql(alias, "written_off_quantity"),
        )

    def _is_open_sql(self, alias: str) -> SQL:
        """The condition of the index over what is open."""
        return SQL("ABS(%s) > 0.000001", self._open_sql(alias))

    def _is_beyond_sql(self, alias: str) -> SQL:
        """Whether drafts bill more than there is, or take back more than was billed."""
        return SQL(
            "%s * %s < 0",
            self._open_sql(alias),
            self._quantity_sql(alias, "draft_quantity"),
        )

    def _status_sql(self, alias: str) -> SQL:
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
            credited=self._quantity_sql(alias, "credited_quantity"),
            draft=self._quantity_sql(alias, "draft_quantity"),
            billed=self._quantity_sql(alias, "billed_quantity"),
            written_off=self._quantity_sql(alias, "written_off_quantity"),
            hold=self._column(alias, "billing_hold"),
            is_open=self._is_open_sql(alias),
            zero=TOLERANCE,
        )

    def _search_open_quantity(self, operator, value):
        if operator not in ("=", "!=", ">", ">=", "<", "<="):
            return NotImplemented
        if operator == "!=" and not value:
            # Literally what the index says.
            return Domain.custom(
                to_sql=lambda model, alias, _query: model._is_open_sql(alias)
            )
        return Domain.custom(
            to_sql=lambda model, alias, _query: SQL(
                f"ROUND((%s)::numeric, 6) {operator} %s",
                model._open_sql(alias),
                value or 0.0,
            )
        )

    def _search_billing_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.custom(
            to_sql=lambda model, alias, _query: SQL(
                "%s IN %s", model._status_sql(alias), tuple(value)
            )
        )

    # === What may be billed ===

    @api.model
    def _billing_domain(self, request: Request, with_held: bool = False) -> Domain:
        """Transactions of a request that may be billed, whatever is open on them.

        :param with_held: those on hold too
        """
        names = self._billing_columns
        domain = Domain.TRUE if with_held else Domain("billing_hold", "=", False)
        # An empty billing type means chargeable.
        domain &= Domain("billing_type", "!=", NON_CHARGEABLE)
        domain &= Domain(self._contract_line_path("state"), "=", "sale")
        if request.project_ids:
            domain &= Domain(names["project_id"], "in", request.project_ids)
        if request.sale_line_ids:
            domain &= Domain(names["sale_line_id"], "in", request.sale_line_ids)
        if request.picks is not None:
            domain &= Domain("id", "in", self._picked_ids(request))
        if request.start_date:
            domain &= Domain(names["date"], ">=", request.start_date)
        if request.cutoff_date:
            domain &= Domain(names["date"], "<=", request.cutoff_date)
        if request.unit_ids:
            domain &= self._unit_domain(list(request.unit_ids))
        return domain

    @api.model
    def _picked_ids(self, request: Request) -> list[int]:
        return [id_ for source, id_ in request.picks if source == self._billing_source]

    @api.model
    def _may_be_billed_domains(self) -> tuple[Domain, Domain]:
        """Whether a transaction with something open may be billed: what
        :meth:`_billing_domain` says of itself, and what it says of its contract line.

        What is open is never non-chargeable, and has a contract line and a project.
        """
        domain = self._billing_domain(
            Request(project_ids=(), cutoff_date=None, credited=True), with_held=True
        )
        names = self._billing_columns
        if names["sale_line_id"] == "id":
            return Domain.TRUE, domain
        known = {
            ("billing_type", NON_CHARGEABLE),
            (names["sale_line_id"], False),
            (names["project_id"], False),
        }
        own, of_line = self._split_by_contract_line(domain)
        own = Domain.AND(
            part
            for part in getattr(own, "children", [own])
            if not all(
                each.operator == "!=" and (each.field_expr, each.value) in known
                for each in part.iter_conditions()
            )
        )
        return own, of_line

    @api.model
    def _may_be_billed_sql(self) -> SQL:
        """Whether a row of this table may be billed, as far as it says so itself: an
        expression that joins nothing."""
        domain, _of_line = self._may_be_billed_domains()
        if domain.is_true():
            return SQL("TRUE")
        query = self._search(domain, active_test=False)
        if query.from_clause.code == SQL.identifier(self._table).code:
            return query.where_clause
        return SQL("%s IN %s", SQL.identifier(self._table, "id"), query.subselect())

    @api.model
    def _split_by_contract_line(self, domain: Domain) -> tuple[Domain, Domain]:
        """``(conditions on transactions themselves, those on contract lines)``."""
        name = self._billing_columns["sale_line_id"]
        own, of_line = Domain.TRUE, Domain.TRUE
        for part in getattr(domain, "children", [domain]):
            paths = {each.field_expr for each in part.iter_conditions()}
            if all(path.startswith(f"{name}.") for path in paths):
                of_line &= part.map_conditions(
                    lambda each: Domain(
                        each.field_expr.partition(".")[2], each.operator, each.value
                    )
                )
            else:
                own &= part
        return own, of_line

    # === Columns, by what selection, backlog, wizard and report call them ===

    @api.model
    def _billing_column_sql(self, name: str) -> SQL:
        """:param name: one of ``core.kinds.COLUMNS``; NULL where this kind has none"""
        if own := self._billing_columns.get(name):
            return SQL.identifier(self._table, own)
        return SQL(f"NULL::{COLUMNS[name]}")

    @api.model
    def _billing_type_sql(self) -> SQL:
        """An empty billing type means chargeable."""
        return SQL(
            "COALESCE(%s, %s)",
            SQL.identifier(self._table, "billing_type"),
            CHARGEABLE,
        )

    @api.model
    def _type_sql(self) -> SQL:
        """The type of a transaction: one of ``core.billing.TYPES``."""
        return SQL("%s", self._billing_source)

    @api.model
    def _unit_sql(self) -> SQL:
        """The transaction's own unit, where it has one; else that of its project."""
        return SQL("NULL")

    @api.model
    def _in_open_index_sql(self) -> SQL:
        """What the index over what is open is about, but for what is open."""
        return SQL("TRUE")

    @api.model
    def _contract_line_path(self, name: str) -> str:
        line = self._billing_columns["sale_line_id"]
        return name if line == "id" else f"{line}.{name}"

    @api.model
    def _unit_domain(self, unit_ids: list[int]) -> Domain:
        """The department of the transaction, else that of its project; with those
        below."""
        project = self._billing_columns["project_id"]
        return Domain(f"{project}.unit_id", "child_of", unit_ids)

    @api.model
    def _treated_sql(self, line_ids: list[int], until: date | None = None) -> SQL:
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
            self._billable_sql(table),
            self._quantity_sql(table, "billed_quantity"),
            self._quantity_sql(table, "written_off_quantity"),
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

    # === The ledger writes its figures ===

    @api.model
    def _own_details_sql(self) -> SQL:
        """Which rows of the ledger ``detail`` are about this kind of transaction."""
        return SQL("TRUE")

    def _refresh_from_ledger(self):
        """Recompute the figures of these transactions, one UPDATE for all.

        They are written even when they stay the same: two database transactions that
        bill the same record at once both update its row, so that PostgreSQL lets only
        one of them through (the other one gets a serialization failure and is tried
        again).
        """
        if not self:
            return
        Detail = self.env["psa.invoice.detail"]
        self.flush_recordset(
            [name for name in self._ledger_columns() if self._fields[name].store]
        )
        Detail.flush_model()
        self.env["account.move"].flush_model(
            [
                "is_project_invoice",
                "move_type",
                "payment_state",
                "reopens_transactions",
                "state",
            ]
        )
        self.env.cr.execute(
            SQL(
                "UPDATE %s AS source SET %s FROM (%s) AS ledger"
                " WHERE source.id = ledger.id",
                SQL.identifier(self._table),
                self._ledger_assignments(),
                self._ledger_figures_sql(self.ids),
            )
        )
        self.invalidate_recordset(self._ledger_columns())

    @api.model
    def _ledger_figures_sql(self, ids: list[int] | None = None) -> SQL:
        """What the ledger says of each transaction.

        What was credited is up for review until it is billed again, written off or
        released: the largest sum of what was credited less what was treated since,
        counted back from now. What a run bills beside it leaves it as it is.

        :param ids: of these (None: of all that are in the ledger)
        """
        column = SQL.identifier("detail", self._detail_field)
        wanted = (
            SQL("(SELECT DISTINCT unnest(%s)) AS wanted(id)", id_array(ids))
            if ids is not None
            else SQL(
                "(SELECT DISTINCT %s FROM psa_invoice_detail AS detail"
                " WHERE %s IS NOT NULL AND %s) AS wanted(id)",
                column,
                column,
                self._own_details_sql(),
            )
        )
        return SQL(
            """
            SELECT wanted.id,
                   COALESCE(SUM(live.quantity) FILTER (WHERE NOT live.is_write_off), 0)
                       AS billed,
                   COALESCE(SUM(live.quantity) FILTER (WHERE live.is_draft), 0)
                       AS draft,
                   COALESCE(SUM(live.quantity) FILTER (WHERE live.is_write_off), 0)
                       AS written_off,
                   GREATEST(COALESCE(MAX(live.to_review), 0), 0)
                       * COALESCE(-SIGN(SUM(live.quantity)
                                        FILTER (WHERE live.is_credit)), 0)
                       AS credited,
                   MAX(live.move_id) FILTER (WHERE NOT live.is_credit
                                             AND NOT live.is_draft) AS posted_id,
                   MAX(live.move_id) FILTER (WHERE live.is_draft
                                             AND NOT live.is_replacement) AS draft_id
              FROM %(wanted)s
         LEFT JOIN (SELECT %(column)s AS source_id,
                           detail.source_quantity AS quantity,
                           COALESCE(detail.is_write_off, FALSE) AS is_write_off,
                           COALESCE(move.state = 'draft', FALSE) AS is_draft,
                           %(credit)s AS is_credit,
                           COALESCE(%(replacement)s, FALSE) AS is_replacement,
                           move.id AS move_id,
                           SUM(CASE WHEN detail.is_new_work OR detail.is_released
                                    THEN 0
                                    WHEN NOT %(credit)s
                                    THEN -ABS(detail.source_quantity)
                                    ELSE ABS(detail.source_quantity) END)
                               OVER (PARTITION BY %(column)s ORDER BY detail.id DESC)
                               AS to_review
                      FROM psa_invoice_detail AS detail
                 LEFT JOIN account_move AS move ON move.id = detail.move_id
                     WHERE %(selected)s AND %(own)s AND %(live)s
                   ) AS live ON live.source_id = wanted.id
          GROUP BY wanted.id
            """,
            wanted=wanted,
            column=column,
            selected=SQL("%s = ANY(%s)", column, id_array(ids))
            if ids is not None
            else SQL("%s IS NOT NULL", column),
            own=self._own_details_sql(),
            # Odoo leaves entries unlinked while its own "reverse and modify" invoice is
            # a draft, and tests that it does.
            replacement=SQL(
                """move.is_project_invoice IS NOT TRUE AND EXISTS (
                       SELECT FROM account_move_line AS line
                        WHERE line.id = detail.move_line_id
                          AND line.credited_line_id IS NOT NULL)"""
            ),
            credit=rules.credit_sql(),
            live=rules.live_sql(),
        )

    @api.model
    def _ledger_assignments(self) -> SQL:
        """SET clause of what follows from the ledger."""
        return SQL(
            "billed_quantity = ledger.billed, draft_quantity = ledger.draft,"
            " credited_quantity = ledger.credited,"
            " written_off_quantity = ledger.written_off"
        )

    @api.model
    def _ledger_columns(self) -> list[str]:
        return [*LEDGER_FIELDS, "open_quantity", "billing_status"]

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [self._without_ledger_figures(vals) for vals in vals_list]
            if any(DECISION_FIELDS & set(vals) for vals in vals_list):
                self._check_billing_decision(vals_list)
        records = super().create(vals_list)
        if records._billing_has_terms() or any(
            vals.get("billing_hold") or vals.get("billing_type") for vals in vals_list
        ):
            records._contract_lines()._refresh_excluded_quantity()
        return records

    def write(self, vals):
        if not self.env.su:
            vals = self._without_ledger_figures(vals)
            if DECISION_FIELDS & set(vals):
                self._check_billing_decision([vals])
        result = super().write(vals)
        if {"billing_type", "billing_hold"} & set(vals):
            self._contract_lines()._refresh_excluded_quantity()
            self._flag_drafts()
        elif self._billing_has_terms() and set(vals) & {
            *self._billing_columns.values(),
            *QUANTITY_FIELDS,
        }:
            self._contract_lines()._refresh_excluded_quantity()
        return result

    @api.model
    def _billing_has_terms(self) -> bool:
        """Whether there are contract terms: what one transaction takes, others have no
        room for."""
        # sudo: whoever records a transaction need not know what was agreed.
        return bool(self.env["psa.billing.terms"].sudo()._projects_with_terms())

    @api.model
    def _without_ledger_figures(self, vals: dict) -> dict:
        """The ledger alone says what is billed, not a client that writes the field."""
        return {key: val for key, val in vals.items() if key not in LEDGER_FIELDS}

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
                    self.env["account.move"]._check_billing_manager()

    def _contract_lines(self):
        # sudo: whoever records a transaction need not see the order.
        name = self._billing_columns["sale_line_id"]
        lines = self.sudo() if name == "id" else self.sudo()[name]
        return self.env["sale.order.line"].sudo().browse(lines.ids)

    def _refresh_held(self):
        """What is on hold or not charged is not for Odoo's order button either: its
        contract line follows when its quantity changes."""
        self._treated()._contract_lines()._refresh_excluded_quantity()

    def _treated(self):
        """Transactions on hold, offered or non-chargeable."""
        return self.filtered(
            lambda record: (
                record.billing_hold or (record.billing_type or CHARGEABLE) != CHARGEABLE
            )
        )

    def _fit_write_offs(self):
        """A transaction that was lowered has less to write off: the latest go first.

        Else it would be written off beyond what there is, and the customer credited
        for it.
        """
        # sudo: whoever may correct a transaction need not see the ledger.
        for record in self.sudo().filtered("written_off_quantity"):
            excess = -record.open_quantity
            if excess * record.written_off_quantity <= 0:
                continue
            details = record._details().filtered("is_write_off")
            details.sorted("id", reverse=True)._shrink(excess)

    def _flag_drafts(self):
        """Ask for Recalculate on the drafts that these transactions are on."""
        # sudo: whoever may correct a transaction need not see the invoice.
        drafts = (
            self.env["psa.invoice.detail"]
            .sudo()
            .search(
                [(self._detail_field, "in", self.ids), ("move_id.state", "=", "draft")]
            )
            .move_id.filtered("is_project_invoice")
        )
        drafts.needs_recalculation = True

    def _flag_drafts_beyond(self):
        """Ask for Recalculate on drafts that bill more of these transactions than there
        is, since what had corrected it is gone."""
        self.flush_recordset()
        query = self._as_query(ordered=False)
        query.add_where(self._is_open_sql(self._table))
        query.add_where(self._is_beyond_sql(self._table))
        self.browse(query)._flag_drafts()

    # === Decisions of a billing administrator ===

    def action_psa_hold(self, reason: str = ""):
        """Leave these transactions out of every invoice until they are released.

        :param reason: why, for whoever looks at the backlog
        :raises AccessError: unless the user is a billing administrator
        """
        self._check_may_decide()
        # sudo: the administrator was just checked; he need not edit timesheets.
        self.sudo().write({"billing_hold": True, "billing_hold_reason": reason})
        return True

    def action_psa_release(self):
        """Bill these transactions with the next invoice: those on hold, and those that
        a credit note has reopened.

        :raises AccessError: unless the user is a billing administrator
        """
        self._check_may_decide()
        # sudo: the administrator was just checked; he need not edit timesheets.
        records = self.sudo()
        records.filtered("billing_hold").write(
            {"billing_hold": False, "billing_hold_reason": False}
        )
        records._details().filtered("origin_detail_id")._release()
        return True

    def action_psa_set_billing_type(self, billing_type: str):
        """:param billing_type: ``chargeable``, ``complimentary``, ``non_chargeable``
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for any other type
        """
        self._check_may_decide()
        as_word(self.env, billing_type, dict(BILLING_TYPES))
        # sudo: the administrator was just checked; he need not edit timesheets.
        self.sudo().write({"billing_type": billing_type})
        return True

    def action_psa_write_off(self, reason: str, quantities: dict | None = None):
        """Never bill what is open on these transactions.

        :param reason: why, for whoever asks later
        :param quantities: how much of a transaction, by its id, in its own unit
            (default: all that is open)
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if there is no reason, or nothing is open
        :return: the ledger rows
        """
        self._check_may_decide()
        if not (reason or "").strip():
            raise UserError(self.env._("Say why it is written off."))
        # sudo: the administrator was just checked; he need not read timesheets.
        return (
            self.env["psa.billing"]
            .sudo()
            .write_off(self.sudo(), reason.strip(), as_quantities(self, quantities))
        )

    def action_psa_undo_write_off(self):
        """Make what was written off open again.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if the period of the write-off is closed
        """
        self._check_may_decide()
        self.sudo()._details().filtered("is_write_off")._undo_write_off()
        return True

    def action_psa_view_invoices(self):
        """The invoices and credit notes on which these transactions stand.

        :raises AccessError: unless the user is a billing administrator
        """
        self.env["account.move"]._check_billing_manager()
        moves = self._details().move_id
        if not moves:
            raise UserError(
                self.env._("These transactions are on no invoice and no credit note.")
            )
        return moves._open(moves, self.env._("Invoices"), "list,form")

    def action_manual_invoice(self):
        """Open the wizard that invoices these transactions, and nothing else.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if they belong to no project
        """
        self._check_may_decide()
        # sudo: an administrator need not read timesheets.
        records = self.sudo()
        names = self._billing_columns
        days = [day for day in records.mapped(names["date"]) if day]
        return self.env["psa.manual.invoice"]._action_on(
            records[names["project_id"]].with_env(self.env),
            picks=[[self._billing_source, id_] for id_ in self.ids],
            **({"cutoff_date": max(days)} if days else {}),
        )

    def _check_may_decide(self):
        self.env["account.move"]._check_billing_manager()
        check_exist(self)
        # sudo: an administrator need not read timesheets, but not of other companies.
        check_switched_on(self.env, self._contract_lines().company_id)

    def _details(self):
        """The ledger rows of these transactions."""
        Detail = self.env["psa.invoice.detail"]
        details = Detail.search([(self._detail_field, "in", self.ids)])
        return details.filtered(
            lambda detail: detail._key and detail._key[0] == self._billing_source
        )
