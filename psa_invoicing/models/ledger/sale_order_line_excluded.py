# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What of an order line Odoo must not offer for invoicing."""

from datetime import date

from odoo import models
from odoo.tools import SQL

from ...core.allocation import Rounding, fine
from ...core.kinds import TRANSACTION_MODELS
from ...tools import rules


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_is_billed_by_amount(self) -> bool:
        """Whether milestones are billed in its stead, each to the cent."""
        return (
            self.qty_delivered_method == "milestones"
            and self.product_id.invoice_policy == "delivery"
        )

    def _psa_rounding(self) -> Rounding:
        """How quantities are rounded that Odoo is to leave out."""
        return fine if self._psa_is_billed_by_amount() else self.product_uom_id.round

    def _psa_refresh_excluded_quantity(self):
        """Recompute what is left out, from the ledger and from what is on hold.

        Only lines where it changes are written.
        """
        if not self:
            return
        self.env.flush_all()
        lines = self | self.browse(self._billing_beyond_terms())
        figures = {
            line_id: figures
            for line_id, *figures in self.env.execute_query(
                self._psa_excluded_sql(lines.ids)
            )
        }
        for line in lines.sudo():
            excluded, never, billed, otherwise = figures.get(line.id, (0.0,) * 4)
            rounding = line._psa_rounding()
            # As Odoo has rounded what is on invoices, the rest goes with it.
            values = {
                name: rounding(rounding(billed + quantity) - rounding(billed))
                for name, quantity in (
                    ("billing_excluded_quantity", excluded),
                    ("psa_never_billed_quantity", never),
                )
            }
            values["psa_billed_otherwise_quantity"] = otherwise
            changed = {name for name in values if rounding(line[name] - values[name])}
            if changed:
                line.write(values)
            if "psa_billed_otherwise_quantity" in changed:
                line._psa_flag_drafts()
        # How much of a fixed price these bill says the ledger.
        fixed = lines.sudo().filtered(lambda line: line._psa_is_billed_by_amount())
        by_quantity = fixed.invoice_lines.filtered(lambda item: not item.billing_share)
        by_quantity.modified(["billing_share"])

    def _billing_beyond_terms(self) -> dict[int, float]:
        """What contract terms leave out of these lines, and of those that share their
        room, in their unit."""
        return {}

    def _psa_excluded_sql(self, ids: list[int], until: date | None = None) -> SQL:
        """``(id, excluded quantity, never billed quantity, quantity on invoices, billed
        by what is behind the line)``, in the lines' unit, unrounded.

        What of the last is on a draft of ours does not count: where a line is billed
        itself, Recalculate takes it off.

        :param until: only of transactions dated up to this day
        """
        treated = [
            self.env[model]._psa_treated_sql(ids, until) for model in TRANSACTION_MODELS
        ]
        beyond = {} if until else self.browse(ids)._billing_beyond_terms()
        treated += [SQL("SELECT %s, %s, NULL", *each) for each in beyond.items()]
        return SQL(
            """
            SELECT line_id, COALESCE(SUM(excluded), 0), COALESCE(SUM(never), 0),
                   COALESCE(SUM(billed), 0),
                   CASE WHEN (SELECT %(by_transactions)s
                                FROM sale_order_line AS line %(of_product)s
                               WHERE line.id = line_id)
                        THEN 0 ELSE COALESCE(SUM(otherwise), 0) END
              FROM (SELECT detail.sale_line_id AS line_id,
                           CASE WHEN %(uncharged)s
                                THEN CASE WHEN %(live)s THEN detail.quantity END
                                WHEN NOT %(live)s AND %(credit)s
                                 AND move.state IN ('draft', 'posted')
                                THEN -detail.quantity END AS excluded,
                           CASE WHEN %(uncharged)s
                                THEN CASE WHEN %(live)s THEN detail.quantity END
                                WHEN NOT %(live)s AND %(credit)s
                                 AND move.state = 'posted'
                                THEN -detail.quantity END AS never,
                           CASE WHEN NOT %(uncharged)s AND move.state <> 'cancel'
                                THEN detail.quantity END AS billed,
                           CASE WHEN detail.transaction_type IN ('time', 'milestone')
                                 AND %(live)s
                                 AND (move.state = 'draft'
                                      AND move.is_project_invoice) IS NOT TRUE
                                THEN detail.quantity END AS otherwise
                      FROM psa_invoice_detail AS detail
                 LEFT JOIN account_move AS move ON move.id = detail.move_id
                     WHERE detail.sale_line_id = ANY(%(ids)s) AND %(dated)s
                 UNION ALL SELECT treated.*, NULL, NULL FROM (%(treated)s) AS treated
                   ) AS found
          GROUP BY line_id
            """,
            by_transactions=rules.BY_TRANSACTIONS,
            of_product=rules.OF_PRODUCT,
            live=rules.live_sql(),
            uncharged=rules.uncharged_sql(),
            credit=rules.credit_sql(),
            ids=ids,
            dated=SQL("detail.date <= %s", until) if until else SQL("TRUE"),
            treated=SQL(" UNION ALL ").join(treated),
        )
