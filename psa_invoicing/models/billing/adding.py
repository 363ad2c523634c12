# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Instead of a new invoice: transactions are added to a draft that is there."""

from dataclasses import replace

from odoo.exceptions import UserError
from odoo.tools import formatLang

from ...core.billing import Bundle
from ...core.kinds import TYPES
from .recalculation import Difference, Recalculation
from .selection import Selection
from .step import Step


class Adding(Step):
    """Adds to drafts that are open for more."""

    def drafts(self, project_ids):
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

    def add(self, move, bundle: Bundle):
        """Add transactions to a draft. Recalculate keeps them there.

        A draft that would not have taken them by itself, for their date or type, keeps
        to what is on it from now on, as one of picked transactions does.

        :raises UserError: if the draft would then owe something to the customer
        """
        before = move.amount_untaxed
        items = bundle.transactions
        keys = frozenset(item.key for item in items)
        request = replace(move._billing_request(), credited=True)
        by_itself = {item.key for item in Selection(self.env).select(request)}
        if not keys <= by_itself:
            on_it = {row.key for row in move._psa_ledger_rows()}
            self._keep_to(move, (on_it | keys) - {None}, items)
        move._psa_cap({key: None for key in keys})
        Recalculation(self.env).apply(move, Difference(added=items))
        move._psa_follow_details()
        Recalculation(self.env).refresh_period(move)
        if move.currency_id.compare_amounts(move.amount_total, 0) < 0:
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
        move._billing_remember_all(move._billing_brief().asking(request))
        last = max(item.date for item in items)
        if move.billing_cutoff_date and last > move.billing_cutoff_date:
            # What is beyond the former day was asked for: nothing has to be looked at.
            was_changed = move.needs_recalculation
            move.billing_cutoff_date = last
            move.needs_recalculation = was_changed
