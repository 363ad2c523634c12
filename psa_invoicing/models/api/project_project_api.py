# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoicing by hand, for other systems: plain values in, plain values out."""

from odoo import models


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

    def psa_preview(
        self,
        cutoff_date: str,
        types: list[str] | None = None,
        unit_ids: list[int] | None = None,
        milestone_ids: list[int] | None = None,
        picks: list[list] | None = None,
    ) -> dict:
        """What :meth:`psa_invoice` would bill with the same arguments.

        :return: ``invoices``: each with its customer, currency, untaxed amount and
            ``transactions``; ``left_out`` and ``message``: see :meth:`psa_invoice`
        """
        wizard = self.env["psa.manual.invoice"]._asked(
            self.ids, cutoff_date, types, unit_ids, milestone_ids, picks
        )
        return {"invoices": wizard._invoice_values(), **wizard._outcome_values()}

    def psa_invoice(
        self,
        cutoff_date: str,
        types: list[str] | None = None,
        unit_ids: list[int] | None = None,
        milestone_ids: list[int] | None = None,
        picks: list[list] | None = None,
    ) -> dict:
        """Make draft invoices of what is open on these projects.

        What is due to a customer becomes a draft credit note. What a credit note has
        reopened, and what is older than the billing start of its project, is billed
        only if it is among the picks, as no invoice run bills it. Called again with the
        same arguments, it makes nothing: what is on a draft is not open any more.

        :param cutoff_date: ``YYYY-MM-DD``; transactions dated up to and including this
            day are billed
        :param types: ``time``, ``expense``, ``material``, ``milestone``,
            ``order_line`` (default: all)
        :param unit_ids: departments (default: all), with those below them
        :param milestone_ids: of these projects (default: all reached ones)
        :param picks: transactions, and nothing else: ``["time", 12]`` is the time entry
            with the id 12; likewise ``cost``, ``milestone``, ``order_line`` (default:
            all)
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for what is unknown, and if no project can be billed
        :return: ``invoice_ids``: the drafts; ``invoices``: the same with name, type,
            state, currency and untaxed amount; ``left_out``: by reason, what was up to
            the cut-off date or asked for, and is on none of them; ``message``: why
            there are none, else empty
        """
        wizard = self.env["psa.manual.invoice"]._asked(
            self.ids, cutoff_date, types, unit_ids, milestone_ids, picks
        )
        outcome = wizard._outcome_values()
        moves = self.env["account.move"]
        if not outcome["message"]:
            moves = wizard._finish()
        return {
            "invoice_ids": moves.ids,
            "invoices": [move._psa_values() for move in moves],
            **outcome,
        }
