"""A database that grows by itself: copies of what was made last.

A hundred projects made by Odoo take a quarter of a minute, ten thousand half an hour.
"""

from odoo.tools import SQL
from odoo.tools.sql import existing_tables

# What is copied of projects, by table; their rows are the newest of each table.
OF_PROJECTS = "project_id = ANY(%s)"
OF_ORDERS = "order_id IN (SELECT id FROM sale_order WHERE project_id = ANY(%s))"
OF_LINES = f"order_line_id IN (SELECT id FROM sale_order_line WHERE {OF_ORDERS})"
OF_INVOICES = f"""%s IN (
    SELECT item.move_id FROM sale_order_line_invoice_rel
      JOIN account_move_line AS item ON item.id = invoice_line_id
     WHERE {OF_LINES.replace("%", "%%")})"""
COPIED = {
    "project_project": "id = ANY(%s)",
    "res_partner": "id IN (SELECT partner_id FROM project_project WHERE id = ANY(%s))",
    "sale_order": OF_PROJECTS,
    "sale_order_line": OF_ORDERS,
    "project_task": OF_PROJECTS,
    "psa_invoice_schedule": OF_PROJECTS,
    "account_move": OF_INVOICES % "id",
    "account_move_line": OF_INVOICES % "move_id",
    "sale_order_line_invoice_rel": OF_LINES,
    "account_analytic_line": OF_PROJECTS,
    "psa_invoice_detail": OF_PROJECTS,
    "psa_move_project_rel": OF_PROJECTS,
}
LINKS = {"sale_order_line_invoice_rel", "psa_move_project_rel"}
# Numbers stay unique; customers are not sorted by copy.
NAMES = {"account_move": {"name"}, "res_partner": {"name", "complete_name"}}
# That many copies in a statement.
AT_ONCE = 10


def make_copies(env, project_ids: list[int], number: int):
    """Projects with all that hangs on them, invoices included, again and again.

    :param project_ids: the projects that were made last
    :param number: of copies
    """
    env.flush_all()
    # Without statistics, PostgreSQL looks for what is copied in all that was.
    env.cr.execute("ANALYZE")
    tables = list(existing_tables(env.cr, COPIED))
    news = _new_ids(env, tables, project_ids)
    insertions = [
        SQL(
            "%s AS (%s)",
            SQL.identifier(f"copied_{table}"),
            _insertion_sql(env, table, project_ids, news),
        )
        for table in tables
    ]
    for first in range(1, number + 1, AT_ONCE):
        # One statement: rows that refer to each other must be there at its end.
        env.cr.execute(
            SQL(
                "WITH copy AS (SELECT * FROM GENERATE_SERIES(%s, %s) AS number), %s"
                " SELECT",
                first,
                min(number, first + AT_ONCE - 1),
                SQL(", ").join(insertions),
            )
        )
    for table in news:
        env.cr.execute(
            SQL(
                "SELECT SETVAL(PG_GET_SERIAL_SEQUENCE(%s, 'id'), MAX(id)) FROM %s",
                table,
                SQL.identifier(table),
            )
        )
    env.invalidate_all()


def _new_ids(env, tables: list[str], project_ids: list[int]) -> dict[str, SQL]:
    """What an id becomes in a copy, as a format of an SQL expression, by table."""
    news = {}
    for table in tables:
        if table in LINKS:
            continue
        condition = COPIED[table]
        [(first, last)] = env.execute_query(
            SQL(
                f"SELECT MIN(id), (SELECT MAX(id) FROM {table}) FROM {table}"
                f" WHERE {condition}",
                project_ids,
            )
        )
        news[table] = (
            f"%s + CASE WHEN %s >= {first or 0}"
            f" THEN copy.number * {last or 0} ELSE 0 END"
        )
    return news


def _insertion_sql(
    env, table: str, project_ids: list[int], news: dict[str, str]
) -> SQL:
    references = _references(env, table)

    def value(column: str) -> SQL:
        own = SQL.identifier("source", column)
        if column in NAMES.get(table, ()):
            return SQL("%s || '-' || copy.number", own)
        if column in references:
            return SQL(news[references[column]], own, own)
        return own

    columns = _columns(env, table)
    return SQL(
        f"INSERT INTO {table} (%s) SELECT %s FROM copy,"
        f" (SELECT * FROM {table} WHERE {COPIED[table]}) AS source",
        SQL(", ").join(map(SQL.identifier, columns)),
        SQL(", ").join(map(value, columns)),
        project_ids,
    )


def _columns(env, table: str) -> list[str]:
    rows = env.execute_query(
        SQL(
            """SELECT attname FROM pg_attribute
                WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped""",
            table,
        )
    )
    return [name for (name,) in rows]


def _references(env, table: str) -> dict[str, str]:
    """The tables that columns point to, if they are copied as well; its own id."""
    rows = env.execute_query(
        SQL(
            """SELECT attname, confrelid::regclass::varchar
                 FROM pg_constraint
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
                WHERE contype = 'f' AND conrelid = %s::regclass""",
            table,
        )
    )
    return {"id": table} | {column: other for column, other in rows if other in COPIED}
