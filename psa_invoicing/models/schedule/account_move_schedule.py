# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An invoice that is deleted, and the rows of the schedule that it was made for."""

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def unlink(self):
        """Transactions of a deleted draft are open again, and its rows of the schedule
        say so."""
        self._psa_drop_details()
        rows = self.env["psa.invoice.schedule"].sudo()
        if projects := self.filtered("is_project_invoice"):
            rows = rows.search([("invoice_ids", "in", projects.ids)])
        result = super().unlink()
        rows._note_deleted_draft()
        return result
