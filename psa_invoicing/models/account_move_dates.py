# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dates of project invoices: by rule, unless a person chose another."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

# Where a country wants it: the day of the delivery is the end of the billing period.
DELIVERY_DATES = {
    "delivery_date": "show_delivery_date",
    "taxable_supply_date": "show_taxable_supply_date",
}


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

    # === The company's day ===

    def _of_projects(self):
        """Project invoices; and what else is in the ledger: credit notes, and invoices
        that Odoo's button made of a project."""
        # sudo: who may see an invoice need not read the ledger.
        return self.filtered(
            lambda move: move.is_project_invoice or move.sudo().detail_ids
        )

    def _by_billing_zone(self) -> dict:
        """By the time zone of their company; the invoices of others, by False: Odoo
        takes the day of the user for them."""
        ours = self._of_projects()
        return self.grouped(
            lambda move: move in ours and move.company_id._billing_zone()
        )

    def _zone_of_days(self) -> str | None:
        """The time zone for a dialog of Odoo's on these: that of their company; of the
        invoices of others, that of the context."""
        ours = self._of_projects()
        return (
            ours.company_id[:1]._billing_zone() if ours else self.env.context.get("tz")
        )

    @api.model
    def _active_moves(self):
        """What a dialog of Odoo's was opened on."""
        model = self.env.context.get("active_model")
        ids = self.env.context.get("active_ids")
        if model == "account.move.line":
            return self.env[model].browse(ids).move_id
        return self.browse(ids if model == self._name else ())

    def _get_invoice_currency_rate_date(self):
        """Without a date, that of the server: a rate that is another than on the day
        on which the server made the draft is one that a person typed, to Odoo, and
        stays when the draft is dated."""
        if self.is_project_invoice and not self.invoice_date:
            self = self.with_context(tz="UTC")
        return super()._get_invoice_currency_rate_date()

    # === Due ===

    def _compute_invoice_date_due(self):
        """Without payment terms, a new project invoice is due when it is dated: Odoo
        takes the day on which it was made, where the user is."""
        new = self.filtered(
            lambda move: move.is_project_invoice and not move.invoice_date_due
        )
        result = super()._compute_invoice_date_due()
        for move in new.filtered(lambda move: not move.invoice_payment_term_id):
            move.invoice_date_due = (
                move.invoice_date or move.company_id._billing_today()
            )
        return result

    def write(self, vals):
        """No project invoice is due before its date; one without payment terms that is
        due on its date stays so."""
        written = {"invoice_date", "invoice_date_due"} & set(vals)
        if not written:
            return super().write(vals)
        drafts = self.filtered(lambda move: move.state == "draft")._of_projects()
        due_when_dated = drafts.filtered(
            lambda move: (
                written == {"invoice_date"}
                and not move.invoice_payment_term_id
                and move.invoice_date
                and move.invoice_date == move.invoice_date_due
            )
        )
        result = super().write(vals)
        for move in due_when_dated.filtered("invoice_date"):
            move.invoice_date_due = move.invoice_date
        drafts._put_off_due_date()
        return result

    def _put_off_due_date(self):
        for move in self:
            day = move.invoice_date
            if not day or not move.invoice_date_due or move.invoice_date_due >= day:
                continue
            if move.invoice_payment_term_id:
                self.env.add_to_compute(self._fields["invoice_date_due"], move)
            else:
                move.invoice_date_due = day

    # === Delivery ===

    def _state_delivery(self):
        """Give new drafts the end of their billing period as the day of delivery, which
        in some countries decides on the currency rate."""
        for move in self:
            values = {
                name: move.billing_cutoff_date
                for name, shown in DELIVERY_DATES.items()
                if move[shown]
            }
            if values:
                move.write(values)

    # === By rule ===

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
