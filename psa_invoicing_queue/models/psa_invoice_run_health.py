# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import fields, models
from odoo.tools import format_datetime

from odoo.addons.queue_job.job import PENDING

PATIENCE = timedelta(hours=1)


class PsaInvoiceRun(models.Model):
    _inherit = "psa.invoice.run"  # pylint: disable=consider-merging-classes-inherited

    def _scheduler_problem(self) -> str:
        return super()._scheduler_problem() or self._idle_problem()

    def _idle_problem(self) -> str:
        """:return: that nobody carries out jobs, or ''"""
        # sudo: that jobs wait is no secret.
        Job = self.env["queue.job"].sudo()
        limit = fields.Datetime.now() - PATIENCE
        waiting = Job.search(
            [
                ("model_name", "=", self._name),
                ("state", "=", PENDING),
                ("date_created", "<", limit),
            ],
            order="date_created",
            limit=1,
        )
        if not waiting or Job.search_count([("date_started", ">", limit)], limit=1):
            return ""
        return self.env._(
            "An invoice run has waited since %(date)s for its jobs to be carried out. "
            "Ask a system administrator whether the job runner works.",
            date=format_datetime(self.env, waiting.date_created),
        )
