# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Written off is written off, wherever a transaction goes."""

from odoo import api, models
from odoo.tools import SQL


class PsaTransactionMixin(models.AbstractModel):
    _inherit = "psa.transaction.mixin"  # pylint: disable=consider-merging-classes-inherited

    def _psa_write_offs(self):
        """Rows that write off something of these transactions, but for those that a
        credit note has taken back."""
        # sudo: whoever may correct a transaction need not see the ledger.
        records = self.sudo()._psa_with_write_offs()
        rows = records._psa_details([("is_write_off", "=", True)])
        written_off = rows.filtered(lambda row: not row.move_id)
        taken_back = written_off._taken_back() if rows != written_off else {}
        return written_off.filtered(lambda row: row.id not in taken_back)

    def _psa_with_write_offs(self):
        """Those that something is written off of; also if it does not count now.

        They are few, and everything that is saved is asked: a glance at an index.
        """
        counting = self.filtered("billing_written_off_quantity")
        if not (rest := self - counting):
            return counting
        Detail = self.env["psa.invoice.detail"]
        column = Detail._fields[self._billing_detail_field]
        suspended = SQL(
            "SELECT DISTINCT %s FROM psa_invoice_detail AS detail"
            " WHERE %s = ANY(%s) AND is_suspended IS TRUE",
            column.to_sql(Detail, "detail"),
            column.to_sql(Detail, "detail"),
            rest.ids,
            to_flush=Detail._fields["is_suspended"],
        )
        return counting + self.browse(
            id_ for (id_,) in self.env.execute_query(suspended)
        )

    def _psa_follow_write_offs(self, rows=None):
        """What is written off of a transaction goes with it to another contract line.

        It counts as long as the transaction is to be billed at all: not while its
        milestone is un-reached or its bill a draft. One that was lowered has less to
        write off, the latest first; else the customer would be credited for it.

        :param rows: what is written off of them, where it is known
        :raises UserError: if it was written off in a period that is closed since, and
            would go to another contract line
        """
        rows = self._psa_write_offs() if rows is None else rows
        if not rows:
            return
        lines = rows.sale_line_id
        for record, own in rows.grouped(self._billing_detail_field).items():
            own._follow_transaction(record)
        self.browse(rows[self._billing_detail_field].ids)._psa_refresh_from_ledger()
        for record, own in rows.grouped(self._billing_detail_field).items():
            excess = -record.open_quantity
            if excess * record.billing_written_off_quantity > 0:
                own.sorted("id", reverse=True)._shrink(excess)
        (lines | rows.exists().sale_line_id)._psa_refresh_excluded_quantity()

    def _psa_stay_written_off(self, rows=None):
        """Transactions that were written off in a period that is closed since: they
        stay where they are, as those that are invoiced.

        :param rows: what is written off of them, where it is known
        """
        rows = self._psa_write_offs() if rows is None else rows
        closed = rows.filtered(lambda row: not row.is_suspended)._of_closed_period()
        return self.browse(closed[self._billing_detail_field].ids)

    @api.ondelete(at_uninstall=False)
    def _psa_end_write_offs(self):
        """With a transaction goes what was written off of it; the log keeps it."""
        self._psa_write_offs()._end_write_off()
