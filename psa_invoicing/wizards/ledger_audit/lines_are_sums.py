# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoice lines are the sums of their transactions."""

from odoo import models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...models.ledger.psa_invoice_detail_agreement import (
    DEDUCTED,
    DETAIL_ELSEWHERE,
    DETAIL_WITHOUT_LINE,
    LINE_QUANTITY,
    LINE_WITHOUT_DETAILS,
)
from ...tools import amounts, rules

COUNTS = "move.state IN ('draft', 'posted')"


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    def _disagreements(self, check: str, wanted: str = COUNTS) -> list[tuple]:
        """What an invoice is refused for when it is posted, of all invoices.

        :param wanted: of which: a condition on ``move``
        :return: ``(record, message)``
        """
        return self.env["psa.invoice.detail"]._disagreements(SQL(wanted), [check])

    def _check_line_quantity(self):
        """Invariant 3: an invoice line is the sum of its chargeable details."""
        return self._disagreements(LINE_QUANTITY)

    def _check_line_without_details(self):
        """Invariants 4 and 7: whoever bills a contract line, it is in the ledger."""
        return self._disagreements(LINE_WITHOUT_DETAILS)

    def _check_detail_without_line(self):
        """Invariant 2: what counts as billed is charged to the customer."""
        return self._disagreements(DETAIL_WITHOUT_LINE)

    def _check_detail_on_other_invoice(self):
        """A detail stands on a line of its own invoice, and of its contract line."""
        return self._disagreements(DETAIL_ELSEWHERE, "TRUE")

    def _check_deducted(self):
        """No more is deducted of a down payment than was invoiced of it."""
        return self._disagreements(DEDUCTED, "move.state = 'posted'")

    def _check_line_amount(self):
        """Invariant 3: the amounts of the details make up the line, to the cent.

        Of a draft they follow its price at the latest when it is posted.
        """
        return self._found(
            "account.move",
            lambda row: self.env._(
                "“%(line)s” comes to %(amount)s, and its transactions to %(sum)s. "
                "Reports by transaction are wrong: reset the invoice to draft and "
                "confirm it again, or correct it with a credit note.",
                **row,
            ),
            """
            SELECT item.move_id AS id, SPLIT_PART(item.name, CHR(10), 1) AS line,
                   item.price_subtotal AS amount, SUM(detail.amount) AS sum
              FROM psa_invoice_detail AS detail
              JOIN account_move_line AS item ON item.id = detail.move_line_id
              JOIN account_move AS move ON move.id = item.move_id
              JOIN res_currency AS currency ON currency.id = item.currency_id
             WHERE move.state = 'posted' AND move.is_project_invoice AND %(charged)s
          GROUP BY item.id, move.id, currency.id
            HAVING ABS(SUM(detail.quantity)) > %(zero)s
               AND ABS(SUM(detail.amount) - item.price_subtotal * %(sign)s)
                   > currency.rounding / 2
            """,
            charged=rules.charged_sql(),
            sign=rules.sign_sql(),
            zero=TOLERANCE,
        )

    def _check_amounts(self):
        """Invariant 3: amounts of a fixed price are its exact value, to the cent, once
        the last one has taken up what others had left; of a quantity that a person has
        typed, each."""
        return self._found(
            "sale.order.line",
            lambda row: self.env._(
                "What is billed of it comes to %(amount)s, and its share in the "
                "contract to %(exact)s. Recalculate a draft; correct a posted invoice "
                "with a credit note.",
                **row,
            ),
            """
            SELECT line.id, SUM(billed.amount)::float8 AS amount,
                   SUM(billed.quantity * billed.rate)::float8 AS exact
              FROM (%(billed)s) AS billed
              JOIN sale_order_line AS line ON line.id = billed.line_id
              JOIN account_move_line AS item ON item.id = billed.id
        CROSS JOIN %(planned)s
          GROUP BY line.id, planned.missing
            HAVING MAX(billed.id) FILTER (WHERE billed.is_share) = MAX(billed.id)
               AND ABS(SUM(billed.amount) - SUM(billed.quantity * billed.rate))
                   > SUM(GREATEST(ABS(item.quantity), 1)) * MAX(billed.rounding) / 2
                     + %(zero)s
                     + ABS(planned.missing) * MAX(ABS(billed.rate))
            """,
            billed=amounts.billed_sql(SQL("TRUE")),
            planned=amounts.PLANNED,
            zero=TOLERANCE,
        )

    def _check_line_heading(self):
        """On an invoice of several projects, a line stands below its own project, if
        that has a heading there.

        Where a line stands within its project, and below what a person has added as a
        heading, is for people to decide.
        """
        return self._found(
            "account.move",
            lambda row: self.env._(
                "“%(line)s” stands below “%(heading)s”, and the heading of its own "
                "project is on the invoice, too: subtotals are wrong. Move it there; "
                "correct a posted invoice with a credit note.",
                **row,
            ),
            """
            WITH laid_out AS (
                SELECT item.move_id, item.display_type, item.name, item.billing_slice,
                       SUBSTRING(item.billing_slice, '^[0-9]+/') AS project,
                       COUNT(*) FILTER (WHERE item.display_type IN
                                        ('line_section', 'line_subsection'))
                           OVER (PARTITION BY item.move_id
                                 ORDER BY item.sequence, item.id) AS part
                  FROM account_move_line AS item
                  JOIN account_move AS move ON move.id = item.move_id
                 WHERE move.is_project_invoice AND move.state IN ('draft', 'posted')),
            heading AS (
                SELECT * FROM laid_out
                 WHERE display_type IN ('line_section', 'line_subsection')
                   AND project IS NOT NULL)
            SELECT item.move_id AS id, SPLIT_PART(item.name, CHR(10), 1) AS line,
                   above.name AS heading
              FROM laid_out AS item
              JOIN heading AS above
                ON above.move_id = item.move_id AND above.part = item.part
             WHERE item.display_type = 'product' AND above.project <> item.project
               AND EXISTS (SELECT FROM heading
                            WHERE heading.move_id = item.move_id
                              AND heading.billing_slice = item.project)
            """,
        )
