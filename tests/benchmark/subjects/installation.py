"""The add-on comes to a database in which Odoo has invoiced for years."""

import time
from unittest.mock import patch

from odoo.modules.registry import Registry
from odoo.tools import SQL, split_every

from . import measured
from .data import BATCH, PLAIN, make_projects

ADDON = "psa_invoicing"
LEDGER = "psa_invoice_detail"
PASS = "psa_bench_pass"


def make_history(env, number: int, entries: int, lines: int):
    """Projects whose entries are billed by posted invoices of Odoo's own.

    :param number: of projects
    """
    ids = make_projects(env, number, entries, lines, PLAIN)
    orders = env["sale.order"].search([("project_id", "in", ids)])
    # Odoo links entries one contract line after the other: with a million of them, one
    # statement does the same.
    Moves = type(env["account.move"])
    with patch.object(Moves, "_link_timesheets_to_invoice", lambda *_args: None):
        for batch in split_every(BATCH, orders.ids, orders.browse):
            moves = batch._create_invoices(grouped=True)
            moves.action_post()
            env.flush_all()
            env.invalidate_all()
    env.cr.execute(
        """UPDATE account_analytic_line AS entry
              SET timesheet_invoice_id = item.move_id
             FROM sale_order_line_invoice_rel AS rel
             JOIN account_move_line AS item ON item.id = rel.invoice_line_id
            WHERE rel.order_line_id = entry.so_line"""
    )


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
