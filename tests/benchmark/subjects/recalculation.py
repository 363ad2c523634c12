"""The life of a draft with thousands of entries.

Each step is a transaction of its own, as for those who take it: what the transaction
itself has written costs PostgreSQL more.
"""

from . import measured
from .data import LAST_DAY

CHANGED = 100


def built(env, project_id: int) -> float:
    project = env["project.project"].browse(project_id)
    with measured(env) as cost:
        project._psa_invoice(LAST_DAY)
    return cost.seconds


def make_draft(env, project_id: int) -> int:
    return env["project.project"].browse(project_id)._psa_invoice(LAST_DAY).id


def make_changes(env, move_id: int):
    """A little more work on some of its entries than it bills."""
    move = env["account.move"].browse(move_id)
    for entry in move.detail_ids[:CHANGED].analytic_line_id:
        entry.unit_amount += 0.25


def recalculated(env, move_id: int) -> float:
    move = env["account.move"].browse(move_id)
    with measured(env) as cost:
        move.action_psa_recalculate()
    return cost.seconds


def posted(env, move_id: int) -> float:
    move = env["account.move"].browse(move_id)
    with measured(env) as cost:
        move.action_post()
    return cost.seconds


def opened(env, move_id: int) -> float:
    """What the form asks for: the invoice, its lines and the first of its entries."""
    move = env["account.move"].browse(move_id)
    some = {"fields": {"display_name": {}}}
    rows = {
        name: {} for name in ("date", "employee_name", "name", "quantity", "amount")
    }
    specification = {
        "name": {},
        "partner_id": some,
        "invoice_line_ids": {"fields": {"name": {}, "quantity": {}}, "limit": 80},
        "detail_ids": {"fields": rows, "limit": 40},
        "tax_totals": {},
        "psa_state": {},
        "psa_pending_summary": {},
    }
    with measured(env) as cost:
        move.web_read(specification)
    return cost.seconds
