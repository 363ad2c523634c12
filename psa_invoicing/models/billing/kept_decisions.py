# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What people have decided outlives the add-on: installed again, it finds that."""

from odoo.tools import SQL, sql

from ...core.allocation import is_part
from ...core.billing import LEDGER
from ...core.kinds import CHARGEABLE, COST, MODELS, SOURCES
from ...tools import rules
from .details import Details
from .step import Step

# No table of a model: Odoo would drop it.
TABLE = "psa_kept_decision"


class KeptDecisions(Step):
    """Work on hold, offered, never charged or written off."""

    def keep(self):
        """Write down what is decided, before the tables of the add-on are dropped.

        A cost has another id afterwards: it is kept by the line of its bill.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                DROP TABLE IF EXISTS %(table)s;
                CREATE TABLE %(table)s (
                    source varchar, source_id int4, project_id int4,
                    billing_type varchar, hold bool, hold_reason varchar,
                    quantity float8, reason varchar, day date
                );
                """,
                table=SQL.identifier(TABLE),
            )
        )
        for source in SOURCES:
            self._keep(self._decided_sql(source))
            self._keep(self._never_billed_sql(source))

    def _keep(self, select: SQL):
        self.env.cr.execute(SQL("INSERT INTO %s %s", SQL.identifier(TABLE), select))

    def _decided_sql(self, source: str) -> SQL:
        return SQL(
            """SELECT %s, %s, %s, source.billing_type, source.billing_hold,
                      source.billing_hold_reason, 0, NULL, NULL::date
                 FROM %s AS source
                WHERE source.billing_hold OR source.billing_type <> %s""",
            source,
            *self._key_sql(source),
            SQL.identifier(self.env[MODELS[source]]._table),
            CHARGEABLE,
        )

    def _never_billed_sql(self, source: str) -> SQL:
        """What was offered on an invoice is not charged later, either."""
        return SQL(
            """SELECT %(source)s, %(source_id)s, %(project_id)s, NULL, FALSE, NULL,
                      SUM(detail.source_quantity),
                      COALESCE(MAX(detail.reason), MAX(move.name), ''),
                      MAX(detail.write_off_date)
                 FROM psa_invoice_detail AS detail
                 JOIN sale_order_line AS line ON line.id = detail.sale_line_id
            LEFT JOIN account_move AS move ON move.id = detail.move_id
                 JOIN %(table)s AS source ON source.id = %(kept_id)s
                WHERE %(uncharged)s AND %(live)s
             GROUP BY 2, 3""",
            source=source,
            **dict(
                zip(("source_id", "project_id"), self._key_sql(source), strict=True)
            ),
            table=SQL.identifier(self.env[MODELS[source]]._table),
            kept_id=rules.source_id_sql(
                "detail", rules.source_sql("detail", SQL("line.is_expense"))
            ),
            uncharged=rules.uncharged_sql(),
            live=rules.live_sql(),
        )

    def _key_sql(self, source: str) -> tuple[SQL, SQL]:
        if source == COST:
            return SQL("source.source_move_line_id"), SQL("source.project_id")
        return SQL("source.id"), SQL("NULL::int4")

    def restore(self):
        """Decide anew what was kept, of what is there and not invoiced since."""
        if not sql.table_exists(self.env.cr, TABLE):
            return
        rows = self.env.execute_query_dict(
            SQL("SELECT * FROM %s", SQL.identifier(TABLE))
        )
        for row in rows:
            if record := self._found(row):
                self._decide(record, row)
        self.env.flush_all()
        self.env.cr.execute(SQL("DROP TABLE %s", SQL.identifier(TABLE)))

    def _found(self, row: dict):
        model = self.env[MODELS[row["source"]]]
        if row["source"] != COST:
            return model.browse(row["source_id"]).exists()
        return model.search(
            [
                ("source_move_line_id", "=", row["source_id"]),
                ("project_id", "=", row["project_id"]),
            ],
            limit=1,
        )

    def _decide(self, record, row: dict):
        if row["hold"]:
            record.write(
                {"billing_hold": True, "billing_hold_reason": row["hold_reason"]}
            )
        if row["billing_type"] and row["billing_type"] != CHARGEABLE:
            record.billing_type = row["billing_type"]
        if row["quantity"] and is_part(row["quantity"], record.open_quantity):
            rows = Details(self.env).write_off(
                record, row["reason"], {record.id: row["quantity"]}
            )
            if row["day"]:
                rows.with_context(psa_ledger=LEDGER).write_off_date = row["day"]
