# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an invoice remembers of how it was asked for; see ``core/brief.py``."""

from dataclasses import replace
from datetime import date

from markupsafe import Markup

from odoo import fields, models
from odoo.tools import SQL

from ...core.billing import Request
from ...core.brief import WRITTEN, Brief
from ...core.kinds import Key
from ...tools.values import as_json

# What Recalculate keeps of an invoice, if a person edited it. The invoice date is kept,
# too: see ``_psa_is_dated_by_rule``.
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
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _billing_brief(self) -> Brief:
        """What this invoice remembers. Read it once: JSON is copied whenever it is
        read, and there may be thousands of picks in it."""
        return Brief.from_json(self.billing_request)

    def _billing_remember(self, **changes):
        """:param changes: by attribute of ``Brief``"""
        self._billing_remember_all(replace(self._billing_brief(), **changes))

    def _billing_remember_all(self, brief: Brief):
        # sudo: the caller may edit the invoice; this is the engine's own note on it.
        self.sudo().billing_request = brief.to_json()

    def _billing_request(self) -> Request:
        """What this draft was made to bill."""
        return self._billing_brief().request(
            tuple(self.billing_project_ids.ids), self.billing_cutoff_date
        )

    def _psa_cap(self, caps: dict[Key, float | None]):
        """Remember how much of transactions Recalculate may put on this invoice.

        :param caps: in their own unit, 0: none; None: all of it again
        """
        self._billing_remember_all(self._billing_brief().capped(caps))

    def _psa_choose_types(self, types: dict[Key, str]):
        """Remember billing types that a person gave to transactions on this draft, so
        that Recalculate keeps them."""
        chosen = self._billing_brief().chosen_types
        self._billing_remember(chosen_types={**chosen, **types})

    # === What a person edited stays ===

    def _psa_note_written(self):
        """Remember what the billing service wrote, Odoo's own defaults included."""
        self.flush_model([*KEPT_FIELDS, "billing_request"])
        self.env.cr.execute(
            SQL(
                """UPDATE account_move AS move
                      SET billing_request = billing_request
                          || jsonb_build_object(%s, jsonb_build_object(%s))
                    WHERE move.id = ANY(%s) AND move.billing_request IS NOT NULL""",
                WRITTEN,
                SQL(", ").join(
                    SQL("%s, %s", name, SQL.identifier("move", name))
                    for name in KEPT_FIELDS
                ),
                self.ids,
            )
        )
        self.invalidate_recordset(["billing_request"], flush=False)
        self.invoice_line_ids._psa_note_written()

    def _psa_edited_fields(self) -> list[str]:
        """What differs from what the billing service wrote last."""
        written = self._billing_brief().written
        return [
            name
            for name in written
            if (as_json(self, name) or False) != (written[name] or False)
            # By its terms an invoice is due some days after whatever day it is sent.
            and not (name == "invoice_date_due" and self.invoice_payment_term_id)
        ]

    def _psa_is_dated_by_rule(self) -> bool:
        """Whether the invoice date is still the one that the service wrote."""
        by_rule = self._billing_brief().invoice_date
        return bool(by_rule) and by_rule == fields.Date.to_date(self.invoice_date)

    # === New drafts ===

    def _psa_state_delivery(self):
        """Give new drafts the end of their billing period as the day of delivery, which
        in some countries decides on the currency rate."""
        for move in self:
            _start, end = move._billing_period() or (None, move.billing_cutoff_date)
            day = end and move._psa_service_day(end)
            values = {
                name: day for name, shown in DELIVERY_DATES.items() if move[shown]
            }
            if values:
                move.write(values)

    def _psa_service_day(self, end: date) -> date:
        """The end of the billing period; where that lies after the invoice date, the
        last transaction before it."""
        self.ensure_one()
        day = self.invoice_date or self.company_id._billing_today()
        if end <= day:
            return end
        # sudo: who may bill need not read the ledger.
        dates = self.sudo().detail_ids.mapped("date")
        return min(max(dates, default=day), day)

    def _psa_log_origin(self):
        """Say in the chatter of each invoice which contracts it comes from."""
        bodies = {}
        for move in self:
            orders = move.line_ids.sale_line_ids.order_id
            bodies[move.id] = self.env._(
                "Billed from %(orders)s.",
                orders=Markup(", ").join(order._get_html_link() for order in orders),
            )
        self._message_log_batch(bodies)
