# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Beginning an invoice run: which rows are due, and in which chunks they are billed."""

from collections import Counter, defaultdict
from datetime import date

from odoo import fields, models
from odoo.fields import Domain

from ..transaction.project_project_orders import of_other_companies
from .psa_invoice_run_line import SKIPPED

CHUNK = 50
# Rows of a project in a dry run.
MOST_SHOWN = 50


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"  # pylint: disable=consider-merging-classes-inherited

    def _begin(self, date: date | None = None, projects=None, **values):
        """Note which rows are due, and in which chunks they are billed.

        :return: the run
        """
        # What the caller has done must not be lost when something is tried again.
        self._commit()
        return self._tried_again(lambda: self._start(date, projects, values))

    def _start(self, date, projects, values):
        due = self._due(date, projects)
        later = due.browse()
        if values.get("is_dry_run"):
            due, later = self._first_of_each(due)
        companies = self._companies()
        run = self.sudo().create(
            {
                "run_date": date or self.env.company._billing_today(),
                "total": len(due),
                "user_id": not self.env.su and self.env.uid,
                "company_ids": [fields.Command.set(companies.ids)],
                "project_ids": [
                    fields.Command.set(projects.ids if projects is not None else [])
                ],
                **values,
            }
        )
        Line = self.env["psa.invoice.run.line"].sudo()
        Line._add(run, run._plan(due))
        if run.is_dry_run:
            self._note_left_out(run, date, projects, later)
        else:
            self._let_wait(date, projects)
        run._note_progress()
        run._commit()
        return run.with_env(self.env)

    def _due(self, date: date | None, projects):
        """Rows to bill, oldest first.

        Without a date, each is due by the calendar day where its company works.
        """
        Schedule = self.env["psa.invoice.schedule"]
        days = self._billing_days()
        last = date or max(days.values())
        domain = Schedule._due_domain(last, projects) & ~self._blocked_domain()
        # sudo: whoever may run the invoices need not read every project. Only what is
        # needed: there may be ten thousand of them.
        due = Schedule.sudo().search_fetch(
            domain, ["project_id", "run_date"], order="run_date, id"
        )
        if not date:
            first = min(days.values())
            due = due.filtered(
                lambda row: (
                    row.run_date <= first
                    or row.run_date <= days[row.project_id._billing_company()]
                )
            )
        foreign = self._foreign_projects(due)
        due = due.filtered(lambda row: row.project_id not in foreign)
        return due._without_caught_up()

    def _first_of_each(self, due):
        """What a dry run shows of each project. Nothing of it stays, so all rows of a
        project are billed in one step, and a step has to end in time.

        :return: those rows, and the later ones
        """
        seen: Counter = Counter()
        first, later = [], []
        for row in due:
            (first if seen[row.project_id] < MOST_SHOWN else later).append(row.id)
            seen[row.project_id] += 1
        return due.browse(first), due.browse(later)

    def _companies(self):
        """Those that a user has switched on; of the scheduled action, all."""
        if self.env.su:
            return self.env["res.company"].search([("active", "=", True)])
        return self.env.companies

    def _billing_days(self) -> dict:
        """Today, by company."""
        companies = self._companies()
        return defaultdict(
            self.env.company._billing_today,
            {company: company._billing_today() for company in companies},
        )

    def _foreign_projects(self, due):
        """Projects without a company whose orders belong to one that is not on."""
        found = due.project_id.browse()
        off = [("id", "not in", self.env.companies.ids)]
        # sudo: companies that a user may not see have orders, too.
        if self.env.su or not self.env["res.company"].sudo().search_count(off, limit=1):
            return found
        ids = due.project_id.ids
        for start in range(0, len(ids), 500):
            projects = due.project_id.browse(ids[start : start + 500])
            orders = projects._psa_orders()
            found += projects.filtered(
                lambda project, orders=orders: of_other_companies(
                    orders[project], self.env
                )
            )
        return found

    def _chunk_size(self, total: int) -> int:
        """:param total: how many rows are due
        :return: how many of different projects are billed together"""
        return CHUNK

    def _keeps_projects_together(self) -> bool:
        """Whether all rows of a project are in one chunk.

        Nothing of a dry run stays: the later rows of a project bill what the earlier
        ones have left.
        """
        return self.is_dry_run

    def _plan(self, due) -> list[tuple[int, int, int]]:
        """Divide rows into chunks: of different projects, the oldest of each first.

        :return: id of each row, number of its chunk, and its turn in its project
        """
        due.project_id.fetch(["billing_consolidate", "partner_id"])
        seen: Counter = Counter()
        turns = defaultdict(due.browse)
        for row in due:
            turn = seen[row.project_id]
            turns[turn] += row
            seen[row.project_id] += 1
        planned, number = [], 0
        chunk_of: dict = {}
        size = self._chunk_size(len(due))
        counts = seen if self._keeps_projects_together() else None
        for turn in range(len(turns)):
            if turn and self._keeps_projects_together():
                planned += [
                    (row.id, chunk_of[row.project_id], turn) for row in turns[turn]
                ]
                continue
            for rows in turns[turn]._chunks(size, counts):
                number += 1
                planned += [(row.id, number, turn) for row in rows]
                chunk_of |= dict.fromkeys(rows.project_id, number)
        return planned

    # === What waits ===

    def _blocked_domain(self) -> Domain:
        """Rows of projects with one that failed too often: it waits for a person."""
        Schedule = self.env["psa.invoice.schedule"].sudo()
        given_up = Schedule.search(Schedule._given_up_domain())
        return Domain("project_id", "in", given_up.project_id.ids)

    def _let_wait(self, date, projects):
        """Say on rows that would be due what they wait for."""
        for row, reason in self._waiting_rows(date, projects):
            if row.state == "planned":
                row.error = reason

    def _waiting_rows(self, date, projects):
        """Rows after one that failed too often; that one, too.

        :return: each with the reason
        """
        Schedule = self.env["psa.invoice.schedule"]
        last = date or max(self._billing_days().values())
        rows = Schedule.sudo().search(
            Schedule._due_domain(last, projects) & self._blocked_domain()
        )
        given_up = rows.filtered_domain(rows._given_up_domain())
        first = {row.project_id: row for row in given_up.sorted(reverse=True)}
        for row in rows:
            if row in given_up:
                yield row, row._given_up_reason()
            elif failed := first.get(row.project_id):
                yield row, row._waits_for(failed.run_date)

    def _note_left_out(self, run, date, projects, later):
        """Say in a dry run why due rows are not billed at all.

        :param later: more than are shown of a project
        """
        Schedule = self.env["psa.invoice.schedule"]
        last = date or max(self._billing_days().values())
        found = list(self._waiting_rows(date, projects))
        on_hold = Schedule.sudo().search(Schedule._due_domain(last, projects, True))
        found += [(row, row._hold_reason()) for row in on_hold]
        reason = self.env._(
            "A dry run shows %(count)s invoices of a project; this one comes after "
            "them.",
            count=MOST_SHOWN,
        )
        found += [(row, reason) for row in later]
        run.env["psa.invoice.run.line"].create(
            [
                {
                    "run_id": run.id,
                    "schedule_id": row.id,
                    "project_id": row.project_id.id,
                    "company_id": row.company_id.id,
                    "run_date": row.run_date,
                    "cutoff_date": row.cutoff_date,
                    "state": SKIPPED,
                    "reason": reason,
                }
                for row, reason in found
            ]
        )
