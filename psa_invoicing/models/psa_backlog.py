# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The backlog: what is open on all projects, whatever its kind, in one list."""

from collections.abc import Set

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..core.allocation import TOLERANCE
from ..core.billing import (
    CHARGEABLE,
    COST,
    MILESTONE,
    NON_CHARGEABLE,
    ORDER_LINE,
    SOURCES,
    TIME,
)
from .external_arguments import as_quantities, check_exist
from .psa_billing_selection import MODELS
from .psa_invoice_detail import TRANSACTION_TYPES
from .psa_transaction_mixin import BILLING_TYPES

# A transaction has at most two rows: what is open anew, and what was credited.
PARTS = (False, True)
ROWS_PER_ID = len(SOURCES) * len(PARTS)

# What a row stands for, the first that applies; what a condition needs to know is a
# column of the rows.
STATUSES = [
    ("credited", "Credited: to Review", "{row}.is_credited"),
    ("no_line", "No Contract Line", "{row}.is_without_line"),
    ("hold", "On Hold", "{row}.is_held"),
    ("draft", "On a Draft: Recalculate", "{row}.is_of_draft"),
    ("order", "Order Not Confirmed", "NOT {row}.is_sold"),
    ("to_credit", "To Credit", "{row}.own_quantity < 0"),
    ("project", "Project Cannot Be Billed", "NOT {row}.is_project_billable"),
    ("project_hold", "Project on Hold", "{row}.is_project_held"),
    ("before_start", "Before Billing Start", "{row}.is_early"),
    ("later", "Dated Later", "{row}.age < 0"),
]
AGE_BANDS = [("0", "0-30 Days"), ("30", "31-60 Days"), ("60", "Older")]


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
    _description = "Backlog"
    _auto = False
    _order = "date, id"
    _rec_name = "name"
    _depends = {
        "account.analytic.line": [
            "billed_quantity",
            "billing_hold",
            "billing_hold_reason",
            "billing_type",
            "company_id",
            "credited_quantity",
            "date",
            "department_id",
            "draft_quantity",
            "employee_id",
            "name",
            "product_uom_id",
            "project_id",
            "so_line",
            "task_id",
            "timesheet_invoice_type",
            "unit_amount",
            "written_off_quantity",
        ],
        "psa.reinvoiced.cost": [
            "billable_quantity",
            "billed_quantity",
            "billing_hold",
            "billing_hold_reason",
            "billing_type",
            "credited_quantity",
            "draft_quantity",
            "written_off_quantity",
        ],
        "project.milestone": [
            "billable_quantity",
            "billed_quantity",
            "billing_hold",
            "billing_hold_reason",
            "billing_type",
            "credited_quantity",
            "draft_quantity",
            "is_reached",
            "name",
            "project_id",
            "reached_date",
            "sale_line_id",
            "written_off_quantity",
        ],
        "sale.order.line": [
            "billable_quantity",
            "billed_quantity",
            "billing_date",
            "billing_hold",
            "billing_hold_reason",
            "billing_project_id",
            "billing_type",
            "company_id",
            "credited_quantity",
            "discount",
            "draft_quantity",
            "name",
            "order_id",
            "price_unit",
            "product_id",
            "product_uom_id",
            "qty_delivered_method",
            "state",
            "written_off_quantity",
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
        [(name, label) for name, label, _when in STATUSES] + [("ready", "Ready")],
        readonly=True,
        help="Ready: an invoice run up to today bills it. Else the first that keeps it "
        "from that.",
    )
    hold_reason = fields.Char(readonly=True)

    @api.depends("source")
    def _compute_source_model(self):
        for row in self:
            row.source_model = MODELS.get(row.source)

    # === Where rows come from ===

    @property
    def _table_query(self) -> SQL:
        """Open transactions with what their contract line and project say of them.

        Joins that nothing asks about are dropped by PostgreSQL: all are on a key.
        """
        return SQL(
            """
            SELECT source.*,
                   COALESCE(line.company_id, source.own_company_id) AS company_id,
                   COALESCE(sale.partner_id, project.partner_id) AS partner_id,
                   line.order_id AS order_id,
                   COALESCE(source.own_unit_id, project.unit_id) AS unit_id,
                   COALESCE(line.product_uom_id, source.own_uom_id) AS uom_id,
                   COALESCE(source.own_who, (SELECT name FROM hr_employee
                                              WHERE id = source.employee_id)) AS who,
                   %(today)s - source.date AS age,
                   CASE WHEN source.date < %(today)s - 60 THEN '60'
                        WHEN source.date < %(today)s - 30 THEN '30'
                        ELSE '0' END AS age_band,
                   value.quantity AS open_quantity,
                   value.price AS price_unit,
                   sale.currency_id AS currency_id,
                   value.amount AS amount,
                   company.currency_id AS company_currency_id,
                   ROUND((value.amount * COALESCE(rate.factor, 1 / sale.currency_rate)
                          / company_currency.rounding)::numeric)
                       * company_currency.rounding::numeric AS company_amount,
                   project.billing_hold IS TRUE AS is_project_held,
                   COALESCE(source.date < project.billing_start_date, FALSE)
                       AS is_early,
                   project.allow_billable IS TRUE AND project.is_template IS NOT TRUE
                       AND project.partner_id IS NOT NULL AS is_project_billable,
                   CASE WHEN source.is_held THEN source.own_hold_reason
                        WHEN project.billing_hold THEN project.billing_hold_reason
                   END AS hold_reason
              FROM (%(transactions)s) AS source
         LEFT JOIN sale_order_line AS line ON line.id = source.sale_line_id
         LEFT JOIN sale_order AS sale ON sale.id = line.order_id
         LEFT JOIN res_currency AS currency ON currency.id = sale.currency_id
         LEFT JOIN project_project AS project ON project.id = source.project_id
         LEFT JOIN uom_uom AS unit ON unit.id = source.own_uom_id
         LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
         LEFT JOIN res_company AS company
                ON company.id = COALESCE(line.company_id, source.own_company_id)
         LEFT JOIN res_currency AS company_currency
                ON company_currency.id = company.currency_id
         LEFT JOIN %(rates)s
                ON rate.company_id = company.id AND rate.currency_id = sale.currency_id
     CROSS JOIN LATERAL (
                   SELECT source.own_quantity
                              * COALESCE(unit.factor / line_unit.factor, 1) AS quantity,
                          line.price_unit * (1 - COALESCE(line.discount, 0) / 100.0)
                              AS price) AS open
     CROSS JOIN LATERAL (
                   SELECT open.quantity, open.price,
                          CASE WHEN source.billing_type = 'complimentary' THEN 0
                               ELSE ROUND((open.quantity * open.price
                                           / currency.rounding)::numeric)
                                    * currency.rounding::numeric
                          END AS amount) AS value
             WHERE source.is_wanted
            """,
            today=fields.Date.context_today(self),
            transactions=SQL(" UNION ALL ").join(self._branches()),
            rates=self._rates_sql(),
        )

    @api.model
    def _branches(self) -> list[SQL]:
        """One SELECT for what is open of each kind of transaction, one for what was
        credited, and one for time that nobody sold."""
        branches = []
        for index, source in enumerate(SOURCES):
            # sudo: whether a transaction may be billed hangs on orders and products,
            # which an administrator need not see.
            model = self.env[MODELS[source]].sudo()
            columns = self._common_columns(model)
            for part in PARTS:
                number = index * len(PARTS) + part
                columns |= self._part_columns(model, part, number)
                branches.append(self._branch(model, columns))
            if source == TIME:
                columns |= self._part_columns(model, False, index * len(PARTS))
                columns |= self._unsold_columns(model)
                branches.append(self._branch(model, columns))
        return branches

    @api.model
    def _branch(self, model, columns: dict[str, SQL]) -> SQL:
        return SQL(
            "SELECT %s FROM %s",
            SQL(", ").join(
                SQL("%s AS %s", sql, SQL.identifier(name))
                for name, sql in columns.items()
            ),
            SQL.identifier(model._table),
        )

    @api.model
    def _common_columns(self, model) -> dict[str, SQL]:
        """What every row says of its transaction; own: in its own unit, of its own
        company, where its contract line or project may say something else."""
        table = model._table
        names = model._billing_columns

        def column(name: str, kind: str) -> SQL:
            if name in names:
                return SQL.identifier(table, names[name])
            return SQL(f"NULL::{kind}")

        own_hold_reason = SQL.identifier(table, "billing_hold_reason")
        return {
            "source": SQL("%s::varchar", model._billing_source),
            "source_id": SQL.identifier(table, "id"),
            "sale_line_id": column("sale_line_id", "int"),
            "project_id": column("project_id", "int"),
            "task_id": column("task_id", "int"),
            "employee_id": column("employee_id", "int"),
            "date": column("date", "date"),
            "name": column("text", "varchar"),
            "own_who": column("who", "varchar"),
            "own_uom_id": column("uom_id", "int"),
            "own_unit_id": model._unit_sql(),
            "own_company_id": SQL("NULL::int"),
            "own_hold_reason": own_hold_reason,
            "transaction_type": model._type_sql(),
            "billing_type": SQL(
                "COALESCE(%s, %s)", SQL.identifier(table, "billing_type"), CHARGEABLE
            ),
            "is_held": SQL("%s IS TRUE", SQL.identifier(table, "billing_hold")),
            "is_of_draft": SQL(
                "%s * %s < 0",
                model._open_sql(table),
                model._quantity_sql(table, "draft_quantity"),
            ),
            "is_sold": model._may_be_billed_sql(),
            "is_without_line": SQL("FALSE"),
        }

    @api.model
    def _unsold_columns(self, entries) -> dict[str, SQL]:
        """Time on billable projects that is on no contract line."""
        table = entries._table
        quantity = SQL.identifier(table, "unit_amount")
        projects = (
            self.env["project.project"]
            .sudo()
            ._search([("allow_billable", "=", True)], active_test=False)
        )
        return {
            "is_without_line": SQL("TRUE"),
            "own_company_id": SQL.identifier(table, "company_id"),
            "own_quantity": quantity,
            "is_wanted": SQL(
                "(%(line)s IS NULL AND %(project)s IS NOT NULL AND %(quantity)s <> 0"
                " AND %(type)s IS DISTINCT FROM %(non_chargeable)s"
                " AND %(project)s IN %(projects)s)",
                line=SQL.identifier(table, "so_line"),
                project=SQL.identifier(table, "project_id"),
                quantity=quantity,
                type=SQL.identifier(table, "billing_type"),
                non_chargeable=NON_CHARGEABLE,
                projects=projects.subselect(),
            ),
        }

    @api.model
    def _part_columns(self, model, is_credited: bool, number: int) -> dict[str, SQL]:
        """What is credited, or what is open but for that.

        :param number: tells the rows of one id from each other
        """
        table = model._table
        credited = model._quantity_sql(table, "credited_quantity")
        quantity = (
            credited
            if is_credited
            else SQL("%s - %s", model._open_sql(table), credited)
        )
        return {
            "id": SQL(
                "%s::bigint * %s + %s", SQL.identifier(table, "id"), ROWS_PER_ID, number
            ),
            "is_credited": SQL("TRUE" if is_credited else "FALSE"),
            "own_quantity": quantity,
            "is_wanted": SQL(
                "(%s AND %s AND ABS(%s) > %s)",
                model._in_open_index_sql(),
                model._is_open_sql(table),
                quantity,
                TOLERANCE,
            ),
        }

    def _rates_sql(self) -> SQL:
        """``(company_id, currency_id, factor)``: what one of a currency is in that of
        the company, today."""
        today = fields.Date.context_today(self)
        companies = self.env.companies
        # sudo: rates are no secret, and companies of the user anyway.
        currencies = self.env["res.currency"].sudo().search([("active", "=", True)])
        return SQL(
            "(VALUES %s) AS rate(company_id, currency_id, factor)",
            SQL(", ").join(
                SQL(
                    "(%s, %s, %s::float8)",
                    company.id,
                    currency.id,
                    currency._get_conversion_rate(
                        currency, company.sudo().currency_id, company, today
                    ),
                )
                for company in companies
                for currency in currencies
            ),
        )

    # === Status, in SQL ===

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr == "status":
            return self._status_sql(alias)
        return super()._field_to_sql(alias, field_expr, query)

    @api.model
    def _status_conditions(self, alias: str) -> list[tuple[str, SQL]]:
        row = SQL.identifier(alias).code
        return [(name, SQL(when.format(row=row))) for name, _label, when in STATUSES]

    @api.model
    def _status_sql(self, alias: str) -> SQL:
        return SQL(
            "CASE %s ELSE 'ready' END",
            SQL(" ").join(
                SQL("WHEN %s THEN %s", when, name)
                for name, when in self._status_conditions(alias)
            ),
        )

    @api.model
    def _is_status_sql(self, alias: str, status: str) -> SQL:
        """The same as a comparison of the status; but PostgreSQL sees what it is about,
        and asks each table for its own part of it."""
        terms = []
        for name, when in self._status_conditions(alias):
            if name == status:
                return SQL(" AND ").join([*terms, when])
            terms.append(SQL("NOT (%s)", when))
        return SQL(" AND ").join(terms) if status == "ready" else SQL("FALSE")

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **kwargs):
        """Rows are found by id and status as their transactions are: by index."""
        domain = Domain(domain).map_conditions(self._to_indexed)
        return super()._search(domain, offset, limit, order, **kwargs)

    @api.model
    def _to_indexed(self, condition) -> Domain:
        if condition.field_expr == "id":
            to_sql = self._has_id_sql
        elif condition.field_expr == "status":
            to_sql = self._has_status_sql
        else:
            return condition
        values = condition.value
        if condition.operator == "=":
            values = [values]
        elif condition.operator != "in" or not isinstance(values, (list, tuple, Set)):
            return condition
        return Domain.custom(to_sql=lambda _model, alias, _query: to_sql(alias, values))

    @api.model
    def _has_id_sql(self, alias: str, ids) -> SQL:
        """Rows with one of these ids, by the ids of their transactions."""
        found: dict[int, list[int]] = {}
        for id_ in filter(None, ids):
            source_id, number = divmod(id_, ROWS_PER_ID)
            found.setdefault(number, []).append(source_id)
        return self._any_sql(
            SQL(
                "%s = %s AND %s = %s AND %s IN %s",
                SQL.identifier(alias, "source"),
                SOURCES[number // len(PARTS)],
                SQL.identifier(alias, "is_credited"),
                bool(number % len(PARTS)),
                SQL.identifier(alias, "source_id"),
                tuple(source_ids),
            )
            for number, source_ids in found.items()
        )

    @api.model
    def _has_status_sql(self, alias: str, statuses) -> SQL:
        return self._any_sql(self._is_status_sql(alias, status) for status in statuses)

    @api.model
    def _any_sql(self, conditions) -> SQL:
        conditions = [SQL("(%s)", condition) for condition in conditions]
        return SQL("(%s)", SQL(" OR ").join(conditions)) if conditions else SQL("FALSE")

    def exists(self):
        """By index, too."""
        return self.browse(self.sudo()._search([("id", "in", self.ids)])).sorted(
            lambda row: self.ids.index(row.id)
        )

    # === What a person does with rows ===

    def action_open(self):
        """Show where a transaction comes from: the order of an order line, the bill of
        an expense, the entry, the milestone."""
        self.ensure_one()
        self.check_access("read")
        record = self.env[self.source_model].browse(self.source_id)
        views = {TIME: "hr_timesheet.hr_timesheet_line_form"}
        if self.source == ORDER_LINE:
            record = self.order_id
        elif self.source == COST:
            record = record.source_move_id
        view = self.env.ref(views[self.source]).id if self.source in views else False
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(view, "form")],
            "context": {"create": False},
        }

    def action_manual_invoice(self):
        """Open the wizard that invoices these transactions, and nothing else.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if a row is of a company that is not switched on
        """
        self._check_may_decide()
        return self.env["psa.manual.invoice"]._action_on(
            self.project_id, **self._chosen_for_invoice()
        )

    def action_add_to_draft(self):
        """Open the review of these transactions with the draft that they go on.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if no open draft would take any of them
        """
        self._check_may_decide()
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.project_id.ids, **self._chosen_for_invoice()}
        )
        action = wizard.action_next()
        if not wizard.draft_choices:
            raise UserError(
                self.env._(
                    "No open draft takes these transactions: none is of the same "
                    "project, customer and terms. Press Invoice to make a new one."
                )
            )
        wizard.review_choose_draft(max(map(int, wizard.draft_choices)))
        return action

    def _chosen_for_invoice(self) -> dict:
        days = [day for day in self.mapped("date") if day]
        picks = sorted({(row.source, row.source_id) for row in self})
        return {
            "picks": [list(pick) for pick in picks],
            **({"cutoff_date": max(days)} if days else {}),
        }

    def action_psa_hold(self, reason: str = ""):
        """Leave these transactions out of every invoice until they are released.

        :param reason: why, for whoever looks at the backlog
        :raises AccessError: unless the user is a billing administrator
        """
        for transactions in self._transactions():
            transactions.action_psa_hold(reason)
        return True

    def action_psa_release(self):
        """Bill what is on hold, and what a credit note has reopened, with the next
        invoice.

        :raises AccessError: unless the user is a billing administrator
        """
        for transactions in self._transactions():
            transactions.action_psa_release()
        return True

    def action_psa_set_billing_type(self, billing_type: str):
        """:param billing_type: ``chargeable``, ``complimentary``, ``non_chargeable``
        :raises AccessError: unless the user is a billing administrator
        """
        for transactions in self._transactions():
            transactions.action_psa_set_billing_type(billing_type)
        return True

    def action_psa_write_off(self, reason: str, quantities: dict | None = None):
        """Never bill what these rows show as open.

        :param reason: why, for whoever asks later
        :param quantities: how much of a row, by its id, in the unit of the contract
            line (default: all of it)
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if there is no reason
        """
        self._check_may_decide()
        quantities = as_quantities(self, quantities)
        parts: dict[tuple, float] = {}
        for row in self.sudo():
            part = row.own_quantity
            if row.id in quantities:
                part *= quantities[row.id] / row.open_quantity
            key = (row.source, row.source_id)
            parts[key] = parts.get(key, 0.0) + part
        for transactions in self._transactions():
            source = transactions._billing_source
            transactions.action_psa_write_off(
                reason, {id_: parts[source, id_] for id_ in transactions.ids}
            )
        return True

    def _transactions(self) -> list:
        """What these rows stand for, kind by kind."""
        self._check_may_decide()
        ids: dict[str, dict[int, None]] = {}
        # sudo: the administrator was just checked, and the companies.
        for row in self.sudo():
            ids.setdefault(row.source_model, {})[row.source_id] = None
        return [self.env[model].browse(found) for model, found in ids.items()]

    def _check_may_decide(self):
        """:raises AccessError: unless the user is a billing administrator
        :raises UserError: if a row is of a company that is not switched on
        """
        self.env["account.move"]._check_billing_manager()
        check_exist(self)
        # sudo: to name the company that is not switched on.
        foreign = self.sudo().company_id - self.env.companies
        if foreign and not self.env.su:
            raise UserError(
                self.env._(
                    "These transactions belong to %(company)s. Switch that company on "
                    "to change them.",
                    company=", ".join(foreign.mapped("name")),
                )
            )
