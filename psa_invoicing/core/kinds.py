# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kinds of transactions: what they are called, and where they are kept."""

TIME = "time"
EXPENSE = "expense"
MATERIAL = "material"
MILESTONE = "milestone"
ORDER_LINE = "order_line"
TYPES = (TIME, EXPENSE, MATERIAL, MILESTONE, ORDER_LINE)
# On an invoice, but without a transaction behind it: a person typed the quantity.
ADJUSTMENT = "adjustment"
TRANSACTION_TYPES = [
    (TIME, "Time"),
    (EXPENSE, "Expense"),
    (MATERIAL, "Material"),
    (MILESTONE, "Milestone"),
    (ORDER_LINE, "Order Line"),
]

# Where a transaction is kept. Material is a line of a vendor bill, which is re-invoiced
# like an expense, or goods that were sold on the order itself.
COST = "cost"
SOURCES = (TIME, COST, MILESTONE, ORDER_LINE)
MODELS = {
    TIME: "account.analytic.line",
    COST: "psa.reinvoiced.cost",
    MILESTONE: "project.milestone",
    ORDER_LINE: "sale.order.line",
}
TRANSACTION_MODELS = tuple(MODELS.values())
# The kinds that are kept there.
TYPES_IN = {
    TIME: {TIME},
    COST: {EXPENSE, MATERIAL},
    MILESTONE: {MILESTONE},
    ORDER_LINE: {ORDER_LINE, MATERIAL},
}
# Which column of the ledger points there.
SOURCE_FIELDS = {
    TIME: "analytic_line_id",
    COST: "cost_id",
    MILESTONE: "milestone_id",
    ORDER_LINE: "sale_line_id",
}

# What selection calls the columns of a transaction; which of its own they are, each
# kind says in ``_billing_columns``.
COLUMNS = {
    "sale_line_id": "int4",
    "project_id": "int4",
    "task_id": "int4",
    "employee_id": "int4",
    "date": "date",
    "text": "varchar",
    "who": "varchar",
    "kind": "varchar",
    "uom_id": "int4",
}

Key = tuple[str, int]
"""A transaction: one of ``SOURCES``, and the id of its record."""

CHARGEABLE = "chargeable"
COMPLIMENTARY = "complimentary"
NON_CHARGEABLE = "non_chargeable"
BILLING_TYPES = [
    (CHARGEABLE, "Chargeable"),
    (COMPLIMENTARY, "Complimentary"),
    (NON_CHARGEABLE, "Non-chargeable"),
]

BILLING_STATUSES = [
    ("none", "Not Billable"),
    ("ready", "Ready"),
    ("hold", "On Hold"),
    ("draft", "On a Draft"),
    ("invoiced", "Invoiced"),
    ("credited", "Credited: to Review"),
    ("written_off", "Written Off"),
]

# Figures of a transaction that follow from the ledger; nothing else writes them.
LEDGER_FIELDS = (
    "billed_quantity",
    "billing_draft_quantity",
    "billing_credited_quantity",
    "billing_written_off_quantity",
)

# The type of products that are goods, to Odoo.
GOODS = "consu"


def kind_of_sold(product_type: str) -> str:
    """What an order line is that is billed itself: goods are material.

    The same in SQL: ``tools.rules.kind_of_sold_sql``.

    :param product_type: of its product
    """
    return MATERIAL if product_type == GOODS else ORDER_LINE


def source_of(kind: str, is_cost: bool) -> str:
    """Where a transaction of the ledger is kept; '': an adjustment is none.

    The same in SQL: ``tools.rules.source_sql``.

    :param is_cost: whether its contract line bills what somebody else was paid for
    """
    if kind == ADJUSTMENT:
        return ""
    if kind == EXPENSE or (kind == MATERIAL and is_cost):
        return COST
    return ORDER_LINE if kind == MATERIAL else kind
