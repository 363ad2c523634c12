"""Projects with contracts and time entries, the same for whoever bills them."""

from datetime import date, timedelta

from odoo.fields import Command
from odoo.tools import SQL

FIRST_DAY = date(2026, 1, 1)
LAST_DAY = date(2026, 1, 31)
# Contract lines of other currencies and taxes, to the cent.
PLAIN, TAXED, FOREIGN = KINDS = ("untaxed", "taxed", "foreign currency")
PRICE = 87.35
RATE = 0.9137
BATCH = 500


def make_projects(
    env, number: int, entries: int, lines: int, kind: str = TAXED
) -> list[int]:
    """Projects of one kind, all alike.

    :param number: of projects, each with an order of its own
    :param entries: time entries of each of them, of January
    :param lines: contract lines of each order, each with a task of its own
    :param kind: one of ``KINDS``
    :return: their ids
    """
    product = _product(env, kind)
    pricelist = _pricelist(env, kind)
    made: list[int] = []
    for start in range(0, number, BATCH):
        count = min(BATCH, number - start)
        made += _projects(env, product, pricelist, count, lines)
        env.flush_all()
        env.invalidate_all()
    first = env["project.project"].browse(made[0])
    _log_time(env, first, entries)
    _clone_entries(env, first, made[1:])
    _deliver(env, made)
    return made


def _product(env, kind: str):
    taxes = env.company.account_sale_tax_id if kind == TAXED else env["account.tax"]
    return env["product.product"].create(
        {
            "name": f"Consulting hour, {kind}",
            "type": "service",
            "invoice_policy": "delivery",
            "service_type": "timesheet",
            "uom_id": env.ref("uom.product_uom_hour").id,
            "list_price": PRICE,
            "taxes_id": [Command.set(taxes.ids)],
        }
    )


def _pricelist(env, kind: str):
    if kind != FOREIGN:
        return env["product.pricelist"]
    own = env.company.currency_id
    currency = env.ref("base.CHF")
    currency.active = True
    if not currency.rate_ids:
        currency.rate_ids = [Command.create({"name": FIRST_DAY, "rate": RATE})]
    assert currency != own
    return env["product.pricelist"].create(
        {"name": "Abroad", "currency_id": currency.id}
    )


def _projects(env, product, pricelist, number: int, lines: int) -> list[int]:
    customers = env["res.partner"].create(
        [
            {"name": f"Customer {index}", "is_company": True, "email": "a@example.com"}
            for index in range(number)
        ]
    )
    projects = env["project.project"].create(
        [
            {
                "name": f"Project of {customer.name}",
                "partner_id": customer.id,
                "allow_billable": True,
            }
            for customer in customers
        ]
    )
    orders = env["sale.order"].create(
        [
            {
                "partner_id": project.partner_id.id,
                "project_id": project.id,
                "pricelist_id": pricelist.id,
                "order_line": [
                    Command.create({"product_id": product.id, "product_uom_qty": 40})
                    for _line in range(lines)
                ],
            }
            for project in projects
        ]
    )
    orders.action_confirm()
    for project, order in zip(projects, orders, strict=True):
        project.sale_line_id = order.order_line[0]
    env["project.task"].create(
        [
            {
                "name": f"Task {position}",
                "project_id": project.id,
                "sale_line_id": line.id,
            }
            for project, order in zip(projects, orders, strict=True)
            for position, line in enumerate(order.order_line)
        ]
    )
    return projects.ids


def _log_time(env, project, number: int):
    """Hours of a quarter to eight, over the days of January and the tasks."""
    employee = env["hr.employee"].search([], limit=1) or env["hr.employee"].create(
        {"name": "Consultant", "hourly_cost": 40}
    )
    tasks = project.task_ids.sorted("id")
    env["account.analytic.line"].create(
        [
            {
                "name": f"Work {index}",
                "project_id": project.id,
                "task_id": tasks[index % len(tasks)].id,
                "employee_id": employee.id,
                "date": FIRST_DAY + timedelta(days=index % 31),
                "unit_amount": (index % 32 + 1) / 4,
            }
            for index in range(number)
        ]
    )


def _clone_entries(env, project, project_ids: list[int]):
    """Log the same time on other projects of the same make, in one statement."""
    env.flush_all()
    columns = env.execute_query(
        SQL(
            """SELECT column_name FROM information_schema.columns
                WHERE table_name = 'account_analytic_line' AND column_name <> 'id'
                  AND table_schema = 'public'"""
        )
    )
    other = {
        "project_id": "target.project_id",
        "task_id": "target.task_id",
        "so_line": "target.so_line",
        "order_id": "target.order_id",
        "account_id": "target.account_id",
        "partner_id": "target.partner_id",
    }
    names = [name for (name,) in columns]
    env.execute_query(
        SQL(
            """
            WITH task AS (
                SELECT task.id AS task_id, task.project_id,
                       task.sale_line_id AS so_line, line.order_id,
                       project.account_id, project.partner_id,
                       ROW_NUMBER() OVER (PARTITION BY task.project_id
                                              ORDER BY task.id) AS position
                  FROM project_task AS task
                  JOIN project_project AS project ON project.id = task.project_id
                  JOIN sale_order_line AS line ON line.id = task.sale_line_id)
            INSERT INTO account_analytic_line (%s)
            SELECT %s
              FROM account_analytic_line AS entry
              JOIN task AS own ON own.task_id = entry.task_id
              JOIN task AS target ON target.position = own.position
             WHERE entry.project_id = %s AND target.project_id = ANY(%s)
          ORDER BY target.project_id, entry.id
         RETURNING 1
            """,
            SQL(", ").join(map(SQL.identifier, names)),
            SQL(", ").join(
                SQL(other[name]) if name in other else SQL.identifier("entry", name)
                for name in names
            ),
            project.id,
            project_ids,
        )
    )
    env.invalidate_all()


def _deliver(env, project_ids: list[int]):
    """Have Odoo see on its contract lines what was worked."""
    lines = env["sale.order.line"].search([("order_id.project_id", "in", project_ids)])
    for start in range(0, len(lines), BATCH):
        batch = lines[start : start + BATCH]
        # As if somebody had changed how it is measured: with all that follows from it.
        batch.modified(["qty_delivered_method"])
        env.flush_all()
        env.invalidate_all()


def make_rights(env):
    """The administrator may do everything that is measured."""
    groups = (
        "sales_team.group_sale_manager",
        "account.group_account_manager",
        "project.group_project_manager",
        "hr_timesheet.group_timesheet_manager",
        "psa_invoicing.group_billing_manager",
    )
    for name in groups:
        if group := env.ref(name, raise_if_not_found=False):
            env.user.group_ids += group
