# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..core import obstacles
from ..core.allocation import TOLERANCE
from ..core.billing import Request
from ..core.kinds import (
    BILLING_TYPES,
    COLUMNS,
    COST,
    MODELS,
    ORDER_LINE,
    TRANSACTION_TYPES,
)
from ..models.shared import actions, rights
from ..tools import rules


class PsaUnbilled(models.TransientModel):
    """What was performed up to a day and not invoiced by then, at sales value.

    The ledger tells how much of a transaction was on posted invoices, credited and
    written off on that day. Quantities and prices are those of today: Odoo keeps no
    history of them.
    """

    _name = "psa.unbilled"
    _inherit = "psa.pointing"
    _description = "Unbilled as of a Date"

    date = fields.Date(
        string="As of",
        required=True,
        default=lambda self: (
            self.env.company._billing_today().replace(day=1) - timedelta(days=1)
        ),
        help="Transactions up to and including this day that were on no posted invoice "
        "of this day or before, by its accounting date.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        domain=lambda self: [("id", "in", self.env.companies.ids)],
    )

    def action_open(self):
        """List what was not billed on that day.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if the company is not switched on
        """
        self.ensure_one()
        self._fill()
        day = format_date(self.env, self.date)
        title = self.env._("Unbilled as of %(date)s", date=day)
        return actions.named(
            self.env,
            "psa_unbilled_line_action",
            name=title,
            display_name=title,
            domain=[("unbilled_id", "=", self.id)],
        )

    def _fill(self):
        """One INSERT for each kind of transaction, however many there are."""
        rights.check_may_bill(self.env)
        if self.company_id not in self.env.companies:
            raise UserError(
                self.env._(
                    "Switch %(company)s on to see what it has not billed.",
                    company=self.company_id.sudo().name,
                )
            )
        self.env.flush_all()
        rates = self._rates_sql()
        if rates is None:
            return
        for source in MODELS:
            self.env.cr.execute(self._insert_sql(source, rates))
        self.env["psa.unbilled.line"].invalidate_model()

    def _rates_sql(self) -> SQL | None:
        """``(currency_id, rounding, factor)`` of the currencies of orders: what one of
        it was in the company's currency on that day; None if there are no orders."""
        company = self.company_id
        # sudo: the administrator was just checked; he need not see the orders.
        Order = self.env["sale.order"].sudo()
        domain = [("company_id", "=", company.id), ("state", "=", "sale")]
        currencies = [unit for (unit,) in Order._read_group(domain, ["currency_id"])]
        if not currencies:
            return None
        return SQL(
            "(VALUES %s) AS currency(id, rounding, factor)",
            SQL(", ").join(
                SQL(
                    "(%s, %s::float8, %s::float8)",
                    currency.id,
                    currency.rounding,
                    currency._get_conversion_rate(
                        currency, company.currency_id, company, self.date
                    ),
                )
                for currency in currencies
            ),
        )

    def _insert_sql(self, source: str, rates: SQL) -> SQL:
        """INSERT of what was not billed of one kind of transaction.

        :param source: one of ``core.billing.SOURCES``
        :param rates: :meth:`_rates_sql`
        """
        return SQL(
            """
            INSERT INTO psa_unbilled_line
                   (unbilled_id, partner_id, project_id, sale_line_id,
                    transaction_type, date, who, name, quantity, price_unit,
                    billing_type, amount, company_amount, status,
                    create_uid, create_date, write_date)
            SELECT %(report)s, sale.partner_id, source.project_id, line.id,
                   %(kind)s, source.date, COALESCE(source.who, employee.name),
                   source.text, value.quantity, value.price,
                   COALESCE(source.billing_type, 'chargeable'), value.amount,
                   ROUND((value.amount * currency.factor / %(rounding)s)::numeric)
                       * %(rounding)s::numeric,
                   %(status)s, %(user)s,
                   now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
              FROM (%(transactions)s) AS source
              JOIN sale_order_line AS line ON line.id = source.sale_line_id
              JOIN sale_order AS sale ON sale.id = line.order_id
              JOIN product_product AS product ON product.id = line.product_id
              JOIN product_template AS template ON template.id = product.product_tmpl_id
              JOIN %(rates)s ON currency.id = sale.currency_id
         LEFT JOIN uom_uom AS unit ON unit.id = source.uom_id
         LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
         LEFT JOIN hr_employee AS employee ON employee.id = source.employee_id
         LEFT JOIN (%(ledger)s) AS ledger ON ledger.source_id = source.id
     CROSS JOIN LATERAL (
                   SELECT (source.quantity - COALESCE(ledger.settled, 0))
                              * %(factor)s AS quantity,
                          line.price_unit * (1 - COALESCE(line.discount, 0) / 100.0)
                              AS price) AS open
     CROSS JOIN LATERAL (
                   SELECT open.quantity, open.price,
                          CASE WHEN source.billing_type = 'complimentary' THEN 0
                               ELSE ROUND((open.quantity * open.price
                                           / currency.rounding)::numeric)
                                    * currency.rounding::numeric
                          END AS amount) AS value
             WHERE ABS(value.quantity) > %(zero)s
          ORDER BY source.date, source.id
            """,
            report=self.id,
            kind=self._kind_sql(source),
            rounding=self.company_id.currency_id.rounding,
            status=self._status_sql(),
            user=self.env.uid,
            transactions=self._transactions_sql(source),
            rates=rates,
            ledger=self._ledger_sql(source),
            factor=rules.factor_sql(),
            zero=TOLERANCE,
        )

    def _kind_sql(self, source: str) -> SQL:
        """The type of a transaction."""
        if source == COST:
            return SQL("source.kind")
        if source == ORDER_LINE:
            return rules.kind_of_sold_sql(rules.is_goods_sql())
        return SQL("%s", source)

    def _transactions_sql(self, source: str) -> SQL:
        """What the customers are to pay for, dated up to the day, those on hold too."""
        # sudo: the administrator was just checked; he need not read timesheets.
        model = self.env[MODELS[source]].sudo()
        table = model._table
        request = Request(project_ids=(), cutoff_date=self.date, credited=True)
        domain = model._billing_domain(request, with_held=True)
        company_path = model._psa_contract_line_path("company_id")
        query = model._search(domain & Domain(company_path, "=", self.company_id.id))
        names = {name: model._billing_column_sql(name) for name in COLUMNS}
        names |= {
            "id": SQL.identifier(table, "id"),
            "billing_type": SQL.identifier(table, "billing_type"),
            "hold": SQL.identifier(table, "billing_hold"),
            "quantity": model._psa_billable_sql(table),
        }
        return query.select(
            *(
                SQL("%s AS %s", column, SQL.identifier(name))
                for name, column in names.items()
            )
        )

    def _ledger_sql(self, source: str) -> SQL:
        """What became of each transaction until that day, and since.

        :return: ``source_id``; ``settled``: on posted invoices less credit notes, and
            written off, until that day; ``credited``: of it taken back; ``invoiced``,
            ``draft``, ``written_off``: since then; in the transaction's own unit
        """
        model = self.env[MODELS[source]]
        column = SQL.identifier("detail", model._billing_detail_field)
        return SQL(
            """
            SELECT source_id,
                   SUM(quantity) FILTER (WHERE until) AS settled,
                   SUM(quantity) FILTER (WHERE until AND is_credit) AS credited,
                   SUM(quantity) FILTER (WHERE NOT until AND is_posted) AS invoiced,
                   SUM(quantity) FILTER (WHERE is_draft) AS draft,
                   SUM(quantity) FILTER (WHERE NOT until AND is_write_off)
                       AS written_off
              FROM (SELECT %(column)s AS source_id,
                           detail.source_quantity AS quantity,
                           CASE WHEN move.id IS NULL
                                THEN COALESCE(detail.write_off_date <= %(day)s, TRUE)
                                ELSE move.state <> 'draft' AND move.date <= %(day)s
                           END AS until,
                           %(credit)s AND detail.is_released IS NOT TRUE AS is_credit,
                           move.id IS NOT NULL AND move.state <> 'draft' AS is_posted,
                           move.id IS NOT NULL AND move.state = 'draft' AS is_draft,
                           move.id IS NULL AS is_write_off
                      FROM psa_invoice_detail AS detail
                 LEFT JOIN account_move AS move ON move.id = detail.move_id
                     WHERE %(column)s IS NOT NULL AND %(own)s AND %(live)s) AS live
          GROUP BY source_id
            """,
            column=column,
            day=self.date,
            credit=rules.credit_sql(),
            own=model._psa_own_details_sql(),
            live=rules.live_sql(),
        )

    def _status_sql(self) -> SQL:
        """Credited until that day; else what holds it now, or became of it since."""
        return SQL(
            """CASE WHEN ABS(ledger.credited) > %(zero)s THEN %(credited)s
                    WHEN source.hold THEN %(hold)s
                    WHEN ABS(ledger.invoiced) > %(zero)s THEN 'invoiced'
                    WHEN ABS(ledger.draft) > %(zero)s THEN %(draft)s
                    WHEN ABS(ledger.written_off) > %(zero)s THEN 'written_off'
                    ELSE 'ready'
               END""",
            credited=obstacles.CREDITED,
            draft=obstacles.DRAFT,
            hold=obstacles.HOLD,
            zero=TOLERANCE,
        )


class PsaUnbilledLine(models.TransientModel):
    """A transaction that was not, or not wholly, billed on a day."""

    _name = "psa.unbilled.line"
    _inherit = ["psa.pointing", "psa.exported"]
    _description = "Unbilled Transaction"
    _order = "id"

    unbilled_id = fields.Many2one(
        "psa.unbilled", required=True, readonly=True, index=True, ondelete="cascade"
    )
    # Not stored: each key of a row costs as much to check as all the rest of it.
    company_id = fields.Many2one(related="unbilled_id.company_id")
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    project_id = fields.Many2one("project.project", readonly=True)
    sale_line_id = fields.Many2one(
        "sale.order.line", string="Contract Line", readonly=True
    )
    transaction_type = fields.Selection(TRANSACTION_TYPES, string="Type", readonly=True)
    date = fields.Date(readonly=True)
    who = fields.Char(readonly=True)
    name = fields.Char(string="Description", readonly=True)
    quantity = fields.Float(
        digits="Product Unit",
        readonly=True,
        aggregator=None,
        help="Not billed on that day, in the unit of the contract line.",
    )
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )
    price_unit = fields.Float(
        string="Unit Price",
        digits="Product Price",
        readonly=True,
        aggregator=None,
        help="Of the contract line, less its discount.",
    )
    billing_type = fields.Selection(BILLING_TYPES, readonly=True)
    currency_id = fields.Many2one(
        related="sale_line_id.currency_id", string="Order's Currency"
    )
    amount = fields.Monetary(readonly=True, help="In the order's currency, untaxed.")
    company_currency_id = fields.Many2one(
        related="unbilled_id.company_id.currency_id", string="Company Currency"
    )
    company_amount = fields.Monetary(
        string="Amount in Company Currency",
        currency_field="company_currency_id",
        readonly=True,
        help="At the rate of that day.",
    )
    status = fields.Selection(
        [
            ("ready", "Still Open"),
            (obstacles.HOLD, "On Hold"),
            (obstacles.CREDITED, "Credited"),
            (obstacles.DRAFT, "On a Draft"),
            ("invoiced", "Invoiced Since"),
            ("written_off", "Written Off Since"),
        ],
        readonly=True,
        help="Credited: by a credit note of that day or before. Else what holds it "
        "now, or became of it since.",
    )
