# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Nothing is billed twice, and transactions say so."""

from odoo import api, models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import COST, LEDGER_FIELDS, MILESTONE, MODELS, TIME
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _check_billed_too_much(self):
        """Invariant 1: live details of a transaction never exceed what there is.

        An order line may be lowered after it was billed, which is then to be credited
        and no damage. So may the contract line of a milestone and a vendor bill: of
        them only what stands in the ledger once too often is reported.
        """
        entries = self._query(self._entries_billed_too_much_sql())
        found = [
            self._finding(
                "billed_too_much", entry, self._billed_too_much_text(billed, worked)
            )
            for entry, billed, worked in self._with_records(TIME, entries)
        ]
        for source in (COST, MILESTONE):
            rows = self._query(self._billed_once_too_often_sql(source))
            found += [
                self._finding(
                    "billed_too_much",
                    record,
                    self.env._(
                        "It is on %(count)s invoices with %(billed)s in all, and only "
                        "%(billable)s is to be billed. Credit what is too much.",
                        count=count,
                        billed=self._number(billed),
                        billable=self._number(billable),
                    ),
                )
                for record, billed, billable, count in self._with_records(source, rows)
            ]
        return found

    def _billed_too_much_text(self, billed: float, worked: float) -> str:
        """:param billed: hours that are billed and written off
        :param worked: hours of the entry
        """
        hours = {"billed": self._number(billed), "worked": self._number(worked)}
        if billed < worked:
            return self.env._(
                "%(billed)s h are billed and written off, of %(worked)s h worked: more "
                "is taken back than was billed, and it is open again. Check its drafts "
                "and credit notes before it is billed.",
                **hours,
            )
        return self.env._(
            "%(billed)s h are billed and written off, of %(worked)s h worked. "
            "Credit what is too much, or undo its write-off.",
            **hours,
        )

    def _entries_billed_too_much_sql(self) -> SQL:
        """``(entry, billed and written off, worked)``.

        What is only written off may be corrected freely; what is on a draft, too: the
        draft then asks for Recalculate. What an invoice corrected before it was billed
        is open again if it is not billed after all.
        """
        return SQL(
            """
            SELECT entry.id, ledger.billed + ledger.written_off,
                   COALESCE(entry.unit_amount, 0)
              FROM account_analytic_line AS entry
              JOIN (%(figures)s) AS ledger ON ledger.id = entry.id
             WHERE ABS(ledger.billed) > %(zero)s
               AND (ledger.billed + ledger.written_off
                    > GREATEST(entry.unit_amount, 0) + %(zero)s
                    OR ledger.billed + ledger.written_off
                       < LEAST(entry.unit_amount, 0) - %(zero)s
                   AND NOT EXISTS (
                       SELECT FROM psa_invoice_detail AS correction
                        WHERE correction.analytic_line_id = entry.id
                          AND correction.origin_detail_id IS NULL
                          AND correction.is_write_off IS NOT TRUE
                          AND correction.source_quantity
                              < LEAST(entry.unit_amount, 0) - %(zero)s))
               AND NOT EXISTS (
                   SELECT FROM psa_invoice_detail AS detail
                     JOIN account_move AS draft
                       ON draft.id = detail.move_id AND draft.state = 'draft'
                      AND draft.needs_recalculation
                    WHERE detail.analytic_line_id = entry.id)
            """,
            figures=self.env[MODELS[TIME]]._psa_ledger_figures_sql(),
            zero=TOLERANCE,
        )

    def _billed_once_too_often_sql(self, source: str) -> SQL:
        """``(transaction, billed, billable, number of invoices)`` of what would be
        billed in full without one of its invoices."""
        model = self.env[MODELS[source]]
        return SQL(
            """
            SELECT source.id, SUM(billed.quantity), source.billable_quantity, COUNT(*)
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

    @api.model
    def _check_figures(self):
        """What a transaction says of itself is what its rows in the ledger say."""
        found = []
        for source, model_name in MODELS.items():
            rows = self._query(self._figures_sql(self.env[model_name]))
            found += [
                self._finding(
                    "figures",
                    record,
                    self.env._(
                        "It says: billed %(billed)s, on drafts %(draft)s, credited "
                        "%(credited)s, written off %(written_off)s. Its ledger says "
                        "%(true_billed)s, %(true_draft)s, %(true_credited)s and "
                        "%(true_written_off)s. Press Compute Figures Anew before "
                        "anything of it is billed.",
                        **self._figures_in_words(figures),
                    ),
                )
                for record, *figures in self._with_records(source, rows)
            ]
        return found

    def _figures_sql(self, model) -> SQL:
        """``(transaction, four figures as stored, four as the ledger says)``."""
        names = [
            name.removeprefix("billing_").removesuffix("_quantity")
            for name in LEDGER_FIELDS
        ]
        stored = [
            SQL("COALESCE(source.%s, 0)", SQL.identifier(name))
            for name in LEDGER_FIELDS
        ]
        true = [SQL("COALESCE(ledger.%s, 0)", SQL.identifier(name)) for name in names]
        return SQL(
            """
            SELECT source.id, %(stored)s, %(true)s
              FROM %(table)s AS source
         LEFT JOIN (%(figures)s) AS ledger ON ledger.id = source.id
             WHERE %(differ)s
            """,
            stored=SQL(", ").join(stored),
            true=SQL(", ").join(true),
            table=SQL.identifier(model._table),
            figures=model._psa_ledger_figures_sql(),
            differ=SQL(" OR ").join(
                SQL("ABS(%s - %s) > %s", one, other, TOLERANCE)
                for one, other in zip(stored, true, strict=True)
            ),
        )

    def _figures_in_words(self, figures: list[float]) -> dict[str, str]:
        names = [
            name.removeprefix("billing_").removesuffix("_quantity")
            for name in LEDGER_FIELDS
        ]
        names += [f"true_{name}" for name in names]
        return {
            name: self._number(figure)
            for name, figure in zip(names, figures, strict=True)
        }
