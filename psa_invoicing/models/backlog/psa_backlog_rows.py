# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where rows of the backlog come from: one statement over all kinds of transactions."""

from typing import NamedTuple

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL, Query

from ...core import obstacles
from ...core.allocation import TOLERANCE
from ...core.kinds import MILESTONE, MODELS, NON_CHARGEABLE, SOURCES, TIME
from ...tools import amounts, rules
from ..billing.selection import LONGEST_TEXT
from ..shared.external_arguments import LONGEST_REASON

# A transaction has a row of what is open anew, and one of what was credited; one of
# what contract terms leave of the former, where they let a part of it be billed.
PARTS = NEW, CREDITED, REST = range(3)
ROWS_PER_ID = len(SOURCES) * len(PARTS)
# What keeps a transaction from the next run without a look at its contract line.
OWN_OBSTACLES = ("is_credited", "is_no_line", "is_hold", "is_draft", "is_unfit")
OWN_OBSTACLES += ("is_to_credit", "is_later", "is_terms")
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
    **dict.fromkeys(OWN_OBSTACLES, "bool"),
}
# The only contract lines and projects on which rows may be.
PLACES = "psa_backlog_places"


class Places(NamedTuple):
    """Where rows may be.

    :ivar line_ids: contract lines
    :ivar project_ids: projects
    """

    line_ids: list[int]
    project_ids: list[int]


class PsaBacklog(models.Model):
    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    @property
    def _table_query(self) -> SQL:
        return self._with_terms()._rows_sql()

    def _rows_sql(self) -> SQL:
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
                   %(price)s AS price_unit,
                   line.company_id AS contract_company_id,
                   %(status)s AS status,
                   obstacle.*,
                   LEFT(COALESCE(source.own_hold_reason,
                                 CASE WHEN project.billing_hold
                                      THEN project.billing_hold_reason END),
                        %(longest)s) AS hold_reason
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
            today=self.env.companies._billing_today_sql(
                SQL.identifier("company", "id")
            ),
            factor=rules.factor_sql(),
            longest=LONGEST_REASON,
            price=amounts.price_sql(SQL("open.chargeable_quantity")),
            status=self._status_sql(),
            is_unfit_project=self._is_unfit_project_sql(),
            of_contract=self._of_contract_sql(
                SQL("open.chargeable_quantity"), self._billed_before_sql()
            ),
            transactions=self._transactions_sql(),
            may_be_billed=SQL("CASE source.source %s END", SQL(" ").join(cases)),
            joins=self._contract_joins_sql(lines),
        )

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
            _own, domain = self.env[MODELS[source]].sudo()._psa_may_be_billed_domains()
            domain = domain.map_conditions(self._of_product).optimize_full(lines)
            conditions[source] = domain._to_sql(lines, "line", query)
        return query.from_clause, conditions

    def _of_product(self, condition) -> Domain:
        """Products are few: they are asked once, instead of joined to each line."""
        name, _dot, path = condition.field_expr.partition(".")
        if name != "product_id" or not path:
            return condition
        # sudo: as for contract lines.
        products = self.env["product.product"].sudo()
        domain = Domain(path, condition.operator, condition.value)
        return Domain(name, "in", products._search(domain, active_test=False))

    def _billed_before_sql(self) -> SQL:
        """What a run bills of a fixed price before the milestone ``source``; NULL: no
        run bills that one as it is."""
        milestones = self.env["project.milestone"].sudo()
        return SQL(
            """CASE WHEN source.source = %(milestone)s AND NOT source.is_credited
                     AND source.is_hold IS NOT TRUE AND source.is_to_credit IS NOT TRUE
                    THEN COALESCE((
                        SELECT SUM(%(open)s - %(credited)s)
                          FROM project_milestone AS other
                         WHERE other.sale_line_id = source.sale_line_id
                           AND other.is_reached AND other.billing_hold IS NOT TRUE
                           AND COALESCE(other.billing_type, 'chargeable') = 'chargeable'
                           AND %(open)s > %(credited)s + %(zero)s
                           AND (other.reached_date, other.id)
                               < (source.date, source.source_id)), 0) END""",
            milestone=MILESTONE,
            open=milestones._psa_open_sql("other"),
            credited=milestones._psa_quantity_sql("other", "billing_credited_quantity"),
            zero=TOLERANCE,
        )

    def _of_contract_sql(self, quantity: SQL, before: SQL) -> SQL:
        """Columns that follow from the contract line and the project of ``source``.

        :param quantity: that the customer pays for, in the contract line's unit
        :param before: of a fixed price, what is billed of it before, in the same
        """
        amount = SQL(
            """CASE WHEN line.qty_delivered_method = 'milestones' AND %(before)s >= 0
                    THEN %(of_fixed_price)s
                    ELSE ROUND((%(quantity)s * %(price)s
                                / currency.rounding)::numeric)
                         * currency.rounding::numeric END""",
            price=amounts.price_sql(quantity),
            before=before,
            of_fixed_price=amounts.amount_sql(quantity, before),
            quantity=quantity,
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

    def _known_places(self) -> Places | None:
        """A client's context is none of ours."""
        places = self.env.context.get(PLACES)
        return places if isinstance(places, Places) else None

    def _is_known_sql(self, id_: SQL, name: str) -> SQL:
        """:param name: which of the known places, as ``Places`` calls them"""
        places = self._known_places()
        return (
            SQL("%s = ANY(%s)", id_, getattr(places, name)) if places else SQL("TRUE")
        )

    def _transactions_sql(self) -> SQL:
        """What is open, each transaction a row or two; summed, where nothing asks for
        single rows."""
        return self._told_apart_sql(SQL(" UNION ALL ").join(self._branches()))

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
                if own := self._part_columns(model, part, number):
                    branches.append(self._branch(model, columns | own))
            if source == TIME:
                columns |= self._part_columns(model, NEW, index * len(PARTS))
                columns |= self._unsold_columns(model)
                branches.append(self._branch(model, columns))
        return branches

    def _branch(self, model, columns: dict[str, SQL]) -> SQL:
        table = SQL.identifier(model._table)
        return SQL("SELECT %s FROM %s", self._as_columns(columns), table)

    def _as_columns(self, columns: dict[str, SQL]) -> SQL:
        return SQL(", ").join(
            SQL(f"(%s)::{kind} AS {name}", columns[name])
            for name, kind in COLUMNS.items()
        )

    def _common_columns(self, model) -> dict[str, SQL]:
        """What every row says of its transaction; own: in its own unit, of its own
        company, where its contract line or project may say something else."""
        table = model._table
        column = model._billing_column_sql
        return {
            "source": SQL("%s", model._billing_source),
            "source_id": SQL.identifier(table, "id"),
            "sale_line_id": column("sale_line_id"),
            "project_id": column("project_id"),
            "task_id": column("task_id"),
            "employee_id": column("employee_id"),
            "date": column("date"),
            # Of what nobody wrote by hand, a page would have megabytes.
            "name": SQL("LEFT(%s, %s)", column("text"), LONGEST_TEXT),
            "own_who": column("who"),
            "own_uom_id": column("uom_id"),
            "row_count": SQL("1"),
            "own_unit_id": model._psa_unit_sql(),
            "own_company_id": SQL("NULL"),
            "own_hold_reason": SQL.identifier(table, "billing_hold_reason"),
            "transaction_type": model._psa_type_sql(),
            "billing_type": model._billing_type_sql(),
        }

    def _unsold_columns(self, entries) -> dict[str, SQL]:
        """Time on billable projects that is on no contract line."""
        table = entries._table
        quantity = SQL.identifier(table, "unit_amount")
        Project = self.env["project.project"].sudo()
        projects = Project._search([("allow_billable", "=", True)], active_test=False)
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

    def _part_columns(self, model, part: int, number: int) -> dict[str, SQL] | None:
        """What is credited, what is open but for that, or what terms leave of it.

        :param number: tells the rows of one id from each other
        """
        table = model._table
        credited = model._psa_quantity_sql(table, "billing_credited_quantity")
        has_credited = SQL(
            "%s <> 0 AND ABS(%s) > %s",
            model._psa_column_sql(table, "billing_credited_quantity"),
            credited,
            TOLERANCE,
        )
        new = SQL("%s - %s", model._psa_open_sql(table), credited)
        # What is credited is all that is open. Put like this, PostgreSQL expects hardly
        # any.
        has_none = SQL("(%s AND ABS(%s) <= %s)", has_credited, new, TOLERANCE)
        id_ = SQL(
            "%s::bigint * %s + %s", SQL.identifier(table, "id"), ROWS_PER_ID, number
        )
        if part == REST:
            rest = self._rest_columns(model, new)
            return rest and {"id": id_, **rest}
        is_wanted = SQL(
            "(%s AND %s AND %s)",
            model._psa_in_open_index_sql(),
            model._psa_is_open_sql(table),
            has_credited if part == CREDITED else SQL("%s IS NOT TRUE", has_none),
        )
        if part == CREDITED:
            return {
                "id": id_,
                **self._obstacles_sql(is_credited=SQL("TRUE")),
                "own_quantity": credited,
                "is_wanted": is_wanted,
            }
        return {
            "id": id_,
            **self._own_obstacles_sql(model, new),
            "own_quantity": new,
            "is_wanted": is_wanted,
            **self._terms_columns(model, new),
        }

    def _obstacles_sql(self, **found: SQL) -> dict[str, SQL]:
        """What keeps a transaction from the next run without a look at its contract
        line or project; nothing, but for what is given."""
        return {name: SQL("FALSE") for name in OWN_OBSTACLES} | found

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
                open=model._psa_open_sql(table),
                draft=model._psa_column_sql(table, "billing_draft_quantity"),
            ),
            is_unfit=SQL("(%s) IS NOT TRUE", model._psa_may_be_billed_sql()),
            # Put twice: PostgreSQL then expects hardly any.
            is_to_credit=SQL("SIGN(%(new)s) = -1 AND -SIGN(%(new)s) = 1", new=quantity),
            is_later=SQL(
                "%s > %s",
                SQL.identifier(table, columns["date"]),
                self.env.companies._billing_today_sql(company),
            ),
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

    # === Status ===

    def _status_sql(self) -> SQL:
        cases = [
            SQL(f"WHEN is_{status} THEN %s", status)
            for status, _label in (*obstacles.OF_TRANSACTION, *obstacles.OF_PROJECT)
        ]
        return SQL("CASE %s ELSE 'ready' END", SQL(" ").join(cases))

    def _is_unfit_project_sql(self) -> SQL:
        """Whether nothing of ``project`` is ever billed."""
        return SQL(
            "(project.allow_billable IS NOT TRUE OR project.is_template"
            " OR project.partner_id IS NULL)"
        )
