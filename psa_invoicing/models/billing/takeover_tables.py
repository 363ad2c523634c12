# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is known of contract lines while their history is taken over.

Of many, PostgreSQL keeps it in temporary tables, and knows how much is in them. Of the
few lines of an order that gets a project it is part of one statement: an ordinary write
makes no table and holds no lock but on its rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from odoo.tools import SQL

from ...core.kinds import ORDER_LINE
from .step import Step
from .takeover_rows import TakeoverRows
from .takeover_sources import TakeoverSources

# What became of it.
OUTCOME = SQL(
    """
    SELECT 'billed', line.source, source.id, line.id
      FROM psa_history_source AS source
      JOIN psa_history_line AS line ON line.id = source.line_id
     WHERE source.billed_quantity <> 0
 UNION ALL
    SELECT 'billed', source, id, id FROM psa_history_line WHERE source = %s
 UNION ALL
    SELECT 'held', line.source, source.id, line.id
      FROM psa_history_source AS source
      JOIN psa_history_line AS line ON line.id = source.line_id
     WHERE source.is_held
 UNION ALL
    SELECT 'credit', line.source, bill.id, line.id
      FROM psa_history_bill AS bill
      JOIN psa_history_line AS line ON line.id = bill.line_id
     WHERE bill.is_credit
    """,
    ORDER_LINE,
)


class Taken(NamedTuple):
    """What was written of a contract line.

    :ivar what: a transaction is ``billed``, or ``held`` for a person to look at; or the
        line of a ``credit`` note takes something back
    :ivar source: one of ``core.kinds.SOURCES``
    :ivar id: of the transaction, or of the line of the credit note
    """

    what: str
    source: str
    id: int
    line_id: int


class TakeoverTables(Step):
    """Writes the ledger of contract lines out of what is known of them."""

    def write_many(self, line_ids: list[int]) -> list[Taken]:
        with self._tables(line_ids):
            self.env.cr.execute(TakeoverRows(self.env).insert())
            self.env.cr.execute("ANALYZE psa_invoice_detail")
            return [Taken(*row) for row in self.env.execute_query(OUTCOME)]

    def write_few(self, line_ids: list[int]) -> list[Taken]:
        known = [
            SQL("%s AS (%s)", SQL.identifier(f"psa_history_{name}"), select)
            for name, select, _columns in self._relations(line_ids)
        ]
        rows = self.env.execute_query(
            SQL(
                "WITH %s, written AS (%s) %s",
                SQL(", ").join(known),
                TakeoverRows(self.env).insert(),
                OUTCOME,
            )
        )
        return [Taken(*row) for row in rows]

    def _relations(self, line_ids: list[int]) -> Iterator[tuple[str, SQL, tuple]]:
        """Name, SELECT, and by what it is looked up; each out of those before it."""
        sources = TakeoverSources(self.env)
        yield "line", sources.lines(line_ids), ("id",)
        yield "bill", sources.bills(), ("line_id", "id")
        yield "source", sources.sources(), ("line_id", "id")
        laid = SQL(
            """SELECT NULL::int4 AS line_id, NULL::int4 AS source_id,
                      NULL::int4 AS bill_id, NULL::float8 AS quantity WHERE FALSE"""
        )
        for number, lay in enumerate(TakeoverRows(self.env).passes()):
            name = f"part_{number}"
            yield name, lay(laid), ()
            table = SQL.identifier(f"psa_history_{name}")
            laid = SQL("%s UNION ALL SELECT * FROM %s", laid, table)
        yield "part", laid, ("bill_id",)

    @contextmanager
    def _tables(self, line_ids: list[int]):
        cr, names = self.env.cr, []
        for name, select, columns in self._relations(line_ids):
            table = SQL.identifier(f"psa_history_{name}")
            cr.execute(SQL("CREATE TEMPORARY TABLE %s AS %s", table, select))
            names.append(table)
            if columns:
                keys = SQL(", ").join(map(SQL.identifier, columns))
                cr.execute(SQL("CREATE INDEX ON %s (%s)", table, keys))
                cr.execute(SQL("ANALYZE %s", table))
        yield
        for table in names:
            cr.execute(SQL("DROP TABLE %s", table))
