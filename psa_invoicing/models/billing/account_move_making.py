# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Odoo writes a second time, as it is, while the billing service makes invoices.

Each of them would make Odoo look through the lines of an invoice once more, and find
nothing to do: a fifth of what an invoice costs.
"""

from odoo import models

from ...core.billing import LEDGER


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _psa_spare_sync(self, vals):
        """That nobody has modified new invoices says nothing about their lines."""
        if self.env.context.get("psa_ledger") is LEDGER and (
            set(vals) == {"is_manually_modified"}
        ):
            return self.with_context(skip_invoice_sync=True)
        return self


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_spare_partner(self, vals):
        """Lines of new invoices know the customer already."""
        if self.env.context.get("psa_ledger") is LEDGER and set(vals) == {"partner_id"}:
            return self.filtered(lambda line: line.partner_id.id != vals["partner_id"])
        return self
