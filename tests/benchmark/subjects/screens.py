"""First pages, asked for as the web client asks."""

from lxml import etree

from odoo.fields import Command

from . import measured
from .data import LAST_DAY

PAGE = 80
READY = [("status", "=", "ready")]


def backlog(env, _project_id: int) -> float:
    """Ungrouped, with the counts of the search panel."""
    Backlog = env["psa.backlog"]
    specification = _specification(Backlog)
    with measured(env) as cost:
        Backlog.web_search_read(READY, specification, limit=PAGE, count_limit=10_001)
    return cost.seconds


def backlog_by_customer(env, _project_id: int) -> float:
    """As the menu opens it: customers with their sums."""
    with measured(env) as cost:
        env["psa.backlog"].web_read_group(
            READY, ["partner_id"], ["company_amount:sum"], limit=PAGE
        )
    return cost.seconds


def backlog_statuses(env, _project_id: int) -> float:
    """The search panel beside it."""
    with measured(env) as cost:
        env["psa.backlog"].search_panel_select_range("status", enable_counters=True)
    return cost.seconds


def wizard(env, project_id: int) -> float:
    """Next, in the wizard of one project."""
    wizard = env["psa.manual.invoice"].create(
        {"project_ids": [Command.set([project_id])], "cutoff_date": LAST_DAY}
    )
    with measured(env) as cost:
        wizard.action_next()
        wizard.web_read({"review": {}})
    return cost.seconds


def _specification(model) -> dict:
    """The fields of a list, as its first page reads them."""
    arch = model.get_views([(False, "list")])["views"]["list"]["arch"]
    names = {node.get("name") for node in etree.fromstring(arch).iter("field")}
    return {
        name: {"fields": {"display_name": {}}}
        if model._fields[name].type == "many2one"
        else {}
        for name in names
        if name in model._fields
    }
