# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the ledger writes on transactions: their figures, one UPDATE for all."""

from odoo import models
from odoo.tools import SQL

from ...core.kinds import LEDGER_FIELDS
from ...tools import rules
from ...tools.values import id_array


class PsaTransactionMixin(models.AbstractModel):
    _inherit = "psa.transaction.mixin"  # pylint: disable=consider-merging-classes-inherited

    def _psa_own_details_sql(self) -> SQL:
        """Which rows of the ledger ``detail`` are about this kind of transaction."""
        return SQL("TRUE")

    def _psa_refresh_from_ledger(self):
        """Recompute the figures of these transactions, one UPDATE for all.

        They are written even when they stay the same: two database transactions that
        bill the same record at once both update its row, so that PostgreSQL lets only
        one of them through (the other one gets a serialization failure and is tried
        again).
        """
        if not self:
            return
        Detail = self.env["psa.invoice.detail"]
        self.flush_recordset(
            [name for name in self._psa_ledger_columns() if self._fields[name].store]
        )
        Detail.flush_model()
        self.env["account.move"].flush_model(
            [
                "is_project_invoice",
                "move_type",
                "payment_state",
                "psa_reopens_transactions",
                "state",
            ]
        )
        self._psa_write_figures(self.ids, self._psa_ledger_assignments())
        self.invalidate_recordset(self._psa_ledger_columns())

    def _psa_write_figures(self, ids: list[int], assignments: SQL):
        """Bring columns of transactions in line with the ledger.

        :param assignments: SET clause out of ``ledger``
        """
        self.env.cr.execute(
            SQL(
                "UPDATE %s AS source SET %s FROM (%s) AS ledger"
                " WHERE source.id = ledger.id",
                SQL.identifier(self._table),
                assignments,
                self._psa_ledger_figures_sql(ids),
            )
        )

    def _psa_ledger_figures_sql(self, ids: list[int] | None = None) -> SQL:
        """What the ledger says of each transaction.

        What was credited is up for review until it is billed again, written off or
        released: the largest sum of what was credited less what was treated since,
        counted back from now. What a run bills beside it leaves it as it is.

        :param ids: of these (None: of all that are in the ledger)
        """
        column = SQL.identifier("detail", self._billing_detail_field)
        wanted = (
            SQL("(SELECT DISTINCT unnest(%s)) AS wanted(id)", id_array(ids))
            if ids is not None
            else SQL(
                "(SELECT DISTINCT %s FROM psa_invoice_detail AS detail"
                " WHERE %s IS NOT NULL AND %s) AS wanted(id)",
                column,
                column,
                self._psa_own_details_sql(),
            )
        )
        return SQL(
            """
            SELECT wanted.id,
                   COALESCE(SUM(live.quantity) FILTER (WHERE NOT live.is_write_off), 0)
                       AS billed,
                   COALESCE(SUM(live.quantity) FILTER (WHERE live.is_draft), 0)
                       AS draft,
                   COALESCE(SUM(live.quantity) FILTER (WHERE live.is_write_off), 0)
                       AS written_off,
                   GREATEST(COALESCE(MAX(live.to_review), 0), 0)
                       * COALESCE(-SIGN(SUM(live.quantity)
                                        FILTER (WHERE live.is_credit)), 0)
                       AS credited,
                   MAX(live.move_id) FILTER (WHERE NOT live.is_credit
                                             AND NOT live.is_draft) AS posted_id,
                   MAX(live.move_id) FILTER (WHERE live.is_draft
                                             AND NOT live.is_replacement) AS draft_id
              FROM %(wanted)s
         LEFT JOIN (SELECT %(column)s AS source_id,
                           detail.source_quantity AS quantity,
                           COALESCE(detail.is_write_off, FALSE) AS is_write_off,
                           COALESCE(move.state = 'draft', FALSE) AS is_draft,
                           %(credit)s AS is_credit,
                           COALESCE(%(replacement)s, FALSE) AS is_replacement,
                           move.id AS move_id,
                           SUM(CASE WHEN detail.is_new_work OR detail.is_released
                                    THEN 0
                                    WHEN NOT %(credit)s
                                    THEN -ABS(detail.source_quantity)
                                    ELSE ABS(detail.source_quantity) END)
                               OVER (PARTITION BY %(column)s ORDER BY detail.id DESC)
                               AS to_review
                      FROM psa_invoice_detail AS detail
                 LEFT JOIN account_move AS move ON move.id = detail.move_id
                     WHERE %(selected)s AND %(own)s AND %(live)s
                   ) AS live ON live.source_id = wanted.id
          GROUP BY wanted.id
            """,
            wanted=wanted,
            column=column,
            selected=SQL("%s = ANY(%s)", column, id_array(ids))
            if ids is not None
            else SQL("%s IS NOT NULL", column),
            own=self._psa_own_details_sql(),
            # Odoo leaves entries unlinked while its own "reverse and modify" invoice is
            # a draft, and tests that it does.
            replacement=SQL(
                """move.is_project_invoice IS NOT TRUE AND EXISTS (
                       SELECT FROM account_move_line AS line
                        WHERE line.id = detail.move_line_id
                          AND line.billing_credited_line_id IS NOT NULL)"""
            ),
            credit=rules.credit_sql(),
            live=rules.live_sql(),
        )

    def _psa_ledger_assignments(self) -> SQL:
        """SET clause of what follows from the ledger."""
        return SQL(
            "billed_quantity = ledger.billed, billing_draft_quantity = ledger.draft,"
            " billing_credited_quantity = ledger.credited,"
            " billing_written_off_quantity = ledger.written_off"
        )

    def _psa_ledger_columns(self) -> list[str]:
        return [*LEDGER_FIELDS, "open_quantity", "billing_status"]
