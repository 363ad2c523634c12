# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hashlib

from odoo import fields, models


class PsaInvoiceRunLine(models.Model):
    _inherit = "psa.invoice.run.line"

    job_id = fields.Many2one(
        "queue.job",
        readonly=True,
        index="btree_not_null",
        groups="queue_job.group_queue_job_manager",
        help="What bills it, or has tried to.",
    )

    def _identity_key(self) -> str:
        """The same for the same projects and dates of a run: a job for them that has
        not begun is not made twice."""
        rows = sorted(f"{line.project_id.id} {line.run_date}" for line in self)
        digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return f"{self.run_id._name}:{self.run_id.id}:{digest}"
