# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows an invoice run, where a company wants its invoices sent at once."""

from odoo import models
from odoo.tools import split_every

from .psa_invoice_run_driving import CHUNK


class PsaInvoiceRun(models.Model):
    # One file per side of a run.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "psa.invoice.run"

    def _send_made(self):
        """Confirm and send what the run has made, chunk by chunk.

        Whoever goes on with an interrupted run finds what is still a draft.
        """
        if self.is_dry_run:
            return
        for ids in split_every(CHUNK, self._to_send().ids):
            self._tried_again(lambda ids=ids: self._to_send(ids)._send_unattended())
            self._commit()

    def _to_send(self, ids=None):
        """:param ids: only these of the run's invoices"""
        moves = self.invoice_ids if ids is None else self.invoice_ids.browse(ids)
        return moves.filtered(
            lambda move: (
                move.state == "draft"
                and move.company_id.billing_after_run == "send"
                and not move.billing_sending_error
            )
        )
