# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoice lines are the sums of their transactions."""

from odoo import models

from ...core.allocation import TOLERANCE
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    def _check_line_quantity(self):
        """Invariant 3: an invoice line is the sum of its chargeable details.

        But for rounding: the slice that closes a contract line takes the differences
        of all the others.
        """
        return self._found(
            "account.move",
            lambda row: self.env._(
                "“%(line)s” has a quantity of %(quantity)s, and the transactions "
                "on it make up %(sum)s. Recalculate a draft; correct a posted "
                "invoice with a credit note.",
                **row,
            ),
            """
            SELECT billed.move_id AS id, SPLIT_PART(billed.name, CHR(10), 1) AS line,
                   billed.quantity, billed.sum
              FROM (SELECT item.move_id, item.name, line.id AS line_id,
                           item.quantity * %(factor)s * %(sign)s AS quantity,
                           SUM(detail.quantity) AS sum,
                           GREATEST(%(factor)s, 1) * %(step)s AS step
                      FROM psa_invoice_detail AS detail
                      JOIN account_move_line AS item ON item.id = detail.move_line_id
                      JOIN account_move AS move ON move.id = item.move_id
                      JOIN sale_order_line AS line ON line.id = detail.sale_line_id
                 LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
                 LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
                     WHERE move.state IN ('draft', 'posted') AND %(charged)s
                  GROUP BY item.id, move.id, line.id, unit.id, line_unit.id
                   ) AS billed
             WHERE ABS(billed.quantity - billed.sum) > billed.step
               AND ABS(billed.quantity - billed.sum)
                   > billed.step * (2 + (
                       SELECT COUNT(*) FROM sale_order_line_invoice_rel AS rel
                        WHERE rel.order_line_id = billed.line_id)) / 2
            """,
            charged=rules.charged_sql(),
            factor=rules.factor_sql(),
            sign=rules.sign_sql(),
            step=self._rounding(),
        )

    def _check_line_without_details(self):
        """Invariants 4 and 7: whoever bills a contract line, it is in the ledger."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "“%(line)s” bills %(quantity)s of a contract, and the ledger does "
                "not know of what. Delete the line on a draft and Recalculate; "
                "credit a posted invoice and bill it again.",
                **row,
            ),
            """
            SELECT item.move_id AS id, SPLIT_PART(item.name, CHR(10), 1) AS line,
                   item.quantity
              FROM account_move_line AS item
              JOIN account_move AS move ON move.id = item.move_id
             WHERE move.move_type IN ('out_invoice', 'out_refund')
               AND move.state IN ('draft', 'posted')
               AND item.display_type = 'product' AND ABS(item.quantity) > %(zero)s
               AND EXISTS (SELECT FROM sale_order_line_invoice_rel AS rel
                             JOIN sale_order_line AS line ON line.id = rel.order_line_id
                             %(of_product)s
                            WHERE rel.invoice_line_id = item.id AND %(in_ledger)s)
               AND NOT EXISTS (SELECT FROM psa_invoice_detail AS detail
                                WHERE detail.move_line_id = item.id)
            """,
            in_ledger=rules.IN_LEDGER,
            of_product=rules.OF_PRODUCT,
            zero=TOLERANCE,
        )

    def _check_detail_without_line(self):
        """Invariant 2: what counts as billed is charged to the customer."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "%(count)s transactions (%(quantity)s in all) count as billed and "
                "are on none of its lines: the customer does not pay for them. "
                "Recalculate a draft; credit a posted invoice and bill it again.",
                **row,
            ),
            """
            SELECT detail.move_id AS id, COUNT(*) AS count,
                   SUM(detail.quantity) AS quantity
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
             WHERE move.state IN ('draft', 'posted')
               AND detail.move_line_id IS NULL AND %(charged)s
          GROUP BY detail.move_id
            """,
            charged=rules.charged_sql(),
        )

    def _check_detail_on_other_invoice(self):
        """A detail stands on a line of its own invoice, and of its contract line."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "“%(line)s” has %(count)s transactions of another invoice or of "
                "another contract line. Take them off a draft and Recalculate; "
                "credit a posted invoice and bill it again.",
                **row,
            ),
            """
            SELECT item.move_id AS id, SPLIT_PART(item.name, CHR(10), 1) AS line,
                   COUNT(*) AS count
              FROM psa_invoice_detail AS detail
              JOIN account_move_line AS item ON item.id = detail.move_line_id
             WHERE detail.move_id IS DISTINCT FROM item.move_id
                OR NOT EXISTS (
                   SELECT FROM sale_order_line_invoice_rel AS rel
                    WHERE rel.invoice_line_id = item.id
                      AND rel.order_line_id = detail.sale_line_id)
          GROUP BY item.id
            """,
        )

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
