# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Instead of a new invoice: transactions are added to a draft that is there."""

from dataclasses import replace

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ..core.billing import TYPES, Draft
from .psa_billing_recalculation import Difference


class PsaBilling(models.AbstractModel):
    # One file per step of the service, told in order.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.billing"

    @api.model
    def _drafts_to_add_to(self, project_ids):
        """Drafts of projects that are open for more."""
        return self.env["account.move"].search(
            [
                ("billing_project_ids", "in", project_ids),
                ("is_project_invoice", "=", True),
                ("move_type", "=", "out_invoice"),
                ("state", "=", "draft"),
            ],
            order="id desc",
        )

    @api.model
    def _takes(self, move, draft: Draft) -> bool:
        """Whether what would be an invoice of its own may be added to another draft:
        same projects, customer and terms."""
        return set(draft.project_ids) <= set(move.billing_project_ids.ids) and set(
            draft.order_ids
        ) <= set(self._orders_that_agree(move).ids)

    @api.model
    def _add_to_draft(self, move, draft: Draft):
        """Add transactions to a draft. Recalculate keeps them there.

        A draft that would not have taken them by itself, for their date or type, keeps
        to what is on it from now on, as one of picked transactions does.

        :raises UserError: if the draft would then owe something to the customer
        """
        before = move.amount_untaxed
        items = draft.transactions
        keys = frozenset(item.key for item in items)
        request = replace(move._billing_request(), credited=True)
        by_itself = {item.key for item in self._select(request)}
        if not keys <= by_itself:
            on_it = {row.key for row in move._psa_ledger_rows()}
            self._keep_to(move, (on_it | keys) - {None}, items)
        move._psa_cap({key: None for key in keys})
        self._apply(move, Difference(added=items))
        move._psa_follow_details()
        self._refresh_period(move)
        if move.currency_id.compare_amounts(move.amount_untaxed, 0) < 0:
            raise UserError(
                self.env._(
                    "With these transactions %(invoice)s would be negative. Make a "
                    "credit note of them: choose a new invoice.",
                    invoice=move.display_name,
                )
            )
        move._message_log(
            body=self.env._(
                "%(count)s transactions added by hand; untaxed %(before)s → %(after)s.",
                count=len(items),
                before=formatLang(self.env, before, currency_obj=move.currency_id),
                after=formatLang(
                    self.env, move.amount_untaxed, currency_obj=move.currency_id
                ),
            )
        )

    @api.model
    def _keep_to(self, move, keys: set, items):
        """Make a draft one of picked transactions."""
        request = replace(
            move._billing_request(),
            types=TYPES,
            unit_ids=(),
            milestone_ids=(),
            sale_line_ids=(),
            picks=frozenset(keys),
            from_billing_start=False,
            cutoffs={},
        )
        move.billing_request = {**(move.billing_request or {}), **request.to_json()}
        last = max(item.date for item in items)
        if move.billing_cutoff_date and last > move.billing_cutoff_date:
            # What is beyond the former day was asked for: nothing has to be looked at.
            was_changed = move.needs_recalculation
            move.billing_cutoff_date = last
            move.needs_recalculation = was_changed
