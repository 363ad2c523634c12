# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What contract lines have to bill, and what invoices have charged of them."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from odoo.tools import SQL

from ...core import obstacles
from ...core.allocation import TOLERANCE
from ...core.billing import Request
from ...core.charges import RunningAmount, RunningTotal, agreed_quantity
from ...core.kinds import SOURCES, Key
from ...tools import rules
from .open_quantities import OpenQuantities


class Limit(NamedTuple):
    """What a contract line has to bill, where more is open.

    :ivar quantity: in its unit
    :ivar obstacle: one of ``core.obstacles``
    :ivar text: in words, of what other add-ons leave out
    """

    quantity: float
    obstacle: str
    text: str = ""


class ContractLines(OpenQuantities):
    """Sums of contract lines: open, in the ledger, charged."""

    def limits(
        self,
        quantities: dict[int, float],
        request: Request,
        released: Mapping[Key, float] = MappingProxyType({}),
        move=None,
        sources: Collection[str] = SOURCES,
    ) -> dict[int, Limit]:
        """Contract lines that have less to bill than a request finds open on them.

        They may bill what counts of all that is open, corrections too that the request
        does not ask for, less what was billed without saying of which transaction.

        :param quantities: chargeable, by contract line, unrounded, in its unit
        :param released: what counts as open, as it is on a draft that does not count
        :param move: that draft
        :param sources: where their transactions are kept
        """
        lines = self.env["sale.order.line"].browse(quantities)
        counting = self.counting(lines, request, released, sources)
        unnamed = self.unnamed(lines, move)
        found = {}
        for line_id, quantity in quantities.items():
            room = counting[line_id] - unnamed[line_id]
            if quantity > room + TOLERANCE:
                is_corrected = quantity > counting[line_id] + TOLERANCE
                found[line_id] = Limit(
                    max(room, 0.0),
                    obstacles.CORRECTED if is_corrected else obstacles.BEYOND,
                )
        return found

    def unnamed(self, lines, move=None) -> dict[int, float]:
        """What was billed without saying of which transaction, by contract line; not
        on invoices alone.

        :param move: a draft that does not count
        """
        found = {
            # Of one that is billed itself, it is off the billable quantity.
            line.id: line.psa_invoiced_elsewhere_quantity
            if line._psa_is_billed_by_transactions()
            else 0.0
            for line in lines
        }
        for line_id, _charged, adjusted in self._ledger_rows(lines, move):
            found[line_id] += adjusted
        for line_id, _charged, foreign in self._charged_rows(lines, move):
            found[line_id] += foreign
        return found

    def running_totals(
        self, line_ids: Collection[int], move=None
    ) -> dict[int, RunningTotal | RunningAmount]:
        """What invoices have charged of contract lines: what the next line begins with.

        :param move: a draft that does not count
        """
        lines = self.env["sale.order.line"].browse(line_ids)
        by_amount = lines.filtered(lambda line: line._psa_is_billed_by_amount())
        amounts = self._running_amounts(by_amount, move)
        lines -= by_amount
        if not lines:
            return amounts
        charged = {
            line_id: charged
            for line_id, charged, _adj in self._ledger_rows(lines, move)
        }
        billed = {
            line_id: quantity - foreign
            for line_id, quantity, foreign in self._charged_rows(lines, move)
        }
        return amounts | {
            line.id: RunningTotal(
                line._psa_round,
                charged.get(line.id, 0.0),
                billed.get(line.id, 0.0),
                line._psa_price_back() if billed.get(line.id) else None,
            )
            for line in lines
        }

    def _running_amounts(self, lines, move) -> dict[int, RunningAmount]:
        """The same, of lines that are billed by amount."""
        move = move or self.env["account.move"]
        planned = self._planned(lines) if lines else {}
        found = {}
        for line in lines:
            billed = line._billing_billed(
                lambda item: item.move_id != move and item._billing_counts()
            )
            later = line._billing_billed(
                lambda item: move and item._billing_is_on_later_draft(move)
            )
            share, count = planned.get(line, (0.0, 0))
            share *= line.product_uom_qty
            found[line.id] = RunningAmount(
                line.currency_id.round,
                line._psa_net_price(),
                billed.quantity,
                billed.residue,
                share,
                agreed_quantity(line.product_uom_qty, share, count),
                later.quantity,
            )
        return found

    def _planned(self, lines) -> dict:
        """What milestones make up of contract lines, and how many they are."""
        # sudo: whoever bills need not see the milestones of other projects.
        groups = (
            self.env["project.milestone"]
            .sudo()
            ._read_group(
                [("sale_line_id", "in", lines.ids)],
                ["sale_line_id"],
                ["quantity_percentage:sum", "__count"],
            )
        )
        return {line: tuple(figures) for line, *figures in groups}

    def _ledger_rows(self, lines, move=None) -> list[tuple]:
        """``(contract line id, charged, of it without a transaction)``, unrounded.

        Of a line that bills time now, its milestones are none, and the other way round.
        """
        Detail = self.env["psa.invoice.detail"]
        Detail.flush_model()
        self.env["account.move"].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT detail.sale_line_id,
                       SUM(detail.quantity),
                       COALESCE(SUM(detail.quantity) FILTER (WHERE
                           detail.transaction_type = 'adjustment'
                           OR %s AND detail.transaction_type = CASE
                              line.qty_delivered_method
                              WHEN 'timesheet' THEN 'milestone'
                              WHEN 'milestones' THEN 'time' END), 0)
                  FROM psa_invoice_detail AS detail
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
                  %s
             LEFT JOIN account_move AS move ON move.id = detail.move_id
                 WHERE detail.sale_line_id = ANY(%s) AND NOT %s
                   AND %s AND detail.move_id IS DISTINCT FROM %s
              GROUP BY detail.sale_line_id
                """,
                rules.BY_TRANSACTIONS,
                rules.OF_PRODUCT,
                lines.ids,
                rules.uncharged_sql(),
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
                              THEN %(quantity)s * %(sign)s
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
                quantity=rules.item_quantity_sql(),
                ids=lines.ids,
                move_id=move.id if move else None,
                reopens=rules.reopens_sql(),
                sign=rules.sign_sql(),
                stands=rules.stands_sql(),
            )
        )
