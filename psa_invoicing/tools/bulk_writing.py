# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Writing most of a table at once, as an installation does.

What PostgreSQL does row by row otherwise, it does in one go at the end, in a fraction
of the time: checking foreign keys, and filling indexes. All of it is one transaction.
It holds the tables until then, as an installation does that has added columns to them.
"""

from contextlib import contextmanager

from odoo.tools import SQL


@contextmanager
def keys_checked_at_once(cr, table: str, untouched: str):
    """Do without the foreign keys of a table inside the ``with`` block.

    :param untouched: a table that they point to, and that is not to be held
    """
    cr.execute(
        """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = %s::regclass AND contype = 'f'
              AND confrelid <> %s::regclass
         ORDER BY conname""",
        [table, untouched],
    )
    keys = cr.fetchall()
    for name, _definition in keys:
        cr.execute(
            SQL(
                "ALTER TABLE %s DROP CONSTRAINT %s",
                SQL.identifier(table),
                SQL.identifier(name),
            )
        )
    yield
    for name, definition in keys:
        cr.execute(
            SQL(
                "ALTER TABLE %s ADD CONSTRAINT %s %s",
                SQL.identifier(table),
                SQL.identifier(name),
                SQL(definition),
            )
        )


@contextmanager
def indexes_filled_at_once(cr, table: str, needed: tuple[str, ...]):
    """Do without the indexes of a table inside the ``with`` block.

    Those behind constraints stay.

    :param needed: columns that are searched meanwhile: what begins with one stays
    """
    cr.execute(
        """SELECT name.relname, pg_get_indexdef(name.oid),
                  obj_description(name.oid, 'pg_class')
             FROM pg_index AS index
             JOIN pg_class AS name ON name.oid = index.indexrelid
        LEFT JOIN pg_attribute AS field
               ON field.attrelid = index.indrelid AND field.attnum = index.indkey[0]
            WHERE index.indrelid = %s::regclass AND NOT index.indisunique
              AND COALESCE(field.attname::text, '') <> ALL(%s)
         ORDER BY name.relname""",
        [table, list(needed)],
    )
    indexes = cr.fetchall()
    for name, _definition, _comment in indexes:
        cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))
    yield
    for name, definition, comment in indexes:
        cr.execute(definition)
        if comment:
            cr.execute(SQL("COMMENT ON INDEX %s IS %s", SQL.identifier(name), comment))
