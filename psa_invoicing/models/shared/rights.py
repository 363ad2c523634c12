# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may do what. Rights of Odoo decide who sees a record; these decide who bills."""

from odoo import models
from odoo.exceptions import AccessError

from .external_arguments import check_exist, check_switched_on

BILLING_MANAGER = "psa_invoicing.group_billing_manager"
BILLING_REVIEWER = "psa_invoicing.group_billing_reviewer"
ACCOUNTANTS = "account.group_account_invoice,account.group_account_readonly"
# They answer for the books, and confirm what does not agree.
BOOKKEEPERS = "account.group_account_user,account.group_account_manager"
# Prices are for those who bill, review and book: reviewers see them of their projects.
FIGURE_GROUPS = f"{BILLING_REVIEWER},{ACCOUNTANTS}"


def is_billing_manager(env) -> bool:
    """What the user is shown; also in code that runs as superuser for them."""
    return env.user.has_group(BILLING_MANAGER)


def is_billing_reviewer(user) -> bool:
    """:param user: ``res.users``"""
    return user.has_group(BILLING_REVIEWER)


def reviews_only(user) -> bool:
    """Reviewers who are no accountants.

    :param user: ``res.users``
    """
    return is_billing_reviewer(user) and not user.has_groups(ACCOUNTANTS)


def may_bill(env) -> bool:
    """Billing administrators, and code that has checked already."""
    return env.su or is_billing_manager(env)


def may_bill_more(user) -> bool:
    """Who decides that a customer pays for more than was logged. A customer who orders
    or pays has entered nothing.

    :param user: ``res.users``
    """
    is_person = user._is_internal() and not user._is_superuser()
    return not is_person or user.has_groups(f"{BILLING_MANAGER},{BOOKKEEPERS}")


def check_may_bill(env):
    """Refuse anyone who is not a billing administrator.

    :raises AccessError: with the group that is missing
    """
    if may_bill(env):
        return
    raise AccessError(
        env._(
            "Only a billing administrator may do this. Ask for the right “%(group)s”.",
            group=group_name(env, BILLING_MANAGER),
        )
    )


def check_may_review(env):
    """Refuse anyone who is no billing reviewer. Of which projects they are, the invoice
    says.

    :raises AccessError: with the group that is missing
    """
    if env.su or is_billing_reviewer(env.user):
        return
    raise AccessError(
        env._(
            "Only a billing reviewer may do this. Ask for the right “%(group)s”.",
            group=group_name(env, BILLING_REVIEWER),
        )
    )


def check_may_decide(records: models.BaseModel):
    """Refuse a decision on transactions, or on rows of the backlog.

    :raises AccessError: unless the user is a billing administrator
    :raises UserError: if a record is gone, or of a company that is not switched on
    """
    check_may_bill(records.env)
    check_exist(records)
    check_switched_on(records.env, companies_of(records))


def companies_of(records: models.BaseModel) -> models.BaseModel:
    """Who bills transactions, or rows of the backlog: the companies of their contract
    lines; of work that has none, its own."""
    # sudo: an administrator need not read timesheets, but not of other companies.
    records = records.sudo()
    line = records._billing_columns.get("sale_line_id", "id")
    if line == "id":
        return records.company_id
    own = "company_id" if "company_id" in records._fields else "project_id.company_id"
    alone = records.filtered(lambda record: not record[line])
    return records.mapped(f"{line}.company_id") | alone.mapped(own)


def projects_with_figures(projects: models.BaseModel) -> models.BaseModel:
    """Those of which the user may see amounts: billing administrators and accountants
    of all, reviewers of what they review."""
    user = projects.env.user
    if projects.env.su or user.has_groups(f"{BILLING_MANAGER},{ACCOUNTANTS}"):
        return projects
    if not is_billing_reviewer(user):
        return projects.browse()
    return projects.filtered(lambda each: user in each.billing_user_id | each.user_id)


def group_name(env, group: str) -> str:
    """What a message calls a group."""
    # sudo: its name is no secret to whoever is to ask for it.
    return env.ref(group).sudo().full_name
