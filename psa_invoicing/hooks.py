# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tools import sql

# Added empty before Odoo would compute or fill them: nothing of a database with years
# of history is billed here yet, and there would be millions of rows to write.
COLUMNS = {
    "account_move": {"psa_state": "varchar", "psa_reopens_transactions": "bool"},
    "project_milestone": {"billable_quantity": "float8"},
    "sale_order_line": {
        "billable_quantity": "float8",
        "billing_date": "date",
        "billing_project_id": "int4",
        "psa_invoiced_elsewhere_quantity": "float8",
    },
}


def pre_init_hook(env):
    """Prepare a database with history; of another installation, columns may be left."""
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            if not sql.column_exists(env.cr, table, name):
                sql.create_column(env.cr, table, name, kind)


def post_init_hook(env):
    """Take the history of the database into the ledger."""
    env["psa.billing"].take_over_history()


def uninstall_hook(env):
    """Leave order lines as Odoo itself would have them.

    What was on hold or written off here is to be invoiced again, by Odoo's own button.
    Who installs the add-on again finds what was decided.
    """
    env["psa.billing"].keep_decisions()
    lines = env["sale.order.line"].search([("billing_excluded_quantity", "!=", 0)])
    lines.write({"billing_excluded_quantity": 0.0, "psa_never_billed_quantity": 0.0})
    env.flush_all()
