# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Review: somebody else looks at a draft before it is confirmed, or is reminded to."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ..shared import rights
from ..shared.external_arguments import as_text

REVIEW_ACTIVITY = "psa_invoicing.mail_activity_type_review"
REMINDER_ACTIVITY = "psa_invoicing.mail_activity_type_reminder"
SUBMITTED, APPROVED = "submitted", "approved"


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_review = fields.Selection(
        [(SUBMITTED, "Submitted"), (APPROVED, "Approved")],
        string="Review",
        readonly=True,
        copy=False,
        help="Counts as long as customer, total, and what is billed stay the same.",
    )
    billing_reviewed_total = fields.Monetary(
        string="Reviewed Total",
        readonly=True,
        copy=False,
        help="The total, taxes included, that was submitted or approved.",
    )
    billing_reviewed_digest = fields.Char(
        readonly=True,
        copy=False,
        help="Tells whether customer, currency and what is billed are still those that "
        "were submitted or approved.",
    )
    billing_reviewer_id = fields.Many2one(
        "res.users",
        string="Reviewer",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="Who is to look at it; afterwards, who has approved it.",
    )
    billing_review_date = fields.Date(string="Approved On", readonly=True, copy=False)
    billing_submitter_id = fields.Many2one(
        "res.users",
        string="Submitted By",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    psa_is_review_required = fields.Boolean(
        string="Is Review Required", compute="_compute_psa_is_review_required"
    )

    @api.depends("is_project_invoice", "company_id.billing_review_required")
    def _compute_psa_is_review_required(self):
        for move in self:
            # sudo: whoever sees the invoice is shown the buttons that go with it.
            move.psa_is_review_required = (
                move.is_project_invoice
                and move.company_id.sudo().billing_review_required
            )

    def _psa_is_in_review(self) -> bool:
        """Submitted or approved, and what it was then."""
        return (
            bool(self.billing_review)
            and not self.currency_id.compare_amounts(
                self.amount_total, self.billing_reviewed_total
            )
            and self.billing_reviewed_digest == self._psa_review_digest()
        )

    def _psa_review_digest(self) -> str:
        """Of what a reviewer answers for, but for the total; texts may change."""
        # sudo: whoever sees the invoice need not read the ledger.
        move = self.sudo()
        lines = [
            (
                *sorted(line.sale_line_ids._origin.ids),
                _as_compared(line.quantity),
                _as_compared(line.price_subtotal),
                line.product_uom_id._origin.id,
            )
            for line in move.invoice_line_ids
            if line.display_type == "product"
        ]
        rows = [
            (
                row._key or row.transaction_type,
                row.billing_type,
                _as_compared(row.quantity),
            )
            for row in move.detail_ids
        ]
        seen = (
            move.partner_id._origin.id,
            move.currency_id.id,
            sorted(map(repr, lines)),
            sorted(map(repr, rows)),
        )
        return sha256(repr(seen).encode()).hexdigest()

    def _psa_as_seen(self) -> dict:
        """What to note of an invoice that a reviewer looks at."""
        return {
            "billing_reviewed_total": self.amount_total,
            "billing_reviewed_digest": self._psa_review_digest(),
        }

    def _psa_is_approved(self) -> bool:
        return self.billing_review == APPROVED and self._psa_is_in_review()

    def _psa_check_may_change_rows(self, details):
        """Refuse whoever is neither billing administrator nor reviewer of what is in
        review.

        :param details: rows of these invoices
        """
        user = self.env.user
        for move, rows in details.grouped("move_id").items():
            # sudo: only to compare.
            projects = rows.sudo().project_id
            if not (
                move._psa_is_in_review()
                and projects <= move._psa_reviewed_projects(user)
            ):
                rights.check_may_bill(self.env)

    def _psa_check_in_review(self):
        """Refuse what nobody has submitted, or what was changed since."""
        self._psa_check_project_drafts()
        self._psa_refuse(
            lambda move: (
                move.needs_recalculation
                and self.env._(
                    "transactions on it were changed since; a billing administrator "
                    "has to recalculate it first."
                )
                if move._psa_is_in_review()
                else self.env._("it was not submitted for review.")
            )
        )

    def _psa_refuse(self, problem_of: Callable):
        """:param problem_of: what is wrong with an invoice, if anything is
        :raises UserError: with all that is wrong, by invoice
        """
        problems = [
            f"{move.display_name}: {problem}"
            for move in self
            if (problem := problem_of(move))
        ]
        if problems:
            raise UserError("\n".join(problems))

    def _psa_review_problem(self) -> str:
        """:return: what is missing before this draft may be confirmed, or ''"""
        if not self.psa_is_review_required or self._psa_is_approved():
            return ""
        if self._psa_is_in_review():
            return self.env._(
                "it waits for the review by %(reviewer)s.",
                reviewer=self.sudo().billing_reviewer_id.name or "",
            )
        return self.env._("it has to be reviewed; press Submit for Review first.")

    def _psa_check_approved(self):
        """Refuse to confirm what nobody has approved, where the company wants that."""
        self._psa_refuse(lambda move: move._psa_review_problem())

    # === Submit, approve, send back ===

    def action_psa_submit(self):
        """Ask the reviewers of the projects to look at these drafts.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: with all that is wrong, by invoice
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        self._psa_check_project_drafts()
        self._psa_refuse(lambda move: move._psa_submission_problem())
        # sudo: the administrator was just checked; he need not see the projects.
        for move in self.sudo():
            move._psa_submit(self.env.user)
        return True

    def _psa_submission_problem(self) -> str:
        """:return: why this draft cannot be submitted, or ''"""
        if self.needs_recalculation:
            return self.env._(
                "transactions on it were changed since; press Recalculate first."
            )
        reviewers = self._psa_reviewers(self.env.user)
        if reviewers and all(reviewers.values()):
            return ""
        return self.env._(
            "nobody can review it. Enter a billing responsible with the right "
            "“%(group)s” in %(projects)s.",
            group=rights.group_name(self.env, rights.BILLING_REVIEWER),
            projects=", ".join(
                project.name for project, own in reviewers.items() if not own
            ),
        )

    def _psa_submit(self, submitter):
        """:param submitter: who gets it back"""
        self.write(
            {
                "billing_review": SUBMITTED,
                **self._psa_as_seen(),
                "billing_approver_ids": False,
                "billing_review_date": False,
                "billing_submitter_id": submitter.id,
            }
        )
        self._psa_ask(self._psa_next_reviewer(submitter))

    def _psa_ask(self, reviewer):
        """Let somebody look at it now, and nobody else."""
        self.billing_reviewer_id = reviewer
        self.activity_unlink([REVIEW_ACTIVITY])
        self.activity_schedule(REVIEW_ACTIVITY, user_id=reviewer.id)

    def action_psa_approve(self):
        """Let these invoices be confirmed and sent as they are, once somebody has
        approved each of their projects.

        :raises AccessError: unless the user reviews one of their projects
        :raises UserError: for an invoice that is not in review
        """
        self._psa_check_reviewer()
        self.check_access("read")
        self._psa_check_in_review()
        # sudo: the reviewer was just checked; he may not edit invoices.
        for move in self.sudo():
            move._psa_note_approval(self.env.user)
        return True

    def _psa_note_approval(self, user):
        """See :meth:`action_psa_approve`."""
        submitter = self.billing_submitter_id
        values = {
            "user": user.name,
            "total": formatLang(
                self.env, self.amount_total, currency_obj=self.currency_id
            ),
        }
        self.billing_approver_ids |= user
        if reviewer := self._psa_next_reviewer(submitter):
            self._psa_ask(reviewer)
            text = self.env._(
                "Approved by %(user)s for their projects. The others wait for "
                "%(reviewer)s.",
                reviewer=reviewer.name,
                **values,
            )
        else:
            self.write(
                {
                    "billing_review": APPROVED,
                    "billing_reviewer_id": user.id,
                    "billing_review_date": self.company_id._billing_today(),
                }
            )
            self.activity_unlink([REVIEW_ACTIVITY])
            text = self.env._("Approved by %(user)s: %(total)s.", **values)
            if user == submitter:
                text = self.env._(
                    "Approved by %(user)s, who has submitted it, as nobody else "
                    "reviews it: %(total)s.",
                    **values,
                )
        self._message_log(body=text)

    def _psa_send_back(self, comment: str):
        """Give drafts back to whom they came from.

        :param comment: what is to be changed
        :raises AccessError: unless the user reviews their projects
        :raises UserError: for an invoice that is not in review, or without a comment
        """
        self._psa_check_reviewer()
        self.check_access("read")
        self._psa_check_project_drafts()
        comment = as_text(comment)
        if not comment:
            raise UserError(self.env._("Say what is to be changed."))
        # sudo: the reviewer was just checked; he may not edit invoices.
        for move in self.sudo():
            submitter = move.billing_submitter_id
            move.write(dict.fromkeys(("billing_review", "billing_review_date"), False))
            move.activity_unlink([REVIEW_ACTIVITY])
            move._message_log(
                body=self.env._("Sent back: %(comment)s", comment=comment)
            )
            move.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=submitter.id or move.create_uid.id,
                summary=self.env._("Revise: %(comment)s", comment=comment),
            )

    # === What changes afterwards ===

    def _message_track_post_template(self, changes):
        """What changed after it was submitted or approved needs a new look."""
        if changes and "psa_state" in changes:
            self.filtered(
                lambda move: (
                    move.billing_review
                    and move.state == "draft"
                    and not move._psa_is_in_review()
                )
            )._psa_withdraw_review()
        return super()._message_track_post_template(changes)

    def _psa_withdraw_review(self):
        """Tell the reviewer that it is not what he has seen."""
        for move in self:
            reviewer = move.billing_reviewer_id
            move.activity_unlink([REVIEW_ACTIVITY])
            move.billing_review = move.billing_review_date = False
            body = self.env._(
                "%(invoice)s is not what was submitted any more: its customer, its "
                "amount or what it bills has changed. It is a draft again and needs "
                "a new review.",
                invoice=move.display_name,
            )
            move._message_log(body=body)
            if reviewer:
                move.message_notify(
                    partner_ids=reviewer.partner_id.ids,
                    subject=self.env._(
                        "Changed: %(invoice)s", invoice=move.display_name
                    ),
                    body=body,
                )

    def _psa_keep_review(self):
        """The reviewer knows what he has changed himself, in what was in review until
        then: not what else changed with it."""
        # sudo: he may not edit invoices, and has just done so through his rights.
        for move in self.sudo():
            if move.billing_review == SUBMITTED and move.sudo(False).psa_can_review:
                move.write(move._psa_as_seen())

    # === What nobody has looked at for a while ===

    def _psa_remind_of_drafts(self):
        """Daily: an activity for each draft that is older than its company wants."""
        for company in self.env["res.company"].search(
            [("billing_reminder_days", ">", 0)]
        ):
            age = timedelta(company.billing_reminder_days)
            drafts = self.search(
                [
                    ("company_id", "=", company.id),
                    ("is_project_invoice", "=", True),
                    ("state", "=", "draft"),
                    ("create_date", "<=", fields.Datetime.now() - age),
                ]
            )
            drafts._psa_remind()

    def _psa_remind(self):
        """Once, as long as they are drafts."""
        reminded = self.activity_search([REMINDER_ACTIVITY]).mapped("res_id")
        for move in self.filtered(lambda move: move.id not in reminded):
            responsible = (
                move.billing_project_ids.billing_user_id[:1]
                or move.billing_project_ids.user_id[:1]
                or move.company_id.billing_user_id
                or move.create_uid
            )
            move.activity_schedule(
                REMINDER_ACTIVITY,
                user_id=responsible.id,
                date_deadline=move.company_id._billing_today(),
            )

    def _psa_settle_reminders(self):
        """What is confirmed waits no longer."""
        self.activity_feedback(
            [REMINDER_ACTIVITY], feedback=self.env._("Settled: it was confirmed.")
        )


def _as_compared(quantity: float) -> float:
    """Without the noise behind it, and one zero alone."""
    return round(quantity, 6) + 0.0
