"""First pages, asked for as the web client asks."""

from lxml import etree

from odoo.fields import Command, Domain
from odoo.tools.safe_eval import safe_eval

from . import measured
from .data import LAST_DAY

PAGE = 80
# What a kanban view shows of a column.
CARDS = 40
READY = [("status", "=", "ready")]


def make_invoices(env, project_ids: list[int]):
    """Bill projects: a third stays a draft, a third is confirmed, a third paid."""
    moves = env["project.project"].browse(project_ids)._psa_invoice(LAST_DAY)
    paid = moves[2::3]
    (moves[1::3] | paid).action_post()
    if paid:
        payments = env["account.payment.register"].with_context(
            active_model="account.move", active_ids=paid.ids
        )
        payments.create({"group_payment": False}).action_create_payments()


def backlog(env, _project_id: int) -> float:
    """Ungrouped."""
    Backlog = env["psa.backlog"]
    return _list(Backlog, READY, Backlog.get_views([(False, "list")]))


def backlog_by_customer(env, _project_id: int) -> float:
    """As the menu opens it: customers with their sums."""
    return _groups(env, READY, "partner_id")


def backlog_of_customer(env, project_id: int) -> float:
    """What opens under one of them."""
    partner = env["project.project"].browse(project_id).partner_id
    return _groups(env, [*READY, ("partner_id", "=", partner.id)], "project_id")


def backlog_by_project(env, _project_id: int) -> float:
    """Without the customers above."""
    return _groups(env, READY, "project_id")


def backlog_statuses(env, _project_id: int) -> float:
    """The search panel beside it."""
    Backlog = env["psa.backlog"]
    arch = etree.fromstring(
        Backlog.get_views([(False, "search")])["views"]["search"]["arch"]
    )
    sections = {
        node.get("name"): {
            "enable_counters": bool(node.get("enable_counters")),
            "expand": bool(node.get("expand")),
        }
        for node in arch.iterfind(".//searchpanel/field")
    }
    with measured(env) as cost:
        for name, options in sections.items():
            Backlog.search_panel_select_range(name, limit=200, **options)
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


def invoices(env, _project_id: int) -> float:
    """As the menu opens it: what is to be reviewed, sent or collected."""
    action, domain, views = _invoices(env)
    return _list(env[action.res_model], domain, views)


def invoices_by_status(env, _project_id: int) -> float:
    """The same as cards, with the bars above them."""
    action, domain, views = _invoices(env)
    Move = env[action.res_model]
    specification = _specification(Move, views, "kanban")
    order = etree.fromstring(views["views"]["kanban"]["arch"]).get("default_order")
    bars = {
        "field": "psa_state",
        "colors": {"draft": "info", "in_review": "warning", "paid": "success"},
    }
    with measured(env) as cost:
        Move.web_read_group(
            domain,
            ["psa_state"],
            ["amount_untaxed_signed:sum"],
            order=order,
            auto_unfold=True,
            unfold_read_specification=specification,
            unfold_read_default_limit=CARDS,
        )
        Move.read_progress_bar(domain, "psa_state", bars)
    return cost.seconds


def overview(env, _project_id: int) -> float:
    """The cards, their counts and amounts."""
    with measured(env) as cost:
        env["psa.start.page"].get_start_page()
    return cost.seconds


def _groups(env, domain, name: str) -> float:
    """A page of groups with their sums."""
    Backlog = env["psa.backlog"]
    arch = etree.fromstring(
        Backlog.get_views([(False, "list")])["views"]["list"]["arch"]
    )
    limit = int(arch.get("groups_limit"))
    with measured(env) as cost:
        Backlog.web_read_group(
            domain, [name], ["amount:sum", "company_amount:sum"], limit=limit
        )
    return cost.seconds


def _list(model, domain, views: dict) -> float:
    """The first page of a list, with the number of its rows."""
    specification = _specification(model, views, "list")
    arch = etree.fromstring(views["views"]["list"]["arch"])
    limit = int(arch.get("count_limit") or 10_000)
    with measured(model.env) as cost:
        model.web_search_read(
            domain,
            specification,
            limit=PAGE,
            order=arch.get("default_order"),
            count_limit=limit + 1,
        )
    return cost.seconds


def _invoices(env) -> tuple:
    """The action of project invoices, its domain with the default filter, its views."""
    action = env.ref("psa_invoicing.account_move_action").sudo()
    ids = {view.view_mode: view.view_id.id for view in action.view_ids}
    kinds = [(ids["list"], "list"), (ids["kanban"], "kanban")]
    search = (action.search_view_id.id, "search")
    views = env[action.res_model].get_views([*kinds, search])
    arch = etree.fromstring(views["views"]["search"]["arch"])
    [to_do] = arch.xpath("//filter[@name='to_do']/@domain")
    domain = Domain(safe_eval(action.domain)) & Domain(safe_eval(to_do))
    return action, list(domain), views


def _specification(model, views: dict, kind: str) -> dict:
    """The fields of a view, as its first page reads them."""
    arch = etree.fromstring(views["views"][kind]["arch"])
    found: dict = {}
    for node in arch.iter("field"):
        field = model._fields[node.get("name")]
        found[field.name] = {"fields": {"display_name": {}}} if field.relational else {}
    return found
