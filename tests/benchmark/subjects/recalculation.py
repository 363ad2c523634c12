"""The life of a draft with thousands of entries."""

from . import measured
from .data import LAST_DAY

CHANGED = 100


def life(env, project_id: int) -> dict[str, float]:
    """Build, open, recalculate twice, and post.

    :return: seconds of each, by name
    """
    project = env["project.project"].browse(project_id)
    seconds = {}
    with measured(env) as cost:
        move = project._psa_invoice(LAST_DAY)
    seconds["built"] = cost.seconds
    seconds["opened"] = _open(env, move)
    with measured(env) as cost:
        move.action_psa_recalculate()
    seconds["recalculated, nothing changed"] = cost.seconds
    for entry in move.detail_ids[:CHANGED].analytic_line_id:
        entry.unit_amount += 0.25
    with measured(env) as cost:
        move.action_psa_recalculate()
    seconds[f"recalculated, {CHANGED} entries changed"] = cost.seconds
    with measured(env) as cost:
        move.action_post()
    seconds["posted"] = cost.seconds
    return seconds


def _open(env, move) -> float:
    """What the form asks for: the invoice, its lines and the first of its entries."""
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
        "pending_summary": {},
    }
    with measured(env) as cost:
        move.web_read(specification)
    return cost.seconds
