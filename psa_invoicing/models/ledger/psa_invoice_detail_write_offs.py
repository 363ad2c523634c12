# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows without an invoice: what is never billed."""

from markupsafe import Markup

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...core.allocation import is_zero
from ...core.billing import LEDGER


class PsaInvoiceDetail(models.Model):
    _inherit = "psa.invoice.detail"  # pylint: disable=consider-merging-classes-inherited

    def _of_closed_period(self):
        """Those that were written off in a period that is closed since."""
        return self.filtered(
            lambda detail: (
                detail.write_off_date
                and detail.write_off_date <= detail._write_off_lock_date()
            )
        )

    def _write_off_lock_date(self):
        journal = self.env["account.journal"]
        return self.company_id._get_user_fiscal_lock_date(journal.browse())

    def _undo_write_off(self):
        """Make what was written off open again.

        :raises UserError: if it happened in a period that is closed
        """
        self._check_period_open()
        self._drop()

    def _check_period_open(self):
        """:raises UserError: if one was written off in a period that is closed"""
        if closed := self._of_closed_period()[:1]:
            raise UserError(
                self.env._(
                    "It was written off in a period that is closed since "
                    "%(date)s, and stays so.",
                    date=format_date(self.env, closed._write_off_lock_date()),
                )
            )

    def _follow_transaction(self, record):
        """Be about a transaction as it is now.

        :param record: the transaction of these rows
        :raises UserError: if they would go to another contract line, and their period
            is closed
        """
        names = record._billing_columns
        line = record._psa_contract_lines()
        project = record[names["project_id"]]
        own_uom = record[names["uom_id"]] if "uom_id" in names else None
        uom = own_uom or line.product_uom_id
        counts = bool(line) and not is_zero(record.billable_quantity)
        moved = self.filtered(
            lambda row: row.sale_line_id != line or row.project_id != project
        )
        counting = moved.filtered(lambda row: not row.is_suspended)
        if closed := counting._of_closed_period()[:1]:
            raise UserError(
                self.env._(
                    "“%(transaction)s” was written off in a period that is closed "
                    "since %(date)s. It stays on “%(contract_line)s”.",
                    transaction=closed.name or closed.sale_line_id.display_name,
                    date=format_date(self.env, closed._write_off_lock_date()),
                    contract_line=closed.sale_line_id.display_name,
                )
            )
        ledger = self.with_context(psa_ledger=LEDGER)
        ledger.filtered(lambda row: row.is_suspended == counts).write(
            {"is_suspended": not counts}
        )
        if not counts:
            return
        for row in moved.with_env(ledger.env):
            quantity = uom._compute_quantity(
                row.source_quantity, line.product_uom_id, round=False
            )
            row.write(
                {
                    "sale_line_id": line.id,
                    "project_id": project.id,
                    "quantity": quantity,
                    "price_unit": line.price_unit,
                }
            )

    def _end_write_off(self):
        """Count no more, with their transaction; the log of its project keeps them."""
        if not self:
            return
        self._check_period_open()
        for project, rows in self.grouped("project_id").items():
            log = project or rows.sale_line_id.order_id[:1]
            log._message_log(
                body=Markup("<br/>").join(row._write_off_in_words() for row in rows)
            )
        self._drop()

    def _write_off_in_words(self) -> str:
        return self.env._(
            "“%(transaction)s” of %(date)s (%(quantity)s %(unit)s) was deleted. It had "
            "been written off by %(user)s on %(day)s: %(reason)s",
            transaction=self.name or self.sale_line_id.display_name,
            date=format_date(self.env, self.date),
            quantity=f"{self.quantity:.2f}",
            unit=self.uom_id.name,
            user=self.user_id.name or "-",
            day=format_date(self.env, self.write_off_date),
            reason=self.reason,
        )

    def _shrink(self, excess: float):
        """Lower rows of one transaction, the first ones first.

        :param excess: by how much in all, in the transaction's own unit
        """
        sign = -1.0 if excess < 0 else 1.0
        left = abs(excess)
        for detail in self:
            part = min(left, sign * detail.source_quantity)
            if part <= 0:
                continue
            left -= part
            kept = detail.source_quantity - sign * part
            quantity = detail.quantity * kept / detail.source_quantity
            detail.with_context(psa_ledger=LEDGER).write(
                {"source_quantity": kept, "quantity": quantity}
            )
        sources = self._sources()
        lines = self.sale_line_id
        empty = self.filtered(lambda detail: is_zero(detail.source_quantity))
        empty.with_context(psa_ledger=LEDGER).unlink()
        self._refresh_sources(sources)
        lines._psa_refresh_excluded_quantity()
