# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from .psa_guard import ADDON


class PsaInternal(models.AbstractModel):
    """What this add-on adds to records that customers read is for internal users.

    Customers see what is printed, and the portal page, which has rights of its own.
    With ``groups`` on each field, Odoo would ask for the same group on each node of a
    view whose visibility depends on one, also on its own buttons.
    """

    _name = "psa.internal"
    _description = "Internal Fields"

    def _has_field_access(self, field, operation):
        return super()._has_field_access(field, operation) and (
            self.env.su or not is_ours(field) or self.env.user._is_internal()
        )


def is_ours(field) -> bool:
    """Fields that no other add-on has begun; what we only change is not ours."""
    return bool(field._modules) and field._modules[0].startswith(ADDON)
