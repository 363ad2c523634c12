# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rules of billing in SQL, each once, beside the same in Python where records are at
hand. A test compares the two on random rows.

The statements call a row of the ledger ``detail`` and its invoice ``move``; an order
line ``line``, the template of its product ``template``; an invoice line ``item``.
"""

from odoo.tools import SQL

from ..core.kinds import (
    ADJUSTMENT,
    CHARGEABLE,
    COST,
    EXPENSE,
    GOODS,
    MATERIAL,
    ORDER_LINE,
    SOURCE_FIELDS,
)

# === What counts ===


def stands_sql(move: str = "move") -> SQL:
    """Whether an invoice counts: it is not cancelled, or one of an earlier system,
    which Odoo keeps as cancelled and counts all the same."""
    return SQL(
        "(%(move)s.state <> 'cancel' OR %(move)s.payment_state = 'invoicing_legacy')",
        move=SQL.identifier(move),
    )


def stands(move) -> bool:
    """:func:`stands_sql`, of one invoice."""
    return move.state != "cancel" or move.payment_state == "invoicing_legacy"


def credit_sql() -> SQL:
    """What a credit note takes back; a correction that it bills is none, nor is the
    adjustment that settles an order, as Odoo's button makes it."""
    return SQL(
        """COALESCE(move.move_type = 'out_refund'
                    AND (detail.origin_detail_id IS NOT NULL
                         OR detail.transaction_type = %s
                            AND move.reversed_entry_id IS NOT NULL), FALSE)""",
        ADJUSTMENT,
    )


def is_credit(detail) -> bool:
    """:func:`credit_sql`, of one row."""
    move = detail.move_id
    return move.move_type == "out_refund" and bool(
        detail.origin_detail_id
        or (detail.transaction_type == ADJUSTMENT and move.reversed_entry_id)
    )


def reopens_sql() -> SQL:
    """Whether what a credit note takes back is open again: once it is posted, unless
    it credits the price alone."""
    return SQL("(move.state = 'posted' AND move.psa_reopens_transactions IS NOT FALSE)")


def reopens(move) -> bool:
    """:func:`reopens_sql`, of one credit note; its column is never empty."""
    return move.state == "posted" and move.psa_reopens_transactions


def live_sql() -> SQL:
    """Rows of the ledger that count; one without an invoice is a write-off."""
    return SQL(
        "CASE WHEN move.id IS NULL THEN detail.is_suspended IS NOT TRUE"
        " ELSE %s AND (NOT %s OR %s) END",
        stands_sql(),
        credit_sql(),
        reopens_sql(),
    )


def is_live(detail) -> bool:
    """:func:`live_sql`, of one row."""
    move = detail.move_id
    if not move:
        return not detail.is_suspended
    return stands(move) and (not is_credit(detail) or reopens(move))


def uncharged_sql() -> SQL:
    """Rows for which no customer pays: offered, non-chargeable or written off."""
    return SQL("(detail.is_write_off IS TRUE OR detail.billing_type <> %s)", CHARGEABLE)


def charged_sql() -> SQL:
    """Rows that an invoice line charges, or a credit note takes back."""
    return SQL("%s IS NOT TRUE", uncharged_sql())


def sign_sql() -> SQL:
    """Credit notes count down."""
    return SQL("CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END")


def sign(move) -> int:
    """:func:`sign_sql`, of one document."""
    return -1 if move.move_type == "out_refund" else 1


# === How much ===


def factor_sql(unit: str = "unit", line_unit: str = "line_unit") -> SQL:
    """What one unit of a transaction is in the unit of its contract line.

    :param unit: alias of the unit of measure of the transaction, or none
    :param line_unit: of that of the contract line
    """
    return SQL(
        "COALESCE(%s / %s, 1)",
        SQL.identifier(unit, "factor"),
        SQL.identifier(line_unit, "factor"),
    )


def item_quantity_sql(line_unit: str = "line_unit") -> SQL:
    """What an invoice line bills in the unit of its contract line, of which it may have
    a share: ``account.move.line._billing_quantity``."""
    return SQL(
        "(item.quantity * COALESCE(NULLIF(item.billing_share, 0), %s))::float8",
        factor_sql("unit", line_unit),
    )


def open_text(billable: str) -> str:
    """What is open, as the indexes over it say: they and the searches of
    ``psa.transaction.mixin`` have to agree.

    :param billable: what is to be billed in all
    """
    return f"""
            CASE WHEN billing_type = 'non_chargeable' THEN 0
                 ELSE {billable} - COALESCE(billed_quantity, 0)
                      - COALESCE(billing_written_off_quantity, 0) END"""


# Of transactions that keep what is to be billed in a column.
OPEN = open_text("COALESCE(billable_quantity, 0)")


# === Which contract lines are in the ledger ===

# What joins to a line its product and template, on which it depends.
OF_PRODUCT = SQL(
    """JOIN product_product AS product ON product.id = line.product_id
       JOIN product_template AS template ON template.id = product.product_tmpl_id"""
)
# No heading and no down payment: ``sale.order.line._psa_is_contract_line``.
CONTRACT_LINE = SQL(
    """(line.display_type IS NULL AND line.is_downpayment IS NOT TRUE
        AND template.type <> 'combo')"""
)
# ``sale.order.line._psa_is_in_ledger``.
IN_LEDGER = SQL(
    """(%s AND (line.billing_project_id IS NOT NULL
                OR template.invoice_policy = 'delivery'
                   AND line.qty_delivered_method IN ('milestones', 'timesheet')))""",
    CONTRACT_LINE,
)
# Something finer is billed: ``sale.order.line._psa_is_billed_by_transactions``.
BY_TRANSACTIONS = SQL(
    """(template.invoice_policy = 'delivery' AND COALESCE(line.qty_delivered_method, '')
        IN ('analytic', 'milestones', 'timesheet'))"""
)

# Fixed prices: ``sale.order.line._psa_is_billed_by_amount``.
BY_AMOUNT = SQL(
    """(template.invoice_policy = 'delivery'
        AND COALESCE(line.qty_delivered_method, '') = 'milestones')"""
)

# Invoice lines that bill an order line and are not in the ledger, in a query with the
# line ``item`` and its ``move``. A draft credit note reopens nothing: it is recorded
# apart.
UNKNOWN_BILL = SQL(
    """(item.display_type = 'product' AND item.quantity <> 0
        AND (move.move_type = 'out_invoice'
             AND %s
             OR move.move_type = 'out_refund' AND move.state = 'posted')
        AND NOT EXISTS (SELECT FROM psa_invoice_detail AS detail
                         WHERE detail.move_line_id = item.id
                           AND detail.sale_line_id = line.id))""",
    stands_sql(),
)


# === Of which kind, and where it is kept ===


def kind_of_sold_sql(is_goods: SQL) -> SQL:
    """``core.kinds.kind_of_sold``.

    :param is_goods: whether the product is, of an order line that is billed itself
    """
    return SQL("CASE WHEN %s THEN %s ELSE %s END", is_goods, MATERIAL, ORDER_LINE)


def is_goods_sql(template: str = "template", column: str = "type") -> SQL:
    return SQL("%s = %s", SQL.identifier(template, column), GOODS)


def source_sql(detail: str, is_cost: SQL) -> SQL:
    """``core.kinds.source_of``.

    :param detail: alias of the row of the ledger
    :param is_cost: whether its contract line bills what somebody else was paid for
    """
    return SQL(
        """CASE %(kind)s
               WHEN %(adjustment)s THEN ''
               WHEN %(expense)s THEN %(cost)s
               WHEN %(material)s THEN
                    CASE WHEN %(is_cost)s THEN %(cost)s ELSE %(order_line)s END
               ELSE %(kind)s END""",
        kind=SQL.identifier(detail, "transaction_type"),
        adjustment=ADJUSTMENT,
        expense=EXPENSE,
        cost=COST,
        material=MATERIAL,
        is_cost=is_cost,
        order_line=ORDER_LINE,
    )


def source_id_sql(detail: str, source: SQL) -> SQL:
    """The id of the transaction of a row of the ledger.

    :param detail: alias of the row
    :param source: where it is kept: :func:`source_sql`
    """
    cases = [
        SQL("WHEN %s THEN %s", name, SQL.identifier(detail, column))
        for name, column in SOURCE_FIELDS.items()
    ]
    return SQL("CASE %s %s END", source, SQL(" ").join(cases))
