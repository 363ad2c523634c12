# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the backlog looks like in a spreadsheet."""

from odoo import fields, models


class PsaBacklog(models.Model):
    """Names, for whoever sees a row of the backlog: an export reads projects, orders
    and tasks with the rights of the user, who need not see those."""

    _inherit = "psa.backlog"  # pylint: disable=consider-merging-classes-inherited

    project_name = fields.Char(related="project_id.display_name", string="Project Name")
    order_name = fields.Char(related="order_id.name", string="Order")
    contract_line_name = fields.Text(
        related="sale_line_id.name", string="Contract Line Description"
    )
    task_name = fields.Char(related="task_id.name", string="Task Name")
