# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A milestone is planned to be invoiced as soon as it is reached."""

from odoo import api, models


class ProjectMilestone(models.Model):
    _inherit = "project.milestone"  # pylint: disable=consider-merging-classes-inherited

    def write(self, vals):
        """Once it is reached, it is planned."""
        self._psa_check_change(vals)
        result = super().write(vals)
        self._psa_follow_change(vals)
        if vals.get("is_reached"):
            self.project_id._psa_plan_reached_milestones()
        return result

    @api.model_create_multi
    def create(self, vals_list):
        milestones = super().create(vals_list)
        reached = milestones.filtered("is_reached")
        reached.project_id._psa_plan_reached_milestones()
        return milestones
