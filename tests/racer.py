"""One of several Odoo processes that act on a database at the same moment.

``odoo shell`` executes this file. It takes orders over a pipe from
``test_concurrency.py``: which action, with which ids. It opens its database
transaction, says that it stands at the line, and acts when it is told to go; so every
racer sees the database as it was before any of them acted.
"""

import os
import signal
import time
from datetime import date, timedelta
from multiprocessing.connection import Connection

from odoo import SUPERUSER_ID, api, fields, sql_db
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, retrying

TODAY = date.today()


# === Preparing a race ===


def new_projects(env, number, hours, **values):
    """Projects with an order of their own, each with an entry for each of the hours.

    :return: ids of the projects
    """
    product = env["product.product"].create(
        {
            "name": "Consulting hour",
            "type": "service",
            "invoice_policy": "delivery",
            "service_type": "timesheet",
            "uom_id": env.ref("uom.product_uom_hour").id,
            "list_price": 100,
        }
    )
    customer = env["res.partner"].create(
        {"name": "Customer", "is_company": True, "email": "race@customer.example.com"}
    )
    projects = env["project.project"].create(
        [
            {
                "name": f"Race {index}",
                "partner_id": customer.id,
                "allow_billable": True,
                **values,
            }
            for index in range(number)
        ]
    )
    orders = env["sale.order"].create(
        [
            {
                "partner_id": customer.id,
                "order_line": [
                    fields.Command.create(
                        {"product_id": product.id, "product_uom_qty": 10}
                    )
                ],
            }
            for _project in projects
        ]
    )
    orders.action_confirm()
    for project, order in zip(projects, orders, strict=True):
        project.sale_line_id = order.order_line
    new_work(env, projects.ids, hours)
    return projects.ids


def new_work(env, project_ids, hours):
    """An entry of yesterday for each of the hours, and a due row of the schedule.

    :return: ids of the entries
    """
    entries = env["account.analytic.line"].create(
        [
            {
                "name": "Work",
                "date": TODAY - timedelta(days=1),
                "project_id": project_id,
                "employee_id": env.ref("hr.employee_admin").id,
                "unit_amount": quantity,
            }
            for project_id in project_ids
            for quantity in hours
        ]
    )
    Schedule = env["psa.invoice.schedule"].sudo()
    last = Schedule.search(
        [("project_id", "in", project_ids)], order="run_date desc", limit=1
    ).run_date
    Schedule.create(
        [
            {
                "project_id": project_id,
                "run_date": last + timedelta(days=1)
                if last
                else TODAY - timedelta(days=99),
                "cutoff_date": TODAY,
            }
            for project_id in project_ids
        ]
    )
    return entries.ids


def new_months(env, project_ids):
    """Two rows that are due, each with an hour of its own more than the one before.

    :return: ids of the rows
    """
    rows = env["psa.invoice.schedule"].sudo()
    for hours, days in ((1, 60), (2, 30)):
        cutoff = TODAY - timedelta(days=days)
        for project in env["project.project"].browse(project_ids):
            env["account.analytic.line"].create(
                {
                    "name": "Work",
                    "date": cutoff,
                    "project_id": project.id,
                    "employee_id": env.ref("hr.employee_admin").id,
                    "unit_amount": hours,
                }
            )
            rows += rows.create(
                {
                    "project_id": project.id,
                    "run_date": cutoff + timedelta(days=1),
                    "cutoff_date": cutoff,
                }
            )
    return rows.ids


def share_contract_line(env, project_ids):
    first, *others = env["project.project"].browse(project_ids)
    for other in others:
        other.sale_line_id = first.sale_line_id
        other.timesheet_ids.so_line = first.sale_line_id


def new_wizard(env, project_ids):
    """The manual invoice, at its second step.

    :return: its id
    """
    wizard = env["psa.manual.invoice"].create(
        {"project_ids": project_ids, "cutoff_date": TODAY}
    )
    wizard.action_next()
    return wizard.id


def new_order_wizard(env, project_ids):
    """Odoo's own dialog behind Create Invoice.

    :return: its id
    """
    orders = env["project.project"].browse(project_ids).sale_line_id.order_id
    return env["sale.advance.payment.inv"].create({"sale_order_ids": orders.ids}).id


def new_draft(env, project_ids):
    """:return: ids of drafts of these projects"""
    return env["project.project"].browse(project_ids)._psa_invoice(TODAY).ids


def new_credit_notes(env, move_ids, number):
    """Draft credit notes, each over all of the invoices.

    :return: their ids
    """
    moves = env["account.move"].browse(move_ids)
    moves.action_post()
    return [moves._reverse_moves().id for _index in range(number)]


# === Racing ===


def run_due(env, project_ids):
    """As the scheduled action does: nobody tries it again.

    :return: rows that were due, processed, failed
    """
    projects = env["project.project"].browse(project_ids)
    run = env["psa.invoice.run"]._run_due(TODAY, projects)
    return run.total, run.done, run.failed


def run_due_beside(env, project_ids, row_id):
    """While another process holds a row of the schedule until the first chunk is done.

    :return: as for ``run_due``
    """
    projects = env["project.project"].browse(project_ids)
    run = env["psa.invoice.run"]._begin(TODAY, projects)
    with env.registry.cursor() as other:
        other.execute(
            "SELECT FROM psa_invoice_schedule WHERE id = %s FOR NO KEY UPDATE", [row_id]
        )
        run.sudo()._step()
        other.rollback()
    run._drive()
    return run.total, run.done, run.failed


def start_run(env):
    """As a person does who then goes on with something else.

    :return: the run
    """
    return env["psa.invoice.run"]._run_now(TODAY).id


def finish_wizard(env, wizard_id):
    env["psa.manual.invoice"].browse(wizard_id).action_finish()


def bill_order(env, project_ids):
    env["project.project"].browse(project_ids).sale_line_id.order_id._create_invoices()


def edit_entries(env, entry_ids, values):
    env["account.analytic.line"].browse(entry_ids).write(values)


def delete_entries(env, entry_ids):
    env["account.analytic.line"].browse(entry_ids).unlink()


def hold(env, entry_ids):
    env["account.analytic.line"].browse(entry_ids).action_psa_hold("Asked to wait")


def hold_projects(env, project_ids):
    env["project.project"].browse(project_ids).billing_hold = True


def post(env, move_ids):
    env["account.move"].browse(move_ids).action_post()


def cancel(env, move_ids):
    env["account.move"].browse(move_ids).button_cancel()


def revive(env, move_ids):
    env["account.move"].browse(move_ids).button_draft()


def recalculate(env, move_ids):
    moves = env["account.move"].browse(move_ids)
    return moves.action_psa_recalculate()["params"]["message"]


def write_off(env, entry_ids):
    env["account.analytic.line"].browse(entry_ids).action_psa_write_off("Goodwill")


# === Dying ===


def die_during_the_nightly_run(env, seconds):
    """Do what the scheduled action does in a process of its own, and kill -9 it.

    :param seconds: after which it is killed
    :return: whether it came to an end before
    """
    child = os.fork()
    if not child:
        work_through_the_night(env.registry)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def work_through_the_night(registry):
    """In a forked process, which leaves the connections that it has inherited alone."""
    status = 1
    try:
        sql_db._Pool = None
        registry._db = sql_db.db_connect(registry.db_name)
        with registry.cursor() as cr:
            own = api.Environment(cr, SUPERUSER_ID, {})
            own["psa.invoice.run"]._cron_run_due()
        status = 0
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
        # The scheduler would call again.
        status = 0
    finally:
        os._exit(status)


def findings(env):
    """What the audit of the ledger finds."""
    return env["psa.ledger.audit"].sudo()._findings()


# === The other end of the pipe ===


def act(env, order, wait_for_start):
    """:return: what the action returned, and the message of a refusal"""
    name, arguments = order
    with env.registry.cursor() as cr:
        own = env(cr=cr, user=env.ref("base.user_admin").id)
        # PostgreSQL shows a transaction the database as it was at its first query.
        cr.execute("SELECT 1 FROM account_move LIMIT 1")
        wait_for_start()

        def call():
            return globals()[name](own, *arguments)

        try:
            # The scheduler tries nothing again; requests of a client are.
            return call() if name == "run_due" else retrying(call, own), ""
        except UserError as error:
            cr.rollback()
            return None, str(error)


def race(env, connection):
    def wait_for_start():
        connection.send("ready")
        connection.recv()

    # What the shell has read would keep its transaction open.
    env.cr.commit()
    while order := connection.recv():
        connection.send(act(env, order, wait_for_start))


race(env, Connection(int(os.environ["RACE_PIPE"])))  # noqa: F821 (the shell gives env)
