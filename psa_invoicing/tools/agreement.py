# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where an invoice and its ledger disagree, each rule once: asked of the invoices that
are being posted, and by the audit of all.

Each is a statement over the invoice ``move``, and returns its ``id`` and what is said
of it; ``wanted`` says which invoices.
"""

from odoo.tools import SQL

from ..core.allocation import TOLERANCE
from ..core.kinds import ADJUSTMENT
from . import rules

# What a person knows a line by.
LINE = SQL("SPLIT_PART(item.name, CHR(10), 1) AS line")
# Rounding over a whole invoice leaves a step of its currency on a line; both are exact.
STEP = SQL("currency.rounding")


def _step_sql(step: float) -> SQL:
    """What rounding leaves of a quantity on an invoice line ``item``, in the unit of
    its contract line.

    :param step: the smallest step of a quantity
    """
    return SQL(
        "CASE WHEN item.billing_share <> 0 THEN %s ELSE GREATEST(%s, 1) * %s END",
        TOLERANCE,
        rules.factor_sql(),
        step,
    )


def line_quantity_sql(wanted: SQL, step: float) -> SQL:
    """An invoice line is the sum of its chargeable details.

    But for rounding: the slice that closes a contract line takes the differences of all
    the others. Of a line that bills an amount there is none.

    :param step: the smallest step of a quantity
    """
    return SQL(
        """
        SELECT billed.id, billed.line, billed.quantity, billed.sum
          FROM (SELECT item.move_id AS id, %(text)s, line.id AS line_id,
                       %(quantity)s * %(sign)s AS quantity,
                       SUM(detail.quantity) AS sum,
                       %(step)s AS step
                  FROM psa_invoice_detail AS detail
                  JOIN account_move_line AS item ON item.id = detail.move_line_id
                  JOIN account_move AS move ON move.id = item.move_id
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
             LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
             LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
                 WHERE %(wanted)s AND %(charged)s
              GROUP BY item.id, move.id, line.id, unit.id, line_unit.id
               ) AS billed
         WHERE ABS(billed.quantity - billed.sum) > billed.step
           AND ABS(billed.quantity - billed.sum)
               > billed.step * (2 + (
                   SELECT COUNT(*) FROM sale_order_line_invoice_rel AS rel
                    WHERE rel.order_line_id = billed.line_id)) / 2
        """,
        text=LINE,
        wanted=wanted,
        charged=rules.charged_sql(),
        quantity=rules.item_quantity_sql(),
        sign=rules.sign_sql(),
        step=_step_sql(step),
    )


def line_without_details_sql(wanted: SQL) -> SQL:
    """Whoever bills a contract line, it is in the ledger."""
    return SQL(
        """
        SELECT move.id, %(text)s, item.quantity
          FROM account_move_line AS item
          JOIN account_move AS move ON move.id = item.move_id
         WHERE %(wanted)s AND move.move_type IN ('out_invoice', 'out_refund')
           AND item.display_type = 'product' AND ABS(item.quantity) > %(zero)s
           AND EXISTS (SELECT FROM sale_order_line_invoice_rel AS rel
                         JOIN sale_order_line AS line ON line.id = rel.order_line_id
                         %(of_product)s
                        WHERE rel.invoice_line_id = item.id AND %(in_ledger)s)
           AND NOT EXISTS (SELECT FROM psa_invoice_detail AS detail
                            WHERE detail.move_line_id = item.id)
        """,
        text=LINE,
        wanted=wanted,
        in_ledger=rules.IN_LEDGER,
        of_product=rules.OF_PRODUCT,
        zero=TOLERANCE,
    )


def detail_without_line_sql(wanted: SQL) -> SQL:
    """What counts as billed is charged to the customer."""
    return SQL(
        """
        SELECT move.id, COUNT(*) AS count, SUM(detail.quantity) AS quantity
          FROM psa_invoice_detail AS detail
          JOIN account_move AS move ON move.id = detail.move_id
         WHERE %s AND detail.move_line_id IS NULL AND %s
      GROUP BY move.id
        """,
        wanted,
        rules.charged_sql(),
    )


def detail_elsewhere_sql(wanted: SQL) -> SQL:
    """A detail stands on a line of its own invoice, and of its contract line: unless
    the invoice is cancelled, and others took it off the order."""
    return SQL(
        """
        SELECT move.id, %(text)s, COUNT(*) AS count
          FROM psa_invoice_detail AS detail
          JOIN account_move_line AS item ON item.id = detail.move_line_id
          JOIN account_move AS move ON move.id = item.move_id
         WHERE %(wanted)s
           AND (detail.move_id IS DISTINCT FROM item.move_id
                OR %(stands)s AND NOT EXISTS (
                   SELECT FROM sale_order_line_invoice_rel AS rel
                    WHERE rel.invoice_line_id = item.id
                      AND rel.order_line_id = detail.sale_line_id))
      GROUP BY move.id, item.id
        """,
        text=LINE,
        wanted=wanted,
        stands=rules.stands_sql(),
    )


def item_amount_sql(wanted: SQL) -> SQL:
    """The journal item of a line is its subtotal."""
    return SQL(
        """
        SELECT move.id, %(text)s, item.price_subtotal AS amount,
               item.amount_currency * -%(sign)s AS sum
          FROM account_move_line AS item
          JOIN account_move AS move ON move.id = item.move_id
          JOIN res_currency AS currency ON currency.id = move.currency_id
         WHERE %(wanted)s AND item.display_type = 'product'
           AND ABS(item.price_subtotal + item.amount_currency * %(sign)s) > %(step)s
        """,
        text=LINE,
        wanted=wanted,
        sign=rules.sign_sql(),
        step=STEP,
    )


def totals_sql(wanted: SQL) -> SQL:
    """The totals of an invoice are those of its journal items, which balance."""
    return SQL(
        """
        SELECT move.id, move.amount_total AS amount, found.due AS sum
          FROM account_move AS move
          JOIN res_currency AS currency ON currency.id = move.currency_id
    CROSS JOIN LATERAL (
               SELECT SUM(item.balance) AS balance,
                      -%(sign)s * COALESCE(SUM(item.amount_currency) FILTER (
                          WHERE item.display_type = 'product'
                             OR item.display_type = 'rounding'
                                AND item.tax_repartition_line_id IS NULL), 0)
                          AS untaxed,
                      -%(sign)s * COALESCE(SUM(item.amount_currency) FILTER (
                          WHERE item.display_type = 'tax'
                             OR item.display_type = 'rounding'
                                AND item.tax_repartition_line_id IS NOT NULL), 0)
                          AS tax,
                      %(sign)s * COALESCE(SUM(item.amount_currency) FILTER (
                          WHERE item.display_type = 'payment_term'), 0) AS due
                 FROM account_move_line AS item
                WHERE item.move_id = move.id) AS found
         WHERE %(wanted)s
           AND (ABS(move.amount_untaxed - found.untaxed) > %(step)s
                OR ABS(move.amount_tax - found.tax) > %(step)s
                OR ABS(move.amount_total - found.due) > %(step)s
                OR ABS(found.balance) > %(zero)s)
        """,
        wanted=wanted,
        sign=rules.sign_sql(),
        step=STEP,
        zero=TOLERANCE,
    )


# Rows of a credit note, what they take back, and whose that is.
TAKEN_BACK = SQL(
    """
    psa_invoice_detail AS detail
    JOIN account_move_line AS item ON item.id = detail.move_line_id
    JOIN account_move AS move ON move.id = detail.move_id
    JOIN psa_invoice_detail AS origin ON origin.id = detail.origin_detail_id
    JOIN account_move AS invoice ON invoice.id = origin.move_id
     AND invoice.move_type = 'out_invoice'
    """
)


def credited_customer_sql(wanted: SQL) -> SQL:
    """An invoice is credited to whom it was sent, in its currency."""
    return SQL(
        """
        SELECT DISTINCT move.id, %(text)s, invoice.name AS invoice
          FROM %(taken_back)s
          JOIN res_partner AS partner ON partner.id = move.partner_id
          JOIN res_partner AS customer ON customer.id = invoice.partner_id
         WHERE %(wanted)s AND move.move_type = 'out_refund'
           AND (partner.commercial_partner_id <> customer.commercial_partner_id
                OR move.currency_id <> invoice.currency_id)
        """,
        text=LINE,
        taken_back=TAKEN_BACK,
        wanted=wanted,
    )


def credited_worth_sql(wanted: SQL, step: float) -> SQL:
    """What is open again was credited for what it was billed, less what its price was
    lowered by since. A price is lowered by no more than that.

    :param step: the smallest step of a quantity
    """
    return SQL(
        """
        SELECT billed.id, billed.line, billed.amount, billed.worth,
               billed.amount > billed.worth AS is_more
          FROM (SELECT move.id, %(text)s, -SUM(detail.amount) AS amount,
                       -SUM(detail.quantity * price.value) AS worth,
                       %(currency_step)s + MAX(ABS(price.value))
                       * %(step)s AS step,
                       move.psa_reopens_transactions IS NOT FALSE AS reopens
                  FROM %(taken_back)s
                  JOIN res_currency AS currency ON currency.id = move.currency_id
                  JOIN sale_order_line AS line ON line.id = detail.sale_line_id
             LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
             LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
    CROSS JOIN LATERAL (
                       SELECT (origin.amount + COALESCE(SUM(lowered.amount), 0))
                              / origin.quantity AS value
                         FROM psa_invoice_detail AS lowered
                         JOIN account_move AS note ON note.id = lowered.move_id
                        WHERE lowered.origin_detail_id = origin.id
                          AND note.state = 'posted' AND note.id <> move.id
                          AND note.psa_reopens_transactions IS FALSE) AS price
                 WHERE %(wanted)s AND move.move_type = 'out_refund'
                   AND move.currency_id = invoice.currency_id
              GROUP BY move.id, item.id, currency.id, unit.id, line_unit.id
               ) AS billed
         WHERE billed.amount - billed.worth > billed.step
            OR billed.reopens AND billed.worth - billed.amount > billed.step
        """,
        text=LINE,
        currency_step=STEP,
        step=_step_sql(step),
        taken_back=TAKEN_BACK,
        wanted=wanted,
    )


def entered_sql(wanted: SQL, step: float) -> SQL:
    """Whoever enters more than the transactions of a contract line may decide that.

    :param step: the smallest step of a quantity
    """
    return SQL(
        """
        SELECT move.id, %(text)s, detail.user_id, SUM(detail.quantity) AS quantity
          FROM psa_invoice_detail AS detail
          JOIN account_move_line AS item ON item.id = detail.move_line_id
          JOIN account_move AS move ON move.id = detail.move_id
          JOIN sale_order_line AS line ON line.id = detail.sale_line_id
     LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
     LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
         WHERE %(wanted)s AND move.move_type = 'out_invoice'
           AND detail.transaction_type = %(adjustment)s
           AND detail.quantity > 0 AND detail.user_id IS NOT NULL
      GROUP BY move.id, item.id, detail.user_id, unit.id, line_unit.id
        HAVING SUM(detail.quantity) > %(step)s
        """,
        text=LINE,
        wanted=wanted,
        adjustment=ADJUSTMENT,
        step=_step_sql(step),
    )


def deducted_sql(wanted: SQL) -> SQL:
    """No more is deducted of a down payment than was invoiced and not given back."""
    return SQL(
        """
        SELECT move.id, %(text)s, -paid.left AS amount
          FROM account_move_line AS item
          JOIN account_move AS move ON move.id = item.move_id
          JOIN res_currency AS currency ON currency.id = move.currency_id
          JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
          JOIN sale_order_line AS line ON line.id = rel.order_line_id
    CROSS JOIN LATERAL (
               SELECT SUM(other.price_subtotal
                          * CASE WHEN document.move_type = 'out_refund'
                                 THEN -1 ELSE 1 END) AS left
                 FROM sale_order_line_invoice_rel AS billed
                 JOIN account_move_line AS other ON other.id = billed.invoice_line_id
                 JOIN account_move AS document ON document.id = other.move_id
                WHERE billed.order_line_id = line.id
                  AND (document.state = 'posted' OR document.id = move.id)) AS paid
         WHERE %(wanted)s AND move.move_type = 'out_invoice' AND line.is_downpayment
           AND item.price_subtotal < 0 AND paid.left < -%(step)s
        """,
        text=LINE,
        wanted=wanted,
        step=STEP,
    )
