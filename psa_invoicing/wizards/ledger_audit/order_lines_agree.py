# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Order lines and time entries say what the ledger says."""

from odoo import api, models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import MODELS, ORDER_LINE, TIME


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _check_excluded_quantity(self):
        """Invariant 4: what an order line leaves out is what the ledger and the
        backlog leave out."""
        ids = [
            id_
            for (id_,) in self._query(
                SQL("SELECT id FROM sale_order_line WHERE product_id IS NOT NULL")
            )
        ]
        rows = self._query(
            SQL(
                """
                SELECT line.id, COALESCE(line.billing_excluded_quantity, 0),
                       COALESCE(line.psa_never_billed_quantity, 0),
                       COALESCE(figures.excluded, 0), COALESCE(figures.never, 0)
                  FROM sale_order_line AS line
             LEFT JOIN (%(figures)s) AS figures(line_id, excluded, never)
                    ON figures.line_id = line.id
                 WHERE ABS(COALESCE(line.billing_excluded_quantity, 0)
                           - COALESCE(figures.excluded, 0)) > %(step)s
                    OR ABS(COALESCE(line.psa_never_billed_quantity, 0)
                           - COALESCE(figures.never, 0)) > %(step)s
                """,
                figures=self.env["sale.order.line"]._psa_excluded_sql(ids),
                step=self._rounding(),
            )
        )
        return [
            self._finding(
                "excluded_quantity",
                line,
                self.env._(
                    "It keeps %(excluded)s from being invoiced now and %(never)s for "
                    "good; the ledger says %(true_excluded)s and %(true_never)s. Press "
                    "Compute Figures Anew before the order is invoiced.",
                    excluded=self._number(excluded),
                    never=self._number(never),
                    true_excluded=self._number(true_excluded),
                    true_never=self._number(true_never),
                ),
            )
            for line, excluded, never, true_excluded, true_never in self._with_records(
                ORDER_LINE, rows
            )
        ]

    @api.model
    def _check_quantity_to_invoice(self):
        """Invariant 4: what Odoo offers for invoicing follows from the ledger."""
        rows = self._query(
            SQL(
                """
                SELECT line.id, line.qty_to_invoice, expected.quantity
                  FROM sale_order_line AS line
                  JOIN product_product AS product ON product.id = line.product_id
                  JOIN product_template AS template
                    ON template.id = product.product_tmpl_id
          JOIN LATERAL (
                       SELECT CASE template.invoice_policy
                              WHEN 'order' THEN line.product_uom_qty
                              ELSE line.qty_delivered END
                              - COALESCE(line.qty_invoiced, 0)
                              - COALESCE(line.billing_excluded_quantity, 0) AS quantity
                       ) AS expected ON TRUE
                 WHERE line.state = 'sale' AND line.display_type IS NULL
                   AND template.type <> 'combo'
                   AND EXISTS (SELECT FROM psa_invoice_detail AS detail
                                WHERE detail.sale_line_id = line.id)
                   AND ABS(COALESCE(line.qty_to_invoice, 0) - expected.quantity)
                       > %(step)s
                """,
                step=self._rounding(),
            )
        )
        return [
            self._finding(
                "quantity_to_invoice",
                line,
                self.env._(
                    "Odoo offers %(offered)s for invoicing, and %(expected)s is left "
                    "to invoice. Press Compute Figures Anew before the order is "
                    "invoiced.",
                    offered=self._number(offered),
                    expected=self._number(expected),
                ),
            )
            for line, offered, expected in self._with_records(ORDER_LINE, rows)
        ]

    @api.model
    def _check_timesheet_invoice(self):
        """Invariant 4: the invoice that Odoo shows on an entry is the one that bills
        it, and locks it.

        Of project invoices only: what Odoo said of others before the add-on came is
        left as it was.
        """
        entries, Move = self.env[MODELS[TIME]], self.env["account.move"]
        rows = self._query(
            SQL(
                """
                SELECT entry.id, COALESCE(shown.id, 0), COALESCE(billed.id, 0)
                  FROM account_analytic_line AS entry
                  JOIN (%(figures)s) AS ledger ON ledger.id = entry.id
             LEFT JOIN account_move AS shown ON shown.id = entry.timesheet_invoice_id
             LEFT JOIN account_move AS billed
                    ON billed.id = CASE
                       WHEN ABS(ledger.billed - ledger.draft) > %(zero)s
                       THEN ledger.posted_id ELSE ledger.draft_id END
                 WHERE shown.id IS DISTINCT FROM billed.id
                   AND (shown.is_project_invoice OR billed.is_project_invoice)
                """,
                figures=entries._psa_ledger_figures_sql(),
                zero=TOLERANCE,
            )
        )
        return [
            self._finding(
                "timesheet_invoice",
                entry,
                self.env._(
                    "It shows the invoice “%(shown)s”, and the ledger has it on "
                    "“%(billed)s”: it can be changed although it is billed, or "
                    "cannot although it is not. Press Compute Figures Anew.",
                    shown=Move.browse(shown or ()).display_name or "-",
                    billed=Move.browse(billed or ()).display_name or "-",
                ),
            )
            for entry, shown, billed in self._with_records(TIME, rows)
        ]
