"""What became of the work, by queries that know nothing of the add-on's own."""

from pytest import approx

from tools import database

BILLED = """
    SELECT entry.id, entry.unit_amount, COUNT(move.id),
           SUM(detail.source_quantity) FILTER (WHERE move.id IS NOT NULL)
      FROM account_analytic_line AS entry
 LEFT JOIN psa_invoice_detail AS detail ON detail.analytic_line_id = entry.id
 LEFT JOIN account_move AS move ON move.id = detail.move_id AND move.state <> 'cancel'
     WHERE entry.project_id = ANY(%s)
  GROUP BY entry.id
"""
INVOICES_BY_ROW = """
    SELECT due.id, due.state, COUNT(rel.move_id)
      FROM psa_invoice_schedule AS due
 LEFT JOIN psa_invoice_schedule_move_rel AS rel ON rel.schedule_id = due.id
     WHERE due.project_id = ANY(%s)
  GROUP BY due.id
"""


def query(name: str, statement: str, *values) -> list[tuple]:
    """:param name: of the database"""
    with database.server().cursor(name) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def assert_billed_once(name: str, projects: list[int], entries: int, rows: int):
    """Every entry is on one invoice, with all its hours, and every row has one.

    :param entries: how many there are
    :param rows: of the schedule, likewise
    """
    found = query(name, BILLED, projects)
    assert len(found) == entries
    wrong = [row for row in found if row[2] != 1 or row[3] != approx(row[1])]
    assert not wrong, "Every entry is on one invoice, with all its hours."
    found = query(name, INVOICES_BY_ROW, projects)
    assert len(found) == rows
    assert {(state, invoices) for _id, state, invoices in found} == {("done", 1)}
