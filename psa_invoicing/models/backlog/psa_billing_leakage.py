# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models
from odoo.tools import SQL

from ...core import obstacles
from ...core.allocation import TOLERANCE
from ..billing.selection import LONGEST_TEXT
from ..shared import actions, rights
from .psa_backlog import TIME_FIELDS

LONG_HELD_DAYS = 60


class PsaBillingLeakage(models.Model):
    """Time on billable projects that nobody is going to bill as things stand.

    One row for each time entry; its id is that of the entry. What somebody has decided
    is no leakage: non-chargeable and complimentary time, entries whose contract line a
    person has taken off, projects that are billed manually.
    """

    _name = "psa.billing.leakage"
    _inherit = "psa.exported"
    _description = "Billing Leakage"
    _auto = False
    _order = "date, id"
    _depends = {
        "account.analytic.line": [*TIME_FIELDS, "amount", "is_so_line_edited"],
        "product.template": ["invoice_policy", "service_type"],
        "project.project": [
            "allow_billable",
            "is_template",
            "partner_id",
            "sale_line_id",
        ],
        "project.sale.line.employee.map": ["employee_id", "project_id", "sale_line_id"],
        "sale.order": ["company_id", "currency_rate", "partner_id", "state"],
        "sale.order.line": [
            "billing_project_id",
            "company_id",
            "discount",
            "order_id",
            "price_unit",
            "product_id",
            "product_uom_id",
        ],
    }

    entry_id = fields.Many2one(
        "account.analytic.line", string="Time Entry", readonly=True
    )
    date = fields.Date(readonly=True)
    reason = fields.Selection(
        [
            (obstacles.NO_LINE, "Without Contract Line"),
            (obstacles.ORDER, "Order Not Confirmed"),
            (obstacles.HOLD, "On Hold, Older than 60 Days"),
        ],
        readonly=True,
        help="Without Contract Line: nobody has sold this time, though its project is "
        "billable. Order Not Confirmed: the order of its contract line was cancelled, "
        "or is a quotation. On Hold, Older than 60 Days: dated more than 60 days ago, "
        "and still waiting for its release.",
    )
    billing_hold_reason = fields.Char(string="Hold Reason", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    project_id = fields.Many2one("project.project", readonly=True)
    task_id = fields.Many2one("project.task", readonly=True)
    employee_id = fields.Many2one("hr.employee", readonly=True)
    department_id = fields.Many2one("hr.department", readonly=True)
    sale_line_id = fields.Many2one(
        "sale.order.line", string="Contract Line", readonly=True
    )
    name = fields.Char(string="Description", readonly=True)
    hours = fields.Float(
        string="Time",
        readonly=True,
        help="Neither invoiced nor written off, in the unit of the time entry: hours.",
    )
    amount = fields.Monetary(
        string="At Stake",
        readonly=True,
        help="What the customer would pay, untaxed, in the company's currency at the "
        "rate of the order. Valued At says by which price.",
    )
    valued_by = fields.Selection(
        [
            ("contract", "Its Contract Line"),
            ("project", "Price on the Project"),
            ("cost", "Cost"),
        ],
        string="Valued At",
        readonly=True,
        help="Its Contract Line: the price of the contract line, less its discount. "
        "Price on the Project: of time without contract line, the best price known for "
        "the project: that of the employee, else that of the project, else that of its "
        "oldest contract line for time. Cost: what the time costs the company, where "
        "the project has no price at all; the least that is lost, for those who may "
        "see what time costs.",
    )
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)

    @property
    def _table_query(self) -> SQL:
        # sudo: the statement names columns; who may read the report is its own right.
        Entry = self.env["account.analytic.line"].sudo()
        return SQL(
            """
            SELECT entry.id,
                   entry.id AS entry_id,
                   entry.date,
                   leak.reason,
                   CASE WHEN leak.reason = %(hold)s
                        THEN LEFT(entry.billing_hold_reason, %(longest)s)
                   END AS billing_hold_reason,
                   COALESCE(sale.partner_id, project.partner_id) AS partner_id,
                   entry.project_id,
                   entry.task_id,
                   entry.employee_id,
                   entry.department_id,
                   entry.so_line AS sale_line_id,
                   LEFT(entry.name, %(longest)s) AS name,
                   leak.hours,
                   ROUND((COALESCE(leak.hours * price.per_unit * unit.factor,
                                   -%(cost)s * leak.hours / entry.unit_amount)
                          / currency.rounding)::numeric)
                       * currency.rounding::numeric AS amount,
                   CASE WHEN price.per_unit IS NULL THEN 'cost'
                        WHEN entry.so_line IS NULL THEN 'project'
                        ELSE 'contract' END AS valued_by,
                   company.id AS company_id,
                   company.currency_id
              FROM (%(suspects)s) AS entry
              JOIN project_project AS project ON project.id = entry.project_id
         LEFT JOIN sale_order_line AS line ON line.id = entry.so_line
         LEFT JOIN sale_order AS sale ON sale.id = line.order_id
              JOIN res_company AS company
                ON company.id = COALESCE(line.company_id, entry.company_id)
              JOIN res_currency AS currency ON currency.id = company.currency_id
              JOIN uom_uom AS unit ON unit.id = entry.product_uom_id
         LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
         LEFT JOIN project_sale_line_employee_map AS map
                ON map.project_id = entry.project_id
               AND map.employee_id = entry.employee_id
        CROSS JOIN LATERAL (
                   SELECT CASE WHEN entry.so_line IS NULL THEN %(no_line)s
                               WHEN sale.state <> 'sale' THEN %(order)s
                               WHEN entry.billing_hold
                                AND entry.date < %(today)s - %(long_held)s
                               THEN %(hold)s END AS reason,
                          CASE WHEN entry.so_line IS NULL THEN %(unsold)s
                               ELSE %(open)s END AS hours) AS leak
        CROSS JOIN LATERAL (
                   SELECT CASE WHEN entry.so_line IS NOT NULL THEN %(own_price)s
                               ELSE COALESCE(%(of_employee)s, %(of_project)s,
                                             %(oldest)s) END AS per_unit) AS price
             WHERE project.allow_billable
               AND project.is_template IS NOT TRUE
               AND COALESCE(entry.billing_type, 'chargeable') = 'chargeable'
               AND leak.reason IS NOT NULL
               AND NOT (leak.reason = %(no_line)s
                        AND (entry.is_so_line_edited IS TRUE
                             OR entry.timesheet_invoice_type = 'billable_manual'))
               AND entry.unit_amount <> 0
               AND ABS(leak.hours) > %(zero)s
            """,
            suspects=self._suspects_sql(),
            # Of those alone whose cost the user may see.
            cost=self.env["account.analytic.line"]._field_to_sql("entry", "amount"),
            hold=obstacles.HOLD,
            no_line=obstacles.NO_LINE,
            order=obstacles.ORDER,
            today=self.env.companies._billing_today_sql(
                SQL.identifier("company", "id")
            ),
            long_held=LONG_HELD_DAYS,
            unsold=SQL(
                "%s - %s - %s",
                Entry._psa_quantity_sql("entry", "unit_amount"),
                Entry._psa_quantity_sql("entry", "billed_quantity"),
                Entry._psa_quantity_sql("entry", "billing_written_off_quantity"),
            ),
            open=Entry._psa_open_sql("entry"),
            own_price=self._price_sql("line", "sale", "line_unit"),
            of_employee=self._rate_sql(SQL("rate.id = map.sale_line_id")),
            of_project=self._rate_sql(SQL("rate.id = project.sale_line_id")),
            oldest=self._rate_sql(SQL("rate.billing_project_id = entry.project_id")),
            longest=LONGEST_TEXT,
            zero=TOLERANCE,
        )

    def _suspects_sql(self) -> SQL:
        """The few entries that may leak, each reason by its own index: time that nobody
        sold, what is on hold, and what is on an order that is not confirmed."""
        return SQL(
            """
            SELECT * FROM account_analytic_line
             WHERE so_line IS NULL AND project_id IS NOT NULL AND unit_amount <> 0
             UNION ALL
            SELECT * FROM account_analytic_line
             WHERE so_line IS NOT NULL AND billing_hold
             UNION ALL
            SELECT sold.*
              FROM sale_order AS unconfirmed
              JOIN sale_order_line AS line ON line.order_id = unconfirmed.id
              JOIN account_analytic_line AS sold ON sold.so_line = line.id
             WHERE unconfirmed.state <> 'sale' AND sold.billing_hold IS NOT TRUE
            """
        )

    def _rate_sql(self, condition: SQL) -> SQL:
        """The price of the oldest contract line for time that an ``entry`` might be
        billed by.

        Looked up by key, entry by entry: PostgreSQL cannot tell how few entries leak,
        and joins what they might cost in a way that takes forever.

        :param condition: which contract lines ``rate``
        """
        return SQL(
            """
            (SELECT (ARRAY_AGG(%(price)s ORDER BY rate.id))[1]
               FROM sale_order_line AS rate
               JOIN sale_order AS rate_order ON rate_order.id = rate.order_id
               JOIN uom_uom AS rate_unit ON rate_unit.id = rate.product_uom_id
               JOIN product_product AS product ON product.id = rate.product_id
               JOIN product_template AS template
                 ON template.id = product.product_tmpl_id
              WHERE %(condition)s
                AND rate.company_id = entry.company_id
                AND rate_order.state = 'sale'
                AND template.invoice_policy = 'delivery'
                AND template.service_type = 'timesheet')
            """,
            price=self._price_sql("rate", "rate_order", "rate_unit"),
            condition=condition,
        )

    def _price_sql(self, line: str, order: str, unit: str) -> SQL:
        """Price of the reference unit of time on a contract line, less its discount, in
        the company's currency: what an entry's own unit costs, by its factor."""
        return SQL(
            """%(line)s.price_unit * (1 - COALESCE(%(line)s.discount, 0) / 100.0)
               / %(unit)s.factor / COALESCE(NULLIF(%(order)s.currency_rate, 0), 1)""",
            line=SQL.identifier(line),
            order=SQL.identifier(order),
            unit=SQL.identifier(unit),
        )

    # === Remedies ===

    def action_set_contract_line(self):
        """Ask for the contract line that these entries are billed by.

        :raises AccessError: unless the user is a billing administrator
        """
        return self._open_wizard("psa_contract_line_change_action")

    def action_set_billing_type(self):
        """Ask whether these entries are charged at all.

        :raises AccessError: unless the user is a billing administrator
        """
        return self._open_wizard(
            "psa_transaction_decision_type_action", default_decision="billing_type"
        )

    def action_release(self):
        """Let the next invoice bill what is on hold.

        :raises AccessError: unless the user is a billing administrator
        """
        self.env["account.analytic.line"].browse(self.ids).action_psa_release()

    def _open_wizard(self, name: str, **context) -> dict:
        rights.check_may_bill(self.env)
        self.check_access("read")
        context |= {"active_model": "account.analytic.line", "active_ids": self.ids}
        return actions.named(self.env, name, context=context)
