# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The backlog: what is open on all projects, whatever its kind, in one list."""

from collections.abc import Set
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from ..core import obstacles
from ..core.allocation import TOLERANCE
from ..core.kinds import (
    BILLING_TYPES,
    COST,
    MILESTONE,
    MODELS,
    NON_CHARGEABLE,
    ORDER_LINE,
    SOURCES,
    TIME,
    TRANSACTION_TYPES,
    Key,
)
from ..models.billing.left_out import LeftOut
from ..tools import rules

# A transaction has at most two rows: what is open anew, and what was credited.
PARTS = (False, True)
ROWS_PER_ID = len(SOURCES) * len(PARTS)
# What the branches of the union have in common. Of the same type in all of them: else
# PostgreSQL reads each to its end.
COLUMNS = {
    "id": "bigint",
    "source": "varchar",
    "source_id": "int",
    "sale_line_id": "int",
    "project_id": "int",
    "task_id": "int",
    "employee_id": "int",
    "date": "date",
    "name": "varchar",
    "transaction_type": "varchar",
    "billing_type": "varchar",
    "own_quantity": "float8",
    "row_count": "bigint",
    "own_who": "varchar",
    "own_uom_id": "int",
    "own_unit_id": "int",
    "own_company_id": "int",
    "own_hold_reason": "varchar",
    "is_wanted": "bool",
    "is_credited": "bool",
    "is_no_line": "bool",
    "is_hold": "bool",
    "is_draft": "bool",
    "is_unfit": "bool",
    "is_to_credit": "bool",
    "is_later": "bool",
    "is_terms": "bool",
}

# The only contract lines and projects on which rows may be.
PLACES = "psa_backlog_places"
AGE_BANDS = [("0", "0-30 Days"), ("30", "31-60 Days"), ("60", "Older")]


class Places(NamedTuple):
    """Where rows may be.

    :ivar line_ids: contract lines
    :ivar project_ids: projects
    """

    line_ids: list[int]
    project_ids: list[int]


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
        lines, may_be_billed = self._contract_line_sql()
        cases = [SQL("WHEN %s THEN %s", *each) for each in may_be_billed.items()]
        return SQL(
            """
            SELECT source.*,
                   %(of_contract)s,
                   COALESCE(line.product_uom_id, source.own_uom_id) AS uom_id,
                   COALESCE(source.own_who, (SELECT name FROM hr_employee
                                              WHERE id = source.employee_id)) AS who,
                   %(today)s - source.date AS age,
                   CASE WHEN source.date < %(today)s - 60 THEN '60'
                        WHEN source.date < %(today)s - 30 THEN '30'
                        ELSE '0' END AS age_band,
                   source.own_quantity * open.factor AS open_quantity,
                   open.chargeable_quantity AS chargeable_quantity,
                   line.price_unit * (1 - COALESCE(line.discount, 0) / 100.0)
                       AS price_unit,
                   line.company_id AS contract_company_id,
                   %(status)s AS status,
                   obstacle.*,
                   COALESCE(source.own_hold_reason, CASE WHEN project.billing_hold
                            THEN project.billing_hold_reason END) AS hold_reason
              FROM (%(transactions)s) AS source
         %(joins)s
         LEFT JOIN uom_uom AS unit ON unit.id = source.own_uom_id
         LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
     CROSS JOIN LATERAL (
                   SELECT %(factor)s AS factor,
                          CASE WHEN source.billing_type = 'complimentary' THEN 0
                               ELSE source.own_quantity
                                    * %(factor)s
                          END AS chargeable_quantity) AS open
     CROSS JOIN LATERAL (
                   SELECT source.is_unfit OR %(may_be_billed)s IS NOT TRUE AS is_order,
                          %(is_unfit_project)s AS is_project,
                          project.billing_hold AS is_project_hold,
                          source.date < project.billing_start_date AS is_before_start
                   ) AS obstacle
             WHERE source.is_wanted
            """,
            factor=rules.factor_sql(),
            today=self.env.companies._billing_today_sql(
                SQL.identifier("company", "id")
            ),
            status=self._status_sql(),
            is_unfit_project=self._is_unfit_project_sql(),
            of_contract=self._of_contract_sql(SQL("open.chargeable_quantity")),
            transactions=self._transactions_sql(),
            may_be_billed=SQL("CASE source.source %s END", SQL(" ").join(cases)),
            joins=self._contract_joins_sql(lines),
        )

    @api.model
    def _contract_line_sql(self) -> tuple[SQL, dict[str, SQL]]:
        """Contract lines as ``line``, and whether they let what is on them be billed:
        asked line by line for a page, of all lines at once for all that is open.

        :return: what to join, and an expression for each kind of transaction
        """
        # sudo: as for the transactions themselves.
        lines = self.env["sale.order.line"].sudo()
        query = Query(self.env, "line", SQL.identifier(lines._table))
        conditions = {}
        for source in SOURCES:
            _own, domain = self.env[MODELS[source]].sudo()._may_be_billed_domains()
            domain = domain.map_conditions(self._of_product).optimize_full(lines)
            conditions[source] = domain._to_sql(lines, "line", query)
        return query.from_clause, conditions

    @api.model
    def _of_product(self, condition) -> Domain:
        """Products are few: they are asked once, instead of joined to each line."""
        name, _dot, path = condition.field_expr.partition(".")
        if name != "product_id" or not path:
            return condition
        # sudo: as for contract lines.
        products = self.env["product.product"].sudo()
        domain = Domain(path, condition.operator, condition.value)
        return Domain(name, "in", products._search(domain, active_test=False))

    def _of_contract_sql(self, quantity: SQL) -> SQL:
        """Columns that follow from the contract line and the project of ``source``.

        :param quantity: that the customer pays for, in the contract line's unit
        """
        amount = SQL(
            """ROUND((%s * line.price_unit * (1 - COALESCE(line.discount, 0) / 100.0)
                      / currency.rounding)::numeric) * currency.rounding::numeric""",
            quantity,
        )
        return SQL(
            """
            COALESCE(line.company_id, source.own_company_id) AS company_id,
            COALESCE(sale.partner_id, project.partner_id) AS partner_id,
            line.order_id AS order_id,
            COALESCE(source.own_unit_id, project.unit_id) AS unit_id,
            sale.currency_id AS currency_id,
            company.currency_id AS company_currency_id,
            %(amount)s AS amount,
            ROUND((%(amount)s
                   * CASE WHEN sale.currency_id = company.currency_id THEN 1
                          ELSE %(rate)s END
                   / company_currency.rounding)::numeric)
                * company_currency.rounding::numeric AS company_amount
            """,
            amount=amount,
            rate=self._rate_sql(),
        )

    @api.model
    def _contract_joins_sql(self, lines: SQL | None = None) -> SQL:
        """:param lines: what to join as ``line`` (default: contract lines)"""
        return SQL(
            """
         LEFT JOIN %(lines)s ON line.id = source.sale_line_id AND %(are_known)s
         LEFT JOIN sale_order AS sale ON sale.id = line.order_id
         LEFT JOIN res_currency AS currency ON currency.id = sale.currency_id
         LEFT JOIN project_project AS project
                ON project.id = source.project_id AND %(is_known)s
         LEFT JOIN res_company AS company
                ON company.id = COALESCE(line.company_id, source.own_company_id)
         LEFT JOIN res_currency AS company_currency
                ON company_currency.id = company.currency_id
            """,
            lines=lines or SQL("sale_order_line AS line"),
            are_known=self._is_known_sql(SQL("line.id"), "line_ids"),
            is_known=self._is_known_sql(SQL("project.id"), "project_ids"),
        )

    @api.model
    def _is_known_sql(self, id_: SQL, name: str) -> SQL:
        """:param name: which of the known places, as ``Places`` calls them"""
        places = self.env.context.get(PLACES)
        return (
            SQL("%s = ANY(%s)", id_, getattr(places, name)) if places else SQL("TRUE")
        )

    @api.model
    def _transactions_sql(self) -> SQL:
        """What is open, each transaction a row or two."""
        return SQL(" UNION ALL ").join(self._branches())

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
            self._as_columns(columns),
            SQL.identifier(model._table),
        )

    @api.model
    def _as_columns(self, columns: dict[str, SQL]) -> SQL:
        return SQL(", ").join(
            SQL(f"(%s)::{kind} AS {name}", columns[name])
            for name, kind in COLUMNS.items()
        )

    @api.model
    def _common_columns(self, model) -> dict[str, SQL]:
        """What every row says of its transaction; own: in its own unit, of its own
        company, where its contract line or project may say something else."""
        table = model._table
        column = model._billing_column_sql
        own_hold_reason = self._own_reason_sql(model)
        return {
            "source": SQL("%s", model._billing_source),
            "source_id": SQL.identifier(table, "id"),
            "sale_line_id": column("sale_line_id"),
            "project_id": column("project_id"),
            "task_id": column("task_id"),
            "employee_id": column("employee_id"),
            "date": column("date"),
            "name": column("text"),
            "own_who": column("who"),
            "own_uom_id": column("uom_id"),
            "row_count": SQL("1"),
            "own_unit_id": model._unit_sql(),
            "own_company_id": SQL("NULL"),
            "own_hold_reason": own_hold_reason,
            "transaction_type": model._type_sql(),
            "billing_type": model._billing_type_sql(),
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
            **self._obstacles_sql(is_no_line=SQL("TRUE")),
            "sale_line_id": SQL("NULL"),
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
        has_credited = SQL(
            "%s <> 0 AND ABS(%s) > %s",
            model._column(table, "credited_quantity"),
            credited,
            TOLERANCE,
        )
        new = SQL("%s - %s", model._open_sql(table), credited)
        # What is credited is all that is open. Put like this, PostgreSQL expects hardly
        # any.
        has_none = SQL("(%s AND ABS(%s) <= %s)", has_credited, new, TOLERANCE)
        return {
            "id": SQL(
                "%s::bigint * %s + %s", SQL.identifier(table, "id"), ROWS_PER_ID, number
            ),
            **(
                self._obstacles_sql(is_credited=SQL("TRUE"))
                if is_credited
                else self._own_obstacles_sql(model, new)
            ),
            "own_quantity": credited if is_credited else new,
            "is_wanted": SQL(
                "(%s AND %s AND %s)",
                model._in_open_index_sql(),
                model._is_open_sql(table),
                has_credited if is_credited else SQL("%s IS NOT TRUE", has_none),
            ),
        }

    @api.model
    def _obstacles_sql(self, **found: SQL) -> dict[str, SQL]:
        """What keeps a transaction from the next run without a look at its contract
        line or project; nothing, but for what is given."""
        names = [name for name in COLUMNS if name.startswith("is_")]
        return {name: SQL("FALSE") for name in names if name != "is_wanted"} | found

    @api.model
    def _own_obstacles_sql(self, model, quantity: SQL) -> dict[str, SQL]:
        """:param quantity: what is open anew"""
        table = model._table
        columns = model._billing_columns
        company = SQL(
            "(SELECT sold.company_id FROM sale_order_line AS sold WHERE sold.id = %s)",
            SQL.identifier(table, columns["sale_line_id"]),
        )
        return self._obstacles_sql(
            is_hold=SQL.identifier(table, "billing_hold"),
            is_draft=SQL(
                "%(draft)s <> 0 AND %(open)s * %(draft)s < 0",
                open=model._open_sql(table),
                draft=model._column(table, "draft_quantity"),
            ),
            is_unfit=SQL("(%s) IS NOT TRUE", model._may_be_billed_sql()),
            is_terms=self._is_one_of_sql(model, self._beyond_terms()),
            # Put twice: PostgreSQL then expects hardly any.
            is_to_credit=SQL("SIGN(%(new)s) = -1 AND -SIGN(%(new)s) = 1", new=quantity),
            is_later=SQL(
                "%s > %s",
                SQL.identifier(table, columns["date"]),
                self.env.companies._billing_today_sql(company),
            ),
        )

    @api.model
    def _beyond_terms(self) -> dict[Key, str]:
        """Transactions that contract terms keep from the next run, and why."""
        # sudo: as for the transactions themselves.
        today = max(company._billing_today() for company in self.env.companies)
        return LeftOut(self.sudo().env).beyond_terms(today)

    @api.model
    def _is_one_of_sql(self, model, keys) -> SQL:
        ids = [id_ for source, id_ in keys if source == model._billing_source]
        if not ids:
            return SQL("FALSE")
        return SQL("%s = ANY(%s)", SQL.identifier(model._table, "id"), ids)

    @api.model
    def _own_reason_sql(self, model) -> SQL:
        """Why a person holds a transaction, or contract terms do."""
        own = SQL.identifier(model._table, "billing_hold_reason")
        by_text: dict[str, list[Key]] = {}
        for key, text in self._beyond_terms().items():
            by_text.setdefault(text, []).append(key)
        cases = [
            SQL("WHEN %s THEN %s", self._is_one_of_sql(model, keys), text)
            for text, keys in by_text.items()
        ]
        return (
            SQL("COALESCE(%s, CASE %s END)", own, SQL(" ").join(cases))
            if cases
            else own
        )

    def _rate_sql(self) -> SQL:
        """What one of the order's currency is in that of the company, today; that of
        the order's day, if its currency is not in use any more."""
        # sudo: rates are no secret, and companies of the user anyway.
        currencies = self.env["res.currency"].sudo().search([("active", "=", True)])
        rates = [
            SQL(
                "(%s, %s, %s::float8)",
                company.id,
                currency.id,
                currency._get_conversion_rate(
                    currency, company.currency_id, company, company._billing_today()
                ),
            )
            for company in self.env.companies.sudo()
            for currency in currencies - company.currency_id
        ]
        if not rates:
            return SQL("1 / sale.currency_rate")
        return SQL(
            """COALESCE((SELECT rate.factor
                           FROM (VALUES %s) AS rate(company_id, currency_id, factor)
                          WHERE rate.company_id = company.id
                            AND rate.currency_id = sale.currency_id),
                        1 / sale.currency_rate)""",
            SQL(", ").join(rates),
        )

    # === Status, in SQL ===

    @api.model
    def _status_sql(self) -> SQL:
        cases = [
            SQL(f"WHEN is_{status} THEN %s", status)
            for status, _label in (*obstacles.OF_TRANSACTION, *obstacles.OF_PROJECT)
        ]
        return SQL("CASE %s ELSE 'ready' END", SQL(" ").join(cases))

    @api.model
    def _is_status_sql(self, alias: str, status: str) -> SQL:
        """The same as a comparison of the status; but PostgreSQL asks each table for
        its own part of it, by index where that is rare: it then stops at the end of a
        page instead of sorting all that is open.

        It expects an expression to be true of a third of all rows, but to be equal to
        something of a few.
        """
        conditions = []
        for obstacle, _label in (*obstacles.OF_TRANSACTION, *obstacles.OF_PROJECT):
            column = SQL.identifier(alias, f"is_{obstacle}")
            if obstacle == status:
                is_rare = SQL("CASE WHEN %s THEN %s END = %s", column, status, status)
                return SQL(" AND ").join([*conditions, column, is_rare])
            conditions.append(SQL("%s IS NOT TRUE", column))
        return SQL(" AND ").join(conditions) if status == "ready" else SQL("FALSE")

    @api.model
    def _is_unfit_project_sql(self) -> SQL:
        """Whether nothing of ``project`` is ever billed."""
        return SQL(
            "(project.allow_billable IS NOT TRUE OR project.is_template"
            " OR project.partner_id IS NULL)"
        )

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **kwargs):
        """Rows are found by id and status as their transactions are: by index. A page,
        or its count, is read in the order of the list, and no further than its end."""
        domain = Domain(domain).map_conditions(self._to_indexed)
        if limit and not order:
            order = self._order
        return super()._search(domain, offset, limit, order, **kwargs)

    @api.model
    def _to_indexed(self, condition) -> Domain:
        if condition.field_expr == "id":
            to_sql = self._has_id_sql
        elif condition.field_expr == "status":
            to_sql = self._has_status_sql
        elif condition.field_expr == "partner_id":
            to_sql = self._has_partner_sql
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
    def _has_partner_sql(self, alias: str, partner_ids) -> SQL:
        """Rows of contract lines of these customers; without one, of their projects;
        with False, those of neither."""
        line, project, partner = (
            SQL.identifier(alias, name)
            for name in ("sale_line_id", "project_id", "partner_id")
        )
        places = self.env.context.get(PLACES)
        line_ids = places.line_ids if places else self._open_line_ids(partner_ids)
        found = [
            SQL("%s = ANY(%s)", line, line_ids),
            SQL(
                "%s IS NULL AND %s = ANY(%s)",
                line,
                project,
                self._own_project_ids(partner_ids),
            ),
        ]
        if not all(partner_ids):
            found.append(SQL("%s IS NULL AND %s IS NULL", line, partner))
        return self._any_sql(found)

    @api.model
    def _own_project_ids(self, partner_ids) -> list[int]:
        # sudo: what a row is compared with; the rows themselves are checked.
        projects = self.env["project.project"].sudo().with_context(active_test=False)
        domain = [("partner_id", "in", [id_ for id_ in partner_ids if id_])]
        return list(projects._search(domain).get_result_ids())

    @api.model
    def _open_line_ids(self, partner_ids) -> list[int]:
        """Contract lines of customers on which something is open."""
        return self._ids_of(
            SQL(
                """SELECT line.id FROM sale_order_line AS line
                     JOIN sale_order AS sale ON sale.id = line.order_id
                    WHERE sale.partner_id = ANY(%s) AND %s""",
                [id_ for id_ in partner_ids if id_],
                self._has_open_sql("sale_line_id", SQL("line.id")),
            )
        )

    @api.model
    def _places(self, name: str, ids) -> Places:
        """Where something is open of customers or projects.

        :param name: the field that refers to them
        """
        ids = [id_ for id_ in ids if id_]
        own = self._own_project_ids(ids) if name == "partner_id" else ids
        found = self.env.execute_query(
            SQL(" UNION ").join(
                self._places_of_sql(source, name, ids) for source in SOURCES
            )
        )
        line_ids, project_ids = zip(*found, strict=True) if found else [(), ()]
        return Places(list({*line_ids} - {None}), list({*project_ids, *own} - {None}))

    @api.model
    def _places_of_sql(self, source: str, name: str, ids: list[int]) -> SQL:
        model = self.env[MODELS[source]].sudo()
        table, names = model._table, model._billing_columns
        line = SQL.identifier(table, names["sale_line_id"])
        project = SQL.identifier(table, names["project_id"])
        of_partners = SQL(
            """%s IN (SELECT line.id FROM sale_order_line AS line
                        JOIN sale_order AS sale ON sale.id = line.order_id
                       WHERE sale.partner_id = ANY(%s))""",
            line,
            ids,
        )
        return SQL(
            "SELECT DISTINCT %s, %s FROM %s WHERE %s AND %s AND %s",
            line,
            project,
            SQL.identifier(table),
            SQL("%s = ANY(%s)", project, ids) if name == "project_id" else of_partners,
            model._in_open_index_sql(),
            model._is_open_sql(table),
        )

    @api.model
    def _has_open_sql(self, name: str, id_: SQL, before: SQL | None = None) -> SQL:
        """Whether anything is open on a contract line or project, by index.

        :param name: of the column that refers to it, as selection calls it
        :param before: only what is dated before this day
        """
        return self._any_sql(
            self._has_open_of_sql(source, name, id_, before) for source in SOURCES
        )

    @api.model
    def _has_open_of_sql(
        self, source: str, name: str, id_: SQL, before: SQL | None = None
    ) -> SQL:
        """The same of one kind of transaction."""
        model = self.env[MODELS[source]].sudo()
        table, names = model._table, model._billing_columns
        conditions = [
            SQL("%s = %s", SQL.identifier(table, names[name]), id_),
            model._in_open_index_sql(),
            model._is_open_sql(table),
        ]
        if before:
            day = SQL.identifier(table, names["date"])
            conditions.append(SQL("%s < %s", day, before))
        return SQL(
            "EXISTS (SELECT FROM %s WHERE %s)",
            SQL.identifier(table),
            SQL(" AND ").join(conditions),
        )

    @api.model
    def _ids_of(self, query: SQL) -> list[int]:
        return [id_ for (id_,) in self.env.execute_query(query)]

    @api.model
    def _any_sql(self, conditions) -> SQL:
        conditions = [SQL("(%s)", condition) for condition in conditions]
        return SQL("(%s)", SQL(" OR ").join(conditions)) if conditions else SQL("FALSE")

    def exists(self):
        """By index, too."""
        return self.browse(self.sudo()._search([("id", "in", self.ids)])).sorted(
            lambda row: self.ids.index(row.id)
        )
