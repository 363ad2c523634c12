# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who reviews a draft: for each project its own billing responsible and manager."""

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError

from ..shared import rights


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    billing_approver_ids = fields.Many2many(
        "res.users",
        "psa_move_approver_rel",
        "move_id",
        "user_id",
        string="Approved By",
        readonly=True,
        copy=False,
        help="An invoice of several projects is approved for each of them by one of "
        "its own reviewers.",
    )
    psa_can_review = fields.Boolean("Can Review", compute="_compute_psa_can_review")

    @api.depends_context("uid")
    @api.depends("billing_project_ids", "billing_submitter_id")
    def _compute_psa_can_review(self):
        for move in self:
            move.psa_can_review = move._psa_is_reviewed_by(self.env.user)

    def _psa_reviewers(self, submitter) -> dict:
        """Who reviews each project of this invoice, its billing responsible before its
        manager: not who submits it. Where nobody else reviews a project, any other
        billing administrator does, or else a firm of one would never send anything."""
        found = {}
        # sudo: whoever asks need not see the projects.
        for project in self.sudo().billing_project_ids:
            all_ = (project.billing_user_id | project.user_id).filtered(
                rights.is_billing_reviewer
            )
            found[project] = all_ - submitter
            if all_ and not found[project]:
                found[project] = self._psa_other_billers(submitter) or all_
        return found

    def _psa_other_billers(self, submitter):
        """Who else bills in the company of this invoice."""
        # sudo: whoever asks need not see users and their rights.
        users = self.env.ref(rights.BILLING_MANAGER).sudo().all_user_ids
        return users.filtered_domain(
            [
                ("active", "=", True),
                ("share", "=", False),
                ("company_ids", "in", self.company_id.ids),
                ("id", "not in", [SUPERUSER_ID, submitter.id]),
            ]
        )

    def _psa_reviewed_projects(self, user):
        """The projects of this invoice that a user reviews."""
        # sudo: whoever asks need not know who submitted it.
        reviewers = self._psa_reviewers(self.sudo().billing_submitter_id)
        return self.env["project.project"].union(
            *(project for project, own in reviewers.items() if user in own)
        )

    def _psa_is_reviewed_by(self, user) -> bool:
        """Whether a user reviews one of this invoice's projects."""
        return bool(self._psa_reviewed_projects(user))

    def _psa_next_reviewer(self, submitter):
        """Of the projects that nobody has approved so far, somebody who may."""
        approvers = self.billing_approver_ids
        for reviewers in self._psa_reviewers(submitter).values():
            if not reviewers & approvers:
                return reviewers[:1]
        return approvers.browse()

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
                    "responsible of its projects: by somebody else than who has "
                    "submitted it, or, where nobody else reviews them, by another "
                    "billing administrator.",
                    invoices=", ".join(others.mapped("display_name")),
                )
            )
