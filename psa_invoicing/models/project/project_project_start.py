# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the billing start leaves out, or has the first invoice take in: work is never
parked without a word."""

from datetime import date
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...core import obstacles
from ..shared import rights, texts
from ..shared.external_arguments import check_switched_on

# What is older is not taken in unless somebody says so.
PROPOSED_MONTHS = 12


class OpenDay(NamedTuple):
    """What a run would bill of one day, but for the billing start."""

    day: date
    currency: models.BaseModel
    count: int
    amount: float


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

    billing_left_out = fields.Char(
        string="Before the Billing Start", compute="_compute_billing_left_out"
    )
    billing_taken_in = fields.Char(
        string="On the First Invoice", compute="_compute_billing_left_out"
    )

    def _psa_open_days(self) -> dict[int, list[OpenDay]]:
        """What is open of these projects and would be billed, by project: the oldest
        first."""
        # sudo: that there is work is no secret; amounts are shown to whoever may know.
        groups = (
            self.env["psa.backlog"]
            .sudo()
            ._read_group(
                [
                    ("project_id", "in", self._origin.ids),
                    ("company_id", "in", self.env.companies.ids),
                    ("status", "in", ("ready", obstacles.BEFORE_START)),
                ],
                ["project_id", "date:day", "currency_id"],
                ["__count", "amount:sum"],
                order="date:day",
            )
        )
        found: dict[int, list[OpenDay]] = {}
        for project, *values in groups:
            found.setdefault(project.id, []).append(OpenDay(*values))
        return found

    def _psa_in_words(self, days: list[OpenDay]) -> dict[str, str]:
        """How much that is, and since when, for a message."""
        sums: dict = {}
        for each in days:
            sums[each.currency] = sums.get(each.currency, 0.0) + each.amount
        count = sum(each.count for each in days)
        what = self.env._("%(count)s transactions", count=count)
        if count == 1:
            what = self.env._("1 transaction")
        if rights.projects_with_figures(self):
            what = ", ".join([what, " + ".join(texts.amounts(self.env, sums))])
        return {"what": what, "since": format_date(self.env, days[0].day)}

    @api.depends("billing_frequency_id", "billing_start_date", "billing_override_ids")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_billing_left_out(self):
        self.billing_left_out = self.billing_taken_in = False
        planned = self.filtered(
            lambda project: project.billing_frequency_id or project.billing_override_ids
        )
        if not planned:
            return
        open_days = planned._psa_open_days()
        billed = planned._psa_billed_before()
        for project in planned:
            days = open_days.get(project._origin.id, [])
            start = project.billing_start_date
            early = [each for each in days if not start or each.day < start]
            late = [each for each in days if each not in early]
            if early and start:
                project.billing_left_out = self.env._(
                    "Before the billing start, so that no invoice run bills it: "
                    "%(what)s, since %(since)s.",
                    **project._psa_in_words(early),
                )
            elif early:
                project.billing_left_out = self.env._(
                    "Open since %(since)s, more than a year ago: %(what)s. Enter the "
                    "billing start: the first invoice takes in what is dated from "
                    "then on.",
                    **project._psa_in_words(early),
                )
            is_past = late and late[0].day < project._billing_today()
            if is_past and project._origin.id not in billed:
                project.billing_taken_in = self.env._(
                    "The first invoice takes in %(what)s, since %(since)s.",
                    **project._psa_in_words(late),
                )

    def _psa_billed_before(self) -> set[int]:
        """Those of which anything was ever billed."""
        # sudo: as above
        Detail = self.env["psa.invoice.detail"].sudo()
        domain = [("project_id", "in", self._origin.ids), ("move_id", "!=", False)]
        return {project.id for (project,) in Detail._read_group(domain, ["project_id"])}

    # === In the form ===

    @api.onchange("billing_frequency_id")
    def _onchange_billing_frequency_id(self):
        """Who chooses a frequency in the form wants to bill what is open."""
        today = self._billing_today()
        is_proposed = not self._origin.billing_start_date and (
            self.billing_start_date in (False, today)
        )
        if not self.billing_frequency_id or not is_proposed:
            return
        days = self._psa_open_days().get(self._origin.id)
        if days and days[0].day < today:
            is_recent = days[0].day >= today - relativedelta(months=PROPOSED_MONTHS)
            # Without one, the form asks.
            self.billing_start_date = is_recent and days[0].day

    def action_psa_start_today(self):
        """Let runs bill what is done from today on.

        :raises AccessError: unless the user may plan the billing of these projects
        """
        self._psa_check_may_plan()
        for project in self:
            # sudo: that was just checked.
            project.sudo().billing_start_date = project._billing_today()
        return True

    def action_psa_start_with_oldest(self):
        """Let runs bill all that is open.

        :raises AccessError: unless the user may plan the billing of these projects
        :raises UserError: if nothing is open
        """
        self._psa_check_may_plan()
        open_days = self._psa_open_days()
        for project in self:
            if not (days := open_days.get(project.id)):
                raise UserError(
                    self.env._(
                        "Nothing is open on the project “%(project)s”.",
                        project=project.display_name,
                    )
                )
            # sudo: that was just checked.
            project.sudo().billing_start_date = days[0].day
        return True

    def _psa_check_may_plan(self):
        """Project managers plan their projects, and billing administrators all."""
        self.check_access("read")
        if not rights.may_bill(self.env):
            self.check_access("write")
        for project in self:
            check_switched_on(self.env, project._billing_company())

    # === Elsewhere ===

    def _psa_start_by_default(self):
        """Who did not choose the start is told what it leaves out."""
        super()._psa_start_by_default()
        parked = {
            project: project.billing_left_out
            for project in self
            if project.billing_left_out
        }
        if not parked:
            return
        self.browse(project.id for project in parked)._message_log_batch(
            {project.id: text for project, text in parked.items()}
        )
        self.env.user._bus_send(
            "simple_notification",
            {
                "type": "warning",
                "sticky": True,
                "title": self.env._("Before the Billing Start"),
                "message": "\n".join(
                    f"{project.display_name}: {text}"
                    for project, text in parked.items()
                ),
            },
        )
