# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Order lines, time entries and invoices say what the ledger says."""

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import MILESTONE, MODELS, TIME
from ...models.billing.open_quantities import OpenQuantities
from ...tools import hooks, rules


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

    def _check_excluded_quantity(self):
        """Invariant 4: what an order line leaves out is what the ledger and the
        backlog leave out."""
        Line = self.env["sale.order.line"]
        ids = self.env.execute_query(
            SQL("SELECT id FROM sale_order_line WHERE product_id IS NOT NULL")
        )
        return self._found(
            "sale.order.line",
            lambda row: self.env._(
                "It keeps %(excluded)s from being invoiced now and %(never)s for "
                "good; the ledger says %(true_excluded)s and %(true_never)s. Press "
                "Compute Figures Anew before the order is invoiced.",
                **row,
            ),
            """
            SELECT id, excluded, never, true_excluded, true_never
              FROM (SELECT line.id,
                           COALESCE(line.billing_excluded_quantity, 0) AS excluded,
                           COALESCE(line.psa_never_billed_quantity, 0) AS never,
                           COALESCE(figures.excluded, 0) AS true_excluded,
                           COALESCE(figures.never, 0) AS true_never
                      FROM sale_order_line AS line
                 LEFT JOIN (%(figures)s) AS figures(line_id, excluded, never, billed,
                                                  otherwise)
                        ON figures.line_id = line.id) AS found
             WHERE ABS(excluded - true_excluded) > %(step)s
                OR ABS(never - true_never) > %(step)s
            """,
            figures=Line._psa_excluded_sql([id_ for (id_,) in ids]),
            step=self._rounding() + TOLERANCE,
        )

    def _check_quantity_to_invoice(self):
        """Invariant 4: what Odoo offers for invoicing follows from the ledger."""

        def tell(row: dict) -> str:
            return self.env._(
                "Odoo offers %(offered)s for invoicing, and %(expected)s is left "
                "to invoice. Press Compute Figures Anew before the order is "
                "invoiced.",
                **row,
            )

        lines = self.env["sale.order.line"]._psa_fixed_prices()
        # What is not rounded is not in the table.
        by_amount = [
            (line, tell({"offered": self._shown(offered), "expected": f"{left:.6g}"}))
            for line, left in lines._billing_by_amount()._billing_open().items()
            if line.product_uom_id.compare(
                offered := line.qty_to_invoice, line._billing_visible(left)
            )
        ]
        return by_amount + self._found(
            "sale.order.line",
            tell,
            """
            SELECT id, offered, expected
              FROM (SELECT line.id, COALESCE(line.qty_to_invoice, 0) AS offered,
                           CASE template.invoice_policy
                                WHEN 'order' THEN line.product_uom_qty
                                ELSE line.qty_delivered END
                           - COALESCE(line.qty_invoiced, 0)
                           - COALESCE(line.billing_excluded_quantity, 0) AS expected
                      FROM sale_order_line AS line
                      %(of_product)s
                     WHERE line.state = 'sale' AND line.display_type IS NULL
                       AND template.type <> 'combo' AND NOT %(by_amount)s
                       AND (EXISTS (SELECT FROM psa_invoice_detail AS detail
                                     WHERE detail.sale_line_id = line.id)
                            OR line.billing_project_id IS NOT NULL
                               AND line.qty_delivered_method
                                   IN ('milestones', 'timesheet'))) AS found
             WHERE %(beyond)s > %(step)s
            """,
            # Another add-on may offer less: it knows what is invoiced elsewhere.
            beyond=SQL("offered - expected")
            if hooks.is_changed(lines, "_compute_qty_to_invoice")
            else SQL("ABS(offered - expected)"),
            by_amount=rules.BY_AMOUNT,
            of_product=rules.OF_PRODUCT,
            step=self._rounding(),
        )

    def _check_delivered_quantity(self):
        """Invariant 4: what Odoo says was delivered is what was worked and reached.

        If it were less, good work would be ready for ever; if it were more, Odoo would
        bill what nobody has done.
        """
        lines = self.env["sale.order.line"].search(
            [
                ("state", "=", "sale"),
                ("product_id.invoice_policy", "=", "delivery"),
                ("qty_delivered_method", "in", ("milestones", "timesheet")),
            ]
        )
        domains = {
            "timesheet": Domain(lines._timesheet_compute_delivered_quantity_domain()),
            "milestones": Domain.TRUE,
        }
        rows = []
        for method, own in lines.grouped("qty_delivered_method").items():
            model = self.env[MODELS[TIME if method == "timesheet" else MILESTONE]]
            name = model._billing_columns["sale_line_id"]
            query = model._search(domains[method] & Domain(name, "in", own.ids))
            query.groupby = SQL(
                "%s, %s",
                model._billing_column_sql("sale_line_id"),
                model._billing_column_sql("uom_id"),
            )
            done = SQL("SUM(%s)", model._psa_billable_sql(model._table))
            rows += self.env.execute_query(query.select(query.groupby, done))
        factors = OpenQuantities(self.env).uom_factors(
            {(uom_id, line_id) for line_id, uom_id, _done in rows}
        )
        found = dict.fromkeys(lines.ids, 0.0)
        for line_id, uom_id, done in rows:
            found[line_id] += done * factors[uom_id, line_id]
        return [
            (
                line,
                self.env._(
                    "%(done)s was worked or reached, and Odoo says that %(delivered)s "
                    "was delivered. Press Compute Figures Anew before the order is "
                    "invoiced.",
                    done=self._shown(found[line.id]),
                    delivered=self._shown(line.qty_delivered),
                ),
            )
            for line in lines
            if abs(line.qty_delivered - found[line.id]) > 2 * self._rounding()
        ]

    def _check_timesheet_invoice(self):
        """Invariant 4: the invoice that Odoo shows on an entry is the one that bills
        it, and locks it.

        Of project invoices only: what Odoo said of others before the add-on came is
        left as it was.
        """
        Move = self.env["account.move"]
        return self._found(
            MODELS[TIME],
            lambda row: self.env._(
                "It shows the invoice “%(shown)s”, and the ledger has it on "
                "“%(billed)s”: it can be changed although it is billed, or "
                "cannot although it is not. Press Compute Figures Anew.",
                shown=Move.browse(row["shown"] or ()).display_name or "-",
                billed=Move.browse(row["billed"] or ()).display_name or "-",
            ),
            """
            SELECT entry.id, shown.id AS shown, billed.id AS billed
              FROM account_analytic_line AS entry
              JOIN (%(figures)s) AS ledger ON ledger.id = entry.id
         LEFT JOIN account_move AS shown ON shown.id = entry.timesheet_invoice_id
         LEFT JOIN account_move AS billed
                ON billed.id = CASE WHEN ABS(ledger.billed - ledger.draft) > %(zero)s
                                    THEN ledger.posted_id ELSE ledger.draft_id END
             WHERE shown.id IS DISTINCT FROM billed.id
               AND (shown.is_project_invoice OR billed.is_project_invoice)
            """,
            figures=self.env[MODELS[TIME]]._psa_ledger_figures_sql(),
            zero=TOLERANCE,
        )

    def _check_invoice_header(self):
        """A project invoice has a period, which its credit notes state, too, and the
        projects that it bills."""
        return self._found(
            "account.move",
            lambda _row: self.env._(
                "It has no period or no project: Recalculate would not find its "
                "transactions, and its credit notes would not say when the work was. "
                "Delete a draft and bill the project again."
            ),
            """
            SELECT move.id
              FROM account_move AS move
             WHERE move.is_project_invoice
               AND (move.billing_cutoff_date IS NULL
                    OR move.billing_period_start IS NULL
                    OR (EXISTS (SELECT FROM psa_invoice_detail AS detail
                                 WHERE detail.move_id = move.id
                                   AND detail.project_id IS NOT NULL)
                        AND NOT EXISTS (SELECT FROM psa_move_project_rel AS rel
                                         WHERE rel.move_id = move.id)))
            """,
        )

    def _check_document_sign(self):
        """A document that is posted is due to who sends it: the total with taxes of an
        invoice, and of a credit note, is not below zero."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "Its total with taxes is %(total)s: it should be a credit note if it "
                "is an invoice, and an invoice if it is a credit note. Reset it to "
                "draft, and bill what is on it anew.",
                total=row["total"],
            ),
            """
            SELECT move.id, move.amount_total::float AS total
              FROM account_move AS move
             WHERE move.state = 'posted' AND move.amount_total < 0
               AND move.move_type IN ('out_invoice', 'out_refund')
               AND EXISTS (SELECT FROM psa_invoice_detail AS detail
                            WHERE detail.move_id = move.id)
            """,
        )

    def _check_company(self):
        """An invoice bills transactions of its own company."""
        return self._found(
            "account.move",
            lambda row: self.env._(
                "It belongs to %(company)s and bills transactions of %(other)s. "
                "Cancel or credit it, and bill them with their own company.",
                **row,
            ),
            """
            SELECT move.id, MAX(company.name) AS company, MAX(other.name) AS other
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
              JOIN sale_order_line AS line ON line.id = detail.sale_line_id
              JOIN res_company AS company ON company.id = move.company_id
              JOIN res_company AS other ON other.id = line.company_id
             WHERE line.company_id <> move.company_id
          GROUP BY move.id
            """,
        )

    def _check_billing_status(self):
        """The stored status of a project invoice is what Odoo says of it."""
        found = self._found(
            "account.move",
            lambda row: self.env._(
                "Its billing status is “%(status)s” and should be “%(expected)s”: "
                "lists and reminders miss it. Press Compute Figures Anew.",
                status=row["status"] or "-",
                expected=row["expected"] or "-",
            ),
            """
            SELECT id, status, expected
              FROM (SELECT move.id, move.is_project_invoice, move.psa_state AS status,
                           CASE
                           WHEN move.is_project_invoice IS NOT TRUE THEN NULL
                           WHEN move.state = 'cancel' THEN 'cancelled'
                           WHEN move.state <> 'posted'
                                AND move.billing_review IS NOT NULL
                                AND move.billing_reviewed_total = move.amount_total
                           THEN 'in_review'
                           WHEN move.state <> 'posted' THEN 'draft'
                           WHEN move.payment_state = 'reversed' THEN 'credited'
                           WHEN move.payment_state IN ('paid', 'in_payment') THEN 'paid'
                           WHEN move.payment_state = 'partial' THEN 'partial'
                           WHEN move.billing_sent_date IS NOT NULL THEN 'sent'
                           ELSE 'confirmed' END AS expected
                      FROM account_move AS move) AS found
             WHERE (is_project_invoice OR status IS NOT NULL)
               AND status IS DISTINCT FROM expected
            """,
        )
        # What was changed since it was submitted is a draft, whatever its total.
        return [
            (move, text)
            for move, text in found
            if not (move.psa_state == "draft" == move._billing_state())
        ]
