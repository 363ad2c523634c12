# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Invoice runs, for other systems: plain values in and out."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..shared import rights
from ..shared.external_arguments import as_date, as_records, check_exist


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def psa_run(
        self,
        run_date: str | None = None,
        project_ids: list[int] | None = None,
        dry_run: bool = False,
    ) -> dict:
        """Make the drafts of all rows of the schedule that are due.

        More than fifty rows go on in the background: ask :meth:`psa_status` until the
        run is ``done``. Called again, it finds nothing due: what was billed is not
        billed again.

        :param run_date: ``YYYY-MM-DD``: rows up to and including this day (default:
            today)
        :param project_ids: only these (default: all)
        :param dry_run: show what would be billed, of a project its first fifty rows,
            and bill nothing
        :raises AccessError: unless the user is a billing administrator
        :raises UserError: for what is unknown
        :return: see :meth:`psa_status`
        """
        rights.check_may_bill(self.env)
        if project_ids is not None and not project_ids:
            raise UserError(
                self.env._(
                    "No project is named. Leave project_ids out to run all of them."
                )
            )
        values = {}
        if day := as_date(self.env, run_date):
            values["run_date"] = day
        projects = as_records(self.env["project.project"], project_ids)
        wizard = self.env["psa.run.due"].create(
            {**values, "project_ids": [Command.set(projects.ids)]}
        )
        run = wizard._run(is_dry_run=True) if dry_run else wizard._run()
        return run.psa_status()[0]

    def psa_status(self) -> list[dict]:
        """How these runs go, or went.

        :raises AccessError: unless the user is a billing administrator
        :return: of each its ``state`` (``running``, ``done``), how many rows of the
            schedule it has (``total``, ``done``, ``failed``, ``skipped``), its
            ``invoice_ids``, the untaxed ``totals`` by currency, and its ``rows`` with
            what became of them
        """
        rights.check_may_bill(self.env)
        check_exist(self).check_access("read")
        return [run._psa_values() for run in self]

    def _psa_values(self) -> dict:
        self.ensure_one()
        return {
            "id": self.id,
            "run_date": fields.Date.to_string(self.run_date),
            "is_dry_run": self.is_dry_run,
            "state": self.state,
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "skipped": self.skipped,
            "invoice_ids": self._invoices().ids,
            "totals": {
                currency.name: amount for currency, amount in self._amounts().items()
            },
            "rows": [line._psa_values() for line in self.line_ids],
        }


class PsaInvoiceRunLine(models.Model):
    _inherit = "psa.invoice.run.line"  # pylint: disable=consider-merging-classes-inherited

    def _psa_values(self) -> dict:
        return {
            "schedule_id": self.schedule_id.id,
            "project_id": self.project_id.id,
            "run_date": fields.Date.to_string(self.run_date),
            "cutoff_date": fields.Date.to_string(self.cutoff_date),
            "state": self.state,
            "reason": self.reason or "",
            "invoice_ids": self.invoice_ids.ids,
        }
