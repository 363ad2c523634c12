# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Transactions onto invoice lines, and the rows of the ledger.

What is known of many contract lines, PostgreSQL keeps in temporary tables, and knows
how much is in them. Of the few lines of an order that gets a project it is part of one
statement: an ordinary write makes no table and holds no lock but on its rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from odoo.tools import SQL

from ...core.allocation import TOLERANCE
from ...core.kinds import COST, MILESTONE, ORDER_LINE, TIME
from ...tools import rules
from .step import Step
from .takeover_sources import TakeoverSources, uom_rounding

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


class TakeoverRows(Step):
    """Lays what is billed of the transactions over the invoice lines."""

    def passes(self) -> list[Callable[[SQL], SQL]]:
        """One after the other, each out of the parts that those before it have laid:
        first onto the invoice that Odoo names, then by date wherever there is room."""
        step = uom_rounding(self.env)
        return [
            partial(self._put_rest, SQL("source.billed_quantity < 0")),
            partial(
                self._lay_over, SQL("source.linked_id"), SQL("bill.move_id"), TOLERANCE
            ),
            partial(self._lay_over, SQL("0"), SQL("0"), step),
            partial(self._put_rest, SQL("source.billed_quantity > 0")),
        ]

    def _lay_over(
        self, source_group: SQL, bill_group: SQL, smallest: float, parts: SQL
    ) -> SQL:
        """Match transactions and invoice lines in order of date: their running sums
        overlap where a transaction is on a line.

        What a credit note has taken back of an invoice is no room on it.

        :param source_group: transactions go on lines of the same group
        :param smallest: quantity and room that are worth a match
        :param parts: that are laid already
        """
        return SQL(
            """
            WITH want AS (
                SELECT found.*, SUM(quantity) OVER (
                           PARTITION BY line_id, bucket ORDER BY day, id) AS upto
                  FROM (SELECT source.line_id, source.id, source.day,
                               %(source_group)s AS bucket, source.noise,
                               source.billed_quantity
                               - COALESCE(part.quantity, 0) AS quantity
                          FROM psa_history_source AS source
                     LEFT JOIN (SELECT line_id, source_id,
                                       SUM(quantity) AS quantity
                                  FROM (%(laid)s) AS laid
                              GROUP BY line_id, source_id) AS part
                            ON part.line_id = source.line_id
                           AND part.source_id = source.id
                         WHERE source.billed_quantity > 0) AS found
                 WHERE quantity > LEAST(%(smallest)s, noise) AND bucket IS NOT NULL),
            have AS (
                SELECT found.*, SUM(quantity) OVER (
                           PARTITION BY line_id, bucket ORDER BY day, id) AS upto
                  FROM (SELECT bill.line_id, bill.id, bill.day, bill.is_amount,
                               %(bill_group)s AS bucket,
                               bill.quantity + COALESCE(credit.quantity, 0)
                               - COALESCE(part.quantity, 0) AS quantity
                          FROM psa_history_bill AS bill
                     LEFT JOIN (SELECT line_id, bill_id,
                                       SUM(quantity) AS quantity
                                  FROM (%(laid)s) AS laid
                              GROUP BY line_id, bill_id) AS part
                            ON part.line_id = bill.line_id
                           AND part.bill_id = bill.id
                     LEFT JOIN (SELECT line_id, billing_credited_line_id,
                                       SUM(quantity) AS quantity
                                  FROM psa_history_bill WHERE is_credit
                              GROUP BY line_id, billing_credited_line_id) AS credit
                            ON credit.line_id = bill.line_id
                           AND credit.billing_credited_line_id = bill.id
                         WHERE NOT bill.is_credit) AS found
                 WHERE quantity > CASE WHEN is_amount THEN %(zero)s
                                       ELSE %(smallest)s END)
            SELECT want.line_id, want.id AS source_id, have.id AS bill_id,
                   LEAST(want.upto, have.upto)
                   - GREATEST(want.upto - want.quantity,
                              have.upto - have.quantity) AS quantity
              FROM want
              JOIN have ON have.line_id = want.line_id
                       AND have.bucket = want.bucket
                       AND have.upto - have.quantity < want.upto - 0.0000001
                       AND want.upto - want.quantity < have.upto - 0.0000001
            """,
            source_group=source_group,
            bill_group=bill_group,
            smallest=smallest,
            zero=TOLERANCE,
            laid=parts,
        )

    def _put_rest(self, condition: SQL, parts: SQL) -> SQL:
        """Put what is left of billed transactions on one line: of their own invoice,
        else of the last one.

        :param condition: of the transactions, ``source``
        :param parts: that are laid already
        """
        return SQL(
            """
            SELECT source.line_id, source.id AS source_id, bill.id AS bill_id,
                   source.billed_quantity - COALESCE(part.quantity, 0) AS quantity
              FROM psa_history_source AS source
         LEFT JOIN (SELECT line_id, source_id, SUM(quantity) AS quantity
                      FROM (%(laid)s) AS laid
                  GROUP BY line_id, source_id) AS part
                ON part.line_id = source.line_id AND part.source_id = source.id
CROSS JOIN LATERAL (SELECT bill.id
                      FROM psa_history_bill AS bill
                     WHERE bill.line_id = source.line_id
                  ORDER BY bill.is_credit,
                           bill.move_id = source.linked_id DESC NULLS LAST,
                           bill.day DESC, bill.id DESC
                     LIMIT 1) AS bill
             WHERE %(condition)s
               AND ABS(source.billed_quantity - COALESCE(part.quantity, 0)) > 1e-9
            """,
            condition=condition,
            laid=parts,
        )

    # === The ledger ===

    def insert(self) -> SQL:
        """Write the details of every invoice line; they add up to it."""
        return SQL(
            """
            INSERT INTO psa_invoice_detail (
                move_id, move_line_id, sale_line_id, project_id, transaction_type,
                analytic_line_id, cost_id, milestone_id, source_move_line_id,
                date, employee_name, task_name, name, quantity, source_quantity,
                price_unit, amount, billing_type, is_write_off, is_released)
            SELECT bill.move_id, bill.id, bill.line_id,
                   COALESCE(listed.project_id, line.project_id), listed.type,
                   CASE WHEN listed.type = %(time)s THEN listed.source_id END,
                   CASE WHEN line.source = %(cost)s THEN listed.source_id END,
                   CASE WHEN listed.type = %(milestone)s THEN listed.source_id END,
                   listed.source_move_line_id, listed.day, listed.who, listed.task,
                   listed.text, listed.quantity, listed.own_quantity,
                   bill.price_unit,
                   (ROUND((bill.amount * listed.upto / listed.whole
                           / bill.rounding)::numeric)
                    - ROUND((bill.amount * (listed.upto - listed.quantity)
                             / listed.whole / bill.rounding)::numeric))
                   * bill.rounding,
                   'chargeable', FALSE, bill.is_credit
              FROM (SELECT found.*,
                           SUM(quantity) OVER (PARTITION BY line_id, bill_id
                                               ORDER BY day, source_id
                                               ROWS UNBOUNDED PRECEDING) AS upto,
                           SUM(quantity) OVER (PARTITION BY line_id, bill_id)
                               AS whole
                      FROM (%(parts)s UNION ALL %(adjustments)s
                            UNION ALL %(order_lines)s) AS found) AS listed
              JOIN psa_history_bill AS bill
                ON bill.id = listed.bill_id AND bill.line_id = listed.line_id
              JOIN psa_history_line AS line ON line.id = listed.line_id
          ORDER BY bill.day, bill.move_id, bill.id, listed.day, listed.source_id
            """,
            cost=COST,
            milestone=MILESTONE,
            time=TIME,
            parts=self._part_rows_sql(),
            adjustments=self._adjustment_rows_sql(),
            order_lines=self._order_line_rows_sql(),
        )

    def _part_rows_sql(self) -> SQL:
        return SQL(
            """
            SELECT source.line_id, part.bill_id, source.id AS source_id,
                   source.project_id, source.type, source.source_move_line_id,
                   source.day, source.who, source.task, source.text, part.quantity,
                   source.own_quantity * part.quantity / source.quantity
                       AS own_quantity
              FROM (SELECT line_id, source_id, bill_id, SUM(quantity) AS quantity
                      FROM psa_history_part
                  GROUP BY line_id, source_id, bill_id) AS part
              JOIN psa_history_source AS source
                ON source.line_id = part.line_id AND source.id = part.source_id
            """
        )

    def _adjustment_rows_sql(self) -> SQL:
        """What an invoice line bills beyond its transactions, or short of them."""
        return SQL(
            """
            SELECT bill.line_id, bill.id, NULL::int4, NULL::int4, 'adjustment',
                   NULL::int4, bill.day, NULL, NULL, %(text)s,
                   bill.quantity - COALESCE(part.quantity, 0),
                   bill.quantity - COALESCE(part.quantity, 0)
              FROM psa_history_bill AS bill
              JOIN psa_history_line AS line
                ON line.id = bill.line_id AND line.source <> %(order_line)s
         LEFT JOIN (SELECT line_id, bill_id, SUM(quantity) AS quantity
                      FROM psa_history_part GROUP BY line_id, bill_id) AS part
                ON part.line_id = bill.line_id AND part.bill_id = bill.id
             WHERE ABS(bill.quantity - COALESCE(part.quantity, 0))
                   > CASE WHEN bill.is_amount THEN 0 ELSE %(half)s END + %(zero)s
            """,
            text=self.env._("Opening balance"),
            order_line=ORDER_LINE,
            half=uom_rounding(self.env) / 2,
            zero=TOLERANCE,
        )

    def _order_line_rows_sql(self) -> SQL:
        """Order lines that are billed themselves: all of an invoice line is theirs."""
        return SQL(
            """
            SELECT bill.line_id, bill.id, NULL::int4, NULL::int4,
                   %(kind)s,
                   NULL::int4, bill.day, NULL, NULL, line.name, bill.quantity,
                   bill.quantity
              FROM psa_history_bill AS bill
              JOIN psa_history_line AS line
                ON line.id = bill.line_id AND line.source = %(order_line)s
            """,
            kind=rules.kind_of_sold_sql(rules.is_goods_sql("line", "product_type")),
            order_line=ORDER_LINE,
        )


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
