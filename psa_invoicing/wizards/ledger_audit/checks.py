# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the checks of the audit have in common; beside it one file for each promise.

Every check is one query (per kind of transaction at most), so that years of invoices
take seconds. In doubt a check says nothing: an accountant who finds one false alarm
believes none.
"""

from collections.abc import Callable

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

    def _found(
        self, model: str, tell: Callable[[dict], str], query: str, **parts
    ) -> list[tuple]:
        """What a check finds.

        :param model: of the records of which something is off
        :param tell: what, in words, of a row without its ``id``: quantities as they
            are shown, and '' where there is none
        :param query: a SELECT of the ``id`` of a record, and what is said of it
        :param parts: of the query
        :return: ``(record, message)``
        """
        rows = self.env.execute_query_dict(SQL(query, **parts))
        # Browsed together, they are fetched together.
        records = self.env[model].browse(row.pop("id") for row in rows)
        return [
            (record, tell({name: self._shown(value) for name, value in row.items()}))
            for record, row in zip(records, rows, strict=True)
        ]

    def _shown(self, value):
        if isinstance(value, float):
            return f"{value:.2f}".rstrip("0").rstrip(".")
        return "" if value is None else value

    def _rounding(self) -> float:
        return self.env["psa.invoice.detail"]._quantity_step()

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
