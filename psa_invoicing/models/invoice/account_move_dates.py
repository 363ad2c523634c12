# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dates of project invoices: by rule, unless a person chose another."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from ..billing.account_move_brief import DELIVERY_DATES


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_earlier_period_count = fields.Integer(
        string="Earlier Period Count",
        compute="_compute_billing_earlier_period_count",
        help="Transactions whose day was billed with an earlier invoice.",
    )

    @api.depends("detail_ids.is_earlier_period")
    def _compute_billing_earlier_period_count(self):
        for move in self:
            # sudo: who may see an invoice need not read the ledger.
            late = move.sudo().detail_ids.filtered("is_earlier_period")
            move.billing_earlier_period_count = len(late)

    # === The company's day ===

    def _psa_of_projects(self):
        """Project invoices; and what else is in the ledger: credit notes, and invoices
        that Odoo's button made of a project."""
        projects = self.filtered("is_project_invoice")
        others = self - projects
        if not others:
            return projects
        # sudo: who may see an invoice need not read the ledger. Rows are grouped, not
        # read: an invoice may have thousands.
        found = (
            self.env["psa.invoice.detail"]
            .sudo()
            ._read_group([("move_id", "in", others.ids)], ["move_id"])
        )
        return projects | others.browse(move.id for [move] in found)

    def _psa_by_zone(self) -> dict:
        """By the time zone of their company; the invoices of others, by False: Odoo
        takes the day of the user for them."""
        ours = set(self._psa_of_projects()._ids)
        by_zone = self.grouped(
            lambda move: move.id in ours and move.company_id._billing_zone()
        )
        return by_zone or {False: self}

    def _psa_zone_of_days(self) -> str | None:
        """The time zone for a dialog of Odoo's on these: that of their company; of the
        invoices of others, that of the context."""
        ours = self._psa_of_projects()
        return (
            ours.company_id[:1]._billing_zone() if ours else self.env.context.get("tz")
        )

    def _psa_active_moves(self):
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
        # sudo: customers may read what follows from it, and none of ours.
        if self.sudo().is_project_invoice and not self.invoice_date:
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

    def _psa_due_dates_to_follow(self, vals) -> tuple:
        """No project invoice is due before its date; one without payment terms that is
        due on its date stays so.

        :return: drafts whose dates are about to change, and those that stay so
        """
        written = {"invoice_date", "invoice_date_due"} & set(vals)
        if not written:
            return self.browse(), self.browse()
        drafts = self.filtered(lambda move: move.state == "draft")._psa_of_projects()
        return drafts, drafts.filtered(
            lambda move: (
                written == {"invoice_date"}
                and not move.invoice_payment_term_id
                and move.invoice_date
                and move.invoice_date == move.invoice_date_due
            )
        )

    def _psa_keep_due_dates(self, due_when_dated):
        """:param due_when_dated: those that are due on their date"""
        for move in due_when_dated.filtered("invoice_date"):
            move.invoice_date_due = move.invoice_date
        self._psa_put_off_due_date()

    def _psa_put_off_due_date(self):
        for move in self:
            day = move.invoice_date
            if not day or not move.invoice_date_due or move.invoice_date_due >= day:
                continue
            if move.invoice_payment_term_id:
                self.env.add_to_compute(self._fields["invoice_date_due"], move)
            else:
                move.invoice_date_due = day

    # === By rule ===

    def _psa_dates_from_cutoff(self) -> list[str]:
        """Dates of a draft that follow when a person changes its cut-off date."""
        names = []
        if self.company_id.billing_invoice_date == "cutoff" and (
            self._psa_is_dated_by_rule()
        ):
            names.append("invoice_date")
        day = self.billing_cutoff_date
        found = [name for name in names if self[name] == day]
        service = day and self._psa_service_day(day)
        return found + [name for name in DELIVERY_DATES if self[name] == service]

    def _psa_follow_cutoff_date(self, names: list[str]):
        """:param names: dates that were the cut-off date before it changed"""
        for name in names:
            day = self.billing_cutoff_date
            self[name] = self._psa_service_day(day) if name in DELIVERY_DATES else day
        if "invoice_date" in names:
            self._billing_remember(invoice_date=self.invoice_date)

    def _psa_move_to_allowed_day(self):
        """What the rule dated gets no locked date, and no number out of order.

        A date that a person typed stays: Odoo then moves the accounting date alone.
        """
        dated = self.filtered(lambda move: move._psa_is_dated_by_rule())
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
            allowed = move._psa_first_allowed_day(last_dates.get(move.journal_id))
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

    def _psa_keep_service_day(self):
        """Nothing is delivered after the date of its invoice."""
        for move in self:
            day = move.invoice_date or move.company_id._billing_today()
            for name, shown in DELIVERY_DATES.items():
                if move[shown] and move[name] and move[name] > day:
                    move[name] = move._psa_service_day(move[name])

    def _psa_first_allowed_day(self, last_date):
        """:param last_date: of the invoices in the journal, if there are any"""
        day = max(filter(None, [self.invoice_date, last_date]))
        has_tax = self._affect_tax_report()
        while locks := self._get_violated_lock_dates(day, has_tax):
            day = locks[-1][0] + timedelta(days=1)
        return day
