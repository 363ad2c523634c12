# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a billing administrator does with the rows of a schedule."""

from datetime import date, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date
from odoo.tools.misc import clean_context

from ...core.scopes import OWN
from ..shared import rights
from ..shared.external_arguments import as_date, as_text, check_exist
from .psa_invoice_run_telling import FAILED_ACTIVITY
from .psa_invoice_schedule import PENDING
from .psa_invoice_schedule_attempts import NEVER_FAILED

# What a person may enter: everything else is the engine's, or has a button.
ADDED_FIELDS = {"project_id", "run_date", "cutoff_date"}
MOVED_FIELDS = {"run_date"}
PLANNED = ("state", "planned")
# Days that a calendar shows at most.
LONGEST_VIEW = 400
COLORS = {"planned": 4, "done": 10, "nothing": 0, "failed": 1, "skipped": 3}


class PsaInvoiceSchedule(models.Model):
    _inherit = "psa.invoice.schedule"

    skip_user_id = fields.Many2one("res.users", string="Skipped By", readonly=True)
    color = fields.Integer(compute="_compute_color", help="In the calendar.")

    @api.depends("project_id", "run_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for row in self:
            # sudo: whoever sees the row sees whose it is.
            row.display_name = ", ".join(
                filter(None, [row.sudo().project_id.display_name, row._day()])
            )

    @api.depends("state")
    def _compute_color(self):
        for row in self:
            row.color = COLORS.get(row.state, 0)

    @api.onchange("project_id", "run_date")
    def _onchange_run_date(self):
        """Propose what an added date covers, as the project's frequency would."""
        if self.run_date and not self._origin:
            self.cutoff_date = self._proposed_cutoff(self.project_id, self.run_date)

    def _proposed_cutoff(self, project, day: date) -> date:
        """What an added date covers, unless a person says otherwise."""
        # sudo: whoever adds a date need not see all of the project.
        if frequency := project.sudo().billing_frequency_id:
            return frequency._cutoff_date(day)
        return day - timedelta(days=1)

    @api.model
    def get_unusual_days(self, date_from, date_to=None):
        """Days without work in the company, for the calendar to show them.

        :raises AccessError: unless the user may read the schedule
        :raises UserError: for what is no date, and for more than a year and its margins
        """
        self.check_access("read")
        first = as_date(self.env, date_from)
        last = as_date(self.env, date_to) or first
        if not first or (last - first).days > LONGEST_VIEW:
            raise UserError(
                self.env._("Ask for %(days)s days at most.", days=LONGEST_VIEW)
            )
        return self.env.company.sudo().resource_calendar_id._get_unusual_days(
            fields.Datetime.to_datetime(date_from),
            fields.Datetime.to_datetime(date_to or date_from),
            self.env.company,
        )

    @api.model
    def get_import_templates(self):
        """What the dialog of Odoo's import offers."""
        return [
            {
                "label": self.env._("Import Template for Invoice Dates"),
                "template": "/psa_invoicing/static/xlsx/invoice_dates.xlsx",
            }
        ]

    # === Adding and moving ===

    @api.model_create_multi
    def create(self, vals_list):
        """A date that a person adds: it survives changes of the frequency.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for a day that has passed, or has an invoice already
        """
        if not self.env.su:
            rights.check_may_bill(self.env)
            vals_list = self._as_added(vals_list)
            # What was not entered is not a default of the caller's, either.
            # pylint: disable-next=context-overridden
            self = self.with_context(clean_context(self.env.context))
        rows = super().create(vals_list)
        if not self.env.su:
            for row in rows:
                row._note_on_project(
                    self.env._("The invoice date %(date)s was added.", date=row._day())
                )
        return rows

    def _as_added(self, vals_list: list[dict]) -> list[dict]:
        """Check dates that a person adds, in a form or with a spreadsheet, and complete
        them."""
        # What is added is planned; a spreadsheet may say so.
        vals_list = [
            {key: val for key, val in vals.items() if (key, val) != PLANNED}
            for vals in vals_list
        ]
        self._check_entered(vals_list, ADDED_FIELDS)
        added: set = set()
        for vals in vals_list:
            project = self.env["project.project"].browse(vals.get("project_id"))
            if not project:
                raise UserError(self.env._("Choose a project for each invoice date."))
            project.check_access("read")
            day = as_date(self.env, vals.get("run_date"))
            self._check_day(project, day)
            if (project, day) in added:
                self._refuse_taken(project.sudo(), day)
            added.add((project, day))
            cutoff_date = as_date(self.env, vals.get("cutoff_date"))
            vals["cutoff_date"] = cutoff_date or self._proposed_cutoff(project, day)
        return vals_list

    def write(self, vals):
        """A person may move planned rows to another day, nothing else.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for rows that are not planned, and for a day that has passed
            or has an invoice already
        """
        if self.env.su:
            return super().write(vals)
        rights.check_may_bill(self.env)
        self._check_entered([vals], MOVED_FIELDS)
        self.check_access("write")
        if "run_date" in vals:
            day = as_date(self.env, vals["run_date"])
            for row in self:
                row._move_to(day)
        return True

    def _check_entered(self, vals_list: list[dict], allowed: set[str]):
        if any(set(vals) - allowed for vals in vals_list):
            raise AccessError(
                self.env._(
                    "Of an invoice schedule only the date can be changed; the rest "
                    "follows from the project and the invoice runs."
                )
            )

    def _check_day(self, project, day: date | None):
        """Whether a project may be invoiced on a day as well.

        :raises UserError: if not
        """
        # sudo: only to say what is wrong, to an administrator of billing.
        project = project.sudo()
        if not project.allow_billable or project.is_template or not project.active:
            raise UserError(
                self.env._(
                    "Nothing can be planned for the project “%(project)s”: it is "
                    "archived, a template, or not billable.",
                    project=project.display_name or "",
                )
            )
        if not day:
            raise UserError(
                self.env._(
                    "Choose an invoice date for the project “%(project)s”.",
                    project=project.display_name,
                )
            )
        if day < project._billing_today():
            raise UserError(
                self.env._(
                    "The project “%(project)s” cannot be invoiced on %(date)s, which "
                    "has passed. Choose today or a later day.",
                    project=project.display_name,
                    date=format_date(self.env, day),
                )
            )
        if self.sudo().search_count(
            [("project_id", "=", project.id), ("run_date", "=", day)], limit=1
        ):
            self._refuse_taken(project, day)

    def _refuse_taken(self, project, day: date):
        raise UserError(
            self.env._(
                "The project “%(project)s” has the invoice date %(date)s already. "
                "Choose another day.",
                project=project.display_name,
                date=format_date(self.env, day),
            )
        )

    def _move_to(self, day: date | None):
        """Invoice on another day.

        What is covered moves as far, except where it is the end of a month, or where a
        person entered it.
        """
        self.ensure_one()
        if day == self.run_date:
            return
        if self.state != "planned":
            raise UserError(
                self.env._(
                    "The invoice date %(date)s of the project “%(project)s” cannot be "
                    "moved, because it is not planned any more.",
                    date=self._day(),
                    project=self.project_id.display_name,
                )
            )
        self._check_day(self.project_id, day)
        before = self._day()
        # sudo: the administrator and the day were just checked.
        self.sudo().write({"run_date": day, **self._covered_on(day)})
        self._note_on_project(
            self.env._(
                "The invoice date %(before)s was moved to %(after)s.",
                before=before,
                after=self._day(),
            )
        )

    def _covered_on(self, day: date) -> dict:
        """The values of what the row covers when it is moved to a day."""
        cutoffs = self._cutoffs() or {OWN: self.cutoff_date}
        if self.planned_date:
            # sudo: whoever bills a project need not see all of it.
            frequencies = self.sudo().project_id._psa_frequencies_by_scope()
            stay = {
                scope
                for scope, frequency in frequencies.items()
                if frequency.cutoff == "previous_month_end"
            }
            cutoffs = {
                scope: cutoff + (day - self.run_date)
                if cutoff and scope not in stay
                else cutoff
                for scope, cutoff in cutoffs.items()
            }
        return self._cutoff_values(self._until_end(cutoffs))

    # === Skipping and planning again ===

    def psa_skip(self, reason: str) -> bool:
        """Make no invoice on these days; the next one covers their work.

        Called again for the same rows, it is refused: they are not planned any more.

        :param reason: why, for whoever looks at the schedule
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: without a reason, or for rows that are not due any more
        """
        check_exist(self)._skip(as_text(reason))
        return True

    def _skip(self, reason: str):
        """Make no invoice on these days; the next one covers their work.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: without a reason, or for rows that are not due any more
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        if not reason:
            raise UserError(self.env._("Say why no invoice is made."))
        for row in self:
            if row.state not in PENDING:
                raise UserError(
                    self.env._(
                        "The invoice date %(date)s of the project “%(project)s” cannot "
                        "be skipped, because it is not planned any more.",
                        date=row._day(),
                        project=row.project_id.display_name,
                    )
                )
        # sudo: the administrator was just checked; rows are written by methods only.
        rows = self.sudo()
        failed = rows.filtered(lambda row: row.state == "failed")
        rows.write({"state": "skipped", "error": reason, "skip_user_id": self.env.uid})
        failed._settle(reason)
        for row in self:
            row._note_on_project(
                self.env._(
                    "The invoice date %(date)s is skipped: %(reason)s",
                    date=row._day(),
                    reason=reason,
                )
            )

    def _settle(self, reason: str):
        """Whoever was asked to mend what failed need not any more."""
        projects = self.project_id
        failing = projects.invoice_schedule_ids.filtered(
            lambda row: row.state == "failed"
        )
        (projects - failing.project_id).activity_feedback(
            [FAILED_ACTIVITY],
            feedback=self.env._("Settled: skipped. %(reason)s", reason=reason),
        )

    def action_plan_again(self):
        """Bill rows after all: skipped ones, those with nothing to bill, and those
        whose draft was deleted.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        self.check_access("write")
        rows = self.filtered(
            lambda row: (
                row.state in ("skipped", "nothing")
                or (row.state == "done" and not row.has_invoices)
            )
        )
        # sudo: the administrator was just checked; rows are written by methods only.
        planned = {"state": "planned", "error": False, "skip_user_id": False}
        rows.sudo().write({**planned, **NEVER_FAILED})
        for row in rows:
            row._note_on_project(
                self.env._(
                    "The invoice date %(date)s is planned again.", date=row._day()
                )
            )
        return True

    def action_retry(self):
        """Try rows that have failed again, now, and what waits for them.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if none of them has failed
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        # sudo: the administrator was just checked; rows are written by methods only,
        # and he need not read every project.
        rows = self.sudo().filtered(lambda row: row.state == "failed")
        if not rows:
            raise UserError(self.env._("None of these rows has failed."))
        rows.write({**NEVER_FAILED})
        last = max(rows.mapped("run_date"))
        ahead = last > self.env.company._billing_today()
        run = self.env["psa.invoice.run"]._run_now(
            last if ahead else None, rows.project_id.sudo(False)
        )
        return run._show()

    # === Words ===

    def _day(self) -> str:
        return format_date(self.env, self.run_date)

    def _note_on_project(self, text: str):
        # sudo: whoever bills a project need not be able to change it.
        self.project_id.sudo().message_post(body=text)
