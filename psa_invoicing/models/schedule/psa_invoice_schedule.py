# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain

from ...core import scopes
from ...core.billing import Request, Transaction
from ...core.kinds import MILESTONE
from ...core.scopes import OWN, Cutoffs
from ..shared import actions, rights, texts

# Of rows that an invoice run bills as soon as they are due.
PENDING = ("planned", "failed")


class PsaInvoiceSchedule(models.Model):
    _name = "psa.invoice.schedule"
    _inherit = ["psa.pointing", "psa.exported", "psa.guard"]
    _description = "Invoice Schedule"
    _order = "run_date, id"
    _rec_name = "run_date"

    project_id = fields.Many2one(
        "project.project", required=True, ondelete="cascade", index=True
    )
    partner_id = fields.Many2one(related="project_id.partner_id")
    company_id = fields.Many2one(
        related="project_id.company_id", store=True, index="btree_not_null"
    )
    run_date = fields.Date(string="Invoice Date", required=True)
    planned_date = fields.Date(
        readonly=True,
        help="The date that the billing frequency gives. A row that somebody moved has "
        "another invoice date; one that somebody added has none.",
    )
    is_moved = fields.Boolean(compute="_compute_is_moved")
    cutoff_date = fields.Date(
        string="Cut-off Date",
        required=True,
        help="Transactions dated up to and including this day are billed.",
    )
    scope_cutoffs = fields.Json(
        readonly=True,
        help="Where not all work is due: what is, and up to when. See core/scopes.py.",
    )
    covers = fields.Char(
        compute="_compute_covers",
        help="What is billed, where some work of the project has dates of its own.",
    )
    state = fields.Selection(
        [
            ("planned", "Planned"),
            ("done", "Done"),
            ("nothing", "Nothing to Bill"),
            ("failed", "Failed"),
            ("skipped", "Skipped"),
        ],
        string="Status",
        required=True,
        default="planned",
        readonly=True,
        index=True,
    )
    invoice_ids = fields.Many2many(
        "account.move",
        "psa_invoice_schedule_move_rel",
        "schedule_id",
        "move_id",
        string="Invoices",
        readonly=True,
    )
    has_invoices = fields.Boolean(compute="_compute_has_invoices", compute_sudo=True)
    error = fields.Text(string="Reason", readonly=True)

    _date_unique = models.UniqueIndex(
        "(project_id, run_date)", "A project has one invoice per date in its schedule."
    )
    _due = models.Index("(run_date) WHERE state IN ('planned', 'failed')")

    @api.depends("planned_date", "run_date")
    def _compute_is_moved(self):
        for row in self:
            row.is_moved = row.planned_date and row.planned_date != row.run_date

    @api.depends("invoice_ids")
    def _compute_has_invoices(self):
        for row in self:
            row.has_invoices = bool(row.invoice_ids)

    @api.depends("scope_cutoffs")
    @api.depends_context("lang")
    def _compute_covers(self):
        field = self.env["psa.billing.override"]._fields["transaction_type"]
        labels = dict(field._description_selection(self.env))
        for row in self:
            due = [scope for scope, day in (row.scope_cutoffs or {}).items() if day]
            row.covers = ", ".join(row._scope_label(scope, labels) for scope in due)

    def _scope_label(self, scope: str, labels: dict[str, str]) -> str:
        """:param labels: names of the types"""
        if scope == OWN:
            return self.env._("Regular")
        if scope in labels:
            return labels[scope]
        # sudo: whoever sees the schedule need not see the order.
        overrides = self.project_id.sudo().billing_override_ids
        own = overrides.filtered(lambda each: each._scope() == scope)
        return own.sale_line_id.name or self.env._("Contract Line")

    # === Planning ===

    def _cutoff_values(self, cutoffs: Cutoffs) -> dict:
        """The fields that say what is due on a row."""
        is_partial = set(cutoffs) != {OWN}
        return {
            "cutoff_date": scopes.last(cutoffs),
            "scope_cutoffs": scopes.to_json(cutoffs) if is_partial else False,
        }

    def _cutoffs(self) -> Cutoffs | None:
        """What is due on this row; None: everything, up to the cut-off date."""
        if not self.scope_cutoffs:
            return None
        # A person may have changed the date of the whole row.
        return scopes.until(scopes.from_json(self.scope_cutoffs), self.cutoff_date)

    def _bills(self, item: Transaction) -> bool:
        """Whether a transaction is billed with this row."""
        cutoffs = self._cutoffs()
        if not cutoffs:
            return item.date <= self.cutoff_date
        return scopes.is_due(item.kind, item.sale_line_id, item.date, cutoffs)

    def _is_obsolete(self, today: date, due: dict[date, Cutoffs]) -> bool:
        """Whether no frequency has the date of this row any more.

        :param due: what the frequencies plan, by date
        """
        return (
            self.state == "planned"
            and self.run_date >= today
            and bool(self.planned_date)
            and self.planned_date >= today
            and self.planned_date not in due
        )

    def _short_of_end(self, scope: str, today: date, known_scopes) -> set[date]:
        """Planned dates of rows that stay as they are and do not cover all work until
        the billing end, which was entered later: another one must be the last.

        :param known_scopes: those of the project by now; the work of any other has
            become its own
        """
        short = set()
        for row in self.filtered("planned_date"):
            end = row.project_id.billing_end_date
            stays = row.state != "planned" or row.planned_date < today or row.is_moved
            if not end or not stays:
                continue
            cutoffs = row._cutoffs() or {scope: row.cutoff_date}
            # What somebody skips is left to the next date.
            covered = [row.state != "skipped" and cutoffs.get(scope)]
            if scope == OWN:
                covered += [
                    cutoffs[name] for name in cutoffs if name not in known_scopes
                ]
            if not all(covered) or min(covered) < end:
                short.add(row.planned_date)
        return short

    def _follow(self, planned: Cutoffs | None, beside: Cutoffs | None):
        """Bring a planned row in line with the frequencies.

        :param planned: what is due on the date that it was planned for
        :param beside: what else is due on the date where it was moved or added
        """
        if self.state != "planned":
            return
        known = self._cutoffs()
        cutoffs = known
        if planned:
            cutoffs = self._as_moved(planned) if self.is_moved else planned
            if known and self.project_id.billing_milestones == "reached":
                cutoffs = scopes.merged(cutoffs, {MILESTONE: known.get(MILESTONE)})
        if cutoffs is None:
            return
        values = self._cutoff_values(scopes.merged(cutoffs, beside or {}))
        if any(self[name] != value for name, value in values.items()):
            self.write(values)

    def _as_moved(self, planned: Cutoffs) -> Cutoffs:
        """What is due on a row that was moved: what is due on its planned date, each
        as far as it was moved with the row."""
        known = self._cutoffs()
        if not known:
            return self._until_end(scopes.until(planned, self.cutoff_date))
        return self._until_end(
            {
                scope: cutoff and (known.get(scope) or cutoff)
                for scope, cutoff in planned.items()
            }
        )

    def _until_end(self, cutoffs: Cutoffs) -> Cutoffs:
        """The same, but nothing from after the billing end; a date that a person added
        may go beyond it."""
        # sudo: whoever bills a project need not see all of it.
        end = self.planned_date and self.sudo().project_id.billing_end_date
        return scopes.no_later(cutoffs, end) if end else cutoffs

    def action_manual_invoice(self):
        """Open the wizard that invoices the projects of rows by hand, as far as the
        last of them goes.

        :raises AccessError: unless the user is a billing administrator
        """
        rights.check_may_bill(self.env)
        self.check_access("read")
        return actions.invoice_by_hand(
            self.project_id,
            cutoff_date=max(row._effective_cutoff_date() for row in self),
        )

    def _note_deleted_draft(self):
        """Say who deleted the invoice: no run makes it again by itself."""
        user = self.env.user.name
        self.filtered(lambda row: not row.invoice_ids).error = self.env._(
            "The draft was deleted by %(user)s.", user=user
        )

    def _due_domain(self, run_date: date, projects=None, on_hold=False) -> Domain:
        """Rows to bill on a day: planned, or failed before and tried again.

        :param on_hold: those that would be, were their projects not on hold
        """
        domain = Domain(
            [
                ("state", "in", PENDING),
                ("run_date", "<=", run_date),
                ("project_id.active", "=", True),
                ("project_id.billing_hold", "=", on_hold),
            ]
        )
        if projects is not None:
            domain &= Domain("project_id", "in", projects.ids)
        if not self.env.su:
            domain &= Domain("company_id", "in", [False, *self.env.companies.ids])
        return domain

    def _free_in_order(self):
        """Those that nobody else works on, nor on an older row of their project: what
        was done before is billed with that one."""
        if not self:
            return self
        older = self.search(
            [
                ("project_id", "in", self.project_id.ids),
                ("state", "in", ("planned", "failed")),
                ("run_date", "<", max(self.mapped("run_date"))),
            ]
        )
        # Other runs may note meanwhile that these rows are due.
        free = (self | older).try_lock_for_update(allow_referencing=True)
        busy = ((self | older) - free).grouped("project_id")
        return self.filtered(
            lambda row: all(
                row.run_date < each.run_date
                for each in busy.get(row.project_id, self.browse())
            )
        )

    def _without_caught_up(self):
        """Leave out due rows that a later one of their project bills with its own,
        where the company wants one draft for all that were missed."""
        self.project_id._psa_fetch_companies()
        last = {}
        for row in self.sorted("run_date"):
            if row.project_id._billing_company().billing_catch_up == "one":
                last[row.project_id] = row
        return self.filtered(lambda row: last.get(row.project_id, row) == row)

    def _caught_up(self) -> dict:
        """The rows that these bill with their own, by row: see
        :meth:`_without_caught_up`."""
        once = self.filtered(
            lambda row: row.project_id._billing_company().billing_catch_up == "one"
        )
        missed = self.search(
            [
                ("project_id", "in", once.project_id.ids),
                ("state", "in", PENDING),
                ("run_date", "<", max(once.mapped("run_date"), default=False)),
            ]
        ).grouped("project_id")
        return {
            row: missed.get(row.project_id, self.browse()).filtered(
                lambda each, row=row: each.run_date < row.run_date
            )
            for row in once
        }

    def _cutoffs_with(self, missed) -> Cutoffs | None:
        """What is due on this row and on those that it catches up with.

        :return: None: everything, up to :meth:`_effective_cutoff_date_with`
        """
        rows = self | missed
        every = {row: row._cutoffs() for row in rows}
        if not any(every.values()):
            return None
        names = {scope for cutoffs in every.values() for scope in cutoffs or ()}
        found: Cutoffs = {}
        for row in rows:
            cutoffs = every[row] or dict.fromkeys(names, row.cutoff_date)
            limit = row._effective_cutoff_date()
            found = scopes.merged(found, scopes.no_later(cutoffs, limit))
        return found

    def _effective_cutoff_date_with(self, missed) -> date:
        """How far this row bills with those that it catches up with: one of them may
        cover more, where work has dates of its own or a row was moved."""
        return max(row._effective_cutoff_date() for row in self | missed)

    def _inseparable(self) -> list:
        """Rows by who may share an invoice: a customer's projects that consolidate."""

        def who(row):
            if row.project_id.billing_consolidate:
                return row.project_id.partner_id.commercial_partner_id, 0
            return row.project_id, row.id

        return list(self.grouped(who).values())

    def _chunks(self, size: int, counts: Mapping | None = None):
        """Divide rows, but for those that may share an invoice.

        :param size: how many rows a chunk should have
        :param counts: how many rows of a project each of these stands for (default: 1)
        """
        chunk, filled = self.browse(), 0
        for rows in self._inseparable():
            more = sum(counts[row.project_id] if counts else 1 for row in rows)
            if chunk and filled + more > size:
                yield chunk
                chunk, filled = self.browse(), 0
            chunk += rows
            filled += more
        if chunk:
            yield chunk

    def _bill(self):
        """Make the draft invoices of these rows, which belong to different projects.

        Rows of the same dates are billed together, in a handful of queries.

        :return: the draft invoices
        """
        moves = self.env["account.move"]
        missed = defaultdict(self.browse, self._caught_up())
        for (run_date, cutoff_date), rows in self.grouped(
            lambda row: (row.run_date, row._effective_cutoff_date_with(missed[row]))
        ).items():
            projects = rows.project_id
            request = Request(
                project_ids=tuple(projects.ids),
                cutoff_date=cutoff_date,
                from_billing_start=True,
                run_date=run_date,
                cutoffs={
                    row.project_id.id: cutoffs
                    for row in rows
                    if (cutoffs := row._cutoffs_with(missed[row]))
                },
            )
            made = projects._psa_bill(request)
            moves |= made
            for row in rows:
                invoices = made.filtered(
                    lambda move, row=row: row.project_id in move.billing_project_ids
                )
                (row | missed[row]).write(
                    {
                        "state": "done" if invoices else "nothing",
                        "invoice_ids": [fields.Command.set(invoices.ids)],
                        "error": False,
                    }
                )
            rows.filtered(lambda row: row.state == "nothing")._note_credit_due(request)
        return moves

    def _note_credit_due(self, request: Request):
        """Say what a run leaves to a person: it makes no credit notes.

        :param request: what was asked, for the projects of these rows
        """
        if not self:
            return
        request = replace(request, project_ids=tuple(self.project_id.ids))
        # sudo: billing reads timesheets and orders, which the biller need not see.
        due = self.env["psa.billing"].sudo().credit_due(request)
        for row in self:
            own = {
                currency: amount
                for (project, currency), amount in due.items()
                if project == row.project_id
            }
            if own:
                row.error = self.env._(
                    "Credit due: %(amounts)s. Press Invoice on the project to make a "
                    "credit note, or wait for more work.",
                    amounts=", ".join(texts.amounts(self.env, own)),
                )

    def _effective_cutoff_date(self) -> date:
        """How far this row may bill: its cut-off date, or the end of the year or of
        the billing."""
        company = self.project_id._billing_company()
        cutoff_date = company._billing_cutoff_date(self.run_date, self.cutoff_date)
        return scopes.last(self._until_end({OWN: cutoff_date}))
