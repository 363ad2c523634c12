"""Upgrading the add-on leaves a filled database as it was, without a warning."""

from tools import database, odoo_process
from tools.settings import ADDON, settings

NAME = "psa_system_upgrade"
FIGURES = """
    SELECT 'detail', detail.id, move_id, source_quantity, amount, billing_type
      FROM psa_invoice_detail AS detail
    UNION ALL
    SELECT 'line', id, order_id, qty_invoiced, qty_to_invoice, invoice_status
      FROM sale_order_line
    UNION ALL
    SELECT 'entry', id, timesheet_invoice_id, billed_quantity, unit_amount, ''
      FROM account_analytic_line
    ORDER BY 1, 2
"""


def test_figures_survive_an_upgrade(start_site):
    site = start_site(NAME, database.addon_template())
    site.call("psa.invoice.run", "action_run_due")
    before = _figures()
    assert any(kind == "detail" for kind, *_rest in before)
    odoo_process.run_to_end(
        NAME, settings().logs / f"{NAME}-update.log", f"--update={ADDON}"
    )
    assert _figures() == before


def _figures() -> list[tuple]:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(FIGURES)
        return cursor.fetchall()
