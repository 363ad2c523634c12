# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoice by hand: settings, Next, a look at every transaction, Finish."""

from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.billing import Request
from ...core.kinds import EXPENSE, MATERIAL, MILESTONE, ORDER_LINE, TIME, Key
from ...models.schedule.psa_invoice_schedule import PENDING
from ...models.shared import actions, rights, texts
from ...models.shared.external_arguments import as_ids, as_keys

TYPE_FIELDS = {
    TIME: "bill_time",
    EXPENSE: "bill_expense",
    MATERIAL: "bill_material",
    MILESTONE: "bill_milestone",
    ORDER_LINE: "bill_order_line",
}


class PsaManualInvoice(models.TransientModel):
    _name = "psa.manual.invoice"
    _inherit = "psa.pointing"
    _description = "Manual Invoice"

    step = fields.Selection(
        [("settings", "1 Settings"), ("review", "2 Review")],
        default="settings",
        required=True,
        readonly=True,
    )
    project_ids = fields.Many2many(
        "project.project",
        required=True,
        # What was left on an archived project can still be billed.
        context={"active_test": False},
    )
    order_ids = fields.Many2many(
        "sale.order",
        string="Only of Orders",
        readonly=True,
        help="The wizard was opened on these orders: nothing else is billed.",
    )
    picks = fields.Json(
        help="Transactions that were selected in a list: nothing else is billed."
    )
    pick_count = fields.Integer(
        string="Selected Transactions", compute="_compute_pick_count"
    )
    cutoff_date = fields.Date(
        string="Up To",
        required=True,
        default=lambda self: self._default_cutoff_date(),
        help="Cut-off date: transactions dated up to and including this day are "
        "billed.",
    )
    bill_time = fields.Boolean(string="Time", default=True)
    bill_expense = fields.Boolean(string="Expenses", default=True)
    bill_material = fields.Boolean(string="Material", default=True)
    bill_milestone = fields.Boolean(string="Milestones", default=True)
    bill_order_line = fields.Boolean(string="Order Lines", default=True)
    unit_ids = fields.Many2many(
        "hr.department",
        string="Units",
        help="Only transactions of these departments and those below them: the "
        "department of the entry, else that of its project. Leave it empty for all.",
    )
    milestone_ids = fields.Many2many(
        "project.milestone",
        string="Only These Milestones",
        domain="[('project_id', 'in', project_ids), ('is_reached', '=', True)]",
        help="Leave it empty for all milestones that are reached.",
    )
    line_ids = fields.One2many("psa.manual.invoice.line", "wizard_id")
    choices = fields.Json(
        groups=fields.NO_ACCESS,
        help="What a person unticked, lowered or typed in the review, by transaction: "
        "its source and id.",
    )
    hold_warning = fields.Char(compute="_compute_hold_warning")
    is_cutoff_in_future = fields.Boolean(compute="_compute_is_cutoff_in_future")

    def _default_cutoff_date(self):
        """The next cut-off date of the schedule, else the end of last month."""
        ids = as_ids(self.env, self.env.context.get("default_project_ids"))
        projects = self.env["project.project"].browse(ids)
        Schedule = self.env["psa.invoice.schedule"]
        domain = [("project_id", "in", ids), ("state", "in", PENDING)]
        if row := Schedule.search(domain, limit=1):
            return row.cutoff_date
        return projects._billing_today().replace(day=1) - timedelta(days=1)

    @api.depends("picks")
    def _compute_pick_count(self):
        for wizard in self:
            wizard.pick_count = len(wizard._picked() or ())

    @api.depends("project_ids.billing_hold", "project_ids.billing_hold_reason")
    def _compute_hold_warning(self):
        for wizard in self:
            held = wizard.project_ids.filtered("billing_hold")
            wizard.hold_warning = bool(held) and self.env._(
                "On hold: %(projects)s. You can bill by hand all the same.",
                projects=", ".join(
                    f"{project.name} ({project.billing_hold_reason})"
                    if project.billing_hold_reason
                    else project.name
                    for project in held
                ),
            )

    @api.depends("cutoff_date", "project_ids")
    def _compute_is_cutoff_in_future(self):
        for wizard in self:
            today = wizard.project_ids._billing_today()
            wizard.is_cutoff_in_future = (wizard.cutoff_date or today) > today

    # === Buttons ===

    def action_next(self):
        """Show the transactions that the settings select.

        What was unticked, lowered or typed before stays so.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if no project can be billed, or a setting makes no sense
        """
        self.ensure_one()
        self._find()
        self.step = "review"
        return self._reopen()

    def action_back(self):
        """Change the settings."""
        self.ensure_one()
        self._remember_choices()
        self.step = "settings"
        return self._reopen()

    def action_finish(self):
        """Bill the ticked transactions, and show the drafts.

        What is due to a customer becomes a draft credit note.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if nothing is ticked, or somebody else billed it meanwhile
        """
        return actions.open_invoices(self._finish())

    def _finish(self):
        """See :meth:`action_finish`.

        :return: the drafts that were made, or added to
        """
        self.ensure_one()
        rights.check_may_bill(self.env)
        ticked = {line._key: line for line in self.line_ids if line.selected}
        if not ticked:
            raise UserError(self.env._("Tick at least one transaction."))
        request = self._checked_request()
        if len(ticked) < len(self.line_ids):
            request = replace(request, picks=frozenset(ticked))
        # sudo: the administrator was just checked; they need not read timesheets.
        Billing = self.env["psa.billing"].sudo()
        found = {item.key: item for item in Billing.select(request)}
        self._check_nothing_changed(ticked, found)
        items = [line._as_chosen(found[key]) for key, line in ticked.items()]
        moves = Billing.bill(request, items, into=self._target_draft())
        if not moves:
            raise UserError(
                self.env._(
                    "The ticked transactions add up to nothing that could be charged."
                )
            )
        self._keep_choices(moves, ticked, found)
        return moves

    # === What is asked for ===

    def _find(self):
        """Read what the settings select; keep what a person chose before."""
        request = self._checked_request()
        if self.step == "review":
            self._remember_choices()
        self._fill(request)

    def _checked_request(self) -> Request:
        rights.check_may_bill(self.env)
        self.check_access("write")
        if not self.project_ids:
            raise UserError(self.env._("Choose at least one project."))
        self.project_ids.check_access("read")
        problems = self.project_ids._billing_problems()
        projects = self.project_ids.filtered(lambda each: each not in problems)
        if not projects:
            raise UserError("\n".join(problems.values()))
        types = tuple(kind for kind, name in TYPE_FIELDS.items() if self[name])
        if not types:
            raise UserError(self.env._("Choose what to bill: tick at least one type."))
        if unreached := self.milestone_ids.filtered(lambda each: not each.is_reached):
            raise UserError(
                self.env._(
                    "Not reached yet: %(milestones)s. Mark a milestone as reached "
                    "before you bill it.",
                    milestones=", ".join(unreached.mapped("name")),
                )
            )
        return Request(
            project_ids=tuple(projects.ids),
            cutoff_date=self.cutoff_date,
            types=types,
            unit_ids=tuple(self.unit_ids.ids),
            milestone_ids=tuple(self.milestone_ids.ids),
            # sudo: who bills an order need not read its lines.
            sale_line_ids=tuple(self.order_ids.sudo().order_line.ids),
            picks=self._picked(),
            credited=True,
        )

    def _picked(self) -> frozenset[Key] | None:
        """The transactions that were selected in a list; None: all may be billed."""
        return frozenset(as_keys(self.env, self.picks)) if self.picks else None

    # === Finish ===

    def _check_nothing_changed(self, ticked: dict, found: dict):
        """:raises UserError: if a ticked transaction is not what a person saw"""
        changed = [
            line
            for key, line in ticked.items()
            if key not in found or line._differs(found[key])
        ]
        if not changed:
            return
        named = texts.some_of([f"“{line._label()}”" for line in changed])
        raise UserError(
            self.env._(
                "%(count)s of these transactions were billed or changed meanwhile: "
                "%(transactions)s. Nothing was invoiced. Press Refresh to see what is "
                "open now; your ticks stay.",
                count=len(changed),
                transactions=named,
            )
        )

    def _keep_choices(self, moves, ticked: dict, found: dict):
        """Recalculate leaves what a person lowered, and the types that they chose."""
        for move in moves:
            if not move.is_project_invoice:
                continue
            caps, types = {}, {}
            for key in {detail._key for detail in move.detail_ids} & set(ticked):
                line, item = ticked[key], found[key]
                if line._is_lowered():
                    caps[key] = line._as_chosen(item).source_quantity
                if line.billing_type != item.billing_type:
                    types[key] = line.billing_type
            if caps:
                move._psa_cap(caps)
            if types:
                move._psa_choose_types(types)

    def _reopen(self) -> dict:
        action = actions.named(self.env, "psa_manual_invoice_action", res_id=self.id)
        if self.step == "review":
            # A row has a dozen columns.
            action["context"] = {"dialog_size": "extra-large"}
        return action
