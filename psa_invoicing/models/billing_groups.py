# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Groups by what they may do."""

BILLING_MANAGER = "psa_invoicing.group_billing_manager"
BILLING_REVIEWER = "psa_invoicing.group_billing_reviewer"
ACCOUNTANTS = "account.group_account_invoice,account.group_account_readonly"
# Prices are for those who bill, review and book: reviewers see them of their projects.
FIGURE_GROUPS = f"{BILLING_REVIEWER},{ACCOUNTANTS}"
