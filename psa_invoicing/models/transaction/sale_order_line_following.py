# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows when more or less of a contract line is to be billed."""

from odoo import models

# Odoo computes them: of deliveries and returns, and of what is settled in a shop.
ELSEWHERE = "psa_invoiced_elsewhere_quantity"
COMPUTED_QUANTITIES = {ELSEWHERE, "qty_delivered"}


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    def _write_multi(self, vals_list):
        """What is computed does not come through ``write``."""
        # pylint: disable-next=assignment-from-none
        result = super()._write_multi(vals_list)
        names = COMPUTED_QUANTITIES
        if not self._psa_may_be_invoiced_elsewhere():
            # It is nothing: an installation computes it for all order lines.
            names -= {ELSEWHERE}
        changed = {
            line.id: found
            for line, vals in zip(self, vals_list, strict=True)
            if (found := names & set(vals))
        }
        # sudo: whoever delivers goods need not see what is billed.
        lines = self.sudo().browse(changed).filtered("billing_project_id")
        own = lines.filtered(lambda line: not line._psa_is_billed_by_transactions())
        if own:
            own._psa_follow_quantity()
        elsewhere = (lines - own).filtered(lambda line: ELSEWHERE in changed[line.id])
        if elsewhere:
            elsewhere._psa_flag_drafts()
        return result

    def _psa_follow_quantity(self):
        """Drafts ask for Recalculate, and what is on hold or written off stays so."""
        self.filtered("billing_draft_quantity")._psa_flag_drafts()
        self._psa_follow_write_offs()
        self._psa_refresh_held()
