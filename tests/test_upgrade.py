"""Upgrading from the previous version takes over what that one did not know."""

from tools import database, odoo_process
from tools.settings import ADDON, settings

NAME = "psa_system_upgrade"
FIGURES = """
    SELECT 'detail', sale_line_id, move_id, ROUND(SUM(quantity)::numeric, 2)::text,
           ROUND(SUM(amount)::numeric, 2)::text, COUNT(*)::text
      FROM psa_invoice_detail
  GROUP BY sale_line_id, move_id
    UNION ALL
    SELECT 'line', id, billing_project_id, qty_invoiced::text, qty_to_invoice::text,
           ROUND(COALESCE(billed_quantity, 0)::numeric, 2)::text
      FROM sale_order_line WHERE billing_project_id IS NOT NULL
    UNION ALL
    SELECT 'entry', id, timesheet_invoice_id, ROUND(billed_quantity::numeric, 2)::text,
           ROUND(COALESCE(billing_draft_quantity, 0)::numeric, 2)::text,
           ROUND(COALESCE(billing_credited_quantity, 0)::numeric, 2)::text
      FROM account_analytic_line
     WHERE billed_quantity <> 0 OR billing_credited_quantity <> 0
    UNION ALL
    SELECT 'milestone', id, NULL, ROUND(billed_quantity::numeric, 2)::text,
           billable_quantity::text, ''
      FROM project_milestone WHERE billed_quantity <> 0
    UNION ALL
    SELECT 'frequency', interval, NULL, name ->> 'en_US',
           CONCAT_WS(' ', mon IS TRUE, tue IS TRUE, fri IS TRUE, sun IS TRUE),
           CONCAT_WS(' ', month, month_rule, month_days, month_last IS TRUE, shift)
      FROM psa_billing_frequency
    UNION ALL
    SELECT 'schedule', project_id, NULL, run_date::text, planned_date::text, state
      FROM psa_invoice_schedule
    ORDER BY 1, 2, 3
"""
# What version 19.0.1.0.0 had: time and milestones on project invoices, no more. The
# columns are dropped with their indexes; Odoo makes both anew.
TRANSACTION_COLUMNS = (
    "billing_hold",
    "billing_hold_reason",
    "billing_type",
    "billing_credited_quantity",
    "billing_draft_quantity",
    "billing_written_off_quantity",
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NEW_COLUMNS = {
    "account_analytic_line": TRANSACTION_COLUMNS,
    "account_move": ("psa_reopens_transactions",),
    "account_move_line": (
        "billing_slice",
        "billing_written",
        "billing_credited_line_id",
    ),
    "project_milestone": (*TRANSACTION_COLUMNS, "billable_quantity"),
    "project_project": ("billing_layout",),
    "psa_billing_frequency": (
        *WEEKDAYS,
        "month",
        "month_days",
        "month_last",
        "month_rule",
        "month_week",
        "shift",
    ),
    "psa_invoice_detail": (
        "cost_id",
        "is_released",
        "is_write_off",
        "origin_detail_id",
        "reason",
        "source_move_line_id",
        "user_id",
        "write_off_date",
    ),
    "sale_order_line": (
        *TRANSACTION_COLUMNS,
        "billable_quantity",
        "billed_quantity",
        "billing_date",
        "billing_project_id",
        "psa_never_billed_quantity",
    ),
    "psa_invoice_schedule": ("planned_date",),
    "psa_manual_invoice_line": ("source",),
    "res_company": (
        "billing_deduct_downpayments",
        "billing_frequency_id",
        "billing_invoice_date",
        "billing_release_required",
        "billing_stop_at_year_end",
    ),
    "res_partner": ("billing_annex", "billing_po_required"),
}
REWIND = """
    DELETE FROM psa_invoice_detail AS detail USING account_move AS move
     WHERE move.id = detail.move_id
       AND (move.is_project_invoice IS NOT TRUE
            OR detail.transaction_type NOT IN ('time', 'milestone', 'adjustment'));
    DELETE FROM psa_invoice_detail WHERE move_id IS NULL;
    UPDATE account_analytic_line AS entry SET billed_quantity = (
        SELECT COALESCE(SUM(source_quantity), 0) FROM psa_invoice_detail
         WHERE analytic_line_id = entry.id);
    UPDATE project_milestone AS milestone SET billed_quantity = (
        SELECT COALESCE(SUM(source_quantity), 0) FROM psa_invoice_detail
         WHERE milestone_id = milestone.id);
    ALTER TABLE psa_invoice_detail ALTER move_id SET NOT NULL;
    ALTER TABLE psa_invoice_detail ALTER quantity TYPE numeric;
    ALTER TABLE sale_order_line ALTER billing_excluded_quantity TYPE numeric;
    DROP TABLE psa_reinvoiced_cost CASCADE;
    CREATE TABLE psa_invoice_run_psa_invoice_schedule_rel AS
          SELECT run_id AS psa_invoice_run_id, schedule_id AS psa_invoice_schedule_id
            FROM psa_invoice_run_line;
    DROP TABLE psa_invoice_run_line CASCADE;
    DELETE FROM psa_billing_frequency AS frequency USING ir_model_data AS data
     WHERE data.model = 'psa.billing.frequency' AND data.res_id = frequency.id
       AND data.name NOT IN ('frequency_weekly', 'frequency_biweekly',
                             'frequency_monthly_last_day',
                             'frequency_monthly_first_day', 'frequency_quarterly');
    DELETE FROM ir_model_data WHERE model = 'psa.billing.frequency'
       AND res_id NOT IN (SELECT id FROM psa_billing_frequency);
    ALTER TABLE psa_billing_frequency ADD month_day integer;
    UPDATE psa_billing_frequency
       SET weekday = CASE WHEN fri THEN '4' ELSE '0' END,
           month_day = COALESCE(month_days::integer, 31);
    UPDATE ir_module_module SET latest_version = '19.0.1.0.0'
     WHERE name = 'psa_invoicing';
"""


def test_what_was_invoiced_is_known_after_an_upgrade(start_site):
    """A run, a credit note and invoices of Odoo's own button: with the ledger of the
    previous version, the upgrade finds the same figures again."""
    site = start_site(NAME, database.addon_template())
    site.call("psa.invoice.run", "action_run_due")
    drafts = site.call("account.move", "search", [("psa_state", "=", "draft")])
    site.call("account.move", "action_post", drafts[1:])
    credit(site, drafts[-1])
    invoice_with_odoo(site)
    leave_a_wizard_open(site)
    site.create(
        "psa.billing.frequency", name="On Friday", period="week", mon=False, fri=True
    )
    before = figures()
    rewind()
    odoo_process.run_to_end(
        NAME, settings().logs / f"{NAME}-update.log", f"--update={ADDON}"
    )
    after = figures()
    assert [row for row in after if row not in before] == []
    assert [row for row in before if row not in after] == []
    assert not site.call("psa.invoice.run", "search", [("state", "=", "failed")])


def credit(site, move: int) -> None:
    """A posted credit note of a whole invoice."""
    journal = site.one("account.move", [("id", "=", move)], "journal_id")["journal_id"]
    wizard = site.create(
        "account.move.reversal", move_ids=[(6, 0, [move])], journal_id=journal[0]
    )
    site.call("account.move.reversal", "refund_moves", [wizard])
    note = site.one("account.move", [("reversed_entry_id", "=", move)], "id")["id"]
    site.call("account.move", "action_post", [note])


def leave_a_wizard_open(site) -> None:
    """Somebody was about to invoice by hand."""
    projects = site.call("project.project", "search", [("sale_line_id", "!=", False)])
    site.call(
        "account.analytic.line",
        "create",
        {
            "project_id": projects[0],
            "employee_id": site.call("hr.employee", "search", [])[0],
            "name": "Work of today",
            "unit_amount": 2,
        },
    )
    wizard = site.create(
        "psa.manual.invoice", project_ids=[(6, 0, projects)], cutoff_date="2099-01-01"
    )
    site.call("psa.manual.invoice", "action_next", [wizard])
    assert site.call("psa.manual.invoice.line", "search", [("wizard_id", "=", wizard)])


def invoice_with_odoo(site) -> None:
    """What is open on orders of projects, by Odoo's own button."""
    projects = site.call(
        "project.project",
        "search_read",
        [("sale_line_id.order_id.invoice_status", "=", "to invoice")],
        ["sale_order_id"],
    )
    orders = sorted({project["sale_order_id"][0] for project in projects})
    assert orders
    wizard = site.create(
        "sale.advance.payment.inv",
        advance_payment_method="delivered",
        sale_order_ids=[(6, 0, orders)],
    )
    site.call("sale.advance.payment.inv", "create_invoices", [wizard])


def rewind() -> None:
    """Take away what the previous version did not have."""
    drops = "".join(
        f"ALTER TABLE {table} DROP COLUMN {column} CASCADE;"
        for table, columns in NEW_COLUMNS.items()
        for column in columns
    )
    with database.server().cursor(NAME) as cursor:
        cursor.execute(REWIND + drops)


def figures() -> list[tuple]:
    with database.server().cursor(NAME) as cursor:
        cursor.execute(FIGURES)
        return cursor.fetchall()
