# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Credit notes that were made before."""

from odoo.fields import Domain
from odoo.tools import SQL

from ...tools.values import id_array
from .recording import Recording
from .step import Step


class TakeoverCredits(Step):
    """Finds what they take back."""

    def link_credited_lines(self, contract_lines=None):
        """Let credit notes name the lines that they credit, as new ones do.

        :param contract_lines: of these order lines (default: of all)
        """
        wanted = SQL("TRUE")
        if contract_lines is not None:
            ids = id_array(contract_lines.ids)
            wanted = SQL("credit_rel.order_line_id = ANY(%s)", ids)
        self.env.cr.execute(
            SQL(
                """
            UPDATE account_move_line AS target
               SET billing_credited_line_id = found.origin_id
              FROM (
            SELECT credit.id, MIN(origin.id) AS origin_id
              FROM account_move AS move
              JOIN account_move_line AS credit
                ON credit.move_id = move.id AND credit.display_type = 'product'
               AND credit.billing_credited_line_id IS NULL
              JOIN account_move_line AS origin
                ON origin.move_id = move.reversed_entry_id
               AND origin.display_type = 'product'
              JOIN sale_order_line_invoice_rel AS credit_rel
                ON credit_rel.invoice_line_id = credit.id
              JOIN sale_order_line_invoice_rel AS origin_rel
                ON origin_rel.invoice_line_id = origin.id
               AND origin_rel.order_line_id = credit_rel.order_line_id
             WHERE move.move_type = 'out_refund' AND %s
          GROUP BY credit.id
                   ) AS found
             WHERE target.id = found.id
            """,
                wanted,
            )
        )
        self.env["account.move.line"].invalidate_model(["billing_credited_line_id"])

    def record(self, domain: Domain, contract_lines):
        """Note what the lines of a few credit notes take back, one by one."""
        domain &= Domain(
            [
                ("move_id.move_type", "=", "out_refund"),
                ("move_id.state", "in", ("draft", "posted")),
                ("display_type", "=", "product"),
                ("sale_line_ids", "!=", False),
                ("detail_ids", "=", False),
            ]
        )
        if contract_lines is not None:
            domain &= Domain("sale_line_ids", "in", contract_lines.ids)
        found = self.env["account.move.line"].sudo().search(domain)
        lines = found.filtered(lambda line: line._psa_contract_line())
        if not lines:
            return
        links = self.env.execute_query(
            SQL(
                """SELECT id, timesheet_invoice_id FROM account_analytic_line
                    WHERE so_line = ANY(%s) AND timesheet_invoice_id IS NOT NULL""",
                id_array(lines.sale_line_ids.ids),
            )
        )
        Recording(self.env).record(lines)
        self._restore_links(links)

    def _restore_links(self, links: list[tuple[int, int]]):
        """What Odoo said about the invoice of entries stays as it was: it may have been
        made after the credit note.

        :param links: ids of entries and invoices
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """UPDATE account_analytic_line AS entry
                      SET timesheet_invoice_id = link.move_id
                     FROM unnest(%s, %s) AS link(entry_id, move_id)
                    WHERE entry.id = link.entry_id
                      AND entry.timesheet_invoice_id IS DISTINCT FROM link.move_id""",
                id_array(entry_id for entry_id, _move_id in links),
                id_array(move_id for _entry_id, move_id in links),
            )
        )
        self.env["account.analytic.line"].invalidate_model(["timesheet_invoice_id"])

    def point_to_invoices(self, notes: list[tuple[int, int]]):
        """Credited order lines name the detail that was credited: of that invoice, else
        the last one.

        :param notes: ids of lines of credit notes and their contract lines
        """
        if not notes:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE psa_invoice_detail AS target
                   SET origin_detail_id = found.origin_id
                  FROM (
                SELECT DISTINCT ON (credit.id) credit.id, origin.id AS origin_id
                  FROM unnest(%s, %s) AS bill(id, line_id)
                  JOIN account_move_line AS item ON item.id = bill.id
                  JOIN psa_invoice_detail AS credit
                    ON credit.move_line_id = bill.id
                   AND credit.sale_line_id = bill.line_id
                   AND credit.transaction_type <> 'adjustment'
                   AND credit.origin_detail_id IS NULL
                  JOIN psa_invoice_detail AS origin
                    ON origin.sale_line_id = bill.line_id AND origin.quantity > 0
                   AND origin.transaction_type <> 'adjustment'
                  JOIN account_move AS invoice
                    ON invoice.id = origin.move_id
                   AND invoice.move_type = 'out_invoice'
              ORDER BY credit.id,
                       origin.move_line_id = item.billing_credited_line_id
                           DESC NULLS LAST,
                       origin.id DESC) AS found
                 WHERE target.id = found.id
                """,
                id_array(item_id for item_id, _line_id in notes),
                id_array(line_id for _item_id, line_id in notes),
            )
        )
