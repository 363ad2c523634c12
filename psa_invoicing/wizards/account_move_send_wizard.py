# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class AccountMoveSendWizard(models.TransientModel):
    _inherit = "account.move.send.wizard"

    def action_send_and_print(self, allow_fallback_pdf=False):
        """Keep the reason on a project invoice that could not be sent."""
        self.ensure_one()
        if not self.move_id.is_project_invoice:
            return super().action_send_and_print(allow_fallback_pdf=allow_fallback_pdf)
        if self.alerts:
            # These can be put right in the dialog.
            self._raise_danger_alerts(self.alerts)
        with self._psa_keeping_reason(self.move_id):
            return super().action_send_and_print(allow_fallback_pdf=allow_fallback_pdf)
        return {"type": "ir.actions.act_window_close"}
