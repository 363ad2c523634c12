"""What Odoo's shell carries out in a database of 19.0.1.6.0: a firm at work.

Every kind of record that the add-on keeps, made by what people press. It speaks to the
add-ons of that version, which is why it must not follow later ones.
"""

from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import UserError

# Odoo's shell provides ``env``.
admin = env.ref("base.user_admin")  # noqa: F821
env = env(user=admin, context={"lang": "en_US"})  # noqa: F821
today = fields.Date.context_today(admin)
ref = env.ref


def ours(name):
    return ref(f"psa_invoicing.{name}")


def wizard(model, records=None, **values):
    context = {}
    if records is not None:
        context = {
            "active_model": records._name,
            "active_id": records[:1].id,
            "active_ids": records.ids,
        }
    return env[model].with_context(**context).create(values)


def log(project, days_ago, hours, employee="employee_tom", **values):
    return env["account.analytic.line"].create(
        {
            "name": f"Work of {days_ago} days ago",
            "date": today - timedelta(days=days_ago),
            "project_id": project.id,
            "employee_id": ours(employee).id,
            "unit_amount": hours,
            **values,
        }
    )


def frequency(name, **values):
    return env["psa.billing.frequency"].create({"name": name, **values})


def bill(projects, **values):
    """A draft of what is open, by hand."""
    before = env["account.move"].search([])
    manual = wizard("psa.manual.invoice", project_ids=projects.ids, **values)
    manual.action_next()
    manual.action_finish()
    return env["account.move"].search([]) - before


website, rollout = ours("project_website"), ours("project_rollout")
platform, audit = ours("project_platform"), ours("project_audit")
projects = website | rollout | platform | audit

# === The firm ===

admin.group_ids += ours("group_billing_manager") + ours("group_billing_reviewer")
firm = env.company
weekly = frequency(
    "Every day of the week",
    period="week",
    **dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), True),
)
tenth = frequency(
    "On the tenth, work until the fifth before",
    month_days="10",
    cutoff_days=5,
    weekday="1",
)
firm.write(
    {
        "billing_frequency_id": ours("frequency_monthly_last_day").id,
        "billing_user_id": admin.id,
        "billing_deduct_downpayments": True,
        "billing_stop_at_year_end": True,
        "billing_reminder_days": 3,
    }
)
ours("partner_harbour").write(
    {"billing_po_required": True, "billing_annex_receipts": True}
)
ours("partner_alpenwerk").billing_frequency_id = tenth
ours("product_senior").product_tmpl_id.billing_frequency_id = weekly
platform.write(
    {
        "billing_user_id": admin.id,
        "billing_end_date": today + timedelta(days=120),
        "billing_copy_to_ids": [Command.set(ours("partner_claire").ids)],
        "billing_override_ids": [
            Command.create({"transaction_type": "milestone", "frequency_id": tenth.id}),
        ],
    }
)
website.billing_override_ids = [
    Command.create(
        {
            "sale_line_id": ours("order_line_website_senior").id,
            "frequency_id": weekly.id,
        }
    )
]
twin = platform.copy({"name": "Customer platform, year two"})
(platform | twin).billing_consolidate = True

# === Runs ===

env["psa.invoice.run"].psa_run(project_ids=projects.ids, dry_run=True)
later = rollout.invoice_schedule_ids.filtered(lambda row: row.state == "planned")
later[-1].run_date += timedelta(days=1)
later[0].psa_skip("The customer asked for one invoice a quarter")
env["psa.invoice.run"].psa_run()
env["psa.invoice.run"].psa_run(project_ids=projects.ids)
env.cr.commit()

# One that fails, as where another add-on asks for more than the order says.
broken = env["project.project"].create(
    {
        "name": "Stadium",
        "partner_id": ours("partner_harbour").id,
        "allow_billable": True,
        "unit_id": ours("department_engineering").id,
        "company_id": firm.id,
    }
)
order = env["sale.order"].create(
    {
        "partner_id": broken.partner_id.id,
        "client_order_ref": "PO-4900",
        "project_id": broken.id,
        "order_line": [
            Command.create({"product_id": ours(f"product_{name}").id, **values})
            for name, values in (
                ("senior", {"product_uom_qty": 40}),
                ("fixed_price", {}),
                *[("hosting", {})] * 4,
            )
        ],
    }
)
order.action_confirm()
broken.sale_line_id, package, *years = order.order_line
for days_ago in (10, 9, 4, 3):
    log(broken, days_ago, 6)
broken.write(
    {
        # Due today, whatever day that is.
        "billing_frequency_id": weekly.id,
        "billing_start_date": today - timedelta(days=14),
    }
)
Order = env.registry["sale.order"]


def defective(self):
    raise UserError("Cost centre of PO-4900 is missing.")


with patch.object(Order, "_prepare_invoice", defective):
    env["psa.invoice.run"].psa_run(project_ids=broken.ids)
    # The next night's run leaves it, and what waits for it.
    ours("ir_cron_run_due").method_direct_trigger()
env.cr.commit()

# === Drafts, and a person's work on them ===


def drafts_of(project):
    return env["account.move"].search(
        [
            ("billing_project_ids", "in", project.ids),
            ("psa_state", "=", "draft"),
            ("move_type", "=", "out_invoice"),
        ],
        order="id",
    )


edited, *posted_of_website = drafts_of(website)
lines = edited.invoice_line_ids.filtered("sale_line_ids")
lines[0].quantity -= 0.5
lines[-1].write({"discount": 10, "name": "As agreed"})
rows = edited.detail_ids.filtered("analytic_line_id")
rows[0].action_psa_offer()
rows[1].write({"quantity": rows[1].quantity / 2})
wizard("psa.row.removal", rows[2], then="hold", reason="Ask first").action_apply()
wizard("psa.row.removal", rows[3], then="write_off", reason="Rework").action_apply()
rows[4].analytic_line_id.unit_amount += 1

# === Posted, sent, paid, credited, taken back ===

posted = drafts_of(platform)
posted.action_post()
sent, corrected, replaced, reset, *rest = posted
(sent | corrected).action_psa_mark_sent()
env["account.payment.register"].with_context(
    active_model="account.move", active_ids=sent.ids
).create({}).action_create_payments()

correction = env["psa.invoice.correction"].browse(
    corrected.action_psa_correct()["res_id"]
)
correction.reason = "An hour too much"
correction.line_ids[0].quantity -= 1
correction.action_apply()
correction.move_id.reversal_move_ids.action_post()

reversal = wizard("account.move.reversal", replaced, journal_id=replaced.journal_id.id)
reversal.reverse_moves(is_modify=True)
wizard("psa.reset.to.draft", reset, reason="Wrong address").action_apply()
if rest:
    again = wizard("account.move.reversal", rest[0], journal_id=rest[0].journal_id.id)
    again.reverse_moves()

down = wizard(
    "sale.advance.payment.inv",
    sale_order_ids=ours("order_rollout").ids,
    advance_payment_method="fixed",
    fixed_amount=5000,
)
down.create_invoices()
env["account.move"].search(
    [("invoice_line_ids.is_downpayment", "=", True)]
).action_post()
drafts_of(rollout)[:1].action_psa_recalculate()

# === Decisions, one of each on every kind of transaction ===

entries = env["account.analytic.line"].search(
    [("project_id", "=", audit.id), ("billed_quantity", "=", 0)], order="id"
)
entries[3].action_psa_write_off(
    "Half of it", {entries[3].id: entries[3].unit_amount / 2}
)
milestones = env["project.milestone"].create(
    [
        {
            "name": f"Stand {number}",
            "project_id": broken.id,
            "sale_line_id": package.id,
            "quantity_percentage": 0.25,
            "is_reached": True,
            "reached_date": today - timedelta(days=5),
        }
        for number in range(1, 5)
    ]
)
bill_of_photos = ours("bill_website_photos").copy({"invoice_date": today})
bill_of_photos.invoice_line_ids = [Command.clear()] + [
    Command.create(
        {
            "product_id": ours("product_photos").id,
            "name": f"Photos of stand {number}",
            "quantity": number,
            "price_unit": 35,
            "tax_ids": [Command.clear()],
            "analytic_distribution": {str(broken.account_id.id): 100},
        }
    )
    for number in range(1, 5)
]
bill_of_photos.action_post()
costs = env["psa.reinvoiced.cost"].search([("project_id", "=", broken.id)])
for transactions in (
    entries,
    milestones,
    costs,
    env["sale.order.line"].union(*years),
):
    transactions[0].action_psa_hold("The customer asked what it was")
    transactions[1].action_psa_set_billing_type("complimentary")
    transactions[2].action_psa_write_off("Goodwill")

# Billed, credited as a whole, and a part of that released again.
for move in bill(broken, cutoff_date=today):
    move.action_post()
    whole = wizard("account.move.reversal", move, journal_id=move.journal_id.id)
    whole.reverse_moves()
    whole.new_move_ids.action_post()
    move.detail_ids.milestone_id.filtered("credited_quantity")[:1].action_psa_release()
late = [log(platform, 100, 4, "employee_ines"), log(platform, 99, 4, "employee_ines")]
wizard(
    "psa.contract.rate",
    ours("order_audit"),
    sale_line_id=ours("order_line_audit_engineering").id,
    start_date=today - timedelta(days=20),
    price_unit=130,
).action_apply()

# === In review, approved, and one that could not be sent ===

firm.write({"billing_review_required": True, "billing_release_required": True})
waiting, approved = (drafts_of(rollout) | drafts_of(website) - edited)[-2:]
(waiting | approved).action_psa_recalculate()
(waiting | approved).action_psa_submit()
approved.action_psa_approve()
approved.partner_id.email = False
approved.sudo()._send_unattended()
approved.partner_id.email = "accounts@customer.example.com"

# === What is left open on the screens ===

wizard("psa.manual.invoice", project_ids=projects.ids, cutoff_date=today).action_next()
wizard("psa.run.due")
wizard("psa.unbilled").action_open()
env["psa.ledger.audit"].action_run()
env.cr.commit()
findings = env["psa.ledger.audit"].sudo()._findings()
print("findings:", findings)
