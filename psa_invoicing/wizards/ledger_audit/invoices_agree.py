# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Project invoices have what makes them one."""

from odoo import api, models
from odoo.tools import SQL


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _check_invoice_header(self):
        """A project invoice has a cut-off date, and the projects that it bills."""
        rows = self._query(
            SQL(
                """
                SELECT move.id
                  FROM account_move AS move
                 WHERE move.is_project_invoice
                   AND (move.billing_cutoff_date IS NULL
                        OR (EXISTS (SELECT FROM psa_invoice_detail AS detail
                                     WHERE detail.move_id = move.id
                                       AND detail.project_id IS NOT NULL)
                            AND NOT EXISTS (SELECT FROM psa_move_project_rel AS rel
                                             WHERE rel.move_id = move.id)))
                """
            )
        )
        return [
            self._finding(
                "invoice_header",
                invoice,
                self.env._(
                    "It has no cut-off date or no project: Recalculate would not find "
                    "its transactions. Delete a draft and bill the project again."
                ),
            )
            for (invoice,) in self._with_invoices(rows)
        ]

    @api.model
    def _check_company(self):
        """An invoice bills transactions of its own company."""
        rows = self._query(
            SQL(
                """
                SELECT move.id, MAX(company.name), MAX(other.name)
                  FROM psa_invoice_detail AS detail
                  JOIN account_move AS move ON move.id = detail.move_id
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
                  JOIN res_company AS company ON company.id = move.company_id
                  JOIN res_company AS other ON other.id = line.company_id
                 WHERE line.company_id <> move.company_id
              GROUP BY move.id
                """
            )
        )
        return [
            self._finding(
                "company",
                invoice,
                self.env._(
                    "It belongs to %(company)s and bills transactions of %(other)s. "
                    "Cancel or credit it, and bill them with their own company.",
                    company=company,
                    other=other,
                ),
            )
            for invoice, company, other in self._with_invoices(rows)
        ]

    @api.model
    def _check_billing_status(self):
        """The stored status of a project invoice is what Odoo says of it."""
        rows = self._query(
            SQL(
                """
                SELECT move.id, move.psa_state, expected.status
                  FROM account_move AS move
          JOIN LATERAL (
                       SELECT CASE
                              WHEN move.is_project_invoice IS NOT TRUE THEN NULL
                              WHEN move.state = 'cancel' THEN 'cancelled'
                              WHEN move.state <> 'posted'
                                   AND move.billing_review IS NOT NULL
                                   AND move.billing_reviewed_total = move.amount_total
                              THEN 'in_review'
                              WHEN move.state <> 'posted' THEN 'draft'
                              WHEN move.payment_state = 'reversed' THEN 'credited'
                              WHEN move.payment_state IN ('paid', 'in_payment')
                              THEN 'paid'
                              WHEN move.payment_state = 'partial' THEN 'partial'
                              WHEN move.billing_sent_date IS NOT NULL THEN 'sent'
                              ELSE 'confirmed' END AS status
                       ) AS expected ON TRUE
                 WHERE (move.is_project_invoice OR move.psa_state IS NOT NULL)
                   AND move.psa_state IS DISTINCT FROM expected.status
                """
            )
        )
        return [
            self._finding(
                "billing_status",
                invoice,
                self.env._(
                    "Its billing status is “%(status)s” and should be “%(expected)s”: "
                    "lists and reminders miss it. Press Compute Figures Anew.",
                    status=status or "-",
                    expected=expected or "-",
                ),
            )
            for invoice, status, expected in self._with_invoices(rows)
        ]
