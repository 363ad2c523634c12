# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the checks of the audit have in common; beside it one file for each promise.

Every check is one query (per kind of transaction at most), so that years of invoices
take seconds. In doubt a check says nothing: an accountant who finds one false alarm
believes none.
"""

from odoo import models
from odoo.tools import SQL, format_date

from ...core.kinds import MODELS, TIME, TRANSACTION_MODELS


class PsaLedgerAudit(models.TransientModel):
    _inherit = "psa.ledger.audit"  # pylint: disable=consider-merging-classes-inherited

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
