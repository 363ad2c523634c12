# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoices that were made before: at installation, or before an order had a project.

Odoo knows how much of an order line was invoiced, seldom which hours. The ledger is
written so that both stay true: a line's quantities stay what they were, and its
transactions share them. What is open goes to those without an invoice, the newest
first; the others are billed, on the invoice that Odoo names for them, else by date.
What finds no transaction is an adjustment of that invoice.

All is set-based and in chunks of contract lines: a million entries take minutes. A
chunk is worked on in temporary tables:

``psa_history_line``    its contract lines, and where their transactions are kept
``psa_history_bill``    what their invoices and posted credit notes bill
``psa_history_source``  their transactions: how much of each is open, how much billed
``psa_history_part``    how much of which transaction is on which invoice line
"""

import logging
from contextlib import ExitStack, contextmanager

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..core.allocation import TOLERANCE
from ..core.billing import COST, MILESTONE, ORDER_LINE, TIME
from .bulk_writing import indexes_filled_at_once, keys_checked_at_once
from .psa_billing_selection import MODELS
from .sql_values import id_array

_logger = logging.getLogger(__name__)

# Contract lines in one go: bounds the size of the statements and temporary tables.
CHUNK = 5000
TABLES = ("line", "bill", "source", "part")
# By what details are searched while more of them are written.
SEARCHED = ("sale_line_id", "analytic_line_id", "cost_id", "milestone_id")

# Which order lines are in the ledger (``sale.order.line._is_in_ledger``), and whether
# nothing finer is behind them (``_is_billed_itself``), in a query with ``line`` and the
# ``template`` of its product.
CONTRACT_LINE = SQL(
    """(line.display_type IS NULL AND line.is_downpayment IS NOT TRUE
        AND template.type <> 'combo')"""
)
IN_LEDGER = SQL(
    """(%s AND (line.billing_project_id IS NOT NULL
                OR template.invoice_policy = 'delivery'
                   AND line.qty_delivered_method IN ('milestones', 'timesheet')))""",
    CONTRACT_LINE,
)
BY_TRANSACTIONS = SQL(
    """(template.invoice_policy = 'delivery' AND COALESCE(line.qty_delivered_method, '')
        IN ('analytic', 'milestones', 'timesheet'))"""
)
# Invoice lines that bill an order line and are not in the ledger, in a query with the
# line ``item`` and its ``move``. A draft credit note reopens nothing: it is recorded
# apart.
UNKNOWN_BILL = SQL(
    """(item.display_type = 'product' AND item.quantity <> 0
        AND (move.move_type = 'out_invoice'
             AND (move.state <> 'cancel' OR move.payment_state = 'invoicing_legacy')
             OR move.move_type = 'out_refund' AND move.state = 'posted')
        AND NOT EXISTS (SELECT FROM psa_invoice_detail AS detail
                         WHERE detail.move_line_id = item.id
                           AND detail.sale_line_id = line.id))"""
)


class PsaBilling(models.AbstractModel):
    # One file per step of the service, told in order.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.billing"

    @api.model
    def _take_over_history(self, contract_lines=None):
        """Take invoices and credit notes that exist into the ledger.

        Those that are in it already are left alone: it may be called again.

        :param contract_lines: of these order lines (default: of all)
        """
        self.env.flush_all()
        if contract_lines is None:
            self._fill_history_columns()
        self._link_credited_lines()
        # Credit notes of invoices that are in the ledger say what they take back.
        self._record_credit_notes(
            Domain("credited_line_id.detail_ids", "!=", False), contract_lines
        )
        self.env.flush_all()
        ids = self._unknown_contract_lines(contract_lines)
        if contract_lines is None and not self._is_ledger_begun():
            with self._written_in_bulk():
                held = self._take_over_lines(ids)
        else:
            held = self._take_over_lines(ids)
        self.env.invalidate_all()
        self._record_credit_notes(Domain("move_id.state", "=", "draft"), contract_lines)
        for chunk in split_every(1000, held, list):
            self.env["sale.order.line"].browse(chunk)._refresh_excluded_quantity()
            self.env.flush_all()
            self.env.invalidate_all()

    @api.model
    def _take_over_lines(self, line_ids: list[int]) -> list[int]:
        """Write the ledger of contract lines, chunk by chunk.

        :return: those with something on hold
        """
        held: list[int] = []
        for done, chunk in enumerate(split_every(CHUNK, line_ids, list)):
            held += self._take_over_chunk(chunk)
            _logger.info(
                "Invoices of %s of %s contract lines are in the ledger.",
                min((done + 1) * CHUNK, len(line_ids)),
                len(line_ids),
            )
        return held

    @contextmanager
    def _written_in_bulk(self):
        """Write the whole ledger of a database that had none, as fast as can be."""
        cr = self.env.cr
        ledger, entries = "psa_invoice_detail", "account_analytic_line"
        with ExitStack() as stack:
            stack.enter_context(keys_checked_at_once(cr, ledger, "res_users"))
            stack.enter_context(indexes_filled_at_once(cr, ledger, SEARCHED))
            if self._are_most_entries_billed():
                stack.enter_context(indexes_filled_at_once(cr, entries, ("so_line",)))
            # For the sorting of a chunk.
            cr.execute("SET LOCAL work_mem = '128MB'")
            cr.execute("SET LOCAL maintenance_work_mem = '128MB'")
            yield

    def _is_ledger_begun(self) -> bool:
        return bool(
            self.env.execute_query(SQL("SELECT FROM psa_invoice_detail LIMIT 1"))
        )

    def _are_most_entries_billed(self) -> bool:
        """Whether most rows of the table of time entries are about to be written."""
        rows = self.env.execute_query(
            SQL(
                """SELECT COUNT(timesheet_invoice_id) > COUNT(*) / 2
                     FROM account_analytic_line"""
            )
        )
        return rows[0][0]

    @api.model
    def _unknown_contract_lines(self, contract_lines) -> list[int]:
        """Contract lines with invoices that are not in the ledger."""
        wanted = SQL("TRUE")
        if contract_lines is not None:
            wanted = SQL("line.id = ANY(%s)", id_array(contract_lines.ids))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT line.id
                  FROM sale_order_line AS line
                  JOIN product_product AS product ON product.id = line.product_id
                  JOIN product_template AS template
                    ON template.id = product.product_tmpl_id
                  JOIN sale_order_line_invoice_rel AS rel
                    ON rel.order_line_id = line.id
                  JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                  JOIN account_move AS move ON move.id = item.move_id
                 WHERE %s AND %s AND %s
              ORDER BY line.id
                """,
                wanted,
                IN_LEDGER,
                UNKNOWN_BILL,
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _take_over_chunk(self, line_ids: list[int]) -> list[int]:
        """Write the ledger of contract lines.

        :return: those with something on hold
        """
        self._history_lines(line_ids)
        self._history_bills()
        self._history_sources()
        self._history_parts()
        self._write_history()
        self.env.cr.execute("ANALYZE psa_invoice_detail")
        self._point_credits_to_invoices(line_ids)
        self._refresh_history_figures()
        held = self._hold_what_does_not_add_up()
        for table in TABLES:
            self.env.cr.execute(
                SQL("DROP TABLE %s", SQL.identifier(f"psa_history_{table}"))
            )
        return held

    # === Columns that the installation left empty ===

    @api.model
    def _fill_history_columns(self):
        """Compute in SQL what new columns say of a database with history."""
        cr = self.env.cr
        cr.execute(
            "UPDATE account_move SET reopens_transactions = TRUE"
            " WHERE move_type = 'out_refund' AND reopens_transactions IS NULL"
        )
        self._fill_contract_lines()
        cr.execute(
            """
            UPDATE project_milestone AS milestone
               SET billable_quantity = milestone.quantity_percentage
                                       * line.product_uom_qty
              FROM sale_order_line AS line
              JOIN product_product AS product ON product.id = line.product_id
              JOIN product_template AS template
                ON template.id = product.product_tmpl_id
             WHERE line.id = milestone.sale_line_id
               AND milestone.is_reached AND milestone.billable_quantity IS NULL
               AND line.qty_delivered_method = 'milestones'
               AND template.invoice_policy = 'delivery'
            """
        )
        cr.execute(self.env["psa.reinvoiced.cost"]._follow_sql())
        self.env.invalidate_all()

    @api.model
    def _fill_contract_lines(self):
        """Project, day and quantity of order lines.

        Lines without a project get their day as well: an order may get a project later.
        Nobody knows when a line was delivered: the day of the order is the best guess.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE sale_order_line AS target
                   SET billing_project_id = found.project_id,
                       billing_date = found.day,
                       billable_quantity = found.quantity
                  FROM (
                SELECT line.id, project.id AS project_id,
                       CASE WHEN NOT %(by_transactions)s
                             AND (template.invoice_policy <> 'delivery'
                                  OR line.qty_delivered <> 0)
                            THEN %(ordered)s END AS day,
                       CASE WHEN project.id IS NULL OR line.state <> 'sale'
                              OR line.is_expense OR %(by_transactions)s THEN NULL
                            WHEN template.invoice_policy = 'delivery'
                            THEN line.qty_delivered
                            ELSE line.product_uom_qty END AS quantity
                  FROM sale_order_line AS line
                  JOIN sale_order AS orders ON orders.id = line.order_id
                  JOIN product_product AS product ON product.id = line.product_id
                  JOIN product_template AS template
                    ON template.id = product.product_tmpl_id
             LEFT JOIN (SELECT item.order_id, MIN(project.id) AS id
                          FROM project_project AS project
                          JOIN sale_order_line AS item
                            ON item.id = project.sale_line_id
                      GROUP BY item.order_id) AS worked_on
                    ON worked_on.order_id = line.order_id
             LEFT JOIN project_project AS project
                    ON project.id = COALESCE(line.project_id, orders.project_id,
                                             worked_on.id)
                 WHERE %(contract_line)s
                   AND line.billing_project_id IS NULL AND line.billing_date IS NULL
                       ) AS found
                 WHERE target.id = found.id
                   AND (found.project_id IS NOT NULL OR found.day IS NOT NULL)
                """,
                by_transactions=BY_TRANSACTIONS,
                contract_line=CONTRACT_LINE,
                ordered=self.env["res.company"]._billing_day_sql(
                    SQL("orders.date_order"), SQL("orders.company_id")
                ),
            )
        )

    # === Credit notes ===

    @api.model
    def _link_credited_lines(self):
        """Let credit notes name the lines that they credit, as new ones do."""
        self.env.cr.execute(
            """
            UPDATE account_move_line AS target
               SET credited_line_id = found.origin_id
              FROM (
            SELECT credit.id, MIN(origin.id) AS origin_id
              FROM account_move AS move
              JOIN account_move_line AS credit
                ON credit.move_id = move.id AND credit.display_type = 'product'
               AND credit.credited_line_id IS NULL
              JOIN account_move_line AS origin
                ON origin.move_id = move.reversed_entry_id
               AND origin.display_type = 'product'
              JOIN sale_order_line_invoice_rel AS credit_rel
                ON credit_rel.invoice_line_id = credit.id
              JOIN sale_order_line_invoice_rel AS origin_rel
                ON origin_rel.invoice_line_id = origin.id
               AND origin_rel.order_line_id = credit_rel.order_line_id
             WHERE move.move_type = 'out_refund'
          GROUP BY credit.id
                   ) AS found
             WHERE target.id = found.id
            """
        )
        self.env["account.move.line"].invalidate_model(["credited_line_id"])

    @api.model
    def _record_credit_notes(self, domain: Domain, contract_lines):
        """Note what the lines of a few credit notes take back, one by one."""
        domain &= Domain(
            [
                ("move_id.move_type", "=", "out_refund"),
                ("move_id.state", "in", ("draft", "posted")),
                ("display_type", "=", "product"),
                ("sale_line_ids", "!=", False),
                ("detail_ids", "=", False),
            ]
        )
        if contract_lines is not None:
            domain &= Domain("sale_line_ids", "in", contract_lines.ids)
        found = self.env["account.move.line"].sudo().search(domain)
        lines = found.filtered(lambda line: line._contract_line())
        if not lines:
            return
        links = self.env.execute_query(
            SQL(
                """SELECT id, timesheet_invoice_id FROM account_analytic_line
                    WHERE so_line = ANY(%s) AND timesheet_invoice_id IS NOT NULL""",
                id_array(lines.sale_line_ids.ids),
            )
        )
        self._record(lines)
        self._restore_links(links)

    @api.model
    def _restore_links(self, links: list[tuple[int, int]]):
        """What Odoo said about the invoice of entries stays as it was: it may have been
        made after the credit note.

        :param links: ids of entries and invoices
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """UPDATE account_analytic_line AS entry
                      SET timesheet_invoice_id = link.move_id
                     FROM unnest(%s, %s) AS link(entry_id, move_id)
                    WHERE entry.id = link.entry_id
                      AND entry.timesheet_invoice_id IS DISTINCT FROM link.move_id""",
                id_array(entry_id for entry_id, _move_id in links),
                id_array(move_id for _entry_id, move_id in links),
            )
        )
        self.env["account.analytic.line"].invalidate_model(["timesheet_invoice_id"])

    # === What is known of a chunk ===

    @api.model
    def _history_lines(self, line_ids: list[int]):
        """Where the transactions of contract lines are kept; see ``_sources_of``."""
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE psa_history_line AS
                SELECT line.id, line.billing_project_id AS project_id, line.name,
                       template.type AS product_type, unit.factor,
                       CASE WHEN line.is_expense THEN %(cost)s
                            WHEN NOT %(by_transactions)s THEN %(order_line)s
                            WHEN line.qty_delivered_method = 'timesheet' THEN %(time)s
                            WHEN line.qty_delivered_method = 'milestones'
                            THEN %(milestone)s ELSE '' END AS source
                  FROM sale_order_line AS line
                  JOIN product_product AS product ON product.id = line.product_id
                  JOIN product_template AS template
                    ON template.id = product.product_tmpl_id
             LEFT JOIN uom_uom AS unit ON unit.id = line.product_uom_id
                 WHERE line.id = ANY(%(ids)s)
                """,
                by_transactions=BY_TRANSACTIONS,
                ids=id_array(line_ids),
                cost=COST,
                milestone=MILESTONE,
                order_line=ORDER_LINE,
                time=TIME,
            )
        )
        self._index_history("line", "id")

    @api.model
    def _history_bills(self):
        """What invoices bill, in the contract line's unit; credit notes count down."""
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE psa_history_bill AS
                SELECT item.id, line.id AS line_id, item.move_id, item.price_unit,
                       move.move_type = 'out_refund' AS is_credit,
                       item.credited_line_id, currency.rounding,
                       COALESCE(move.invoice_date, item.date, %(made)s) AS day,
                       sign.factor * item.quantity
                           * COALESCE(unit.factor / line.factor, 1)::float8
                           AS quantity,
                       sign.factor * item.price_subtotal
                           / COUNT(*) OVER (PARTITION BY item.id) AS amount
                  FROM psa_history_line AS line
                  JOIN sale_order_line_invoice_rel AS rel
                    ON rel.order_line_id = line.id
                  JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                  JOIN account_move AS move ON move.id = item.move_id
                  JOIN res_currency AS currency ON currency.id = item.currency_id
             LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
            CROSS JOIN LATERAL (SELECT CASE move.move_type WHEN 'out_refund'
                                       THEN -1 ELSE 1 END AS factor) AS sign
                 WHERE %(unknown)s
                """,
                made=self.env["res.company"]._billing_day_sql(
                    SQL("move.create_date"), SQL("move.company_id")
                ),
                unknown=UNKNOWN_BILL,
            )
        )
        self._index_history("bill", "line_id", "id")

    @api.model
    def _history_sources(self):
        """The transactions, and how much of each is open.

        Corrections (negative quantities) stay whole, open or billed; the others make
        room for them. Invoice lines are rounded: what is left of a transaction by
        rounding alone belongs to its invoice. What is only partly open, open in spite
        of its invoice, or was credited, is to be looked at.
        """
        self.env.cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE psa_history_source AS
                WITH found AS (%(found)s),
                billed AS (
                    SELECT line_id, SUM(quantity) AS net,
                           COALESCE(SUM(-quantity) FILTER (WHERE is_credit), 0)
                               AS credited,
                           %(rounding)s * SQRT(COUNT(*)) AS noise
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
                    [
                        self._history_entries_sql(),
                        self._history_costs_sql(),
                        self._history_milestones_sql(),
                    ]
                ),
                rounding=self._unit_rounding(),
                zero=TOLERANCE,
            )
        )
        self._index_history("source", "line_id", "id")

    @api.model
    def _history_entries_sql(self) -> SQL:
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
                   (%(open)s * COALESCE(unit.factor / line.factor, 1))::float8
                       AS quantity,
                   linked.id AS linked_id
              FROM psa_history_line AS line
              JOIN account_analytic_line AS entry ON entry.so_line = line.id
         LEFT JOIN uom_uom AS unit ON unit.id = entry.product_uom_id
         LEFT JOIN hr_employee AS employee ON employee.id = entry.employee_id
         LEFT JOIN project_task AS task ON task.id = entry.task_id
         LEFT JOIN account_move AS linked
                ON linked.id = entry.timesheet_invoice_id
               AND (linked.state <> 'cancel'
                    OR linked.payment_state = 'invoicing_legacy')
               AND linked.payment_state IS DISTINCT FROM 'reversed'
             WHERE line.source = %(time)s AND entry.project_id IS NOT NULL
               AND ABS(%(open)s) > %(zero)s AND entry.id IN (%(delivered)s)
            """,
            time=TIME,
            open=Entry._open_sql("entry"),
            zero=TOLERANCE,
            delivered=Entry._search(domain).select(),
        )

    @api.model
    def _history_costs_sql(self) -> SQL:
        """Expenses and lines of vendor bills."""
        return SQL(
            """
            SELECT line.id, cost.id, cost.project_id, cost.date, cost.kind,
                   cost.source_move_line_id, cost.name, cost.who, NULL,
                   %(open)s,
                   (%(open)s * COALESCE(unit.factor / line.factor, 1))::float8,
                   NULL::int4
              FROM psa_history_line AS line
              JOIN psa_reinvoiced_cost AS cost ON cost.sale_line_id = line.id
         LEFT JOIN uom_uom AS unit ON unit.id = cost.uom_id
             WHERE line.source = %(cost)s AND ABS(%(open)s) > %(zero)s
            """,
            cost=COST,
            open=self.env["psa.reinvoiced.cost"]._open_sql("cost"),
            zero=TOLERANCE,
        )

    @api.model
    def _history_milestones_sql(self) -> SQL:
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
            open=self.env["project.milestone"]._open_sql("milestone"),
            zero=TOLERANCE,
        )

    @api.model
    def _unit_rounding(self) -> float:
        """Every unit of measure has this precision."""
        return 10.0 ** -self.env["decimal.precision"].precision_get("Product Unit")

    @api.model
    def _index_history(self, name: str, *columns: str):
        table = SQL.identifier(f"psa_history_{name}")
        keys = SQL(", ").join(map(SQL.identifier, columns))
        self.env.cr.execute(SQL("CREATE INDEX ON %s (%s)", table, keys))
        self.env.cr.execute(SQL("ANALYZE %s", table))

    # === Transactions onto invoice lines ===

    @api.model
    def _history_parts(self):
        """Lay what is billed of the transactions over the invoice lines."""
        self.env.cr.execute(
            "CREATE TEMPORARY TABLE psa_history_part"
            " (line_id int4, source_id int4, bill_id int4, quantity float8)"
        )
        self._put_rest(SQL("source.billed_quantity < 0"))
        # First onto the invoice that Odoo names, then by date wherever there is room.
        self._lay_over(SQL("source.linked_id"), SQL("bill.move_id"), TOLERANCE)
        self._lay_over(SQL("0"), SQL("0"), self._unit_rounding())
        self._put_rest(SQL("source.billed_quantity > 0"))
        self._index_history("part", "bill_id")

    @api.model
    def _lay_over(self, source_group: SQL, bill_group: SQL, smallest: float):
        """Match transactions and invoice lines in order of date: their running sums
        overlap where a transaction is on a line.

        What a credit note has taken back of an invoice is no room on it.

        :param source_group: transactions go on lines of the same group
        :param smallest: quantity and room that are worth a match
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO psa_history_part (line_id, source_id, bill_id, quantity)
                WITH want AS (
                    SELECT found.*, SUM(quantity) OVER (
                               PARTITION BY line_id, bucket ORDER BY day, id) AS upto
                      FROM (SELECT source.line_id, source.id, source.day,
                                   %(source_group)s AS bucket,
                                   source.billed_quantity
                                   - COALESCE(part.quantity, 0) AS quantity
                              FROM psa_history_source AS source
                         LEFT JOIN (SELECT line_id, source_id,
                                           SUM(quantity) AS quantity
                                      FROM psa_history_part
                                  GROUP BY line_id, source_id) AS part
                                ON part.line_id = source.line_id
                               AND part.source_id = source.id
                             WHERE source.billed_quantity > 0) AS found
                     WHERE quantity > %(smallest)s AND bucket IS NOT NULL),
                have AS (
                    SELECT found.*, SUM(quantity) OVER (
                               PARTITION BY line_id, bucket ORDER BY day, id) AS upto
                      FROM (SELECT bill.line_id, bill.id, bill.day,
                                   %(bill_group)s AS bucket,
                                   bill.quantity + COALESCE(credit.quantity, 0)
                                   - COALESCE(part.quantity, 0) AS quantity
                              FROM psa_history_bill AS bill
                         LEFT JOIN (SELECT line_id, bill_id,
                                           SUM(quantity) AS quantity
                                      FROM psa_history_part
                                  GROUP BY line_id, bill_id) AS part
                                ON part.line_id = bill.line_id
                               AND part.bill_id = bill.id
                         LEFT JOIN (SELECT line_id, credited_line_id,
                                           SUM(quantity) AS quantity
                                      FROM psa_history_bill WHERE is_credit
                                  GROUP BY line_id, credited_line_id) AS credit
                                ON credit.line_id = bill.line_id
                               AND credit.credited_line_id = bill.id
                             WHERE NOT bill.is_credit) AS found
                     WHERE quantity > %(smallest)s)
                SELECT want.line_id, want.id, have.id,
                       LEAST(want.upto, have.upto)
                       - GREATEST(want.upto - want.quantity,
                                  have.upto - have.quantity)
                  FROM want
                  JOIN have ON have.line_id = want.line_id
                           AND have.bucket = want.bucket
                           AND have.upto - have.quantity < want.upto - 0.0000001
                           AND want.upto - want.quantity < have.upto - 0.0000001
                """,
                source_group=source_group,
                bill_group=bill_group,
                smallest=smallest,
            )
        )

    @api.model
    def _put_rest(self, condition: SQL):
        """Put what is left of billed transactions on one line: of their own invoice,
        else of the last one.

        :param condition: of the transactions, ``source``
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO psa_history_part (line_id, source_id, bill_id, quantity)
                SELECT source.line_id, source.id, bill.id,
                       source.billed_quantity - COALESCE(part.quantity, 0)
                  FROM psa_history_source AS source
             LEFT JOIN (SELECT line_id, source_id, SUM(quantity) AS quantity
                          FROM psa_history_part
                      GROUP BY line_id, source_id) AS part
                    ON part.line_id = source.line_id AND part.source_id = source.id
    CROSS JOIN LATERAL (SELECT bill.id
                          FROM psa_history_bill AS bill
                         WHERE bill.line_id = source.line_id
                      ORDER BY bill.is_credit,
                               bill.move_id = source.linked_id DESC NULLS LAST,
                               bill.day DESC, bill.id DESC
                         LIMIT 1) AS bill
                 WHERE %s
                   AND ABS(source.billed_quantity - COALESCE(part.quantity, 0)) > 1e-9
                """,
                condition,
            )
        )

    # === The ledger ===

    @api.model
    def _write_history(self):
        """Write the details of every invoice line; they add up to it."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO psa_invoice_detail (
                    move_id, move_line_id, sale_line_id, project_id, transaction_type,
                    analytic_line_id, cost_id, milestone_id, source_move_line_id,
                    date, employee_name, task_name, name, quantity, source_quantity,
                    price_unit, amount, billing_type, is_write_off, is_released)
                SELECT bill.move_id, bill.id, bill.line_id,
                       COALESCE(listed.project_id, line.project_id), listed.type,
                       CASE WHEN listed.type = %(time)s THEN listed.source_id END,
                       CASE WHEN line.source = %(cost)s THEN listed.source_id END,
                       CASE WHEN listed.type = %(milestone)s THEN listed.source_id END,
                       listed.source_move_line_id, listed.day, listed.who, listed.task,
                       listed.text, listed.quantity, listed.own_quantity,
                       bill.price_unit,
                       (ROUND((bill.amount * listed.upto / listed.whole
                               / bill.rounding)::numeric)
                        - ROUND((bill.amount * (listed.upto - listed.quantity)
                                 / listed.whole / bill.rounding)::numeric))
                       * bill.rounding,
                       'chargeable', FALSE, bill.is_credit
                  FROM (SELECT found.*,
                               SUM(quantity) OVER (PARTITION BY line_id, bill_id
                                                   ORDER BY day, source_id
                                                   ROWS UNBOUNDED PRECEDING) AS upto,
                               SUM(quantity) OVER (PARTITION BY line_id, bill_id)
                                   AS whole
                          FROM (%(parts)s UNION ALL %(adjustments)s
                                UNION ALL %(order_lines)s) AS found) AS listed
                  JOIN psa_history_bill AS bill
                    ON bill.id = listed.bill_id AND bill.line_id = listed.line_id
                  JOIN psa_history_line AS line ON line.id = listed.line_id
              ORDER BY bill.day, bill.move_id, bill.id, listed.day, listed.source_id
                """,
                cost=COST,
                milestone=MILESTONE,
                time=TIME,
                parts=self._part_rows_sql(),
                adjustments=self._adjustment_rows_sql(),
                order_lines=self._order_line_rows_sql(),
            )
        )

    @api.model
    def _part_rows_sql(self) -> SQL:
        return SQL(
            """
            SELECT source.line_id, part.bill_id, source.id AS source_id,
                   source.project_id, source.type, source.source_move_line_id,
                   source.day, source.who, source.task, source.text, part.quantity,
                   source.own_quantity * part.quantity / source.quantity
                       AS own_quantity
              FROM (SELECT line_id, source_id, bill_id, SUM(quantity) AS quantity
                      FROM psa_history_part
                  GROUP BY line_id, source_id, bill_id) AS part
              JOIN psa_history_source AS source
                ON source.line_id = part.line_id AND source.id = part.source_id
            """
        )

    @api.model
    def _adjustment_rows_sql(self) -> SQL:
        """What an invoice line bills beyond its transactions, or short of them."""
        return SQL(
            """
            SELECT bill.line_id, bill.id, NULL::int4, NULL::int4, 'adjustment',
                   NULL::int4, bill.day, NULL, NULL, %(text)s,
                   bill.quantity - COALESCE(part.quantity, 0),
                   bill.quantity - COALESCE(part.quantity, 0)
              FROM psa_history_bill AS bill
              JOIN psa_history_line AS line
                ON line.id = bill.line_id AND line.source <> %(order_line)s
         LEFT JOIN (SELECT line_id, bill_id, SUM(quantity) AS quantity
                      FROM psa_history_part GROUP BY line_id, bill_id) AS part
                ON part.line_id = bill.line_id AND part.bill_id = bill.id
             WHERE ABS(bill.quantity - COALESCE(part.quantity, 0))
                   > %(half)s + %(zero)s
            """,
            text=self.env._("Opening balance"),
            order_line=ORDER_LINE,
            half=self._unit_rounding() / 2,
            zero=TOLERANCE,
        )

    @api.model
    def _order_line_rows_sql(self) -> SQL:
        """Order lines that are billed themselves: all of an invoice line is theirs."""
        return SQL(
            """
            SELECT bill.line_id, bill.id, NULL::int4, NULL::int4,
                   CASE line.product_type WHEN 'consu' THEN 'material'
                        ELSE %(order_line)s END,
                   NULL::int4, bill.day, NULL, NULL, line.name, bill.quantity,
                   bill.quantity
              FROM psa_history_bill AS bill
              JOIN psa_history_line AS line
                ON line.id = bill.line_id AND line.source = %(order_line)s
            """,
            order_line=ORDER_LINE,
        )

    @api.model
    def _point_credits_to_invoices(self, line_ids: list[int]):
        """Credited order lines name the detail that was credited: of that invoice, else
        the last one."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE psa_invoice_detail AS target
                   SET origin_detail_id = found.origin_id
                  FROM (
                SELECT DISTINCT ON (credit.id) credit.id, origin.id AS origin_id
                  FROM psa_history_bill AS bill
                  JOIN psa_invoice_detail AS credit
                    ON credit.move_line_id = bill.id
                   AND credit.sale_line_id = bill.line_id
                   AND credit.transaction_type <> 'adjustment'
                   AND credit.origin_detail_id IS NULL
                  JOIN psa_invoice_detail AS origin
                    ON origin.sale_line_id = bill.line_id AND origin.quantity > 0
                   AND origin.transaction_type <> 'adjustment'
                  JOIN account_move AS invoice
                    ON invoice.id = origin.move_id
                   AND invoice.move_type = 'out_invoice'
                 WHERE bill.is_credit AND credit.sale_line_id = ANY(%s)
              ORDER BY credit.id,
                       origin.move_line_id = bill.credited_line_id DESC NULLS LAST,
                       origin.id DESC) AS found
                 WHERE target.id = found.id
                """,
                id_array(line_ids),
            )
        )

    # === What transactions say about themselves ===

    @api.model
    def _refresh_history_figures(self):
        """Figures of all transactions of a chunk, one UPDATE for each kind."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.source, source.id
                  FROM psa_history_source AS source
                  JOIN psa_history_line AS line ON line.id = source.line_id
                 WHERE source.billed_quantity <> 0
             UNION ALL
                SELECT source, id FROM psa_history_line WHERE source = %s
                """,
                ORDER_LINE,
            )
        )
        ids: dict[str, list[int]] = {}
        for source, id_ in rows:
            ids.setdefault(source, []).append(id_)
        for source, found in ids.items():
            self._refresh_figures(self.env[MODELS[source]], found)

    @api.model
    def _refresh_figures(self, model, ids: list[int]):
        """Bring transactions in line with the ledger.

        What Odoo says about the invoice of an entry stays as it is.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE %s AS source SET %s FROM (%s) AS ledger"
                " WHERE source.id = ledger.id",
                SQL.identifier(model._table),
                self.env["psa.transaction.mixin"]._ledger_assignments(),
                model._ledger_figures_sql(ids),
            )
        )

    @api.model
    def _hold_what_does_not_add_up(self) -> list[int]:
        """Leave to a person what is open only in part, or because it was credited.

        :return: contract lines with something on hold
        """
        held = set()
        for source, model in MODELS.items():
            wanted = (
                self._credited_lines_sql()
                if source == ORDER_LINE
                else SQL(
                    """SELECT source.id, source.line_id
                         FROM psa_history_source AS source
                         JOIN psa_history_line AS line
                           ON line.id = source.line_id AND line.source = %s
                        WHERE source.is_held""",
                    source,
                )
            )
            rows = self.env.execute_query(
                SQL(
                    """UPDATE %s AS target
                          SET billing_hold = TRUE, billing_hold_reason = %s
                         FROM (%s) AS wanted
                        WHERE target.id = wanted.id
                          AND target.billing_hold IS NOT TRUE
                    RETURNING wanted.line_id""",
                    SQL.identifier(self.env[model]._table),
                    self.env._("Opening balance"),
                    wanted,
                )
            )
            held |= {line_id for (line_id,) in rows}
        return sorted(held)

    @api.model
    def _credited_lines_sql(self) -> SQL:
        """Order lines billed themselves, open again because of a credit note."""
        return SQL(
            """
            SELECT source.id, source.id AS line_id
              FROM sale_order_line AS source
              JOIN psa_history_line AS line
                ON line.id = source.id AND line.source = %s
             WHERE %s AND EXISTS (SELECT FROM psa_history_bill AS bill
                                   WHERE bill.line_id = line.id AND bill.is_credit)
            """,
            ORDER_LINE,
            self.env["sale.order.line"]._is_open_sql("source"),
        )
