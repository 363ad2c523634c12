# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoice lines are the sums of their transactions."""

from odoo import api, models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...tools import rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _check_line_quantity(self):
        """Invariant 3: an invoice line is the sum of its chargeable details.

        But for rounding: the slice that closes a contract line takes the differences
        of all the others.
        """
        rows = self._query(
            SQL(
                """
                SELECT line.move_id, line.name, billed.signed, billed.quantity
                  FROM account_move_line AS line
                  JOIN (SELECT item.id,
                               item.quantity * %(factor)s * %(sign)s AS signed,
                               SUM(detail.quantity) AS quantity,
                               GREATEST(%(factor)s, 1)
                               * %(step)s AS step,
                               contract_line.id AS contract_line_id
                          FROM psa_invoice_detail AS detail
                          JOIN account_move_line AS item
                            ON item.id = detail.move_line_id
                          JOIN account_move AS move ON move.id = item.move_id
                          JOIN sale_order_line AS contract_line
                            ON contract_line.id = detail.sale_line_id
                     LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
                     LEFT JOIN uom_uom AS line_unit
                            ON line_unit.id = contract_line.product_uom_id
                         WHERE move.state IN ('draft', 'posted')
                           AND detail.billing_type = 'chargeable'
                           AND detail.is_write_off IS NOT TRUE
                      GROUP BY item.id, move.id, contract_line.id, unit.id,
                               line_unit.id
                       ) AS billed ON billed.id = line.id
                 WHERE ABS(billed.signed - billed.quantity)
                       > billed.step
                       AND ABS(billed.signed - billed.quantity)
                       > billed.step * (2 + (
                           SELECT COUNT(*) FROM sale_order_line_invoice_rel AS rel
                            WHERE rel.order_line_id = billed.contract_line_id)) / 2
                """,
                factor=rules.factor_sql(),
                sign=rules.sign_sql(),
                step=self._rounding(),
            )
        )
        return [
            self._finding(
                "line_quantity",
                invoice,
                self.env._(
                    "“%(line)s” has a quantity of %(quantity)s, and the transactions "
                    "on it make up %(sum)s. Recalculate a draft; correct a posted "
                    "invoice with a credit note.",
                    line=self._first_line(name),
                    quantity=self._number(quantity),
                    sum=self._number(total),
                ),
            )
            for invoice, name, quantity, total in self._with_invoices(rows)
        ]

    @api.model
    def _check_line_without_details(self):
        """Invariants 4 and 7: whoever bills a contract line, it is in the ledger."""
        rows = self._query(
            SQL(
                """
                SELECT DISTINCT line.move_id, line.name, line.quantity, line.id
                  FROM account_move_line AS line
                  JOIN account_move AS move ON move.id = line.move_id
                  JOIN sale_order_line_invoice_rel AS rel
                    ON rel.invoice_line_id = line.id
                  JOIN sale_order_line AS contract_line
                    ON contract_line.id = rel.order_line_id
                  JOIN product_product AS product
                    ON product.id = contract_line.product_id
                  JOIN product_template AS template
                    ON template.id = product.product_tmpl_id
                 WHERE move.move_type IN ('out_invoice', 'out_refund')
                   AND move.state IN ('draft', 'posted')
                   AND line.display_type = 'product'
                   AND ABS(line.quantity) > %(zero)s
                   AND contract_line.display_type IS NULL
                   AND contract_line.is_downpayment IS NOT TRUE
                   AND template.type <> 'combo'
                   AND (contract_line.billing_project_id IS NOT NULL
                        OR (template.invoice_policy = 'delivery'
                            AND contract_line.qty_delivered_method
                                IN ('milestones', 'timesheet')))
                   AND NOT EXISTS (SELECT FROM psa_invoice_detail AS detail
                                    WHERE detail.move_line_id = line.id)
                """,
                zero=TOLERANCE,
            )
        )
        return [
            self._finding(
                "line_without_details",
                invoice,
                self.env._(
                    "“%(line)s” bills %(quantity)s of a contract, and the ledger does "
                    "not know of what. Delete the line on a draft and Recalculate; "
                    "credit a posted invoice and bill it again.",
                    line=self._first_line(name),
                    quantity=self._number(quantity),
                ),
            )
            for invoice, name, quantity, _line_id in self._with_invoices(rows)
        ]

    @api.model
    def _check_detail_without_line(self):
        """Invariant 2: what counts as billed is charged to the customer."""
        rows = self._query(
            SQL(
                """
                SELECT detail.move_id, COUNT(*), SUM(detail.quantity)
                  FROM psa_invoice_detail AS detail
                  JOIN account_move AS move ON move.id = detail.move_id
                 WHERE move.state IN ('draft', 'posted')
                   AND detail.move_line_id IS NULL
                   AND detail.billing_type = 'chargeable'
                   AND detail.is_write_off IS NOT TRUE
              GROUP BY detail.move_id
                """
            )
        )
        return [
            self._finding(
                "detail_without_line",
                invoice,
                self.env._(
                    "%(count)s transactions (%(quantity)s in all) count as billed and "
                    "are on none of its lines: the customer does not pay for them. "
                    "Recalculate a draft; credit a posted invoice and bill it again.",
                    count=count,
                    quantity=self._number(quantity),
                ),
            )
            for invoice, count, quantity in self._with_invoices(rows)
        ]

    @api.model
    def _check_detail_on_other_invoice(self):
        """A detail stands on a line of its own invoice, and of its contract line."""
        rows = self._query(
            SQL(
                """
                SELECT line.move_id, line.name, COUNT(*)
                  FROM psa_invoice_detail AS detail
                  JOIN account_move_line AS line ON line.id = detail.move_line_id
                 WHERE detail.move_id IS DISTINCT FROM line.move_id
                    OR NOT EXISTS (
                       SELECT FROM sale_order_line_invoice_rel AS rel
                        WHERE rel.invoice_line_id = line.id
                          AND rel.order_line_id = detail.sale_line_id)
              GROUP BY line.id
                """
            )
        )
        return [
            self._finding(
                "detail_on_other_invoice",
                invoice,
                self.env._(
                    "“%(line)s” has %(count)s transactions of another invoice or of "
                    "another contract line. Take them off a draft and Recalculate; "
                    "credit a posted invoice and bill it again.",
                    line=self._first_line(name),
                    count=count,
                ),
            )
            for invoice, name, count in self._with_invoices(rows)
        ]

    @api.model
    def _check_line_amount(self):
        """Invariant 3: the amounts of the details make up the line, to the cent.

        Of a draft they follow its price at the latest when it is posted.
        """
        rows = self._query(
            SQL(
                """
                SELECT line.move_id, line.name, line.price_subtotal,
                       SUM(detail.amount)
                  FROM psa_invoice_detail AS detail
                  JOIN account_move_line AS line ON line.id = detail.move_line_id
                  JOIN account_move AS move ON move.id = line.move_id
                  JOIN res_currency AS currency ON currency.id = line.currency_id
                 WHERE move.state = 'posted' AND move.is_project_invoice
                   AND detail.billing_type = 'chargeable'
                   AND detail.is_write_off IS NOT TRUE
              GROUP BY line.id, move.id, currency.id
                HAVING ABS(SUM(detail.quantity)) > %(zero)s
                   AND ABS(SUM(detail.amount)
                           - line.price_subtotal * CASE move.move_type
                                 WHEN 'out_refund' THEN -1 ELSE 1 END)
                       > currency.rounding / 2
                """,
                zero=TOLERANCE,
            )
        )
        return [
            self._finding(
                "line_amount",
                invoice,
                self.env._(
                    "“%(line)s” comes to %(amount)s, and its transactions to %(sum)s. "
                    "Reports by transaction are wrong: reset the invoice to draft and "
                    "confirm it again, or correct it with a credit note.",
                    line=self._first_line(name),
                    amount=self._number(amount),
                    sum=self._number(total),
                ),
            )
            for invoice, name, amount, total in self._with_invoices(rows)
        ]
