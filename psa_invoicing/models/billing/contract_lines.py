# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What contract lines have to bill in all, and what of it is left."""

from collections import defaultdict
from collections.abc import Iterable
from math import fsum
from typing import NamedTuple

from odoo.tools import SQL

from ...core.allocation import TOLERANCE, is_zero
from ...core.billing import Portion, Transaction
from ...tools import rules
from .step import Step


class Totals(NamedTuple):
    """Quantities of a contract line, in its unit.

    :ivar delivered: to be billed in all
    :ivar ledger: live in the ledger, whether charged or not
    :ivar never: of it offered, not charged or written off
    :ivar charged: on live invoices, less credit notes
    :ivar foreign: of it on invoice lines that the ledger knows nothing of
    """

    delivered: float
    ledger: float
    never: float
    charged: float
    foreign: float

    @property
    def open(self) -> float:
        return fsum([self.delivered, -self.ledger, -self.foreign])


class ContractLines(Step):
    """Sums of contract lines: delivered, in the ledger, charged."""

    def limits(self, quantities: dict[int, float], move=None) -> dict[int, float]:
        """Contract lines that have less to bill than their transactions have open.

        :param quantities: open, by contract line, unrounded, in its unit
        :param move: a draft that does not count
        :return: what they have to bill
        """
        lines = self.env["sale.order.line"].browse(quantities)
        return {
            line_id: max(totals.open, 0.0)
            for line_id, totals in self.totals(lines, move).items()
            if quantities[line_id] > totals.open + TOLERANCE
        }

    def closing_remainders(
        self, quantities: dict[int, list[float]], free: dict[int, float], move=None
    ) -> dict[int, float]:
        """What is left to charge on contract lines that an invoice closes.

        :param quantities: all that is on the invoice, by contract line, unrounded
        :param free: what of it is not charged
        :param move: the draft in question, if it exists already
        :return: by contract line, in its unit; lines that stay open are not in it
        """
        lines = self.env["sale.order.line"].browse(quantities)
        totals = self.totals(lines, move)
        return {
            line.id: line._psa_round(totals[line.id].delivered)
            - totals[line.id].charged
            - line._psa_round(totals[line.id].never + free.get(line.id, 0.0))
            for line in lines
            if is_zero(totals[line.id].open - fsum(quantities[line.id]))
        }

    def totals(self, lines, move=None) -> dict[int, "Totals"]:
        """What was delivered and billed of contract lines, unrounded, in their unit.

        :param move: a draft that does not count
        """
        delivered = self._delivered_totals(lines)
        ledger = {row[0]: row[1:] for row in self._ledger_rows(lines, move)}
        charged = {row[0]: row[1:] for row in self._charged_rows(lines, move)}
        return {
            line.id: Totals(
                delivered.get(line.id, 0.0),
                *ledger.get(line.id, (0.0, 0.0)),
                *charged.get(line.id, (0.0, 0.0)),
            )
            for line in lines
        }

    def _ledger_rows(self, lines, move=None) -> list[tuple]:
        """``(contract line id, in the ledger, of it never charged)``."""
        Detail = self.env["psa.invoice.detail"]
        Detail.flush_model()
        self.env["account.move"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT detail.sale_line_id,
                       SUM(detail.quantity),
                       COALESCE(SUM(detail.quantity) FILTER (WHERE %s), 0)
                  FROM psa_invoice_detail AS detail
             LEFT JOIN account_move AS move ON move.id = detail.move_id
                 WHERE detail.sale_line_id = ANY(%s)
                   AND %s AND detail.move_id IS DISTINCT FROM %s
              GROUP BY detail.sale_line_id
                """,
                rules.uncharged_sql(),
                lines.ids,
                rules.live_sql(),
                move.id if move else None,
            )
        )

    def _charged_rows(self, lines, move=None) -> list[tuple]:
        """``(contract line id, on invoices, of it not in the ledger)``.

        Credit notes count down; of drafts, and of those that reopen nothing, only the
        corrections that they bill.
        """
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT rel.order_line_id,
                       SUM(found.quantity),
                       COALESCE(SUM(found.quantity) FILTER (WHERE NOT EXISTS (
                           SELECT FROM psa_invoice_detail AS detail
                            WHERE detail.move_line_id = found.id)), 0)
                  FROM sale_order_line_invoice_rel AS rel
                  JOIN sale_order_line AS line ON line.id = rel.order_line_id
             LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
          JOIN LATERAL (
                       SELECT item.id,
                              CASE WHEN move.move_type <> 'out_refund' OR %(reopens)s
                              THEN item.quantity * %(factor)s * %(sign)s
                              ELSE (SELECT COALESCE(SUM(detail.quantity), 0)
                                      FROM psa_invoice_detail AS detail
                                     WHERE detail.move_line_id = item.id
                                       AND detail.billing_type = 'chargeable'
                                       AND NOT %(credit)s)
                              END AS quantity
                         FROM account_move_line AS item
                         JOIN account_move AS move ON move.id = item.move_id
                    LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
                        WHERE item.id = rel.invoice_line_id
                          AND %(stands)s AND move.id IS DISTINCT FROM %(move_id)s
                       ) AS found ON TRUE
                 WHERE rel.order_line_id = ANY(%(ids)s)
              GROUP BY rel.order_line_id
                """,
                credit=rules.credit_sql(),
                factor=rules.factor_sql(),
                ids=lines.ids,
                move_id=move.id if move else None,
                reopens=rules.reopens_sql(),
                sign=rules.sign_sql(),
                stands=rules.stands_sql(),
            )
        )

    def _delivered_totals(self, lines) -> dict[int, float]:
        """What is to be billed of contract lines in all, unrounded, in their unit."""
        by_time = lines.filtered(
            lambda line: (
                line._psa_is_billed_by_transactions()
                and line.qty_delivered_method == "timesheet"
            )
        )
        by_cost = lines.filtered("is_expense")
        totals: dict[int, float] = {
            line.id: line.qty_delivered
            if line._psa_is_billed_when_delivered()
            else line.product_uom_qty
            for line in lines - by_time - by_cost
        }
        groups = self.env["account.analytic.line"]._read_group(
            [
                ("so_line", "in", by_time.ids),
                *by_time._timesheet_compute_delivered_quantity_domain(),
            ],
            ["so_line", "product_uom_id"],
            ["billable_quantity:sum"],
        ) + self.env["psa.reinvoiced.cost"]._read_group(
            [("sale_line_id", "in", by_cost.ids)],
            ["sale_line_id", "uom_id"],
            ["billable_quantity:sum"],
        )
        for line, uom, quantity in groups:
            converted = uom._compute_quantity(
                quantity, line.product_uom_id, round=False
            )
            totals[line.id] = totals.get(line.id, 0.0) + converted
        return totals


def free_quantities(items: Iterable[Transaction | Portion]) -> dict[int, float]:
    """What is not charged of transactions, by contract line."""
    free: dict[int, float] = defaultdict(float)
    for item in items:
        if not item.is_chargeable:
            free[item.sale_line_id] += item.quantity
    return free
