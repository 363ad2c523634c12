# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows of the ledger by the thousand: read and written without a record of each.

An invoice of a month has hundreds of them, one of a large project thousands. As records
each costs ten times as much as in these statements.
"""

import json

from odoo import models
from odoo.tools import SQL
from odoo.tools.json import json_default

from ...core.billing import Part, Row, Transaction
from ...core.kinds import CHARGEABLE
from ...tools import rules

# A row, in the order of ``Row`` and ``Transaction``.
COLUMNS = SQL(
    """
    psa_invoice_detail.id,
    COALESCE(psa_invoice_detail.move_line_id, 0),
    COALESCE(psa_invoice_detail.is_write_off, FALSE),
    COALESCE(psa_invoice_detail.price_unit, 0),
    COALESCE(psa_invoice_detail.amount, 0),
    psa_invoice_detail.transaction_type,
    kept.source,
    COALESCE(%s, 0),
    psa_invoice_detail.sale_line_id,
    COALESCE(psa_invoice_detail.project_id, 0),
    psa_invoice_detail.date,
    COALESCE(psa_invoice_detail.source_quantity, 0),
    COALESCE(psa_invoice_detail.quantity, 0),
    COALESCE(psa_invoice_detail.name, ''),
    COALESCE(psa_invoice_detail.employee_name, ''),
    COALESCE(psa_invoice_detail.task_name, ''),
    psa_invoice_detail.billing_type
    """,
    rules.source_id_sql("psa_invoice_detail", SQL("kept.source")),
)
ORDER = SQL("psa_invoice_detail.date, psa_invoice_detail.id")
SOURCE = SQL(
    "LATERAL (SELECT %s AS source)",
    rules.source_sql(
        "psa_invoice_detail",
        SQL(
            """(SELECT line.is_expense FROM sale_order_line AS line
                 WHERE line.id = psa_invoice_detail.sale_line_id)"""
        ),
    ),
)


# A row, in the order of ``Part``.
PART_COLUMNS = SQL(
    """
    psa_invoice_detail.id,
    COALESCE(psa_invoice_detail.move_line_id, 0),
    COALESCE(psa_invoice_detail.is_write_off, FALSE),
    psa_invoice_detail.billing_type = %s,
    COALESCE(psa_invoice_detail.quantity, 0),
    COALESCE(psa_invoice_detail.price_unit, 0),
    COALESCE(psa_invoice_detail.amount, 0)
    """,
    CHARGEABLE,
)
# How many of the columns are the row's own.
OWN = len(Row._fields) - 1


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    def _rows(self, domain) -> list[Row]:
        """Rows in order of contract line, date and id.

        :param domain: which ones
        """
        self.flush_model()
        self.env["sale.order.line"].flush_model(["is_expense"])
        query = self._search(domain)
        query.add_join("JOIN", "kept", SOURCE, SQL("TRUE"))
        query.order = ORDER
        by_line: dict[int | None, list[Row]] = {}
        for values in self.env.execute_query(query.select(COLUMNS)):
            row = Row(*values[:OWN], Transaction(*values[OWN:]))
            by_line.setdefault(row.item.sale_line_id, []).append(row)
        return [row for id_ in self._in_order(by_line) for row in by_line[id_]]

    def _parts(self, domain) -> list[Part]:
        """What rows have of their invoice lines, in order of date and id.

        :param domain: which ones
        """
        self.flush_model()
        query = self._search(domain)
        query.order = ORDER
        return [
            Part(*row) for row in self.env.execute_query(query.select(PART_COLUMNS))
        ]

    def _in_order(self, line_ids) -> list[int | None]:
        """Contract lines in their own order: a few, where a join would look up that of
        each row."""
        if len(line_ids) < 2:
            return list(line_ids)
        # sudo: the rows are read already; it is only about their order.
        lines = self.env["sale.order.line"].sudo()
        ids = lines.search([("id", "in", list(line_ids))]).ids
        place = {id_: index for index, id_ in enumerate(ids)}
        return sorted(line_ids, key=lambda id_: place.get(id_, len(place)))

    # === Writing ===

    def _insert(self, rows: list[dict]):
        """Write new rows; their transactions follow separately.

        :param rows: values by column, all with the same keys
        """
        if not rows:
            return
        columns = SQL(", ").join(map(SQL.identifier, rows[0]))
        self.env.cr.execute(
            SQL(
                "INSERT INTO psa_invoice_detail (%(columns)s)"
                " SELECT %(columns)s FROM %(rows)s",
                columns=columns,
                rows=self._as_table(rows),
            )
        )
        moves = self.env["account.move"]
        moves.invalidate_model(["detail_ids"])
        moves.browse({row["move_id"] for row in rows}).modified(["detail_ids"])
        self.env["account.move.line"].invalidate_model(["detail_ids"])
        self.invalidate_model()

    def _update(self, rows: list[dict]):
        """Change rows; their transactions follow separately.

        :param rows: values by column, all with the same keys, ``id`` among them
        """
        if not rows:
            return
        self.flush_model()
        names = [name for name in rows[0] if name != "id"]
        moves = self.env.execute_query(
            SQL(
                "UPDATE psa_invoice_detail AS detail SET %s FROM %s AS changed"
                " WHERE changed.id = detail.id RETURNING detail.move_id",
                SQL(", ").join(
                    SQL(
                        "%s = %s", SQL.identifier(name), SQL.identifier("changed", name)
                    )
                    for name in names
                ),
                self._as_table(rows),
            )
        )
        self.invalidate_model(names, flush=False)
        moves = self.env["account.move"].browse({id_ for (id_,) in moves if id_})
        moves.modified(["detail_ids"])

    def _as_table(self, rows: list[dict]) -> SQL:
        """Rows as one value, whose columns PostgreSQL knows by the table: thousands of
        rows would else be as many values to quote here, and to parse there."""
        return SQL(
            "json_populate_recordset(NULL::psa_invoice_detail, %s)",
            json.dumps(rows, default=json_default),
        )
