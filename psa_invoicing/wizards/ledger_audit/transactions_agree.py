# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Nothing is billed twice: transactions and their rows in the ledger say the same."""

from odoo import models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import COST, LEDGER_FIELDS, MILESTONE, MODELS, ORDER_LINE, TIME
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    def _check_billed_too_much(self):
        """Invariant 1: live details of a transaction never exceed what there is.

        An order line may be lowered after it was billed, which is then to be credited
        and no damage. So may the contract line of a milestone and a vendor bill: of
        them only what stands in the ledger once too often is reported.
        """
        return [
            *self._entries_billed_too_much(),
            *self._billed_once_too_often(COST),
            *self._billed_once_too_often(MILESTONE),
        ]

    def _entries_billed_too_much(self) -> list[tuple]:
        """What is only written off may be corrected freely; what is on a draft, too:
        the draft then asks for Recalculate. What an invoice corrected before it was
        billed is open again if it is not billed after all.
        """
        return self._found(
            MODELS[TIME],
            lambda row: (
                self.env._(
                    "%(billed)s h are billed and written off, of %(worked)s h worked: "
                    "more is taken back than was billed, and it is open again. Check "
                    "its drafts and credit notes before it is billed.",
                    **row,
                )
                if row.pop("is_below")
                else self.env._(
                    "%(billed)s h are billed and written off, of %(worked)s h worked. "
                    "Credit what is too much, or undo its write-off.",
                    **row,
                )
            ),
            """
            SELECT entry.id, found.billed, found.worked,
                   found.billed < found.worked AS is_below
              FROM account_analytic_line AS entry
              JOIN (%(figures)s) AS ledger ON ledger.id = entry.id
CROSS JOIN LATERAL (SELECT ledger.billed + ledger.written_off AS billed,
                           COALESCE(entry.unit_amount, 0) AS worked,
                           GREATEST(entry.unit_amount, %(billable)s, 0) AS most,
                           LEAST(entry.unit_amount, %(billable)s, 0) AS least) AS found
             WHERE ABS(ledger.billed) > %(zero)s
               AND (found.billed > found.most + %(zero)s
                    OR found.billed < found.least - %(zero)s
                   AND NOT EXISTS (
                       SELECT FROM psa_invoice_detail AS correction
                        WHERE correction.analytic_line_id = entry.id
                          AND correction.origin_detail_id IS NULL
                          AND correction.is_write_off IS NOT TRUE
                          AND correction.source_quantity
                              < found.least - %(zero)s))
               AND NOT EXISTS (
                   SELECT FROM psa_invoice_detail AS detail
                     JOIN account_move AS draft
                       ON draft.id = detail.move_id AND draft.state = 'draft'
                      AND draft.needs_recalculation
                    WHERE detail.analytic_line_id = entry.id)
            """,
            billable=self.env[MODELS[TIME]]._psa_billable_sql("entry"),
            figures=self.env[MODELS[TIME]]._psa_ledger_figures_sql(),
            zero=TOLERANCE,
        )

    def _billed_once_too_often(self, source: str) -> list[tuple]:
        """What would be billed in full without one of its invoices."""
        model = self.env[MODELS[source]]
        return self._found(
            model._name,
            lambda row: self.env._(
                "It is on %(count)s invoices with %(billed)s in all, and only "
                "%(billable)s is to be billed. Credit what is too much.",
                **row,
            ),
            """
            SELECT source.id, SUM(billed.quantity) AS billed,
                   source.billable_quantity AS billable, COUNT(*) AS count
              FROM %(table)s AS source
              JOIN (SELECT COALESCE(detail.origin_detail_id, detail.id) AS id,
                           detail.%(column)s AS source_id,
                           SUM(detail.source_quantity) AS quantity,
                           BOOL_OR(move.needs_recalculation) AS is_flagged
                      FROM psa_invoice_detail AS detail
                      JOIN account_move AS move ON move.id = detail.move_id
                     WHERE detail.%(column)s IS NOT NULL
                       AND detail.is_write_off IS NOT TRUE AND %(live)s
                  GROUP BY COALESCE(detail.origin_detail_id, detail.id),
                           detail.%(column)s
                    HAVING ABS(SUM(detail.source_quantity)) > %(zero)s
                   ) AS billed ON billed.source_id = source.id
             WHERE ABS(source.billable_quantity) > %(zero)s
          GROUP BY source.id
            HAVING COUNT(*) > 1
               AND BOOL_OR(billed.is_flagged) IS NOT TRUE
               AND ABS(SUM(billed.quantity)) - ABS(source.billable_quantity)
                   > MIN(ABS(billed.quantity)) - %(zero)s
            """,
            table=SQL.identifier(model._table),
            column=SQL.identifier(model._billing_detail_field),
            live=rules.live_sql(),
            zero=TOLERANCE,
        )

    def _check_invoiced_elsewhere(self):
        """Invariant 1: what was settled in a shop, say, is not on invoices, too; a
        draft is told to Recalculate."""
        return self._found(
            MODELS[ORDER_LINE],
            lambda row: self.env._(
                "%(elsewhere)s were invoiced elsewhere, in a shop say, and %(billed)s "
                "on invoices: only %(due)s is to be billed in all. Credit what is too "
                "much.",
                **row,
            ),
            """
            SELECT line.id, line.psa_invoiced_elsewhere_quantity AS elsewhere,
                   line.qty_invoiced - line.psa_invoiced_elsewhere_quantity AS billed,
                   due.quantity AS due
              FROM sale_order_line AS line
              %(of_product)s
CROSS JOIN LATERAL (SELECT CASE template.invoice_policy WHEN 'delivery'
                                THEN line.qty_delivered
                                ELSE line.product_uom_qty END AS quantity) AS due
             WHERE line.psa_invoiced_elsewhere_quantity <> 0
               AND ABS(line.qty_invoiced) > ABS(due.quantity) + %(step)s
               AND EXISTS (SELECT FROM psa_invoice_detail AS detail
                            WHERE detail.sale_line_id = line.id
                              AND detail.is_write_off IS NOT TRUE)
               AND NOT EXISTS (
                   SELECT FROM psa_invoice_detail AS detail
                     JOIN account_move AS draft
                       ON draft.id = detail.move_id AND draft.state = 'draft'
                      AND draft.needs_recalculation
                    WHERE detail.sale_line_id = line.id)
            """,
            of_product=rules.OF_PRODUCT,
            step=self._rounding(),
        )

    def _check_figures(self):
        """What a transaction says of itself is what its rows in the ledger say."""
        names = {
            field: field.removeprefix("billing_").removesuffix("_quantity")
            for field in LEDGER_FIELDS
        }
        figures = [
            (
                SQL("COALESCE(source.%s, 0)", SQL.identifier(field)),
                SQL("COALESCE(ledger.%s, 0)", SQL.identifier(name)),
                SQL.identifier(name),
                SQL.identifier(f"true_{name}"),
            )
            for field, name in names.items()
        ]
        found = []
        for name in MODELS.values():
            model = self.env[name]
            found += self._found(
                name,
                lambda row: self.env._(
                    "It says: billed %(billed)s, on drafts %(draft)s, credited "
                    "%(credited)s, written off %(written_off)s. Its ledger says "
                    "%(true_billed)s, %(true_draft)s, %(true_credited)s and "
                    "%(true_written_off)s. Press Compute Figures Anew before "
                    "anything of it is billed.",
                    **row,
                ),
                """
                SELECT source.id, %(figures)s
                  FROM %(table)s AS source
             LEFT JOIN (%(ledger)s) AS ledger ON ledger.id = source.id
                 WHERE %(differ)s
                """,
                figures=SQL(", ").join(
                    SQL("%s AS %s, %s AS %s", stored, name, true, true_name)
                    for stored, true, name, true_name in figures
                ),
                table=SQL.identifier(model._table),
                ledger=model._psa_ledger_figures_sql(),
                differ=SQL(" OR ").join(
                    SQL("ABS(%s - %s) > %s", stored, true, TOLERANCE)
                    for stored, true, _name, _true_name in figures
                ),
            )
        return found

    def _check_moved_transaction(self):
        """Invariant 6: what is billed and posted stays where it was billed.

        What was credited in full may move; vendor bills make their contract lines anew.
        """
        return [*self._moved(TIME), *self._moved(MILESTONE)]

    def _moved(self, source: str) -> list[tuple]:
        """What is only on a draft drops out with Recalculate; what a credit note takes
        back of a draft, when the credit note is cancelled.
        """
        model, Move = self.env[MODELS[source]], self.env["account.move"]
        moved = SQL(
            "source.%s IS DISTINCT FROM detail.sale_line_id",
            SQL.identifier(model._billing_columns["sale_line_id"]),
        )
        if source == TIME:
            moved = SQL("(%s OR source.project_id <> detail.project_id)", moved)
        return self._found(
            model._name,
            lambda row: self.env._(
                "It was billed with %(invoice)s and belongs to another "
                "project or contract line now. Move it back, or credit it "
                "there and bill it again.",
                invoice=Move.browse(row["move_id"]).display_name,
            ),
            """
            SELECT source.id, MAX(detail.move_id) AS move_id
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
              JOIN %(table)s AS source ON source.id = detail.%(column)s
         LEFT JOIN psa_invoice_detail AS origin ON origin.id = detail.origin_detail_id
         LEFT JOIN account_move AS origin_move ON origin_move.id = origin.move_id
             WHERE move.state = 'posted' AND %(live)s AND %(moved)s
               AND COALESCE(origin_move.state, 'posted') = 'posted'
               AND detail.is_write_off IS NOT TRUE
          GROUP BY source.id, detail.sale_line_id, detail.project_id
            HAVING ABS(SUM(detail.source_quantity)) > %(zero)s
            """,
            table=SQL.identifier(model._table),
            column=SQL.identifier(model._billing_detail_field),
            live=rules.live_sql(),
            moved=moved,
            zero=TOLERANCE,
        )

    def _check_detail_source(self):
        """A detail names one transaction, of its own type.

        One that was deleted is missing; on a draft that is told to the draft.
        """
        found = self._found(
            "psa.invoice.detail",
            lambda row: self.env._(
                "“%(transaction)s” does not name the one transaction of its type "
                "that it bills. Take it off a draft and Recalculate; credit a "
                "posted invoice and bill it again.",
                **row,
            ),
            """
            SELECT detail.id, detail.name AS transaction
              FROM psa_invoice_detail AS detail
              JOIN sale_order_line AS line ON line.id = detail.sale_line_id
         LEFT JOIN account_move AS move ON move.id = detail.move_id
CROSS JOIN LATERAL (SELECT %(source)s AS source) AS kept
             WHERE (detail.analytic_line_id IS NOT NULL AND kept.source <> %(time)s)
                OR (detail.milestone_id IS NOT NULL AND kept.source <> %(milestone)s)
                OR (detail.cost_id IS NOT NULL AND kept.source <> %(cost)s)
                OR (move.state = 'draft' AND move.is_project_invoice
                    AND move.needs_recalculation IS NOT TRUE
                    AND kept.source <> '' AND %(source_id)s IS NULL)
            """,
            source=rules.source_sql("detail", SQL("line.is_expense")),
            source_id=rules.source_id_sql("detail", SQL("kept.source")),
            time=TIME,
            milestone=MILESTONE,
            cost=COST,
        )
        return [(detail.move_id or detail, message) for detail, message in found]

    def _check_taken_back(self):
        """Invariant 1: a cost is billable as long as its journal entry stands."""
        return self._found(
            MODELS[COST],
            lambda row: (
                self.env._(
                    "%(quantity)s of it is to be billed, and its journal entry was "
                    "reversed with %(reversal)s. Reset that to draft and post it "
                    "again.",
                    **row,
                )
                if row["reversal"]
                else self.env._(
                    "%(quantity)s of it is to be billed, and no journal entry that is "
                    "posted is behind it. Put it on hold until one is.",
                    **row,
                )
            ),
            """
            SELECT cost.id, cost.billable_quantity AS quantity,
                   MAX(reversal.name) AS reversal
              FROM psa_reinvoiced_cost AS cost
         LEFT JOIN account_move_line AS line ON line.id = cost.source_move_line_id
         LEFT JOIN account_move AS reversal
                ON reversal.reversed_entry_id = line.move_id
               AND reversal.state = 'posted'
               AND EXISTS (
                   SELECT FROM account_move_line AS taken
                    WHERE taken.move_id = reversal.id AND taken.balance <> 0
                      AND taken.billing_credited_line_id = line.id
                      AND taken.analytic_distribution = line.analytic_distribution
                      AND NOT EXISTS (
                          SELECT FROM psa_reinvoiced_cost AS other
                           WHERE other.source_move_line_id = taken.id))
             WHERE ABS(cost.billable_quantity) > %(zero)s
               AND (line.id IS NULL OR line.parent_state <> 'posted'
                    OR reversal.id IS NOT NULL)
          GROUP BY cost.id
            """,
            zero=TOLERANCE,
        )

    def _check_cost_shares(self):
        """Invariant 1: the shares of projects never exceed the line of a bill."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "%(quantity)s of “%(line)s” are on it, and its projects bear "
                "%(shares)s. Correct its analytic distribution: reset it to draft "
                "and post it again.",
                **row,
            ),
            """
            SELECT line.move_id AS id, line.name AS line,
                   SUM(ABS(cost.billable_quantity)) AS shares,
                   ABS(line.quantity)::float AS quantity
              FROM psa_reinvoiced_cost AS cost
              JOIN account_move_line AS line ON line.id = cost.source_move_line_id
              JOIN account_move AS move ON move.id = line.move_id
             WHERE line.expense_id IS NULL AND cost.correction_line_id IS NULL
               AND move.move_type <> 'in_refund' AND move.reversed_entry_id IS NULL
          GROUP BY line.id
            HAVING SUM(ABS(cost.billable_quantity)) > ABS(line.quantity) + %(step)s
            """,
            step=self._rounding(),
        )
