# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a project to what keeps it from being billed, and to what bills it."""

from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang
from odoo.tools.misc import format_duration

from ...core import obstacles
from ...core.figures import BILLED, CONTRACT, FIGURES, LEFT, READY
from ..shared import actions, rights, texts
from ..shared.external_arguments import check_exist

# The other figures only where there is something.
ALWAYS_SHOWN = {f"billing_{name}_amount" for name in (CONTRACT, BILLED, READY, LEFT)}


class ProjectProject(models.Model):
    _inherit = "project.project"  # pylint: disable=consider-merging-classes-inherited

    billing_invoice_ids = fields.Many2many(
        "account.move",
        string="Project Invoices",
        compute="_compute_billing_invoice_ids",
        groups=rights.FIGURE_GROUPS,
    )
    billing_invoice_count = fields.Integer(
        string="Project Invoice Count", compute="_compute_billing_invoice_count"
    )
    billing_draft_count = fields.Integer(
        string="Drafts", compute="_compute_billing_invoice_count"
    )
    billing_problem = fields.Char(
        string="Cannot Be Billed", compute="_compute_billing_problem"
    )
    billing_unsold_warning = fields.Char(
        string="Unsold Warning",
        compute="_compute_billing_unsold_warning",
        groups=rights.FIGURE_GROUPS,
    )

    # === What keeps a project from being billed ===

    @api.depends("allow_billable", "is_template", "partner_id", "sale_line_id")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_billing_problem(self):
        billable = self.filtered(
            lambda project: (
                project.allow_billable
                and not project.is_template
                # sudo: of an order of another company, its employees are told.
                and project.sudo().sale_line_id.company_id <= self.env.user.company_ids
            )
        )
        problems = billable._origin._billing_problems()
        for project in self:
            project.billing_problem = problems.get(project._origin, False)

    @api.depends("billing_user_id", "user_id")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_billing_unsold_warning(self):
        # sudo: it was just checked who may see amounts; he need not read timesheets.
        found = rights.projects_with_figures(self).sudo()._psa_unsold_time()
        for project in self:
            project.billing_unsold_warning = found.get(project._origin.id, False)

    def _psa_unsold_time(self) -> dict[int, str]:
        """How much time without contract line the report of billing leakage finds on
        these projects, in words; only where there is some."""
        found: dict[int, list] = defaultdict(list)
        for project, currency, *figures in self.env["psa.billing.leakage"]._read_group(
            [
                ("project_id", "in", self._origin.ids),
                ("company_id", "in", self.env.companies.ids),
                ("reason", "=", obstacles.NO_LINE),
            ],
            ["project_id", "currency_id"],
            ["__count", "hours:sum", "amount:sum"],
        ):
            found[project.id].append((currency, *figures))
        return {
            project_id: self.env._(
                "Time without contract line, which nobody is going to pay for: "
                "%(count)s entries, %(hours)s hours, about %(amount)s.",
                count=sum(count for _currency, count, _hours, _amount in groups),
                hours=format_duration(sum(hours for _c, _n, hours, _a in groups)),
                amount=" + ".join(
                    texts.amounts(self.env, {each[0]: each[3] for each in groups})
                ),
            )
            for project_id, groups in found.items()
        }

    # === Its invoices ===

    def _psa_moves_by_project(self) -> dict:
        """Invoices and credit notes with work of these projects, also those that Odoo's
        own button made, in the companies that are on; the latest first."""
        # sudo: their number is shown to whoever sees the project.
        Move = self.env["account.move"].sudo()
        ids = self._origin.ids
        companies = self.env.companies.ids
        found: dict[int, set[int]] = defaultdict(set)
        groups = Move.env["psa.invoice.detail"]._read_group(
            [("project_id", "in", ids), ("move_id.company_id", "in", companies)],
            ["project_id", "move_id"],
        )
        for project, move in groups:
            found[project.id].add(move.id)
        groups = Move._read_group(
            [("billing_project_ids", "in", ids), ("company_id", "in", companies)],
            ["billing_project_ids"],
            ["id:array_agg"],
        )
        for project, move_ids in groups:
            found[project.id].update(move_ids)
        together = set().union(*found.values())
        return {
            project_id: Move.browse(sorted(move_ids, reverse=True)).with_prefetch(
                together
            )
            for project_id, move_ids in found.items()
        }

    @api.depends_context("allowed_company_ids")
    def _compute_billing_invoice_count(self):
        moves = self._psa_moves_by_project()
        for project in self:
            own = moves.get(project._origin.id, self.env["account.move"])
            drafts = own.filtered(lambda move: move.state == "draft")
            project.billing_invoice_count = len(own)
            project.billing_draft_count = len(drafts)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_billing_invoice_ids(self):
        """Those that the user may read."""
        moves = self._psa_moves_by_project()
        Move = self.env["account.move"]
        readable = Move.union(*moves.values()).with_env(self.env)
        readable = readable._filtered_access("read")
        for project in self:
            own = moves.get(project._origin.id, Move).with_env(self.env)
            project.billing_invoice_ids = own & readable

    def action_psa_view_invoices(self):
        """Those invoices and credit notes with work of this project that the user may
        read."""
        return self._psa_list_invoices()

    def _psa_list_invoices(self, *domain):
        self.ensure_one()
        self.check_access("read")
        moves = self._psa_moves_by_project().get(self.id, self.env["account.move"])
        moves = moves.with_env(self.env)._filtered_access("read")
        return actions.list_invoices(self.env, [("id", "in", moves.ids), *domain])

    def action_psa_view_draft_invoices(self):
        """Of them, those that are not confirmed."""
        return self._psa_list_invoices(("state", "=", "draft"))

    def action_psa_view_posted_invoices(self):
        """Of them, those that are confirmed."""
        return self._psa_list_invoices(("state", "=", "posted"))

    # === What is open ===

    def action_psa_view_backlog(self):
        """What is open on these projects.

        :raises AccessError: unless the user is a billing administrator
        """
        self.check_access("read")
        return actions.open_backlog(self.env, [("project_id", "in", self.ids)])

    def action_psa_view_unsold_time(self):
        """Time on these projects that no contract line pays for.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        return actions.named(
            self.env,
            "psa_billing_leakage_action",
            domain=[("project_id", "in", self.ids)],
            context={"search_default_no_line": 1},
        )

    # === Odoo's dashboard of a project ===

    def get_panel_data(self):
        """The same figures as on the tab, for whoever may see them there.

        :raises UserError: unless it is about one project that there is
        :raises AccessError: for one that the user may not read
        """
        if len(check_exist(self)) != 1:
            raise UserError(self.env._("Choose one project."))
        self.check_access("read")
        data = super().get_panel_data()
        if data and self.allow_billable and rights.projects_with_figures(self):
            data["billing"] = self._billing_panel()
        return data

    def _billing_panel(self) -> dict:
        return {
            "next": self.billing_next,
            "figures": [
                {
                    "name": name,
                    "label": self._fields[name]._description_string(self.env),
                    "help": self._fields[name]._description_help(self.env),
                    "amount": formatLang(
                        self.env, self[name], currency_obj=self.billing_currency_id
                    ),
                }
                for name in (f"billing_{figure}_amount" for figure in FIGURES)
                if self[name] or name in ALWAYS_SHOWN
            ],
        }

    def _get_stat_buttons(self):
        buttons = super()._get_stat_buttons()
        if self.allow_billable and rights.projects_with_figures(self):
            buttons += self._billing_buttons()
        return buttons

    def _billing_buttons(self) -> list[dict]:
        """To Invoice, Drafts, Invoiced."""

        def button(sequence, icon, text, number, action):
            return {
                "icon": icon,
                "text": text,
                "number": number,
                "action_type": "object",
                "action": action,
                "show": bool(number),
                "sequence": sequence,
            }

        def amount(name):
            return self[name] and formatLang(
                self.env,
                self[name],
                currency_obj=self.billing_currency_id,
                rounding_unit="units",
            )

        buttons = [
            button(
                32,
                "pencil",
                self.env._("Drafts"),
                self.billing_draft_count,
                "action_psa_view_draft_invoices",
            ),
            button(
                33,
                "check-square-o",
                self.env._("Invoiced"),
                amount("billing_billed_amount"),
                "action_psa_view_posted_invoices",
            ),
        ]
        if rights.is_billing_manager(self.env):
            buttons.append(
                button(
                    31,
                    "hourglass-half",
                    self.env._("To Invoice"),
                    amount("billing_ready_amount"),
                    "action_psa_view_backlog",
                )
            )
        return buttons
