"""A fixed price whose milestones were reached in January, as many in December."""

from datetime import date

from odoo.fields import Command

from . import measured
from .data import FIRST_DAY, LAST_DAY
from .drafts import totals

BEFORE = date(2025, 12, 31)
PRICE = 1_000_000


def make_project(env, number: int) -> int:
    """:param number: of milestones of each month"""
    product = env["product.product"].create(
        {
            "name": "Package",
            "type": "service",
            "invoice_policy": "delivery",
            "service_type": "milestones",
            "taxes_id": [Command.set(env.company.account_sale_tax_id.ids)],
        }
    )
    customer = env["res.partner"].create({"name": "Customer of milestones"})
    project = env["project.project"].create(
        {
            "name": "Milestones",
            "partner_id": customer.id,
            "allow_billable": True,
            "allow_milestones": True,
        }
    )
    order = env["sale.order"].create(
        {
            "partner_id": customer.id,
            "project_id": project.id,
            "order_line": [Command.create({"product_id": product.id})],
        }
    )
    order.order_line.price_unit = PRICE
    order.action_confirm()
    for day in (BEFORE, FIRST_DAY):
        milestones = env["project.milestone"].create(
            [
                {
                    "name": f"Milestone {index}",
                    "project_id": project.id,
                    "sale_line_id": order.order_line.id,
                    "quantity_percentage": 0.5 / number,
                    "is_reached": True,
                }
                for index in range(number)
            ]
        )
        # Created with a day, it would be today without the add-on.
        milestones.reached_date = day
    return project.id


def make_invoice(env, project_id: int):
    """Those of December."""
    env["project.project"].browse(project_id)._psa_invoice(BEFORE).action_post()


def ours(env, project_id: int) -> dict:
    project = env["project.project"].browse(project_id)
    with measured(env) as cost:
        move = project._psa_invoice(LAST_DAY)
    return {"seconds": cost.seconds, "totals": totals(move)}


def floor(env, project_id: int) -> dict:
    """One ``create`` of the same lines, their values prepared beforehand."""
    order = env["sale.order"].search([("project_id", "=", project_id)])
    milestones = env["project.milestone"].search(
        [("project_id", "=", project_id), ("reached_date", ">=", FIRST_DAY)]
    )
    values = {
        **order._prepare_invoice(),
        "invoice_line_ids": [
            Command.create(
                {
                    **order.order_line._prepare_invoice_line(quantity=1),
                    "price_unit": order.currency_id.round(
                        PRICE * milestone.quantity_percentage
                    ),
                }
            )
            for milestone in milestones
        ],
    }
    with measured(env) as cost:
        move = env["account.move"].create(values)
    return {"seconds": cost.seconds, "totals": totals(move)}
