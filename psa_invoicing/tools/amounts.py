# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Amounts of fixed prices in SQL, as ``core.charges.RunningAmount`` has them: for
statements over all that is open or billed."""

from odoo.tools import SQL

from ..core.allocation import TOLERANCE
from ..core.charges import TYPED
from . import rules


def billed_sql(wanted: SQL) -> SQL:
    """What live invoice lines bill of fixed prices, at the price then:
    ``account.move.line._billing_residue``.

    :param wanted: of which contract lines: a condition on ``line``
    :return: a SELECT of ``line_id``, ``id`` of the invoice line, ``is_share`` (of an
        invoice), ``quantity``, ``amount``, ``rate`` and ``rounding``
    """
    return SQL(
        """
        SELECT line.id AS line_id, item.id,
               item.billing_share <> 0 AND move.move_type = 'out_invoice' AS is_share,
               SUM(detail.quantity) AS quantity,
               ROUND((item.quantity * %(sign)s * terms.price
                      / currency.rounding)::numeric)
                   * currency.rounding::float8 AS amount,
               terms.rate, currency.rounding
          FROM psa_invoice_detail AS detail
          JOIN account_move_line AS item ON item.id = detail.move_line_id
          JOIN account_move AS move ON move.id = detail.move_id
          JOIN sale_order_line AS line ON line.id = detail.sale_line_id
          %(of_product)s
          JOIN res_currency AS currency
            ON currency.id = item.currency_id AND currency.id = line.currency_id
     LEFT JOIN uom_uom AS unit ON unit.id = item.product_uom_id
     LEFT JOIN uom_uom AS line_unit ON line_unit.id = line.product_uom_id
    CROSS JOIN LATERAL (
               SELECT item.billing_share <> 0 AS is_share,
                      (item.price_unit * (1 - COALESCE(item.discount, 0) / 100))::float8
                          AS price) AS own
    CROSS JOIN LATERAL (
               SELECT CASE WHEN own.is_share THEN item.billing_amount
                           ELSE own.price END AS price,
                      CASE WHEN own.is_share THEN item.billing_rate
                           ELSE own.price / %(factor)s END AS rate) AS terms
         WHERE %(wanted)s AND %(by_amount)s AND %(live)s AND %(charged)s
      GROUP BY line.id, item.id, move.id, currency.id, terms.price, terms.rate
        """,
        wanted=wanted,
        by_amount=rules.BY_AMOUNT,
        charged=rules.charged_sql(),
        factor=rules.factor_sql(),
        live=rules.live_sql(),
        of_product=rules.OF_PRODUCT,
        sign=rules.sign_sql(),
    )


# What the milestones of ``line`` make up, and what is missing of what was ordered where
# they are meant to be all of it: ``core.charges.agreed_quantity``.
PLANNED = SQL(
    """
    LATERAL (
        SELECT own.quantity,
               CASE WHEN ABS(line.product_uom_qty - own.quantity)
                         <= ABS(line.product_uom_qty) * %(typed)s * own.count + %(zero)s
                    THEN line.product_uom_qty - own.quantity ELSE 0 END AS missing
          FROM (SELECT COUNT(*) AS count,
                       COALESCE(SUM(milestone.quantity_percentage), 0)
                           * line.product_uom_qty AS quantity
                  FROM project_milestone AS milestone
                 WHERE milestone.sale_line_id = line.id) AS own) AS planned
    """,
    typed=TYPED,
    zero=TOLERANCE,
)


def amount_sql(quantity: SQL, before: SQL) -> SQL:
    """What the next shares of the contract line ``line`` come to, in ``currency``.

    :param quantity: of the contract line
    :param before: what is billed of it before, and not yet
    """
    return SQL(
        """
        (SELECT (ROUND(((upto.quantity * upto.rate + CASE
                            WHEN billed.quantity + upto.quantity
                                 >= planned.quantity - %(zero)s
                            THEN planned.missing * upto.rate ELSE 0 END
                         - billed.residue) / currency.rounding)::numeric)
                 - CASE WHEN upto.before = 0 THEN 0
                        ELSE ROUND(((upto.before * upto.rate - billed.residue)
                                    / currency.rounding)::numeric) END)
                * currency.rounding::numeric
           FROM (SELECT COALESCE(SUM(own.quantity), 0) AS quantity,
                        COALESCE(SUM(own.amount - own.quantity * own.rate), 0)
                            AS residue
                   FROM (%(billed)s) AS own) AS billed
     CROSS JOIN %(planned)s
     CROSS JOIN LATERAL (
                SELECT next.before, next.before + %(quantity)s AS quantity,
                       line.price_unit * (1 - COALESCE(line.discount, 0) / 100)
                           AS rate
                  FROM (SELECT %(before)s AS before) AS next) AS upto)
        """,
        billed=billed_sql(SQL("line.id = source.sale_line_id")),
        before=before,
        planned=PLANNED,
        quantity=quantity,
        zero=TOLERANCE,
    )


def price_sql(quantity: SQL) -> SQL:
    """What a unit of the contract line ``line`` is worth, less its discount; of a cost
    that is taken back, what it was billed for: ``sale.order.line._psa_price_back``.

    :param quantity: below zero, it is taken back
    """
    return SQL(
        """
        COALESCE(
            CASE WHEN line.is_expense AND %(quantity)s < 0 THEN (
                SELECT SUM(item.quantity * item.price_unit
                           * (1 - COALESCE(item.discount, 0) / 100.0) * %(sign)s)
                       / NULLIF(GREATEST(0, SUM(item.quantity * %(sign)s) FILTER (
                             WHERE move.move_type <> 'out_refund' OR %(reopens)s)), 0)
                  FROM sale_order_line_invoice_rel AS rel
                  JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                  JOIN account_move AS move ON move.id = item.move_id
                 WHERE rel.order_line_id = line.id AND move.state = 'posted'
                   AND item.currency_id = line.currency_id) END,
            line.price_unit * (1 - COALESCE(line.discount, 0) / 100.0))
        """,
        quantity=quantity,
        reopens=rules.reopens_sql(),
        sign=rules.sign_sql(),
    )
