# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoices that were made before: at installation, or before an order had a project.

Odoo knows how much of an order line was invoiced, seldom which hours. The ledger is
written so that both stay true: a line's quantities stay what they were, and its
transactions share them. What is open goes to those without an invoice, the newest
first; the others are billed, on the invoice that Odoo names for them, else by date.
What finds no transaction is an adjustment of that invoice.

All is set-based and in chunks of contract lines: a million entries take minutes. What
is known of a chunk (``takeover_rows.py``):

``psa_history_line``    its contract lines, and where their transactions are kept
``psa_history_bill``    what their invoices and posted credit notes bill
``psa_history_source``  their transactions: how much of each is open, how much billed
``psa_history_part``    how much of which transaction is on which invoice line
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack, contextmanager

from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ...core.kinds import MODELS, ORDER_LINE
from ...tools import rules
from ...tools.bulk_writing import indexes_filled_at_once, keys_checked_at_once
from ...tools.values import id_array
from .step import Step
from .takeover_credits import TakeoverCredits
from .takeover_rows import Taken, TakeoverTables

_logger = logging.getLogger(__name__)

# Contract lines in one go: bounds the size of the statements and temporary tables.
CHUNK = 5000
# By what details are searched while more of them are written.
SEARCHED = ("sale_line_id", "analytic_line_id", "cost_id", "milestone_id")


class Takeover(Step):
    """Takes invoices and credit notes that exist into the ledger."""

    def take_over(self, contract_lines=None):
        """Take invoices and credit notes that exist into the ledger.

        Those that are in it already are left alone: it may be called again.

        :param contract_lines: of these few order lines (default: of all)
        """
        self.env.flush_all()
        if contract_lines is None:
            self._fill_columns()
        notes = TakeoverCredits(self.env)
        notes.link_credited_lines(contract_lines)
        # Credit notes of invoices that are in the ledger say what they take back.
        known = Domain("billing_credited_line_id.detail_ids", "!=", False)
        notes.record(known, contract_lines)
        self.env.flush_all()
        ids = self._unknown_contract_lines(contract_lines)
        if contract_lines is not None:
            held = self._take_over_chunk(ids, TakeoverTables(self.env).write_few)
        elif self._is_ledger_begun():
            held = self._take_over_lines(ids)
        else:
            with self._written_in_bulk():
                held = self._take_over_lines(ids)
        self.env.invalidate_all()
        notes.record(Domain("move_id.state", "=", "draft"), contract_lines)
        for chunk in split_every(1000, held, list):
            self.env["sale.order.line"].browse(chunk)._psa_refresh_excluded_quantity()
            self.env.flush_all()
            self.env.invalidate_all()
        if contract_lines is None:
            contract_lines = self.env["sale.order.line"]._psa_fixed_prices()
        contract_lines._psa_compute_fixed_prices()

    def _take_over_lines(self, line_ids: list[int]) -> list[int]:
        """Write the ledger of contract lines, chunk by chunk.

        :return: those with something on hold
        """
        held: list[int] = []
        for done, chunk in enumerate(split_every(CHUNK, line_ids, list)):
            held += self._take_over_chunk(chunk, TakeoverTables(self.env).write_many)
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
                  %s
                  JOIN sale_order_line_invoice_rel AS rel
                    ON rel.order_line_id = line.id
                  JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                  JOIN account_move AS move ON move.id = item.move_id
                 WHERE %s AND %s AND %s
              ORDER BY line.id
                """,
                rules.OF_PRODUCT,
                wanted,
                rules.IN_LEDGER,
                rules.UNKNOWN_BILL,
            )
        )
        return [row[0] for row in rows]

    def _take_over_chunk(
        self, line_ids: list[int], write: Callable[[list[int]], list[Taken]]
    ) -> list[int]:
        """Write the ledger of contract lines.

        :param write: in one of the ways of ``TakeoverTables``
        :return: those with something on hold
        """
        if not line_ids:
            return []
        taken = write(line_ids)
        notes = [(each.id, each.line_id) for each in taken if each.what == "credit"]
        TakeoverCredits(self.env).point_to_invoices(notes)
        billed: dict[str, list[int]] = {}
        for each in taken:
            if each.what == "billed":
                billed.setdefault(each.source, []).append(each.id)
        # What Odoo says about the invoice of an entry stays as it is.
        figures = self.env["psa.transaction.mixin"]._psa_ledger_assignments()
        for source, ids in billed.items():
            self.env[MODELS[source]]._psa_write_figures(ids, figures)
        return self._hold_what_does_not_add_up(taken)

    # === What transactions say about themselves ===

    def _hold_what_does_not_add_up(self, taken: list[Taken]) -> list[int]:
        """Leave to a person what is open only in part, or because it was credited.

        :return: contract lines with something on hold
        """
        held: dict[str, dict[int, int]] = {}
        for each in taken:
            if each.what == "held":
                held.setdefault(each.source, {})[each.id] = each.line_id
            elif each.what == "credit" and each.source == ORDER_LINE:
                # Billed itself; held where that is open again.
                held.setdefault(ORDER_LINE, {})[each.line_id] = each.line_id
        found = set()
        for source, lines in held.items():
            model = self.env[MODELS[source]]
            is_open = model._psa_is_open_sql("target")
            rows = self.env.execute_query(
                SQL(
                    """UPDATE %s AS target
                          SET billing_hold = TRUE, billing_hold_reason = %s
                        WHERE target.id = ANY(%s) AND %s
                          AND target.billing_hold IS NOT TRUE
                    RETURNING target.id""",
                    SQL.identifier(model._table),
                    self.env._("Opening balance"),
                    id_array(lines),
                    is_open if source == ORDER_LINE else SQL("TRUE"),
                )
            )
            found |= {lines[id_] for (id_,) in rows}
        return sorted(found)

    # === Columns that the installation left empty ===

    def _fill_columns(self):
        """Compute in SQL what new columns say of a database with history."""
        cr = self.env.cr
        cr.execute(
            "UPDATE account_move SET psa_reopens_transactions = TRUE"
            " WHERE move_type = 'out_refund' AND psa_reopens_transactions IS NULL"
        )
        self._fill_invoiced_elsewhere()
        self._fill_contract_lines()
        cr.execute(
            SQL(
                """
                UPDATE project_milestone AS milestone
                   SET billable_quantity = milestone.quantity_percentage
                                           * line.product_uom_qty
                  FROM sale_order_line AS line
                  %s
                 WHERE line.id = milestone.sale_line_id
                   AND milestone.is_reached AND milestone.billable_quantity IS NULL
                   AND line.qty_delivered_method = 'milestones'
                   AND template.invoice_policy = 'delivery'
                """,
                rules.OF_PRODUCT,
            )
        )
        cr.execute(self.env["psa.reinvoiced.cost"]._follow_sql())
        self.env.invalidate_all()

    def _fill_invoiced_elsewhere(self):
        """Where another add-on invoices without invoice lines."""
        lines = self.env["sale.order.line"]
        if lines._psa_may_be_invoiced_elsewhere():
            field = lines._fields["psa_invoiced_elsewhere_quantity"]
            self.env.add_to_compute(field, lines.search([("qty_invoiced", "!=", 0)]))
            lines.flush_model([field.name])

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
                            ELSE CASE template.invoice_policy WHEN 'delivery'
                                      THEN line.qty_delivered
                                      ELSE line.product_uom_qty END
                               - COALESCE(line.psa_invoiced_elsewhere_quantity, 0)
                            END AS quantity
                  FROM sale_order_line AS line
                  JOIN sale_order AS orders ON orders.id = line.order_id
                  %(of_product)s
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
                by_transactions=rules.BY_TRANSACTIONS,
                contract_line=rules.CONTRACT_LINE,
                of_product=rules.OF_PRODUCT,
                ordered=self.env["res.company"]._billing_day_sql(
                    SQL("orders.date_order"), SQL("orders.company_id")
                ),
            )
        )
