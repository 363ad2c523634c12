# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from ..shared import rights


class AccountJournal(models.Model):
    _inherit = "account.journal"

    def _has_field_access(self, field, operation):
        """The form of an invoice asks reviewers for its journal, and how that is set
        up. What is in it, such as a balance, is computed, and not for them."""
        return super()._has_field_access(field, operation) and (
            self.env.su
            or field.store
            or field.related
            or field.name == "display_name"
            or not rights.reviews_only(self.env.user)
        )
