# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Review: somebody else looks at a draft before it is confirmed, or is reminded to."""

from collections.abc import Callable
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import formatLang

from ..shared import rights

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
        help="Counts as long as the total stays what it was.",
    )
    billing_reviewed_total = fields.Monetary(
        string="Reviewed Total",
        readonly=True,
        copy=False,
        help="The total, taxes included, that was submitted or approved.",
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
    psa_can_review = fields.Boolean("Can Review", compute="_compute_psa_can_review")

    @api.depends("is_project_invoice", "company_id.billing_review_required")
    def _compute_psa_is_review_required(self):
        for move in self:
            # sudo: whoever sees the invoice is shown the buttons that go with it.
            move.psa_is_review_required = (
                move.is_project_invoice
                and move.company_id.sudo().billing_review_required
            )

    @api.depends_context("uid")
    @api.depends("billing_project_ids")
    def _compute_psa_can_review(self):
        is_reviewer = rights.is_billing_reviewer(self.env.user)
        for move in self:
            move.psa_can_review = is_reviewer and move._psa_is_reviewed_by(
                self.env.user
            )

    def _psa_is_reviewed_by(self, user) -> bool:
        """Whether one of this invoice's projects is that user's."""
        # sudo: whoever asks need not see the projects.
        return user in self.sudo().billing_project_ids.mapped(
            lambda project: project.billing_user_id | project.user_id
        )

    def _psa_is_in_review(self) -> bool:
        """Submitted or approved, and with the total that it had then."""
        return bool(self.billing_review) and not self.currency_id.compare_amounts(
            self.amount_total, self.billing_reviewed_total
        )

    def _psa_is_approved(self) -> bool:
        return self.billing_review == APPROVED and self._psa_is_in_review()

    # === Rights ===

    def _psa_check_reviewer(self):
        """Refuse anyone who does not review the projects of these invoices.

        :raises AccessError: with what is missing
        """
        rights.check_may_review(self.env)
        if self.env.su:
            return
        if others := self.filtered(
            lambda move: not move._psa_is_reviewed_by(self.env.user)
        ):
            raise AccessError(
                self.env._(
                    "%(invoices)s is reviewed by the manager or the billing "
                    "responsible of its projects.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )

    def _psa_check_may_change_rows(self):
        """Refuse whoever is neither billing administrator nor reviewer of what is in
        review."""
        if not rights.is_billing_reviewer(self.env.user) or any(
            not move._psa_is_in_review() or not move._psa_is_reviewed_by(self.env.user)
            for move in self
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
        # sudo: the administrator was just checked; he need not see the projects.
        reviewers = {move: move.sudo()._psa_find_reviewer() for move in self}
        self._psa_refuse(lambda move: move._psa_submission_problem(reviewers[move]))
        for move, reviewer in reviewers.items():
            move.sudo()._psa_submit_to(reviewer, self.env.user)
        return True

    def _psa_submission_problem(self, reviewer) -> str:
        """:return: why this draft cannot be submitted, or ''"""
        if self.needs_recalculation:
            return self.env._(
                "transactions on it were changed since; press Recalculate first."
            )
        if reviewer:
            return ""
        return self.env._(
            "nobody can review it. Enter a billing responsible with the right "
            "“%(group)s” in %(projects)s.",
            group=rights.group_name(self.env, rights.BILLING_REVIEWER),
            projects=", ".join(self.sudo().billing_project_ids.mapped("name")),
        )

    def _psa_find_reviewer(self):
        """The billing responsible of a project, else its manager."""
        projects = self.billing_project_ids
        candidates = projects.billing_user_id | projects.user_id
        return candidates.filtered(rights.is_billing_reviewer)[:1]

    def _psa_submit_to(self, reviewer, submitter):
        """:param submitter: who gets it back"""
        self.activity_unlink([REVIEW_ACTIVITY])
        self.write(
            {
                "billing_review": SUBMITTED,
                "billing_reviewed_total": self.amount_total,
                "billing_reviewer_id": reviewer.id,
                "billing_review_date": False,
                "billing_submitter_id": submitter.id,
            }
        )
        self.activity_schedule(REVIEW_ACTIVITY, user_id=reviewer.id)

    def action_psa_approve(self):
        """Let these invoices be confirmed and sent as they are.

        :raises AccessError: unless the user reviews their projects
        :raises UserError: for an invoice that is not in review
        """
        self._psa_check_reviewer()
        self.check_access("read")
        self._psa_check_in_review()
        # sudo: the reviewer was just checked; he may not edit invoices.
        for move in self.sudo():
            move.write(
                {
                    "billing_review": APPROVED,
                    "billing_reviewer_id": self.env.user.id,
                    "billing_review_date": move.company_id._billing_today(),
                }
            )
            move.activity_unlink([REVIEW_ACTIVITY])
            move._message_log(
                body=self.env._(
                    "Approved by %(user)s: %(total)s.",
                    user=self.env.user.name,
                    total=formatLang(
                        self.env, move.amount_total, currency_obj=move.currency_id
                    ),
                )
            )
        return True

    def _psa_send_back(self, comment: str):
        """Give drafts back to whom they came from.

        :param comment: what is to be changed
        :raises AccessError: unless the user reviews their projects
        :raises UserError: for an invoice that is not in review, or without a comment
        """
        self._psa_check_reviewer()
        self.check_access("read")
        self._psa_check_project_drafts()
        if not (comment or "").strip():
            raise UserError(self.env._("Say what is to be changed."))
        # sudo: the reviewer was just checked; he may not edit invoices.
        for move in self.sudo():
            submitter = move.billing_submitter_id
            move.write(dict.fromkeys(("billing_review", "billing_review_date"), False))
            move.activity_unlink([REVIEW_ACTIVITY])
            move._message_log(
                body=self.env._("Sent back: %(comment)s", comment=comment.strip())
            )
            move.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=submitter.id or move.create_uid.id,
                summary=self.env._("Revise: %(comment)s", comment=comment.strip()),
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
        """Tell the reviewer that the amount is not what he has seen."""
        for move in self:
            reviewer = move.billing_reviewer_id
            move.activity_unlink([REVIEW_ACTIVITY])
            move.billing_review = move.billing_review_date = False
            body = self.env._(
                "The amount of %(invoice)s has changed since it was submitted: it is "
                "a draft again and needs a new review.",
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
        """The reviewer knows what he has changed himself."""
        # sudo: he may not edit invoices, and has just done so through his rights.
        for move in self.sudo():
            if move.billing_review == SUBMITTED and move.sudo(False).psa_can_review:
                move.billing_reviewed_total = move.amount_total

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
