# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the customer will see, before anything is confirmed."""

from contextlib import contextmanager

from odoo import models
from odoo.exceptions import UserError
from odoo.tools.pdf import merge_pdf

# Each is rendered while somebody waits.
SHOWN_TOGETHER = 100


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def action_psa_preview(self):
        """Show in a tab the documents of these invoices as their customers will get
        them.

        :raises AccessError: for an invoice that the user may not read
        :raises UserError: if there are too many
        """
        self.check_access("read")
        self._psa_check_few()
        return {
            "type": "ir.actions.act_url",
            "url": f"/psa_invoicing/preview/{','.join(map(str, self.ids))}",
            "target": "new",
        }

    def _psa_check_few(self):
        if len(self) > SHOWN_TOGETHER:
            raise UserError(
                self.env._(
                    "Select at most %(count)s invoices to look at.",
                    count=SHOWN_TOGETHER,
                )
            )

    def _psa_preview(self) -> bytes:
        """:return: a PDF of all of them, one after the other
        :raises AccessError: for an invoice that the user may not read
        """
        self.check_access("read")
        self._psa_check_few()
        # sudo: who may read an invoice may see its document, which names more.
        return merge_pdf([move._psa_document() for move in self.sudo()])

    def _psa_document(self) -> bytes:
        """What was sent, or would be sent today."""
        if self.invoice_pdf_report_id:
            return self.invoice_pdf_report_id.raw
        report = self.env["account.move.send"]._get_default_pdf_report_id(self)
        with self._psa_as_of_today():
            content, _kind = report.with_company(self.company_id)._render_qweb_pdf(
                report.report_name, self.ids
            )
        return content

    @contextmanager
    def _psa_as_of_today(self):
        """Let a draft have the dates that it would get today. It gets no number, and
        keeps none of it."""
        savepoint = self.env.cr.savepoint()
        try:
            if self.state == "draft" and not self.invoice_date:
                self.invoice_date = self.company_id._billing_today()
            yield
        finally:
            savepoint.close(rollback=True)
