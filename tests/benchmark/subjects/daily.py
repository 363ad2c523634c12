"""What everybody does all day, whether it is billed or not."""

from datetime import timedelta

from . import measured
from .data import FIRST_DAY
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


def invoices(env, move_ids: list[int]) -> dict:
    """Post and pay drafts that were made before."""
    moves = env["account.move"].browse(move_ids)
    found = {"totals": totals(moves)}
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
