"""`make audit` and the menu entry: nothing is off, until somebody breaks something."""

import pytest

from tools import audit, database
from tools.console import Problem

NAME = "psa_system_audit"


@pytest.fixture(scope="module")
def demo(start_site):
    """The demo data, after its due invoices were made and one was posted."""
    site = start_site(NAME, database.addon_template())
    site.call("psa.invoice.run", "action_run_due")
    [invoice_id, *_rest] = site.call(
        "account.move", "search", [("psa_state", "=", "draft")]
    )
    site.call("account.move", "action_post", [invoice_id])
    return site


def change(query: str) -> None:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(query)
        assert cursor.rowcount > 0


def test_the_demo_is_in_order_until_it_is_damaged(demo, open_page, picture, capsys):
    assert audit.audit(NAME) == 0
    assert "Nothing is off" in capsys.readouterr().out

    page = open_page(demo)
    page.click(".o_navbar_apps_menu button")
    page.click("[data-menu-xmlid='psa_invoicing.menu_root']")
    run_from_menu(page)
    page.wait_for_selector(".alert-success:has-text('Nothing is off')")
    picture(page, "clean")

    change("UPDATE psa_invoice_detail SET amount = amount + 1")
    change("UPDATE account_analytic_line SET billed_quantity = 99 WHERE so_line > 0")
    assert audit.audit(NAME) == 1
    said = capsys.readouterr().out
    assert "Press Compute Figures Anew" in said
    assert "Nothing was changed" in said

    page.click("button[name=action_check_again]")
    page.wait_for_selector(".alert-warning:has-text('findings')")
    page.wait_for_selector(".o_data_row:has-text('Figures of a Transaction')")
    picture(page, "damaged")
    page.click("button[name=action_compute_figures]")
    page.wait_for_selector(".o_data_row:has-text('Figures of a')", state="detached")
    picture(page, "computed")

    page.click(".o_data_row button[name=action_open_record] >> nth=0")
    page.wait_for_selector("button[name=action_check_again]", state="detached")
    page.wait_for_selector(".breadcrumb:has-text('Ledger Audit')")
    picture(page, "record")


def run_from_menu(page) -> None:
    page.click("[data-menu-xmlid='psa_invoicing.menu_configuration']")
    page.click("[data-menu-xmlid='psa_invoicing.menu_ledger_audit']")


def test_a_database_that_is_not_there():
    with pytest.raises(Problem, match="There is no database"):
        audit.audit("psa_system_nowhere")


def test_a_database_without_the_addon():
    with pytest.raises(Problem, match="is not installed"):
        audit.audit(database.base_template())
