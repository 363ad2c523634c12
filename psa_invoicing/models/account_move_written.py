# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the billing service wrote on an invoice, and what a person edited of it."""

from markupsafe import Markup

from odoo import models
from odoo.tools import SQL

from .account_move_line_ledger import as_json

# What Recalculate keeps of an invoice, if a person edited it. The invoice date is kept,
# too: see ``_is_dated_by_rule``.
KEPT_FIELDS = (
    "partner_id",
    "partner_shipping_id",
    "ref",
    "invoice_payment_term_id",
    "invoice_date_due",
    "fiscal_position_id",
    "journal_id",
    "currency_id",
    "narration",
)
# Where a country wants it: the day of the delivery is the end of the billing period.
DELIVERY_DATES = {
    "delivery_date": "show_delivery_date",
    "taxable_supply_date": "show_taxable_supply_date",
}


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    def _note_written(self):
        """Remember what the billing service wrote, Odoo's own defaults included."""
        self.flush_model([*KEPT_FIELDS, "billing_request"])
        self.env.cr.execute(
            SQL(
                """UPDATE account_move AS move
                      SET billing_request = billing_request
                          || jsonb_build_object('written', jsonb_build_object(%s))
                    WHERE move.id = ANY(%s) AND move.billing_request IS NOT NULL""",
                SQL(", ").join(
                    SQL("%s, %s", name, SQL.identifier("move", name))
                    for name in KEPT_FIELDS
                ),
                self.ids,
            )
        )
        self.invalidate_recordset(["billing_request"], flush=False)
        self.invoice_line_ids._note_written()

    def _edited_fields(self) -> list[str]:
        """What differs from what the billing service wrote last."""
        written = (self.billing_request or {}).get("written") or {}
        return [
            name
            for name in written
            if (as_json(self, name) or False) != (written[name] or False)
            # By its terms an invoice is due some days after whatever day it is sent.
            and not (name == "invoice_date_due" and self.invoice_payment_term_id)
        ]

    def _state_delivery(self):
        """Give new drafts the end of their billing period as the day of delivery, which
        in some countries decides on the currency rate."""
        for move in self:
            values = {
                name: move.billing_cutoff_date
                for name, shown in DELIVERY_DATES.items()
                if move[shown]
            }
            if values:
                move.write(values)

    def _log_origin(self):
        """Say in the chatter of each invoice which contracts it comes from."""
        bodies = {}
        for move in self:
            orders = move.line_ids.sale_line_ids.order_id
            bodies[move.id] = self.env._(
                "Billed from %(orders)s.",
                orders=Markup(", ").join(order._get_html_link() for order in orders),
            )
        self._message_log_batch(bodies)
