# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.psa_invoicing.core.billing import Allowed
from odoo.addons.psa_invoicing.core.kinds import TIME
from odoo.addons.psa_invoicing.tools import rules


class ProjectProject(models.Model):
    _inherit = "project.project"

    psa_monthly_hours = fields.Float(help="No more hours of a month are billed.")

    def write(self, vals):
        """What is left out of contract lines is stored, for Odoo's own button."""
        result = super().write(vals)
        if "psa_monthly_hours" in vals:
            # sudo: who may change a project need not see its orders.
            lines = self.env["sale.order.line"].sudo()
            lines = lines.search([("billing_project_id", "in", self.ids)])
            lines._psa_refresh_excluded_quantity()
        return result


class PsaBillingTerms(models.AbstractModel):
    _inherit = "psa.billing.terms"

    @api.model
    def _projects_with_terms(self):
        projects = self.env["project.project"].with_context(active_test=False)
        limited = projects.search([("psa_monthly_hours", ">", 0)])
        return super()._projects_with_terms() | limited

    @api.model
    def _allow(self, transactions, move=None):
        found = super()._allow(transactions, move)
        billed = self._billed_hours({item.project_id for item in transactions}, move)
        allowed, left_out = [], dict(found.left_out)
        for item in found.transactions:
            project = self.env["project.project"].browse(item.project_id)
            limit = item.kind == TIME and project.psa_monthly_hours
            month = item.project_id, item.date.replace(day=1)
            hours = item.source_quantity
            if limit:
                hours = min(hours, max(limit - billed[month], 0.0))
                billed[month] += hours
            if hours == item.source_quantity:
                allowed.append(item)
                continue
            left_out[item.key] = self.env._(
                "No more than %(hours)s hours a month", hours=round(limit, 2)
            )
            if hours:
                allowed.append(item.lowered(hours))
        return Allowed(allowed, left_out)

    @api.model
    def _billed_hours(self, project_ids, move):
        """Live hours in the ledger, by project and month."""
        self.env["psa.invoice.detail"].flush_model()
        self.env["account.move"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT detail.project_id, DATE_TRUNC('month', detail.date)::date,
                       SUM(detail.source_quantity)
                  FROM psa_invoice_detail AS detail
             LEFT JOIN account_move AS move ON move.id = detail.move_id
                 WHERE detail.project_id = ANY(%s) AND detail.transaction_type = %s
                   AND NOT detail.is_write_off AND %s
                   AND detail.move_id IS DISTINCT FROM %s
              GROUP BY 1, 2
                """,
                list(project_ids),
                TIME,
                rules.live_sql(),
                move.id if move else None,
            )
        )
        return defaultdict(
            float, {(project, month): hours for project, month, hours in rows}
        )
