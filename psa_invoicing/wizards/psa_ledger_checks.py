# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the audit looks for: one method for each promise of the ledger.

Every check is one query (per kind of transaction at most), so that years of invoices
take seconds. In doubt a check says nothing: an accountant who finds one false alarm
believes none.
"""

from odoo import api, models
from odoo.tools import SQL, format_date

from ..core.allocation import TOLERANCE
from ..core.billing import COST, MILESTONE, ORDER_LINE, TIME
from ..models.psa_billing_selection import MODELS
from ..models.psa_transaction_mixin import LEDGER_FIELDS, TRANSACTION_MODELS


class PsaLedgerAudit(models.TransientModel):
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.ledger.audit"

    # === Never twice ===

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
        Detail = self.env["psa.invoice.detail"]
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
            live=Detail._live_sql(),
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

    # === Lines are sums ===

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
                               item.quantity
                               * COALESCE(unit.factor / line_unit.factor, 1)
                               * CASE move.move_type WHEN 'out_refund'
                                      THEN -1 ELSE 1 END AS signed,
                               SUM(detail.quantity) AS quantity,
                               GREATEST(COALESCE(unit.factor / line_unit.factor, 1), 1)
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

    # === Details and their transactions ===

    @api.model
    def _check_moved_transaction(self):
        """Invariant 6: what is billed and posted stays where it was billed.

        What was credited in full may move; vendor bills make their contract lines anew.
        """
        found = []
        for source in (TIME, MILESTONE):
            rows = self._query(self._moved_sql(source))
            records = self._with_records(source, [row[1:] + row[:1] for row in rows])
            invoices = self._with_invoices(rows)
            found += [
                self._finding(
                    "moved_transaction",
                    record,
                    self.env._(
                        "It was billed with %(invoice)s and belongs to another "
                        "project or contract line now. Move it back, or credit it "
                        "there and bill it again.",
                        invoice=invoice.display_name,
                    ),
                )
                for (record, *_rest), (invoice, *_ids) in zip(
                    records, invoices, strict=True
                )
            ]
        return found

    def _moved_sql(self, source: str) -> SQL:
        """``(invoice, transaction)``.

        What is only on a draft drops out with Recalculate; what a credit note takes
        back of a draft, when the credit note is cancelled.
        """
        model = self.env[MODELS[source]]
        moved = SQL(
            "source.%s IS DISTINCT FROM detail.sale_line_id",
            SQL.identifier(model._billing_columns["sale_line_id"]),
        )
        if source == TIME:
            moved = SQL("(%s OR source.project_id <> detail.project_id)", moved)
        return SQL(
            """
            SELECT MAX(detail.move_id), source.id
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
              JOIN %(table)s AS source ON source.id = detail.%(column)s
         LEFT JOIN psa_invoice_detail AS origin ON origin.id = detail.origin_detail_id
         LEFT JOIN account_move AS origin_move ON origin_move.id = origin.move_id
             WHERE move.state = 'posted' AND %(live)s AND %(moved)s
               AND COALESCE(origin_move.state, 'posted') = 'posted'
               AND detail.is_write_off IS NOT TRUE
          GROUP BY source.id, detail.sale_line_id, detail.project_id
            HAVING ABS(SUM(detail.source_quantity)) > %(zero)s
            """,
            table=SQL.identifier(model._table),
            column=SQL.identifier(model._billing_detail_field),
            live=self.env["psa.invoice.detail"]._live_sql(),
            moved=moved,
            zero=TOLERANCE,
        )

    @api.model
    def _check_detail_source(self):
        """A detail names one transaction, of its own type.

        One that was deleted is missing; on a draft that is told to the draft.
        """
        rows = self._query(
            SQL(
                """
                SELECT COALESCE(detail.move_id, 0), detail.id, detail.name
                  FROM psa_invoice_detail AS detail
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
             LEFT JOIN account_move AS move ON move.id = detail.move_id
                 WHERE (detail.analytic_line_id IS NOT NULL
                        AND detail.transaction_type <> 'time')
                    OR (detail.milestone_id IS NOT NULL
                        AND detail.transaction_type <> 'milestone')
                    OR (detail.cost_id IS NOT NULL
                        AND detail.transaction_type <> 'expense'
                        AND NOT (detail.transaction_type = 'material'
                                 AND line.is_expense))
                    OR (move.state = 'draft' AND move.is_project_invoice
                        AND move.needs_recalculation IS NOT TRUE
                        AND CASE detail.transaction_type
                            WHEN 'time' THEN detail.analytic_line_id IS NULL
                            WHEN 'milestone' THEN detail.milestone_id IS NULL
                            WHEN 'expense' THEN detail.cost_id IS NULL
                            WHEN 'material' THEN line.is_expense
                                                 AND detail.cost_id IS NULL
                            ELSE FALSE END)
                """
            )
        )
        return [
            self._finding(
                "detail_source",
                self._invoice_or_detail(move_id, detail_id),
                self.env._(
                    "“%(transaction)s” does not name the one transaction of its type "
                    "that it bills. Take it off a draft and Recalculate; credit a "
                    "posted invoice and bill it again.",
                    transaction=name or "",
                ),
            )
            for move_id, detail_id, name in rows
        ]

    # === Credit is exact ===

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
                live=self.env["psa.invoice.detail"]._live_sql(),
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
                   AND invoice.state = 'cancel'
                   AND invoice.payment_state <> 'invoicing_legacy'
              GROUP BY detail.id
                """,
                live=self.env["psa.invoice.detail"]._live_sql(),
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

    # === Order lines agree ===

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

    # === Invoices ===

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

    # === Helpers ===

    def _counts_sql(self) -> SQL:
        return SQL(
            """
            SELECT COUNT(DISTINCT detail.move_id) AS invoice_count,
                   %(transactions)s AS transaction_count
              FROM psa_invoice_detail AS detail
              JOIN account_move AS move ON move.id = detail.move_id
             WHERE move.state <> 'cancel'
            """,
            transactions=SQL(" + ").join(
                SQL(
                    "(SELECT COUNT(DISTINCT %s) FROM psa_invoice_detail AS detail"
                    " WHERE %s)",
                    SQL.identifier("detail", self.env[model]._billing_detail_field),
                    self.env[model]._psa_own_details_sql(),
                )
                for model in TRANSACTION_MODELS
            ),
        )

    def _query(self, query: SQL) -> list[tuple]:
        return self.env.execute_query(query)

    def _rounding(self) -> float:
        """The smallest step of a quantity, in whatever unit."""
        return 10.0 ** -self.env["decimal.precision"].precision_get("Product Unit")

    def _with_records(self, source: str, rows: list[tuple]) -> list[tuple]:
        """Rows with the transaction instead of its id; read together."""
        return self._browsed(MODELS[source], rows)

    def _with_invoices(self, rows: list[tuple]) -> list[tuple]:
        return self._browsed("account.move", rows)

    def _browsed(self, model: str, rows: list[tuple]) -> list[tuple]:
        records = self.env[model].browse(row[0] for row in rows)
        return [(record, *row[1:]) for record, row in zip(records, rows, strict=True)]

    def _invoice_or_detail(self, move_id: int, detail_id: int):
        if move_id:
            return self.env["account.move"].browse(move_id)
        return self.env["psa.invoice.detail"].browse(detail_id)

    def _number(self, quantity: float | None) -> str:
        return f"{quantity or 0.0:.2f}".rstrip("0").rstrip(".")

    def _first_line(self, name: str | None) -> str:
        return (name or "").split("\n")[0]

    def _reference(self, record) -> str:
        """What a person finds a record by; entries of a project are called alike."""
        if record._name != MODELS[TIME]:
            return record.display_name
        parts = [
            format_date(self.env, record.date),
            record.employee_id.name,
            record.name,
            record.display_name,
        ]
        return " · ".join(filter(None, parts))

    def _finding(self, check: str, record, message: str) -> dict:
        return {
            "check": check,
            "model": record._name,
            "res_id": record.id,
            "reference": self._reference(record),
            "message": message,
        }
