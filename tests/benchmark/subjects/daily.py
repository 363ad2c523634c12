"""What everybody does all day, whether it is billed or not."""

from datetime import timedelta

from . import measured
from .data import FIRST_DAY, LAST_DAY, make_statistics
from .drafts import totals

ENTRIES = 40


def time_entry(env, project_ids: list[int]) -> float:
    """Entries saved one by one, each then corrected.

    :return: seconds of one
    """
    project = env["project.project"].browse(project_ids[0])
    employee = env["hr.employee"].search([], limit=1)
    task = project.task_ids[:1]
    with measured(env) as cost:
        for index in range(ENTRIES):
            entry = env["account.analytic.line"].create(
                {
                    "name": "Work",
                    "project_id": project.id,
                    "task_id": task.id,
                    "employee_id": employee.id,
                    "date": FIRST_DAY + timedelta(days=index % 31),
                    "unit_amount": 1.5,
                }
            )
            env.flush_all()
            entry.unit_amount = 2.5
            env.flush_all()
    return cost.seconds / ENTRIES


def our_invoices(env, project_ids: list[int]) -> dict:
    """Post and pay invoices of the add-on."""
    projects = env["project.project"].browse(project_ids)
    return _post_and_pay(env, projects._psa_invoice(LAST_DAY))


def odoo_invoices(env, project_ids: list[int]) -> dict:
    """Post and pay invoices of Odoo's own wizard, as many."""
    orders = env["sale.order"].search([("project_id", "in", project_ids)])
    return _post_and_pay(env, orders._create_invoices(grouped=True))


def _post_and_pay(env, moves) -> dict:
    found = {"totals": totals(moves)}
    env.flush_all()
    make_statistics(env)
    with measured(env) as cost:
        moves.action_post()
    found["invoice posted"] = cost.seconds / len(moves)
    register = env["account.payment.register"].with_context(
        active_model="account.move", active_ids=moves.ids
    )
    wizard = register.create({"group_payment": False})
    with measured(env) as cost:
        wizard._create_payments()
    found["invoice paid"] = cost.seconds / len(moves)
    assert set(moves.mapped("payment_state")) <= {"paid", "in_payment"}
    return found
