# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What we add to Odoo's models has names of ours."""

import logging

from odoo.exceptions import UserError
from odoo.tools import SQL, parse_version, sql

_logger = logging.getLogger(__name__)

TRANSACTIONS = (
    "account.analytic.line",
    "project.milestone",
    "psa.reinvoiced.cost",
    "psa.transaction.mixin",
    "sale.order.line",
)
INVOICES = ("account.move", "account.bank.statement.line")
# New names of fields, by the models that have them.
FIELDS = {
    ("account.move.line",): {"credited_line_id": "billing_credited_line_id"},
    ("project.project",): {
        "can_see_billing_figures": "psa_can_see_figures",
        "draft_invoice_count": "billing_draft_count",
        "has_billing_overrides": "psa_has_billing_overrides",
        "unsold_warning": "billing_unsold_warning",
    },
    ("project.project", "res.partner", "sale.order"): {
        "project_invoice_count": "billing_invoice_count"
    },
    ("sale.order",): {
        "has_billed_project": "psa_has_billed_project",
        "has_time_rates": "psa_has_time_rates",
    },
    ("sale.order.line",): {
        "excluded_quantity": "billing_excluded_quantity",
        "never_billed_quantity": "psa_never_billed_quantity",
        "rate_line_ids": "billing_rate_line_ids",
        "rate_origin_line_id": "billing_rate_origin_line_id",
        "rate_start_date": "billing_rate_start_date",
    },
    INVOICES: {
        "can_correct": "psa_can_correct",
        "can_review": "psa_can_review",
        "detail_count": "psa_detail_count",
        "downpayment_to_deduct": "billing_downpayment_to_deduct",
        "earlier_period_count": "billing_earlier_period_count",
        "is_adoptable": "psa_is_adoptable",
        "is_po_missing": "billing_po_missing",
        "is_review_required": "psa_is_review_required",
        "pending_changes": "psa_pending_changes",
        "pending_summary": "psa_pending_summary",
        "reopens_transactions": "psa_reopens_transactions",
    },
    TRANSACTIONS: {
        "credited_quantity": "billing_credited_quantity",
        "draft_quantity": "billing_draft_quantity",
        "written_off_quantity": "billing_written_off_quantity",
    },
}
BUTTONS = {
    "action_plan_from_start": "action_psa_plan_from_start",
    "action_view_billing_backlog": "action_psa_view_backlog",
    "action_view_draft_invoices": "action_psa_view_draft_invoices",
    "action_view_posted_invoices": "action_psa_view_posted_invoices",
    "action_view_project_invoices": "action_psa_view_invoices",
    "action_view_unsold_time": "action_psa_view_unsold_time",
}
# The oldest version whose names these are.
OLDEST = "19.0.1.6.0"
# A name in a text, also behind a line break as JSON has it.
WORD = r"(\m|\\n)%s\M"
# Tables that are not called like their model.
ACTIONS = {
    "ir_act_report_xml": "ir.actions.report",
    "ir_act_server": "ir.actions.server",
    "ir_act_window": "ir.actions.act_window",
}
MODEL = "(SELECT model FROM ir_model WHERE ir_model.id = model_id)"
# Where people wrote names of fields: table, columns, and what says of which model.
WRITTEN = (
    ("ir_filters", ("domain", "context", "sort"), "model_id"),
    ("ir_act_window", ("domain", "context"), "res_model"),
    ("ir_act_server", ("code", "update_path", "value"), MODEL),
    ("ir_act_report_xml", ("attachment", "print_report_name"), "model"),
    ("ir_embedded_actions", ("domain", "context"), "parent_res_model"),
    ("ir_model_fields", ("related", "depends", "compute", "domain"), "model"),
    ("ir_rule", ("domain_force",), MODEL),
    (
        "ir_exports_line",
        ("name",),
        "(SELECT resource FROM ir_exports WHERE id = export_id)",
    ),
    ("base_automation", ("filter_domain", "filter_pre_domain"), MODEL),
    (
        "mail_template",
        ("subject", "body_html", "email_to", "partner_to", "scheduled_date"),
        "model",
    ),
    ("ir_ui_view", ("arch_db",), "model"),
)


def migrate(cr, version):
    """Columns keep their data, and what people built on the names follows them."""
    if parse_version(version) < parse_version(OLDEST):
        # Translations are not loaded yet.
        raise UserError(  # pylint: disable=translation-required
            f"psa_invoicing {version} cannot be upgraded to this version in one step. "
            f"Nothing was changed. Upgrade this database with psa_invoicing {OLDEST} "
            "first, then with this version."
        )
    taken = _names_of_others(cr)
    for models, names in FIELDS.items():
        for model in models:
            for old, new in names.items():
                _rename_field(cr, model, old, new)
    every = {old: new for names in FIELDS.values() for old, new in names.items()}
    models = sorted({model for group in FIELDS for model in group})
    for old, new in BUTTONS.items():
        _rewrite(cr, "ir_ui_view", "arch_db", old, new, SQL("model = ANY(%s)", models))
    places = [
        (table, column, SQL(model))
        for table, columns, model in WRITTEN
        for column in columns
        if sql.column_exists(cr, table, column)
    ]
    for table, column, model in places:
        for models, names in FIELDS.items():
            for old, new in names.items():
                is_ours = SQL("%s = ANY(%s)", model, list(models))
                if old not in taken:
                    is_ours = SQL("TRUE")
                _rewrite(cr, table, column, old, new, is_ours)
        _tell(cr, table, column, every)


def _names_of_others(cr):
    """Old names that fields of other models have, too: of those a text alone does not
    say whose they are."""
    models = {old: set(models) for models, names in FIELDS.items() for old in names}
    cr.execute(
        "SELECT name, model FROM ir_model_fields WHERE name = ANY(%s)", [list(models)]
    )
    return {name for name, model in cr.fetchall() if model not in models[name]}


def _rename_field(cr, model, old, new):
    table = model.replace(".", "_")
    if sql.column_exists(cr, table, old) and not sql.column_exists(cr, table, new):
        sql.rename_column(cr, table, old, new)
        _rename_kin(cr, table, old, new)
    cr.execute(
        "UPDATE ir_model_fields SET name = %s WHERE model = %s AND name = %s",
        [new, model, old],
    )
    cr.execute(
        "UPDATE ir_model_data SET name = %s "
        "WHERE module = 'psa_invoicing' AND model = 'ir.model.fields' AND name = %s",
        [f"field_{table}__{new}", f"field_{table}__{old}"],
    )


def _rename_kin(cr, table, old, new):
    """Else Odoo would make another index beside the one there is."""
    before, after = sql.make_index_name(table, old), sql.make_index_name(table, new)
    cr.execute(
        SQL(
            "ALTER INDEX IF EXISTS %s RENAME TO %s",
            SQL.identifier(before),
            SQL.identifier(after),
        )
    )
    before, after = f"{table}_{old}_fkey", f"{table}_{new}_fkey"
    if sql.constraint_definition(cr, table, before):
        cr.execute(
            SQL(
                "ALTER TABLE %s RENAME CONSTRAINT %s TO %s",
                SQL.identifier(table),
                SQL.identifier(before),
                SQL.identifier(after),
            )
        )


def _rewrite_views(cr, names):
    """Of the models that have them, people's own ones as well: Odoo checks a view
    together with all that extend it, before it has read the new ones."""
    models = sorted({model for group in FIELDS for model in group})
    for old, new in names.items():
        cr.execute(
            r"""UPDATE ir_ui_view
                   SET arch_db = regexp_replace(
                           arch_db::text, %(old)s, %(new)s, 'g')::jsonb
                 WHERE model = ANY(%(models)s) AND arch_db::text ~ %(old)s""",
            {"old": rf"\m{old}\M", "new": new, "models": models},
        )


def _rewrite(cr, table, column, old, new, condition):
    is_json = sql.table_columns(cr, table)[column]["udt_name"] == "jsonb"
    cr.execute(
        SQL(
            """UPDATE %(table)s
                  SET %(column)s = regexp_replace(
                          %(column)s::text, %(old)s, %(new)s, 'g')%(kind)s
                WHERE %(column)s::text ~ %(old)s AND %(condition)s""",
            table=SQL.identifier(table),
            column=SQL.identifier(column),
            kind=SQL("::jsonb" if is_json else ""),
            old=WORD % old,
            new=rf"\1{new}",
            condition=condition,
        )
    )


def _tell(cr, table, column, names):
    """Say what a person has to look at: of a name that other models have, too."""
    cr.execute(
        SQL(
            """SELECT id, (regexp_match(%(column)s::text, %(old)s))[2] FROM %(table)s
                WHERE %(column)s::text ~ %(old)s AND NOT EXISTS (
                      SELECT FROM ir_model_data AS data
                       WHERE data.res_id = %(table)s.id AND data.model = %(model)s
                         AND data.module IN (SELECT name FROM ir_module_module))
             ORDER BY id""",
            table=SQL.identifier(table),
            column=SQL.identifier(column),
            model=ACTIONS.get(table) or table.replace("_", "."),
            old=WORD % f"({'|'.join(sorted(names))})",
        )
    )
    for id_, name in cr.fetchall():
        _logger.warning(
            "%s of %s %s names %r. Where that is a field of psa_invoicing, write %r.",
            column,
            table,
            id_,
            name,
            names[name],
        )
