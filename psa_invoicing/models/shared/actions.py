# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Windows that several rooms open."""

from odoo import models
from odoo.exceptions import UserError

from . import rights


def named(env, window: str, **values) -> dict:
    """A window of this add-on, with other values."""
    action = env["ir.actions.act_window"]._for_xml_id(f"psa_invoicing.{window}")
    return {**action, **values}


def open_record(record: models.BaseModel, view: int | bool = False, **values) -> dict:
    """The form of a record.

    :param view: id of the form (default: that of Odoo)
    """
    return {
        "type": "ir.actions.act_window",
        "res_model": record._name,
        "res_id": record.id,
        "views": [(view, "form")],
        **values,
    }


def open_invoices(moves: models.BaseModel) -> dict:
    """Project invoices: of a single one, its form."""
    if len(moves) == 1:
        form = moves.env.ref("account.view_move_form").id
        views = [(form, "form")]
        return named(moves.env, "account_move_action", views=views, res_id=moves.id)
    return list_invoices(moves.env, [("id", "in", moves.ids)])


def list_invoices(env, domain: list) -> dict:
    """Project invoices, in a list that makes none."""
    context = {"create": False}
    return named(env, "account_move_action", domain=domain, context=context)


def tell_and_close(message: str, kind: str) -> dict:
    """Close a dialog with a message.

    :param kind: ``info``, ``success``, ``warning``
    """
    return {
        "type": "ir.actions.client",
        "tag": "display_notification",
        "params": {
            "type": kind,
            "message": message,
            "next": {"type": "ir.actions.act_window_close"},
        },
    }


def open_records(records: models.BaseModel, name: str, view_mode: str) -> dict:
    """Some records: of a single one, its form."""
    action = {
        "type": "ir.actions.act_window",
        "name": name,
        "res_model": records._name,
        "context": {"create": False},
    }
    if len(records) == 1:
        return {**action, "res_id": records.id, "view_mode": "form"}
    return {**action, "domain": [("id", "in", records.ids)], "view_mode": view_mode}


def open_backlog(env, domain: list) -> dict:
    """The backlog of a project, an order or a customer: at first what is ready.

    :raises AccessError: unless the user is a billing administrator
    """
    rights.check_may_bill(env)
    context = {"search_default_ready": 1}
    return named(env, "psa_backlog_action", domain=domain, context=context)


def invoice_by_hand(projects: models.BaseModel, **values) -> dict:
    """The wizard that invoices projects by hand.

    :param values: of other fields of the wizard
    :raises AccessError: unless the user is a billing administrator
    :raises UserError: if there are no projects
    """
    env = projects.env
    rights.check_may_bill(env)
    if not projects:
        raise UserError(
            env._(
                "There is no project here to invoice. Choose a billable project, or "
                "one of its orders."
            )
        )
    projects.check_access("read")
    values = {"project_ids": projects.ids, **values}
    context = {f"default_{name}": value for name, value in values.items()}
    return named(env, "psa_manual_invoice_action", context=context)
