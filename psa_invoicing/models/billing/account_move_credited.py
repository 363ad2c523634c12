# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a document says of the work that it bills or credits: when it was, and with
which invoice it was billed."""

from datetime import date

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def _billing_period(self) -> tuple[date, date] | None:
        """The invoicing period (BG-14 of EN 16931): of a project invoice its own; of a
        credit note that of what it credits.

        :return: its first and its last day; None for another invoice, or if there is
            no such period: one that ends before it starts is refused (BR-29)
        """
        self.ensure_one()
        if self.move_type == "out_refund":
            return self._psa_credited_period()
        start, end = self.billing_period_start, self.billing_cutoff_date
        if self.is_project_invoice and start and end and start <= end:
            return start, end
        return None

    def _psa_credited_period(self) -> tuple[date, date] | None:
        # sudo: who may see a credit note need not read the ledger.
        details = self.sudo().detail_ids
        taken_back = details.origin_detail_id.move_id
        if not taken_back:
            days = details.mapped("date")
            return (min(days), max(days)) if days else None
        periods = [move._billing_period() for move in taken_back]
        if not all(periods):
            return None
        return min(start for start, _end in periods), max(
            end for _start, end in periods
        )

    def _billing_credited_invoices(self):
        """The invoices that a credit note of a project corrects: those of what it takes
        back; else the last ones that billed its contract lines before.

        :return: none of another document
        """
        self.ensure_one()
        # sudo: as above
        details = self.sudo().detail_ids
        if self.move_type != "out_refund" or not details:
            return self.browse()
        if found := self.reversed_entry_id | details.origin_detail_id.move_id:
            return found.sudo(self.env.su)
        groups = details._read_group(
            [
                ("sale_line_id", "in", details.sale_line_id.ids),
                ("id", "<", min(details.ids)),
                ("move_id.move_type", "=", "out_invoice"),
                ("move_id.state", "=", "posted"),
            ],
            ["sale_line_id"],
            ["move_id:max"],
        )
        return self.browse(sorted({move_id for _line, move_id in groups}))

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """A credit note has the service date of what it credits."""
        values_list = default_values_list or [{} for _move in self]
        for move, values in zip(self, values_list, strict=True):
            if move.is_project_invoice and move.delivery_date:
                values.setdefault("delivery_date", move.delivery_date)
        return super()._reverse_moves(values_list, cancel)
