# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Project invoices that nobody has looked at for a while."""

from datetime import timedelta

from odoo import api, fields, models

REMINDER_ACTIVITY = "psa_invoicing.mail_activity_type_reminder"


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    @api.model
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
