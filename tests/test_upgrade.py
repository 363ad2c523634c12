"""A filled database of the version before: every figure is there after the upgrade.

``upgrade/`` keeps the add-ons as they were, and the script that fills a database with
them. What it does not fill is not compared, so it has to fill everything.
"""

import re
import tarfile
from pathlib import Path

import pytest

from tools import audit, database, odoo_process
from tools.console import Problem
from tools.odoo_source import odoo_source
from tools.settings import ADDON, settings

NAME = "psa_system_upgrade"
VERSION = "19.0.1.6.0"
KEPT = Path(__file__).parent / "upgrade"
# Nothing in the firm's life makes one.
NOT_FILLED = {("psa_invoice_run", "skipped")}
# Fields of ours that are stored, but for those of dialogs, with their tables.
OUR_FIELDS = """
    SELECT REPLACE(field.model, '.', '_'), field.name, field.ttype,
           field.relation_table
      FROM ir_model_fields AS field
      JOIN ir_model AS model ON model.id = field.model_id AND NOT model.transient
      JOIN ir_model_data AS data
        ON data.model = 'ir.model.fields' AND data.res_id = field.id
       AND data.module = 'psa_invoicing'
     WHERE field.store AND field.ttype <> 'one2many'
       AND field.name NOT IN
           ('id', 'create_uid', 'create_date', 'write_uid', 'write_date')
       AND EXISTS (SELECT FROM pg_class
                    WHERE relname = REPLACE(field.model, '.', '_') AND relkind = 'r')
  ORDER BY 1, 2
"""
# What Odoo and its customers see of it.
FIGURES = """
    SELECT 'line', id, qty_delivered::text, qty_invoiced::text, qty_to_invoice::text,
           invoice_status
      FROM sale_order_line
 UNION ALL
    SELECT 'entry', id, so_line::text, timesheet_invoice_id::text, unit_amount::text,
           amount::text
      FROM account_analytic_line
 UNION ALL
    SELECT 'invoice', id, name, amount_untaxed::text, amount_residual::text, state
      FROM account_move
 UNION ALL
    SELECT 'invoice line', id, name, quantity::text, price_unit::text,
           price_subtotal::text
      FROM account_move_line
  ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def addons(tmp_path_factory):
    """The option of Odoo by which it finds the version before."""
    folder = tmp_path_factory.mktemp("addons")
    with tarfile.open(KEPT / f"{VERSION}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    folders = ",".join(map(str, [*odoo_source().addons, folder]))
    return f"--addons-path={folders}"


@pytest.fixture(scope="module")
def old(addons):
    """A database of the version before, filled.

    :return: what is in it
    """
    template = f"{NAME}_old"
    database.copy(database.base_template(), template)
    odoo_process.run_to_end(
        template,
        settings().logs / f"{template}.log",
        addons,
        f"--init={ADDON}",
        "--with-demo",
    )
    log = settings().logs / f"{template}_fill.log"
    script = (KEPT / "fill.py").read_text()
    done = odoo_process.shell(template, script, log, addons)
    assert not done.returncode, log.read_text()[-5000:]
    yield contents(template)
    database.drop(template)


@pytest.fixture(scope="module")
def upgraded(old, start_site):
    """The same, served by the present version."""
    copied = f"{NAME}_new"
    database.copy(f"{NAME}_old", copied)
    database.upgrade(copied)
    yield start_site(NAME, copied)
    database.drop(copied)


def contents(name: str) -> dict:
    """Of each of our columns, by table and name: which value each record has."""
    found = {}
    with database.server().cursor(name) as cursor:
        cursor.execute(OUR_FIELDS)
        for table, column, kind, relation in cursor.fetchall():
            if kind == "many2many":
                cursor.execute(f"SELECT * FROM {relation}")
                values = sorted(cursor.fetchall())
            else:
                cursor.execute(f"SELECT id, {column}::text FROM {table} ORDER BY id")
                values = cursor.fetchall()
            found[table, column] = values
        cursor.execute(FIGURES)
        found["figures", ""] = cursor.fetchall()
    return found


def test_every_kind_of_record_is_there(old):
    """Without this, the others would compare what is empty."""
    nothing = {None, "false", "0", "0.0"}
    empty = {
        place for place, rows in old.items() if all(row[1] in nothing for row in rows)
    }
    assert empty == NOT_FILLED


def touched(old: dict, new: dict) -> set[tuple[str, int]]:
    """A write-off that goes with its transaction to another contract line, and these
    two lines: the version before had left it behind."""
    lines, later = (
        dict(each["psa_invoice_detail", "sale_line_id"]) for each in (old, new)
    )
    (moved,) = [id_ for id_ in lines if lines[id_] != later.get(id_)]
    assert dict(old["psa_invoice_detail", "is_write_off"])[moved] == "true"
    both = int(lines[moved]), int(later[moved])
    return {
        ("psa_invoice_detail", moved),
        *((table, id_) for table in ("sale_order_line", "line") for id_ in both),
    }


def test_nothing_is_lost_or_changed(old, upgraded):
    """A column may have another name; what it says of each record stays."""
    new = contents(upgraded.database)
    other = touched(old, new)

    def kept(table, rows):
        # Figures name what they are about.
        keys = (row[:2] if table == "figures" else (table, row[0]) for row in rows)
        return [row for key, row in zip(keys, rows, strict=True) if key not in other]

    renamed = {place: rows for place, rows in new.items() if place not in old}
    for place, rows in old.items():
        rows = kept(place[0], rows)
        if place in new:
            found = kept(place[0], new[place])
            pairs = zip(rows, found, strict=False)
            changed = [pair for pair in pairs if pair[0] != pair[1]]
            assert (changed[:10], len(found)) == ([], len(rows)), place
        else:
            same = [each for each in renamed if kept(each[0], renamed[each]) == rows]
            assert place[0] in [table for table, _column in same], place


def test_the_ledger_is_sound(upgraded):
    assert audit.audit(upgraded.database) == 0


def test_drafts_go_on_as_before(upgraded):
    """Recalculate finds nothing on a draft that was up to date, and all of them can be
    confirmed."""
    drafts = upgraded.call(
        "account.move",
        "search_read",
        [("psa_state", "=", "draft"), ("billing_review", "=", False)],
        ["needs_recalculation", "move_type"],
    )
    invoices = [draft for draft in drafts if draft["move_type"] == "out_invoice"]
    assert {draft["needs_recalculation"] for draft in invoices} == {True, False}
    for draft in invoices:
        answer = upgraded.call("account.move", "action_psa_recalculate", [draft["id"]])
        if not draft["needs_recalculation"]:
            assert "Nothing has changed" in answer["params"]["message"]
    firm = upgraded.one("res.company", [("billing_review_required", "=", True)], "id")
    upgraded.call("res.company", "write", [firm["id"]], {"billing_review_required": 0})
    upgraded.call("account.move", "action_post", [draft["id"] for draft in drafts])
    assert audit.audit(upgraded.database) == 0


def test_what_is_in_review_stays_so(upgraded):
    """One waits, and one is approved: both are what their reviewer has seen."""
    moves = upgraded.call(
        "account.move",
        "search_read",
        [("billing_review", "!=", False), ("state", "=", "draft")],
        ["psa_state", "billing_review"],
    )
    assert {move["psa_state"] for move in moves} == {"in_review"}
    assert {move["billing_review"] for move in moves} == {"submitted", "approved"}
    waiting = [move["id"] for move in moves if move["billing_review"] == "submitted"]
    upgraded.call("account.move", "action_psa_approve", waiting)


def test_every_screen_opens(upgraded):
    """Every entry of the menu: its views can be drawn, and its records read."""
    menus = upgraded.call("ir.ui.menu", "load_web_menus", [], False)
    ours = {
        menu["actionID"]
        for menu in menus.values()
        if (menu.get("xmlid") or "").startswith(f"{ADDON}.")
        and menu.get("actionModel") == "ir.actions.act_window"
    }
    assert len(ours) > 10
    for action in upgraded.call(
        "ir.actions.act_window", "read", sorted(ours), ["name", "res_model", "views"]
    ):
        views = upgraded.call(action["res_model"], "get_views", action["views"])
        for kind, view in views["views"].items():
            names = re.findall(r'<field name="(\w+)"', view["arch"])
            known = views["models"][action["res_model"]]["fields"].keys() & set(names)
            rows = upgraded.call(
                action["res_model"],
                "web_search_read",
                [],
                dict.fromkeys(known, {}),
                limit=80,
            )
            assert "records" in rows, (action["name"], kind)


# What people built on the names of our fields, in the shell of the version before.
OWN_WORK = """
def model(name):
    return env["ir.model"]._get(name)

line = model("sale.order.line")
env["ir.filters"].create([
    {"name": "Own", "model_id": "sale.order.line", "user_ids": [],
     "domain": "[('excluded_quantity', '>', 0)]",
     "sort": '["never_billed_quantity desc"]'},
    {"name": "Own by a path", "model_id": "sale.order", "user_ids": [],
     "domain": "[('order_line.excluded_quantity', '>', 0)]"},
    {"name": "Somebody's", "model_id": "sale.order", "user_ids": [],
     "domain": "[('invoice_ids.detail_count', '>', 0)]"},
    {"name": "Own count", "model_id": "account.move", "user_ids": [],
     "domain": "[('detail_count', '>', 0)]"},
])
action = {"name": "Own action", "model_id": line.id, "state": "code",
          "code": "record.write({'name': record.excluded_quantity})"}
rule = env["base.automation"].create({
    "name": "Own automation", "model_id": line.id, "trigger": "on_create_or_write",
    "filter_domain": "[('excluded_quantity', '>', 5)]",
    "filter_pre_domain": "[('excluded_quantity', '=', 0)]"})
env["ir.actions.server"].create({**action, "base_automation_id": rule.id,
                                 "usage": "base_automation"})
env["mail.template"].create({
    "name": "Own template", "model_id": model("account.move").id,
    "subject": "{{ object.earlier_period_count }} late",
    "body_html": '<p t-if="object.is_po_missing" t-out="object.detail_count"/>'})
env["ir.ui.view"].create({
    "name": "Own page", "type": "qweb",
    "arch": "<p>\\n<t t-out=\\"doc.excluded_quantity\\"/></p>"})
env["ir.model.fields"].create({
    "model_id": line.id, "name": "x_own", "ttype": "float", "store": False,
    "related": "excluded_quantity"})
env.cr.commit()
"""
OWN_TEXTS = """
    SELECT name, domain || sort FROM ir_filters
     UNION ALL
    SELECT name ->> 'en_US', code FROM ir_act_server WHERE state = 'code'
     UNION ALL
    SELECT name ->> 'en_US', filter_domain || filter_pre_domain FROM base_automation
     UNION ALL
    SELECT name ->> 'en_US', CONCAT(subject ->> 'en_US', body_html ->> 'en_US')
      FROM mail_template
     UNION ALL
    SELECT name, arch_db ->> 'en_US' FROM ir_ui_view
     UNION ALL
    SELECT name, related FROM ir_model_fields
"""


def test_what_people_built_follows(old, addons):
    """It names our fields as they are called now; what may be of another model is named
    in the log."""
    name, log = f"{NAME}_own", settings().logs / f"{NAME}_own.log"
    with database.scratch(name, f"{NAME}_old"):
        odoo_process.run_to_end(name, log, addons, "--init=base_automation")
        done = odoo_process.shell(name, OWN_WORK, log, addons)
        assert not done.returncode, log.read_text()[-5000:]
        with pytest.raises(Problem):
            odoo_process.run_to_end(name, log, f"--update={ADDON}")
        with database.server().cursor(name) as cursor:
            cursor.execute(OWN_TEXTS)
            texts = dict(cursor.fetchall())
    assert texts["Own"] == (
        """[('billing_excluded_quantity', '>', 0)]["psa_never_billed_quantity desc"]"""
    )
    assert "order_line.billing_excluded_quantity'" in texts["Own by a path"]
    assert "'psa_detail_count'" in texts["Own count"]
    assert "invoice_ids.detail_count" in texts["Somebody's"]
    assert "record.billing_excluded_quantity" in texts["Own action"]
    assert texts["Own automation"].count("'billing_excluded_quantity'") == 2
    template = texts["Own template"]
    for field in (
        "billing_earlier_period_count",
        "billing_po_missing",
        "psa_detail_count",
    ):
        assert f"object.{field}" in template
    assert "doc.billing_excluded_quantity" in texts["Own page"]
    assert texts["x_own"] == "billing_excluded_quantity"
    (told,) = odoo_process.warnings_in(log.read_text())
    assert "domain of ir_filters" in told
    assert "names 'detail_count'. Where that is a field of psa_invoicing" in told


def test_an_older_database_is_told_what_to_do(old):
    """Nothing in it has changed then."""
    name, log = f"{NAME}_older", settings().logs / f"{NAME}_older.log"
    with database.scratch(name, f"{NAME}_old"):
        module = (
            "SELECT state, latest_version FROM ir_module_module "
            "WHERE name = 'psa_invoicing'"
        )
        with database.server().cursor(name) as cursor:
            cursor.execute(
                "UPDATE ir_module_module SET latest_version = '19.0.1.5.0' "
                "WHERE name = 'psa_invoicing'"
            )
        with pytest.raises(Problem):
            odoo_process.run_to_end(name, log, f"--update={ADDON}")
        assert contents(name) == old
        with database.server().cursor(name) as cursor:
            cursor.execute(module)
            assert cursor.fetchall() == [("installed", "19.0.1.5.0")]
    assert (
        "psa_invoicing 19.0.1.5.0 cannot be upgraded to this version in one step. "
        f"Nothing was changed. Upgrade this database with psa_invoicing {VERSION} "
        "first, then with this version." in log.read_text()
    )
