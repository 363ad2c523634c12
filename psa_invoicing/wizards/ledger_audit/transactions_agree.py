# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows of the ledger are about the transactions that they name."""

from odoo import api, models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import COST, MILESTONE, MODELS, TIME
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _check_moved_transaction(self):
        """Invariant 6: what is billed and posted stays where it was billed.

        What was credited in full may move; vendor bills make their contract lines anew.
        """
        found = []
        for source in (TIME, MILESTONE):
            rows = self._query(self._moved_sql(source))
            records = self._with_records(source, [row[1:] + row[:1] for row in rows])
            invoices = self._with_invoices(rows)
            found += [
                self._finding(
                    "moved_transaction",
                    record,
                    self.env._(
                        "It was billed with %(invoice)s and belongs to another "
                        "project or contract line now. Move it back, or credit it "
                        "there and bill it again.",
                        invoice=invoice.display_name,
                    ),
                )
                for (record, *_rest), (invoice, *_ids) in zip(
                    records, invoices, strict=True
                )
            ]
        return found

    def _moved_sql(self, source: str) -> SQL:
        """``(invoice, transaction)``.

        What is only on a draft drops out with Recalculate; what a credit note takes
        back of a draft, when the credit note is cancelled.
        """
        model = self.env[MODELS[source]]
        moved = SQL(
            "source.%s IS DISTINCT FROM detail.sale_line_id",
            SQL.identifier(model._billing_columns["sale_line_id"]),
        )
        if source == TIME:
            moved = SQL("(%s OR source.project_id <> detail.project_id)", moved)
        return SQL(
            """
            SELECT MAX(detail.move_id), source.id
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

    @api.model
    def _check_detail_source(self):
        """A detail names one transaction, of its own type.

        One that was deleted is missing; on a draft that is told to the draft.
        """
        rows = self._query(
            SQL(
                """
                SELECT COALESCE(detail.move_id, 0), detail.id, detail.name
                  FROM psa_invoice_detail AS detail
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
             LEFT JOIN account_move AS move ON move.id = detail.move_id
    CROSS JOIN LATERAL (SELECT %(source)s AS source) AS kept
                 WHERE (detail.analytic_line_id IS NOT NULL AND kept.source <> %(time)s)
                    OR (detail.milestone_id IS NOT NULL
                        AND kept.source <> %(milestone)s)
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
        )
        return [
            self._finding(
                "detail_source",
                self._invoice_or_detail(move_id, detail_id),
                self.env._(
                    "“%(transaction)s” does not name the one transaction of its type "
                    "that it bills. Take it off a draft and Recalculate; credit a "
                    "posted invoice and bill it again.",
                    transaction=name or "",
                ),
            )
            for move_id, detail_id, name in rows
        ]
