# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was credited or written off is exactly what was billed."""

from odoo import api, models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import ORDER_LINE
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _check_credited_too_much(self):
        """Invariant 5: credit notes take back no more than was billed."""
        rows = self._query(
            SQL(
                """
                SELECT origin.move_id, origin.name, origin.quantity,
                       SUM(detail.quantity)
                  FROM psa_invoice_detail AS detail
                  JOIN account_move AS move ON move.id = detail.move_id
                  JOIN psa_invoice_detail AS origin
                    ON origin.id = detail.origin_detail_id
                 WHERE %(live)s AND origin.move_id IS NOT NULL
              GROUP BY origin.id
                HAVING SUM(detail.quantity) * SIGN(origin.quantity) > %(zero)s
                    OR ABS(SUM(detail.quantity)) > ABS(origin.quantity) + %(zero)s
                """,
                live=rules.live_sql(),
                zero=TOLERANCE,
            )
        )
        return [
            self._finding(
                "credited_too_much",
                invoice,
                self.env._(
                    "“%(transaction)s” was billed with %(billed)s, and credit notes "
                    "take back %(credited)s. Reset the credit note that is too much "
                    "to draft and lower it.",
                    transaction=name or "",
                    billed=self._number(billed),
                    credited=self._number(-credited),
                ),
            )
            for invoice, name, billed, credited in self._with_invoices(rows)
        ]

    @api.model
    def _check_credit_of_other_line(self):
        """Invariant 5: a credit takes back what was billed on its contract line."""
        rows = self._query(
            SQL(
                """
                SELECT detail.move_id, detail.name
                  FROM psa_invoice_detail AS detail
                  JOIN psa_invoice_detail AS origin
                    ON origin.id = detail.origin_detail_id
                 WHERE detail.sale_line_id <> origin.sale_line_id
                   AND detail.move_id IS NOT NULL
                """
            )
        )
        return [
            self._finding(
                "credit_of_other_line",
                invoice,
                self.env._(
                    "It takes “%(transaction)s” back on another contract line than "
                    "the one that billed it. Cancel it and credit the invoice anew.",
                    transaction=name or "",
                ),
            )
            for invoice, name in self._with_invoices(rows)
        ]

    @api.model
    def _check_credit_of_cancelled(self):
        """Invariant 5: nothing is credited of an invoice that is cancelled."""
        rows = self._query(
            SQL(
                """
                SELECT detail.move_id, detail.name, MAX(origin.move_id)
                  FROM psa_invoice_detail AS detail
                  JOIN account_move AS move ON move.id = detail.move_id
                  JOIN psa_invoice_detail AS origin
                    ON origin.id = detail.origin_detail_id
                  JOIN account_move AS invoice ON invoice.id = origin.move_id
                 WHERE %(live)s AND move.move_type = 'out_refund'
                   AND NOT %(stands)s
              GROUP BY detail.id
                """,
                stands=rules.stands_sql("invoice"),
                live=rules.live_sql(),
            )
        )
        return [
            self._finding(
                "credit_of_cancelled",
                credit_note,
                self.env._(
                    "It takes “%(transaction)s” back, which was billed with an "
                    "invoice that is cancelled: it would be billed twice. Cancel the "
                    "credit note, too.",
                    transaction=name or "",
                ),
            )
            for credit_note, name, _invoice_id in self._with_invoices(rows)
        ]

    @api.model
    def _check_write_off(self):
        """A row without an invoice is a write-off, with its reason and day.

        Who it was is empty when that user was deleted. On an invoice stands only what
        takes a write-off back.
        """
        rows = self._query(
            SQL(
                """
                SELECT detail.sale_line_id, detail.name, detail.quantity
                  FROM psa_invoice_detail AS detail
                 WHERE CASE WHEN detail.move_id IS NULL
                            THEN detail.is_write_off IS NOT TRUE
                                 OR COALESCE(detail.reason, '') = ''
                                 OR detail.write_off_date IS NULL
                            ELSE detail.is_write_off
                                 AND detail.origin_detail_id IS NULL END
                """
            )
        )
        return [
            self._finding(
                "write_off",
                line,
                self.env._(
                    "“%(transaction)s” (%(quantity)s) is written off without a reason "
                    "and a day, or belongs to no invoice. Undo the write-off and "
                    "write it off again, with a reason.",
                    transaction=name or "",
                    quantity=self._number(quantity),
                ),
            )
            for line, name, quantity in self._with_records(ORDER_LINE, rows)
        ]
