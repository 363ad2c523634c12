# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two people on one draft: the second is told, and overwrites nothing."""

from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_version = fields.Char(
        compute="_compute_billing_version",
        help="Changes whenever somebody changes a draft. The web client sends back the "
        "one that its user saw.",
    )

    @api.depends("write_date", "line_ids.write_date")
    def _compute_billing_version(self):
        for move in self:
            move.billing_version = (
                move.is_project_invoice
                and move.state == "draft"
                and f"{move._psa_last_change()[0]} {len(move.line_ids)}"
            )

    def _psa_last_change(self) -> tuple:
        """When the draft or one of its lines was written last, and by whom."""
        records = [self._origin, *self._origin.line_ids]
        last = max(records, key=lambda record: record.write_date or record.create_date)
        return last.write_date, last.write_uid

    def web_save(self, vals, specification, next_id=None):
        """Refuse to save what was edited on an outdated form."""
        seen = vals.pop("billing_version", None)
        if seen:
            self._psa_check_nobody_else_changed_it(seen)
        return super().web_save(vals, specification, next_id=next_id)

    def _psa_check_nobody_else_changed_it(self, seen: str):
        """:param seen: the version that the user had before him"""
        _changed_on, user = self._psa_last_change()
        if self.billing_version != seen and user != self.env.user:
            raise UserError(
                self.env._(
                    "%(user)s has changed %(invoice)s while you were editing it. "
                    "Nothing of yours was saved. Discard your changes and look at the "
                    "invoice again.",
                    user=user.display_name,
                    invoice=self.display_name,
                )
            )
