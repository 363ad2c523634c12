"""Draft invoices of January, by whoever makes them."""

from dataclasses import asdict

from odoo.fields import Command

from . import measured
from .data import FIRST_DAY, LAST_DAY


def totals(moves) -> list[tuple]:
    """What must be the same whoever has made the invoices."""
    return sorted(
        (
            move.invoice_partner_display_name or "",
            move.currency_id.name,
            round(move.amount_untaxed, 2),
            round(move.amount_total, 2),
        )
        for move in moves
    )


def plain_values(env, project_ids: list[int]) -> list[dict]:
    """The same invoices, ready to be created without more ado."""
    orders = env["sale.order"].search([("project_id", "in", project_ids)])
    return [
        {
            **order._prepare_invoice(),
            "invoice_line_ids": [
                Command.create(line._prepare_invoice_line(sequence=line.sequence))
                for line in order.order_line
            ],
        }
        for order in orders
    ]


def make_ours(env, project_ids: list[int]) -> list[int]:
    """Drafts that stay, as those do that somebody posts on another day.

    What is posted by the transaction that has made it costs more: PostgreSQL checks
    every reference of a row again that the same transaction has written before.
    """
    return env["project.project"].browse(project_ids)._psa_invoice(LAST_DAY).ids


def make_odoos(env, project_ids: list[int]) -> dict[str, list[int]]:
    """The same of Odoo's own button, and plain ones on which no work is."""
    orders = env["sale.order"].search([("project_id", "in", project_ids)])
    values = plain_values(env, project_ids)
    return {
        "odoo's": orders._create_invoices(grouped=True).ids,
        "plain": env["account.move"].create(values).ids,
    }


def _result(cost, moves) -> dict:
    return {
        **asdict(cost),
        "invoices": len(moves),
        "totals": totals(moves),
    }


def ours(env, project_ids: list[int]) -> dict:
    """The service that every driver calls."""
    projects = env["project.project"].browse(project_ids)
    with measured(env) as cost:
        moves = projects._psa_invoice(LAST_DAY)
    return _result(cost, moves)


def wizard(env, project_ids: list[int]) -> dict:
    """Odoo's own wizard, with a period."""
    orders = env["sale.order"].search([("project_id", "in", project_ids)])
    wizard = env["sale.advance.payment.inv"].create(
        {
            "sale_order_ids": [Command.set(orders.ids)],
            "advance_payment_method": "delivered",
            "consolidated_billing": False,
            "date_start_invoice_timesheet": FIRST_DAY,
            "date_end_invoice_timesheet": LAST_DAY,
        }
    )
    with measured(env) as cost:
        moves = wizard._create_invoices(wizard.sale_order_ids)
    return _result(cost, moves)


def floor(env, project_ids: list[int]) -> dict:
    """One ``create`` of the same invoices, their values prepared beforehand."""
    values = plain_values(env, project_ids)
    with measured(env) as cost:
        moves = env["account.move"].create(values)
    return _result(cost, moves)


def contract(env, project_ids: list[int]) -> dict:
    """OCA contract, of as many lines at the same quantities and prices."""
    orders = env["sale.order"].search([("project_id", "in", project_ids)])
    contracts = env["contract.contract"].create(
        [
            {
                "name": order.name,
                "partner_id": order.partner_id.id,
                "line_recurrence": True,
                "contract_line_ids": [
                    Command.create(
                        {
                            "product_id": line.product_id.id,
                            "name": line.name,
                            "quantity": line.qty_delivered,
                            "uom_id": line.product_uom_id.id,
                            "price_unit": line.price_unit,
                            "recurring_rule_type": "monthly",
                            "recurring_interval": 1,
                            "date_start": FIRST_DAY,
                            "recurring_next_date": FIRST_DAY,
                        }
                    )
                    for line in order.order_line
                ],
            }
            for order in orders
        ]
    )
    with measured(env) as cost:
        moves = contracts._recurring_create_invoice()
    return _result(cost, moves)
