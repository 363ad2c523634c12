# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dates of project invoices: by rule, unless a person chose another."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from .billing.account_move_brief import DELIVERY_DATES


class AccountMove(models.Model):
    # One file per side of a project invoice.
    # pylint: disable=consider-merging-classes-inherited
    _inherit = "account.move"

    earlier_period_count = fields.Integer(
        compute="_compute_earlier_period_count",
        help="Transactions whose day was billed with an earlier invoice.",
    )

    @api.depends("detail_ids.is_earlier_period")
    def _compute_earlier_period_count(self):
        for move in self:
            # sudo: who may see an invoice need not read the ledger.
            late = move.sudo().detail_ids.filtered("is_earlier_period")
            move.earlier_period_count = len(late)

    def _dates_from_cutoff(self) -> list[str]:
        """Dates of a draft that follow when a person changes its cut-off date."""
        names = list(DELIVERY_DATES)
        if self.company_id.billing_invoice_date == "cutoff" and (
            self._is_dated_by_rule()
        ):
            names.append("invoice_date")
        return [name for name in names if self[name] == self.billing_cutoff_date]

    def _follow_cutoff_date(self, names: list[str]):
        """:param names: dates that were the cut-off date before it changed"""
        for name in names:
            self[name] = self.billing_cutoff_date
        if "invoice_date" in names:
            self._billing_remember(invoice_date=self.invoice_date)

    def _move_to_allowed_day(self):
        """What the rule dated gets no locked date, and no number out of order.

        A date that a person typed stays: Odoo then moves the accounting date alone.
        """
        dated = self.filtered(lambda move: move._is_dated_by_rule())
        if not dated:
            return
        last_dates = dict(
            self.env["account.move"]
            # sudo: a number is out of order whoever may see the other invoice.
            .sudo()
            ._read_group(
                [
                    ("journal_id", "in", dated.journal_id.ids),
                    ("move_type", "=", "out_invoice"),
                    ("state", "=", "posted"),
                ],
                ["journal_id"],
                ["invoice_date:max"],
            )
        )
        for move in dated:
            allowed = move._first_allowed_day(last_dates.get(move.journal_id))
            if allowed > move.invoice_date:
                move._message_log(
                    body=self.env._(
                        "The invoice date moved from %(before)s to %(after)s: the "
                        "former is locked, or before the journal's last invoice.",
                        before=format_date(self.env, move.invoice_date),
                        after=format_date(self.env, allowed),
                    )
                )
                move.invoice_date = allowed

    def _first_allowed_day(self, last_date):
        """:param last_date: of the invoices in the journal, if there are any"""
        day = max(filter(None, [self.invoice_date, last_date]))
        has_tax = self._affect_tax_report()
        while locks := self._get_violated_lock_dates(day, has_tax):
            day = locks[-1][0] + timedelta(days=1)
        return day
