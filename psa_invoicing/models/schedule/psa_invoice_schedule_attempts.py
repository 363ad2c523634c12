# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rows of the schedule that fail, wait or have nothing to bill: why, and until when."""

from collections import Counter, defaultdict
from datetime import date

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ...core import obstacles
from ...core.billing import Request
from ...core.obstacles import Obstacle
from .psa_invoice_run_line import BILLED, NOTHING

# On so many later days a row that has failed is tried again by itself.
RETRIES = 3
NEVER_FAILED = {"attempts": 0, "failed_on": False}


class PsaInvoiceSchedule(models.Model):
    _inherit = "psa.invoice.schedule"  # pylint: disable=consider-merging-classes-inherited

    attempts = fields.Integer(
        string="Days Failed",
        readonly=True,
        help="On so many days an invoice run could not bill it. Runs try it again on "
        "three days, then it waits for Retry.",
    )
    failed_on = fields.Date(string="Last Failed On", readonly=True)

    _given_up = models.Index("(project_id) WHERE state = 'failed' AND attempts > 3")

    # === Failures ===

    def _fail(self, error: str, day: date):
        """Note why a row could not be billed.

        :param day: of the run; a second failure on one day is the same attempt
        """
        self.ensure_one()
        attempts = self.attempts + (self.failed_on != day)
        values = {"error": error, "attempts": attempts, "failed_on": day}
        self.write({"state": "failed", **values})

    def _given_up_domain(self) -> Domain:
        """Rows that failed too often: no run tries them again by itself."""
        return Domain([("state", "=", "failed"), ("attempts", ">", RETRIES)])

    def _given_up_reason(self) -> str:
        return self.env._(
            "It failed on %(count)s days and waits for Retry: %(error)s",
            count=self.attempts,
            error=self.error or "",
        )

    def _waits_for(self, day: date) -> str:
        """:param day: of an earlier row of the project, which failed"""
        return self.env._(
            "Waits for the invoice of %(date)s, which failed.",
            date=format_date(self.env, day),
        )

    # === On hold ===

    def _hold_reason(self) -> str:
        if reason := self.project_id.billing_hold_reason:
            return self.env._("The project is on hold: %(reason)s", reason=reason)
        return self.env._("The project is on hold.")

    # === Figures ===

    def _figures(self) -> dict:
        """What the invoices of these rows bill, as the ledger has it.

        :return: values of a row of an invoice run, by row of the schedule
        """
        details = self.env["psa.invoice.detail"].search_fetch(
            [("move_id", "in", self.invoice_ids.ids)],
            ["move_id", "project_id", "amount"],
        )
        sums: dict = defaultdict(Counter)
        counts: Counter = Counter()
        for detail in details:
            key = detail.move_id, detail.project_id
            sums[key][detail.currency_id] += detail.amount
            counts[key] += 1
        reasons = self.filtered(lambda row: row.state == "nothing")._nothing_reasons()
        reasons |= self.filtered(lambda row: row.state == "done")._beyond_reasons()
        figures = {}
        for row in self:
            amounts: Counter = Counter()
            transactions = 0
            for move in row.invoice_ids:
                # One invoice may bill several rows: it counts with the first.
                key = move, row.project_id
                amounts.update(sums.pop(key, {}))
                transactions += counts.pop(key, 0)
            figures[row] = {
                "state": BILLED if row.invoice_ids else NOTHING,
                "reason": reasons.get(row) or row.error,
                "transactions": transactions,
                "amounts": {
                    currency.id: currency.round(amount)
                    for currency, amount in amounts.items()
                },
            }
        return figures

    def _beyond_reasons(self) -> dict:
        """What contract lines and contract terms leave out of rows that were billed, in
        words."""
        return {
            row: " ".join(row._left_out_in_words(left_out))
            for row, left_out in self._left_out("beyond").items()
            if left_out
        }

    def _nothing_reasons(self) -> dict:
        """Why there was nothing to bill, in words, by row."""
        reasons = {}
        for row, left_out in self._left_out("left_out").items():
            words = [row.error] if row.error else []
            words += row._left_out_in_words(left_out)
            reasons[row] = " ".join(words) or self.env._(
                "Nothing recorded up to %(date)s.",
                date=format_date(self.env, row._effective_cutoff_date()),
            )
        return reasons

    def _left_out(self, question: str) -> dict:
        """What these rows ask for and is on no invoice, by row and obstacle.

        :param question: of the billing service: all of that, or ``beyond``
        """
        found = {}
        by_cutoff = self.grouped(lambda row: row._effective_cutoff_date())
        for cutoff_date, rows in by_cutoff.items():
            request = Request(
                project_ids=tuple(rows.project_id.ids),
                cutoff_date=cutoff_date,
                from_billing_start=True,
            )
            # sudo: billing reads timesheets and orders, which the biller need not see.
            left_out = getattr(self.env["psa.billing"].sudo(), question)(request)
            found |= {row: left_out.get(row.project_id.id, {}) for row in rows}
        return found

    def _left_out_in_words(self, left_out: dict[Obstacle, int]) -> list[str]:
        texts = {
            obstacles.HOLD: self.env._("On hold: %(count)s."),
            obstacles.CREDITED: self.env._("Credited, to be reviewed: %(count)s."),
            obstacles.BEFORE_START: self.env._("Before the billing start: %(count)s."),
            obstacles.TERMS: "%(text)s: %(count)s.",
            obstacles.CORRECTED: self.env._(
                "What a correction takes back that is not billed with it: %(count)s."
            ),
            obstacles.BEYOND: self.env._(
                "What an invoice has billed that names no transactions: %(count)s."
            ),
            obstacles.ALONE: self.env._("Nothing to charge with: %(count)s."),
        }
        return [
            text % {"count": count, "text": obstacle.text}
            for code, text in texts.items()
            for obstacle, count in left_out.items()
            if obstacle.code == code
        ]
