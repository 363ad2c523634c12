# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was credited or written off is exactly what was billed."""

from odoo import models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import COST, MILESTONE, MODELS, TIME
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    def _check_credited_too_much(self):
        """Invariant 5: credit notes take back no more than was billed."""
        return [*self._quantities_credited_too_much(), *self._costs_below_nothing()]

    def _costs_below_nothing(self) -> list[tuple]:
        """Of a cost that was taken back, the customer has got more than he paid."""
        return self._found(
            "sale.order.line",
            lambda row: self.env._(
                "What it cost was taken back, and credit notes say %(amount)s more "
                "than invoices. Make an invoice of the difference, or correct the "
                "credit note.",
                **row,
            ),
            """
            SELECT line.id, -SUM(detail.amount)::float AS amount
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
              JOIN sale_order_line AS line ON line.id = detail.sale_line_id
              JOIN res_currency AS currency ON currency.id = line.currency_id
             WHERE line.is_expense AND move.state = 'posted' AND %(charged)s
               AND move.currency_id = line.currency_id
          GROUP BY line.id, currency.id
            HAVING SUM(detail.amount) < -currency.rounding * COUNT(*)
               AND ABS(SUM(detail.quantity) FILTER (WHERE %(live)s)) <= %(zero)s
            """,
            charged=rules.charged_sql(),
            live=rules.live_sql(),
            zero=TOLERANCE,
        )

    def _quantities_credited_too_much(self) -> list[tuple]:
        return self._found(
            "account.move",
            lambda row: self.env._(
                "“%(transaction)s” was billed with %(billed)s, and credit notes "
                "take back %(credited)s. Reset the credit note that is too much "
                "to draft and lower it.",
                **row,
            ),
            """
            SELECT origin.move_id AS id, origin.name AS transaction,
                   origin.quantity AS billed, -SUM(detail.quantity) AS credited
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
              JOIN psa_invoice_detail AS origin ON origin.id = detail.origin_detail_id
             WHERE %(live)s AND origin.move_id IS NOT NULL
          GROUP BY origin.id
            HAVING SUM(detail.quantity) * SIGN(origin.quantity) > %(zero)s
                OR ABS(SUM(detail.quantity)) > ABS(origin.quantity) + %(zero)s
            """,
            live=rules.live_sql(),
            zero=TOLERANCE,
        )

    def _check_credit_of_other_line(self):
        """Invariant 5: a credit takes back what was billed on its contract line."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "It takes “%(transaction)s” back on another contract line than "
                "the one that billed it. Cancel it and credit the invoice anew.",
                **row,
            ),
            """
            SELECT detail.move_id AS id, detail.name AS transaction
              FROM psa_invoice_detail AS detail
              JOIN psa_invoice_detail AS origin ON origin.id = detail.origin_detail_id
             WHERE detail.sale_line_id <> origin.sale_line_id
               AND detail.move_id IS NOT NULL
            """,
        )

    def _check_credit_of_cancelled(self):
        """Invariant 5: nothing is credited of an invoice that is cancelled."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "It takes “%(transaction)s” back, which was billed with an "
                "invoice that is cancelled: it would be billed twice. Cancel the "
                "credit note, too.",
                **row,
            ),
            """
            SELECT detail.move_id AS id, detail.name AS transaction
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
              JOIN psa_invoice_detail AS origin ON origin.id = detail.origin_detail_id
              JOIN account_move AS invoice ON invoice.id = origin.move_id
             WHERE %(live)s AND move.move_type = 'out_refund' AND NOT %(stands)s
            """,
            stands=rules.stands_sql("invoice"),
            live=rules.live_sql(),
        )

    def _check_write_off(self):
        """A row without an invoice is a write-off, with its reason and day.

        Who it was is empty when that user was deleted. On an invoice stands only what
        takes a write-off back.
        """
        return self._found(
            "sale.order.line",
            lambda row: self.env._(
                "“%(transaction)s” (%(quantity)s) is written off without a reason "
                "and a day, or belongs to no invoice. Undo the write-off and "
                "write it off again, with a reason.",
                **row,
            ),
            """
            SELECT detail.sale_line_id AS id, detail.name AS transaction,
                   detail.quantity
              FROM psa_invoice_detail AS detail
             WHERE CASE WHEN detail.move_id IS NULL
                        THEN detail.is_write_off IS NOT TRUE
                             OR COALESCE(detail.reason, '') = ''
                             OR detail.write_off_date IS NULL
                        ELSE detail.is_write_off
                             AND detail.origin_detail_id IS NULL END
            """,
        )

    def _check_write_off_place(self):
        """What is written off is where its transaction is, and goes with it."""
        found = self._found(
            "sale.order.line",
            lambda row: self.env._(
                "“%(transaction)s” (%(quantity)s), which is written off, was deleted: "
                "Odoo would credit it. Press Compute Figures Anew.",
                **row,
            ),
            "SELECT detail.sale_line_id AS id, detail.name AS transaction,"
            " detail.quantity FROM %(gone)s",
            gone=self._gone_write_offs_sql(),
        )
        for source in (TIME, COST, MILESTONE):
            model = self.env[MODELS[source]]
            found += self._found(
                model._name,
                lambda row: self.env._(
                    "It is written off on “%(contract_line)s”, and belongs to another "
                    "contract line now, or is not to be billed at all. Press Compute "
                    "Figures Anew.",
                    **row,
                ),
                """
                SELECT source.id, MIN(line.name) AS contract_line
                  FROM psa_invoice_detail AS detail
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
                  JOIN %(table)s AS source ON source.id = detail.%(column)s
                 WHERE %(stands)s
                   AND CASE WHEN ABS(%(billable)s) <= %(zero)s
                            THEN detail.is_suspended IS NOT TRUE
                            ELSE detail.is_suspended
                                 OR source.%(own_line)s IS DISTINCT FROM line.id END
              GROUP BY source.id
                """,
                table=SQL.identifier(model._table),
                column=SQL.identifier(model._billing_detail_field),
                own_line=SQL.identifier(model._billing_columns["sale_line_id"]),
                billable=model._psa_billable_sql("source"),
                stands=self._write_off_stands_sql(),
                zero=TOLERANCE,
            )
        return found

    def _gone_write_offs(self):
        """Rows that write off what was deleted since."""
        rows = self.env.execute_query(
            SQL("SELECT detail.id FROM %s", self._gone_write_offs_sql())
        )
        return self.env["psa.invoice.detail"].browse(id_ for (id_,) in rows)

    def _gone_write_offs_sql(self) -> SQL:
        return SQL(
            """psa_invoice_detail AS detail
               JOIN sale_order_line AS line ON line.id = detail.sale_line_id
 CROSS JOIN LATERAL (SELECT %(source)s AS source) AS kept
              WHERE %(stands)s AND kept.source <> '' AND %(source_id)s IS NULL""",
            stands=self._write_off_stands_sql(),
            source=rules.source_sql("detail", SQL("line.is_expense")),
            source_id=rules.source_id_sql("detail", SQL("kept.source")),
        )

    def _write_off_stands_sql(self) -> SQL:
        """Whether the row ``detail`` is a write-off that no credit note has taken
        back."""
        return SQL(
            """(detail.is_write_off AND detail.move_id IS NULL AND detail.id NOT IN (
                    SELECT detail.origin_detail_id
                      FROM psa_invoice_detail AS detail
                      JOIN account_move AS move ON move.id = detail.move_id
                     WHERE detail.is_write_off AND detail.origin_detail_id IS NOT NULL
                       AND %s))""",
            rules.live_sql(),
        )
