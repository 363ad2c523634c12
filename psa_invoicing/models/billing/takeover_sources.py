# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is known of a chunk: its contract lines, their invoices and transactions."""

from odoo.fields import Domain
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import COST, MILESTONE, ORDER_LINE, TIME
from ...tools import rules
from ...tools.values import id_array
from .step import Step


class TakeoverSources(Step):
    """SELECTs, each out of those before it."""

    def lines(self, line_ids: list[int]) -> SQL:
        """Where the transactions of contract lines are kept; see ``_sources_of``."""
        return SQL(
            """
            SELECT line.id, line.billing_project_id AS project_id, line.name,
                   template.type AS product_type, unit.factor,
                   CASE WHEN line.is_expense THEN %(cost)s
                        WHEN NOT %(by_transactions)s THEN %(order_line)s
                        WHEN line.qty_delivered_method = 'timesheet' THEN %(time)s
                        WHEN line.qty_delivered_method = 'milestones'
                        THEN %(milestone)s ELSE '' END AS source
              FROM sale_order_line AS line
              %(of_product)s
         LEFT JOIN uom_uom AS unit ON unit.id = line.product_uom_id
             WHERE line.id = ANY(%(ids)s)
            """,
            by_transactions=rules.BY_TRANSACTIONS,
            ids=id_array(line_ids),
            cost=COST,
            milestone=MILESTONE,
            of_product=rules.OF_PRODUCT,
            order_line=ORDER_LINE,
            time=TIME,
        )

    def bills(self) -> SQL:
        """What invoices bill, in the contract line's unit; credit notes count down."""
        return SQL(
            """
            SELECT item.id, line.id AS line_id, item.move_id, item.price_unit,
                   move.move_type = 'out_refund' AS is_credit,
                   item.billing_credited_line_id, currency.rounding,
                   COALESCE(move.invoice_date, item.date, %(made)s) AS day,
                   COALESCE(item.billing_share, 0) <> 0 AS is_amount,
                   sign.factor * %(quantity)s AS quantity,
                   sign.factor * item.price_subtotal
                       / COUNT(*) OVER (PARTITION BY item.id) AS amount
              FROM psa_history_line AS line
              JOIN sale_order_line_invoice_rel AS rel
                ON rel.order_line_id = line.id
              JOIN account_move_line AS item ON item.id = rel.invoice_line_id
              JOIN account_move AS move ON move.id = item.move_id
              JOIN res_currency AS currency ON currency.id = item.currency_id
         LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
        CROSS JOIN LATERAL (SELECT %(sign)s AS factor) AS sign
             WHERE %(unknown)s
            """,
            quantity=rules.item_quantity_sql("line"),
            made=self.env["res.company"]._billing_day_sql(
                SQL("move.create_date"), SQL("move.company_id")
            ),
            sign=rules.sign_sql(),
            unknown=rules.UNKNOWN_BILL,
        )

    def sources(self) -> SQL:
        """The transactions, and how much of each is open.

        Corrections (negative quantities) stay whole, open or billed; the others make
        room for them. Invoice lines are rounded, but for amounts: what is left of a
        transaction by rounding alone belongs to its invoice. What is only partly open,
        open in spite of its invoice, or was credited, is to be looked at.
        """
        return SQL(
            """
            WITH found AS (%(found)s),
            billed AS (
                SELECT line_id, SUM(quantity) AS net,
                       COALESCE(SUM(-quantity) FILTER (WHERE is_credit), 0)
                           AS credited,
                       GREATEST(%(zero)s, %(rounding)s * SQRT(
                           COUNT(*) FILTER (WHERE NOT is_amount))) AS noise
                  FROM psa_history_bill GROUP BY line_id),
            target AS (
                SELECT billed.line_id, billed.credited, billed.noise,
                       SUM(found.quantity) - billed.net
                       - COALESCE(SUM(found.quantity) FILTER (
                             WHERE found.quantity < 0
                               AND found.linked_id IS NULL), 0) AS quantity
                  FROM billed
                  JOIN found ON found.line_id = billed.line_id
              GROUP BY billed.line_id, billed.credited, billed.noise, billed.net),
            ranked AS (
                SELECT found.*, target.credited, target.noise,
                       target.quantity + GREATEST(found.quantity, 0)
                       - SUM(GREATEST(found.quantity, 0)) OVER (
                             PARTITION BY found.line_id
                             ORDER BY found.linked_id IS NOT NULL,
                                      found.day DESC, found.id DESC) AS rest
                  FROM found
                  JOIN target ON target.line_id = found.line_id),
            shared AS (
                SELECT ranked.*,
                       CASE WHEN quantity < 0
                            THEN CASE WHEN linked_id IS NULL
                                      THEN quantity ELSE 0 END
                            WHEN linked_id IS NOT NULL AND rest <= noise THEN 0
                            WHEN quantity <= rest + noise THEN quantity
                            WHEN rest <= noise THEN 0
                            ELSE rest END AS open_quantity
                  FROM ranked)
            SELECT shared.*, quantity - open_quantity AS billed_quantity,
                   open_quantity > 0
                   AND (quantity - open_quantity > %(zero)s
                        OR linked_id IS NOT NULL
                        OR SUM(GREATEST(open_quantity, 0)) OVER (
                               PARTITION BY line_id ORDER BY day, id)
                           - open_quantity < credited - noise) AS is_held
              FROM shared
            """,
            found=SQL(" UNION ALL ").join(
                [self._entries_sql(), self._costs_sql(), self._milestones_sql()]
            ),
            rounding=uom_rounding(self.env),
            zero=TOLERANCE,
        )

    def _entries_sql(self) -> SQL:
        """Time that counts as delivered, with the invoice that Odoo names for it."""
        Entry = self.env["account.analytic.line"].sudo()
        delivered = self.env["sale.order.line"]
        domain = Domain(delivered._timesheet_compute_delivered_quantity_domain())
        return SQL(
            """
            SELECT line.id AS line_id, entry.id, entry.project_id, entry.date AS day,
                   %(time)s AS type, NULL::int4 AS source_move_line_id,
                   entry.name AS text, employee.name AS who, task.name AS task,
                   %(open)s AS own_quantity,
                   (%(open)s * %(factor)s)::float8
                       AS quantity,
                   linked.id AS linked_id
              FROM psa_history_line AS line
              JOIN account_analytic_line AS entry ON entry.so_line = line.id
         LEFT JOIN uom_uom AS unit ON unit.id = entry.product_uom_id
         LEFT JOIN hr_employee AS employee ON employee.id = entry.employee_id
         LEFT JOIN project_task AS task ON task.id = entry.task_id
         LEFT JOIN account_move AS linked
                ON linked.id = entry.timesheet_invoice_id
               AND %(stands)s
               AND linked.payment_state IS DISTINCT FROM 'reversed'
             WHERE line.source = %(time)s AND entry.project_id IS NOT NULL
               AND ABS(%(open)s) > %(zero)s AND entry.id IN (%(delivered)s)
            """,
            time=TIME,
            open=Entry._psa_open_sql("entry"),
            zero=TOLERANCE,
            delivered=Entry._search(domain).select(),
            factor=rules.factor_sql("unit", "line"),
            stands=rules.stands_sql("linked"),
        )

    def _costs_sql(self) -> SQL:
        """Expenses and lines of vendor bills."""
        return SQL(
            """
            SELECT line.id, cost.id, cost.project_id, cost.date, cost.kind,
                   cost.source_move_line_id, cost.name, cost.who, NULL,
                   %(open)s,
                   (%(open)s * %(factor)s)::float8,
                   NULL::int4
              FROM psa_history_line AS line
              JOIN psa_reinvoiced_cost AS cost ON cost.sale_line_id = line.id
         LEFT JOIN uom_uom AS unit ON unit.id = cost.uom_id
             WHERE line.source = %(cost)s AND ABS(%(open)s) > %(zero)s
            """,
            cost=COST,
            factor=rules.factor_sql("unit", "line"),
            open=self.env["psa.reinvoiced.cost"]._psa_open_sql("cost"),
            zero=TOLERANCE,
        )

    def _milestones_sql(self) -> SQL:
        """Milestones that were reached, in the contract line's unit."""
        return SQL(
            """
            SELECT line.id, milestone.id, milestone.project_id,
                   COALESCE(milestone.reached_date, %(made)s),
                   %(milestone)s, NULL::int4, milestone.name, NULL, NULL,
                   %(open)s, (%(open)s)::float8, NULL::int4
              FROM psa_history_line AS line
              JOIN project_milestone AS milestone
                ON milestone.sale_line_id = line.id
             WHERE line.source = %(milestone)s AND ABS(%(open)s) > %(zero)s
            """,
            made=self.env["res.company"]._billing_day_sql(
                SQL("milestone.create_date"),
                SQL("(SELECT company_id FROM sale_order_line WHERE id = line.id)"),
            ),
            milestone=MILESTONE,
            open=self.env["project.milestone"]._psa_open_sql("milestone"),
            zero=TOLERANCE,
        )


def uom_rounding(env) -> float:
    """Every unit of measure has this precision."""
    return 10.0 ** -env["decimal.precision"].precision_get("Product Unit")
