"""A filled database of the version before: every figure is there after the upgrade.

``upgrade/`` keeps the add-ons as they were, and the script that fills a database with
them. What it does not fill is not compared, so it has to fill everything.
"""

import re
import tarfile
from pathlib import Path

import pytest

from tools import audit, database, odoo_process
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
def old(tmp_path_factory):
    """A database of the version before, filled.

    :return: what is in it
    """
    folder = tmp_path_factory.mktemp("addons")
    with tarfile.open(KEPT / f"{VERSION}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    folders = ",".join(map(str, [*odoo_source().addons, folder]))
    template = f"{NAME}_old"
    database.copy(database.base_template(), template)
    odoo_process.run_to_end(
        template,
        settings().logs / f"{template}.log",
        f"--addons-path={folders}",
        f"--init={ADDON}",
        "--with-demo",
    )
    log = settings().logs / f"{template}_fill.log"
    script = (KEPT / "fill.py").read_text()
    done = odoo_process.shell(template, script, log, f"--addons-path={folders}")
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


def test_nothing_is_lost_or_changed(old, upgraded):
    """A column may have another name; what it says of each record stays."""
    new = contents(upgraded.database)
    renamed = {place: rows for place, rows in new.items() if place not in old}
    for place, rows in old.items():
        if place in new:
            pairs = zip(rows, new[place], strict=False)
            changed = [pair for pair in pairs if pair[0] != pair[1]]
            assert (changed[:10], len(new[place])) == ([], len(rows)), place
        else:
            found = [each for each in renamed if renamed[each] == rows]
            assert place[0] in [table for table, _column in found], place


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
