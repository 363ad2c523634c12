# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Windows that several rooms open."""

from odoo import models
from odoo.exceptions import UserError

from . import rights


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
    action = env["ir.actions.act_window"]._for_xml_id(
        "psa_invoicing.psa_backlog_action"
    )
    return {**action, "domain": domain, "context": {"search_default_ready": 1}}


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
    action = env["ir.actions.act_window"]._for_xml_id(
        "psa_invoicing.psa_manual_invoice_action"
    )
    context = {f"default_{name}": value for name, value in values.items()}
    return {**action, "context": {"default_project_ids": projects.ids, **context}}
