# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The temporary tables of a chunk; see ``takeover.py``."""

from odoo.tools import SQL

TABLES = ("line", "bill", "source", "part")


def index_table(env, name: str, *columns: str):
    table = SQL.identifier(f"psa_history_{name}")
    keys = SQL(", ").join(map(SQL.identifier, columns))
    env.cr.execute(SQL("CREATE INDEX ON %s (%s)", table, keys))
    env.cr.execute(SQL("ANALYZE %s", table))


def drop_tables(env):
    for name in TABLES:
        env.cr.execute(SQL("DROP TABLE %s", SQL.identifier(f"psa_history_{name}")))


def unit_rounding(env) -> float:
    """Every unit of measure has this precision."""
    return 10.0 ** -env["decimal.precision"].precision_get("Product Unit")
