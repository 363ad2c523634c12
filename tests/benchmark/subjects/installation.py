"""The add-on comes to a database in which Odoo has invoiced for years."""

import time
from unittest.mock import patch

from odoo.modules.registry import Registry
from odoo.tools import SQL

from . import measured
from .copies import make_copies
from .data import PLAIN, make_projects

ADDON = "psa_invoicing"
LEDGER = "psa_invoice_detail"
PASS = "psa_bench_pass"


def make_history(env, number: int, copies: int, entries: int, lines: int):
    """Projects whose entries are billed by posted invoices of Odoo's own.

    :param number: of projects
    :param copies: how often all of them are there besides
    """
    ids = make_projects(env, number, entries, lines, PLAIN)
    orders = env["sale.order"].search([("project_id", "in", ids)])
    orders._create_invoices(grouped=True).action_post()
    make_copies(env, ids, copies)


def make_installation(env) -> dict[str, float]:
    """Install the add-on.

    :return: seconds of all of it, and of taking the history over
    """
    addon = __import__(f"odoo.addons.{ADDON}", fromlist=["post_init_hook"])
    seconds = {}
    hook = addon.post_init_hook

    def timed(own_env):
        own_env.flush_all()
        begin = time.perf_counter()
        hook(own_env)
        own_env.flush_all()
        seconds["history"] = time.perf_counter() - begin

    begin = time.perf_counter()
    with patch.object(addon, "post_init_hook", timed):
        Registry.new(env.cr.dbname, update_module=True, install_modules=[ADDON])
    seconds["all"] = time.perf_counter() - begin
    return seconds


def sequential_pass(env) -> dict:
    """Write the same ledger once more, into a table that is made like it.

    :return: ``seconds``; ``rows`` of the ledger; ``untaxed``: what they are worth and
        what the invoices are worth
    """
    cr = env.cr
    cr.execute(
        SQL(
            "CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING INDEXES)",
            SQL.identifier(PASS),
            SQL.identifier(LEDGER),
        )
    )
    cr.execute(
        """SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = %s::regclass AND contype = 'f'""",
        [LEDGER],
    )
    for (definition,) in cr.fetchall():
        cr.execute(SQL("ALTER TABLE %s ADD %s", SQL.identifier(PASS), SQL(definition)))
    with measured(env) as cost:
        cr.execute(
            SQL(
                "INSERT INTO %s SELECT * FROM %s ORDER BY id",
                SQL.identifier(PASS),
                SQL.identifier(LEDGER),
            )
        )
        rows = cr.rowcount
    cr.execute("SELECT SUM(amount) FROM psa_invoice_detail")
    (billed,) = cr.fetchone()
    cr.execute(
        "SELECT SUM(amount_untaxed) FROM account_move WHERE move_type = 'out_invoice'"
    )
    (invoiced,) = cr.fetchone()
    return {
        "seconds": cost.seconds,
        "rows": rows,
        "untaxed": (round(float(billed), 2), round(float(invoiced), 2)),
    }
