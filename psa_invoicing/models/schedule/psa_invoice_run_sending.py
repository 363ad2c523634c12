# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows an invoice run, where a company wants its invoices sent at once."""

import logging

from odoo import models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import split_every

from .psa_invoice_run_beginning import CHUNK

_logger = logging.getLogger(__name__)


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"  # pylint: disable=consider-merging-classes-inherited

    def _send_made(self) -> bool:
        """Confirm and send what the run has made, chunk by chunk.

        Whoever goes on with an interrupted run finds what is still a draft.

        :return: whether the run is still held; else another process goes on with it
        """
        if not self.is_dry_run:
            for ids in split_every(CHUNK, self._to_send().ids):
                if not self._tried_again(lambda ids=ids: self._send_chunk(ids)):
                    return False
                self._commit()
        return self._is_held()

    def _send_chunk(self, ids) -> bool:
        """:return: whether the run is still held"""
        if not self._is_held():
            return False
        self._send_each(self._to_send(ids))
        return True

    def _is_held(self) -> bool:
        """Hold the run again: every commit lets go of it."""
        held = self.try_lock_for_update(allow_referencing=True)
        return bool(held) and self.state == "running"

    def _send_each(self, moves):
        """Confirm and send invoices together; if that does not work, find out which
        one is to blame."""
        if not moves:
            return
        try:
            with self.env.cr.savepoint():
                moves._psa_send_unattended()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            # A defect of one invoice must not keep the others, nor the runs of the
            # nights to come, from being sent.
            if len(moves) > 1:
                for move in moves:
                    self._send_each(move)
                return
            _logger.exception("Invoice %s cannot be confirmed.", moves.id)
            moves._psa_note_failed_sending(
                self.env._(
                    "it could not be confirmed because of an unexpected error "
                    "(%(error)s); the server's log says more",
                    error=f"{type(error).__name__}: {error}".strip(),
                )
            )

    def _to_send(self, ids=None):
        """:param ids: only these of the run's invoices"""
        # Searched, not read: there may be ten thousand of them.
        return self.env["account.move"].search(
            [
                ("id", "in", self._invoices().ids if ids is None else ids),
                ("state", "=", "draft"),
                ("company_id.billing_after_run", "=", "send"),
                ("billing_sending_error", "=", False),
            ],
            order="id",
        )
