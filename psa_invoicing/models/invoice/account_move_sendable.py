# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What keeps a project invoice from being sent, in words for an accountant."""

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import format_date

# What Odoo says, in words, when an invoice cannot be posted.
REFUSALS = (UserError, RedirectWarning)


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_po_missing = fields.Boolean(
        string="Is Po Missing",
        compute="_compute_billing_po_missing",
        help="The customer wants its own reference on every project invoice.",
    )

    @api.depends(
        "is_project_invoice",
        "ref",
        "invoice_origin",
        "commercial_partner_id.billing_po_required",
    )
    def _compute_billing_po_missing(self):
        for move in self:
            move.billing_po_missing = (
                move.is_project_invoice
                and move.commercial_partner_id.billing_po_required
                and not move._psa_customer_reference()
            )

    def _psa_posting_problems(self) -> dict:
        """What Odoo has against posting these drafts; none is posted.

        :return: reasons by invoice
        """
        problems = {}
        for move in self.filtered(lambda move: move.state == "draft"):
            savepoint = self.env.cr.savepoint()
            try:
                move.action_post()
            except REFUSALS as error:
                problems[move] = [str(error.args[0])]
            finally:
                savepoint.close(rollback=True)
        return problems

    def _psa_problems_text(self, problems: list[str]) -> str:
        """What is wrong with this invoice, a line each."""
        return "\n".join(
            self.env._(
                "%(invoice)s: %(problem)s", invoice=self.display_name, problem=problem
            )
            for problem in problems
        )

    def _psa_sending_problems(
        self, several: bool = False, methods: list[str] | None = None
    ) -> dict:
        """Why invoices cannot be sent, for an accountant.

        :param several: whether they were chosen among several, if there is but one
        :param methods: how they are to be sent (default: as each customer wants)
        :return: reasons by invoice, for those that have one
        """
        several = several or len(self) > 1
        return {
            move: problems
            for move in self
            if (problems := [*move._psa_problems_of_one(several, methods)])
        }

    def _psa_problems_of_one(self, several: bool, methods: list[str] | None):
        """:param several: what was sent already is not sent again by the way"""
        if not self.is_project_invoice or self.state == "cancel":
            yield self.env._("it is no project invoice that could be sent.")
            return
        if self.is_being_sent:
            yield self.env._("it is being sent in the background already.")
        elif several and self.billing_sent_date and not self.billing_sending_error:
            yield self.env._(
                "it was sent on %(date)s. Open it to send it again.",
                date=format_date(self.env, self.billing_sent_date),
            )
        if self.state == "draft" and self.needs_recalculation:
            yield self.env._(
                "transactions on it were changed since; press Recalculate first."
            )
        if self.state == "draft" and (problem := self._psa_review_problem()):
            yield problem
        if self.state == "draft" and not self.invoice_line_ids:
            yield self.env._("there is nothing on it.")
        if self.billing_po_missing:
            yield self.env._(
                "the customer %(customer)s wants its own reference on every invoice. "
                "Enter it as Customer Reference.",
                customer=self.commercial_partner_id.display_name,
            )
        if methods is None:
            methods = self.env["account.move.send"]._get_default_sending_methods(self)
        if "email" in methods:
            yield from self._psa_mailing_problems()

    def _psa_mailing_problems(self):
        if not self.partner_id.email:
            yield self.env._(
                "the customer %(customer)s has no e-mail address. Enter one, or choose "
                "another way of sending on the customer's Invoicing tab.",
                customer=self.partner_id.display_name,
            )
        senders = (self.invoice_user_id, self.company_id, self.env.user)
        if not any(sender.email for sender in senders):
            yield self.env._(
                "there is no e-mail address to send it from. Enter one for the company "
                "%(company)s.",
                company=self.company_id.display_name,
            )
