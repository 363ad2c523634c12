# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may do what, on whose records: a table to read, and to add a line to."""

ROLES = {
    "public": "base.group_public",
    "portal": "base.group_portal",
    "customer": "base.group_portal",
    "internal": "base.group_user",
    "employee": "hr_timesheet.group_hr_timesheet_user",
    "approver": "hr_timesheet.group_hr_timesheet_approver",
    "manager": "project.group_project_manager",
    "manager of another": "project.group_project_manager",
    "reviewer": "psa_invoicing.group_billing_reviewer",
    "reviewer of another": "psa_invoicing.group_billing_reviewer",
    "salesman": "sales_team.group_sale_salesman_all_leads",
    "sales manager": "sales_team.group_sale_manager",
    "auditor": "account.group_account_readonly",
    "accountant": "account.group_account_invoice",
    "bookkeeper": "account.group_account_user",
    "accounting manager": "account.group_account_manager",
    "administrator": "base.group_system",
    "biller": "psa_invoicing.group_billing_manager",
    "chief": "psa_invoicing.group_billing_manager,base.group_system",
    "elsewhere": "psa_invoicing.group_billing_manager",
}
"""What somebody is, and by which groups.

``elsewhere`` bills another company, and reviews its project; ``chief`` is tried where
it takes both of its groups.
"""

NOBODY: frozenset[str] = frozenset()
EVERYBODY = frozenset(ROLES)
INTERNAL = EVERYBODY - {"public", "portal", "customer"}
BILLERS = frozenset({"biller", "elsewhere"})
REVIEWERS = frozenset({"reviewer", "reviewer of another"})
MANAGERS = frozenset({"manager", "manager of another"})
SELLERS = frozenset({"salesman", "sales manager"})
ACCOUNTANTS = frozenset({"accountant", "bookkeeper", "accounting manager"}) | BILLERS
BOOKKEEPERS = frozenset({"bookkeeper", "accounting manager"})
CHIEF = frozenset({"chief"})
SYSTEM = CHIEF | {"administrator"}
READ_LEDGER = ACCOUNTANTS | REVIEWERS | {"auditor"}
READ_INVOICES = READ_LEDGER | SELLERS
READ_ORDERS = READ_INVOICES | MANAGERS | {"customer"}
READ_PROJECTS = INTERNAL | {"customer"}
PLANNERS = MANAGERS | REVIEWERS | BILLERS

WHOSE = {
    "customer": "own",
    "reviewer": "own",
    "reviewer of another": "other",
    "elsewhere": "foreign",
}
"""Roles that get in only where the work is theirs: by whose work that is."""
SEEN_IN_THE_FIRM = {
    "project.project",
    "psa.billing.override",
    "psa.invoice.schedule",
    "res.partner",
    "sale.order",
}
"""What its employees see of all work."""


def is_foreign(role: str, world: str) -> bool:
    """Whether somebody works for another company than the one of the work."""
    return (role == "elsewhere") != (world == "foreign")


def may(role: str, who: frozenset[str], world: str, model: str) -> bool:
    """Whether somebody gets in: on records of the own company, and where only what is
    theirs is shown to them, on those."""
    if role not in who or is_foreign(role, world):
        return False
    sees_all = role != "customer" and model in SEEN_IN_THE_FIRM
    return sees_all or WHOSE.get(role, world) == world


def tried(who: frozenset[str], world: str) -> list[str]:
    """Who tries: everybody on what is their own, on the rest those who might get in."""
    near = {
        "own": EVERYBODY - {"chief"},
        "other": REVIEWERS | MANAGERS | {"biller", "customer"},
        "foreign": BILLERS,
    }
    return [role for role in ROLES if role in near[world].union(who)]


DECISIONS = {
    "action_psa_hold": BILLERS,
    "action_psa_release": BILLERS,
    "action_psa_set_billing_type": BILLERS,
    "action_psa_write_off": BILLERS,
    "action_manual_invoice": BILLERS,
}
TRANSACTION = {
    **DECISIONS,
    "action_psa_undo_write_off: written off": BILLERS,
    "action_psa_view_invoices: billed": BILLERS,
}
DIALOG = {"action_apply": BILLERS}

LINES = {
    # What is invoiced.
    "account.move": {
        "action_post": ACCOUNTANTS,
        "action_psa_approve: in review": REVIEWERS | {"elsewhere"},
        "action_psa_correct: posted": BILLERS,
        "action_psa_deduct_downpayment": BILLERS,
        "action_psa_mark_paid: posted": BILLERS,
        "action_psa_mark_sent: posted": BILLERS,
        "action_psa_preview": READ_INVOICES,
        "action_psa_recalculate": BILLERS,
        "action_psa_retry: failed": BILLERS,
        "action_psa_send": BILLERS,
        "action_psa_submit": BILLERS,
        "action_psa_view_credit_notes": READ_INVOICES,
        "action_psa_view_details": READ_INVOICES,
        "action_psa_view_projects": READ_INVOICES,
        "button_draft: posted": ACCOUNTANTS,
        "psa_mark_paid: posted": BILLERS,
        "psa_recalculate": BILLERS,
        "psa_send": BILLERS,
        "read": READ_INVOICES,
        "write: approved by hand": NOBODY,
    },
    "account.move.send.wizard": {"action_psa_preview": ACCOUNTANTS | SELLERS},
    "psa.invoice.detail": {
        "action_psa_charge": BILLERS,
        "action_psa_leave_out": BILLERS,
        "action_psa_offer": BILLERS,
        "action_psa_offer: in review": BILLERS | REVIEWERS,
        # The entry behind it: reviewers and accountants see no time sheets.
        "action_psa_open_source": BILLERS,
        "action_psa_write_off_rest: lowered": BILLERS,
        "unlink: in review": BILLERS | REVIEWERS,
        "write: in review": BILLERS | REVIEWERS,
    },
    # What is to be invoiced.
    "account.analytic.line": TRANSACTION,
    "project.milestone": TRANSACTION,
    "psa.reinvoiced.cost": TRANSACTION,
    "sale.order.line": TRANSACTION,
    "psa.backlog": {
        **DECISIONS,
        "action_add_to_draft": BILLERS,
        "action_open": BILLERS,
    },
    "psa.billing.leakage": {
        "action_release": BILLERS,
        "action_set_billing_type": BILLERS,
        "action_set_contract_line": BILLERS,
    },
    # For whom, and when.
    "project.project": {
        "action_archive": MANAGERS,
        "action_manual_invoice": BILLERS,
        "action_psa_plan_from_start": BILLERS,
        "action_psa_start_today": BILLERS | MANAGERS,
        "action_psa_start_with_oldest": BILLERS | MANAGERS,
        "action_psa_view_backlog": BILLERS,
        "action_psa_view_draft_invoices": READ_PROJECTS,
        "action_psa_view_invoices": READ_PROJECTS,
        "action_psa_view_posted_invoices": READ_PROJECTS,
        "action_psa_view_unsold_time": BILLERS,
        "psa_invoice": BILLERS,
        "psa_preview": BILLERS,
    },
    "res.partner": {
        "action_manual_invoice": BILLERS,
        "action_psa_view_backlog": BILLERS,
        "action_psa_view_invoices": READ_PROJECTS,
    },
    "sale.order": {
        "action_manual_invoice": BILLERS,
        "action_psa_view_backlog": BILLERS,
        "action_psa_view_invoices": READ_ORDERS,
    },
    "psa.invoice.schedule": {
        "action_manual_invoice": BILLERS,
        "action_plan_again": BILLERS,
        "action_retry: failed": BILLERS,
        "psa_skip: planned": BILLERS,
        "write: its state": NOBODY,
    },
    "psa.invoice.run": {
        "action_bill: dry": BILLERS,
        "action_open_invoices": BILLERS,
        "action_open_lines": BILLERS,
        "action_retry: failed": BILLERS,
        "action_send_invoices": BILLERS,
        "psa_status": BILLERS,
    },
    "psa.invoice.run.line": {
        "action_open_project": BILLERS,
        "action_retry: failed": BILLERS,
    },
    # Dialogs, open on such a record.
    "psa.adopt.draft": DIALOG,
    "psa.confirm.anyway": {"action_apply": BOOKKEEPERS},
    "psa.contract.line.change": DIALOG,
    "psa.contract.rate": DIALOG,
    "psa.invoice.correction": {**DIALOG, "action_credit_all": BILLERS},
    "psa.manual.invoice": {
        "action_back": BILLERS,
        "action_finish": BILLERS,
        "action_next": BILLERS,
        "mark_reached": BILLERS,
        "review_choose_draft": BILLERS,
        "review_edit": BILLERS,
        "review_left_out": BILLERS,
        "review_refresh": BILLERS,
        "review_remedy": BILLERS,
        "review_rows": BILLERS,
        "review_tick": BILLERS,
    },
    "psa.project.backlog": DIALOG,
    "psa.reset.to.draft": {"action_apply": ACCOUNTANTS},
    "psa.review.comment": {"action_apply: in review": REVIEWERS | {"elsewhere"}},
    "psa.row.removal": {
        "action_apply": BILLERS,
        "action_apply: in review": BILLERS | REVIEWERS,
    },
    "psa.schedule.skip": {"action_apply: planned": BILLERS},
    "psa.send": {"action_preview": BILLERS, "action_send": BILLERS},
    "psa.send.line": {"action_open": BILLERS, "action_preview": BILLERS},
    "psa.transaction.decision": DIALOG,
}
"""By model and method, on records; after a colon, in what situation."""

WITHOUT_RECORDS = {
    "psa.backlog": {"count_groups": BILLERS},
    "psa.billing.frequency": {"get_import_templates": EVERYBODY},
    "psa.invoice.run": {
        "action_run_due": BILLERS,
        # The others are told nothing.
        "get_scheduler_problem": EVERYBODY,
        "psa_run": BILLERS,
    },
    "psa.invoice.schedule": {
        "get_import_templates": EVERYBODY,
        "get_unusual_days": PLANNERS,
    },
    "psa.ledger.audit": {
        "action_check_again": CHIEF,
        "action_compute_figures": CHIEF,
        "action_run": CHIEF,
    },
    "psa.ledger.audit.line": {"action_open_record": SYSTEM},
    "psa.run.due": {"action_dry_run": BILLERS, "action_run": BILLERS},
    "psa.start.page": {
        "get_card": BILLERS | REVIEWERS,
        "get_start_page": BILLERS | REVIEWERS,
        "open_card": BILLERS | REVIEWERS,
    },
    "psa.unbilled": {"action_open": BILLERS},
}
"""What is about the firm as a whole."""

ASKED = (BILLERS, BILLERS, BILLERS, BILLERS)
AUDITED = (SYSTEM, NOBODY, NOBODY, NOBODY)

RECORDS = {
    # read, change, add, delete
    "psa.backlog": (BILLERS, NOBODY, NOBODY, NOBODY),
    "psa.billing.frequency": (PLANNERS, BILLERS, BILLERS, BILLERS),
    "psa.billing.leakage": (BILLERS, NOBODY, NOBODY, NOBODY),
    "psa.billing.override": (PLANNERS, MANAGERS, MANAGERS, MANAGERS),
    "psa.invoice.detail": (READ_LEDGER, BILLERS, NOBODY, BILLERS),
    "psa.invoice.run": (BILLERS, NOBODY, NOBODY, NOBODY),
    "psa.invoice.run.line": (BILLERS, NOBODY, NOBODY, NOBODY),
    "psa.invoice.schedule": (PLANNERS, BILLERS, BILLERS, NOBODY),
    "psa.reinvoiced.cost": (ACCOUNTANTS, BILLERS, NOBODY, NOBODY),
}
DIALOGS = {
    "psa.adopt.draft": ASKED,
    "psa.confirm.anyway": (BOOKKEEPERS,) * 4,
    "psa.contract.line.change": ASKED,
    "psa.contract.rate": ASKED,
    "psa.invoice.correction": ASKED,
    "psa.invoice.correction.line": ASKED,
    "psa.ledger.audit": AUDITED,
    "psa.ledger.audit.line": AUDITED,
    "psa.manual.invoice": ASKED,
    "psa.manual.invoice.line": (BILLERS, BILLERS, NOBODY, NOBODY),
    "psa.project.backlog": (BILLERS | MANAGERS,) * 4,
    "psa.reset.to.draft": (ACCOUNTANTS,) * 4,
    "psa.review.comment": (BILLERS | REVIEWERS,) * 4,
    "psa.row.removal": (BILLERS | REVIEWERS,) * 4,
    "psa.run.due": ASKED,
    "psa.schedule.skip": ASKED,
    "psa.send": ASKED,
    "psa.send.line": ASKED,
    "psa.transaction.decision": ASKED,
    "psa.unbilled": ASKED,
    "psa.unbilled.line": (BILLERS, NOBODY, NOBODY, NOBODY),
}
"""One's own: those of a colleague are nobody's."""
OF_ONE_COMPANY = {"psa.unbilled.line"}
"""What stays with its company, whoever has asked for it."""
OF_NO_COMPANY = {"psa.billing.frequency", "psa.run.due", "psa.unbilled"}
"""What points at nothing that is a company's."""
