# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...core.kinds import TRANSACTION_TYPES
from ...core.scopes import line_scope


class PsaBillingOverride(models.Model):
    """A type of transaction, or a contract line, that is billed with another frequency
    than its project.

    The contract line counts before the type, and the type before the project. What of
    a project is due on one date is on one invoice, each up to its own cut-off date.
    """

    _name = "psa.billing.override"
    _inherit = ["psa.pointing", "psa.exported"]
    _description = "Billing Frequency of Some Work"
    _order = "project_id, id"
    _rec_name = "frequency_id"

    project_id = fields.Many2one(
        "project.project", required=True, ondelete="cascade", index=True
    )
    transaction_type = fields.Selection(TRANSACTION_TYPES, string="Type")
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Contract Line",
        ondelete="cascade",
        index="btree_not_null",
        domain="[('billing_project_id', '=', project_id)]",
    )
    frequency_id = fields.Many2one(
        "psa.billing.frequency", required=True, ondelete="restrict", index=True
    )

    _type_or_line = models.Constraint(
        "CHECK ((transaction_type IS NULL) != (sale_line_id IS NULL))",
        "Choose either a type or a contract line.",
    )
    _type_unique = models.UniqueIndex(
        "(project_id, transaction_type) WHERE transaction_type IS NOT NULL",
        "A type has one billing frequency.",
    )
    _line_unique = models.UniqueIndex(
        "(project_id, sale_line_id) WHERE sale_line_id IS NOT NULL",
        "A contract line has one billing frequency.",
    )

    @api.constrains("sale_line_id", "project_id")
    def _check_contract_line(self):
        # sudo: whoever plans a project need not see its orders.
        for override in self.sudo():
            line = override.sale_line_id
            if line and line.billing_project_id != override.project_id:
                raise ValidationError(
                    self.env._(
                        "“%(line)s” is not a contract line of the project "
                        "“%(project)s”.",
                        line=line.display_name,
                        project=override.project_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        overrides = super().create(vals_list)
        overrides._plan()
        return overrides

    def write(self, vals):
        projects = self.project_id
        result = super().write(vals)
        (projects | self.project_id).check_access("write")
        self._plan(projects)
        return result

    def unlink(self):
        projects = self.project_id
        projects.check_access("write")
        result = super().unlink()
        self.browse()._plan(projects)
        return result

    def _plan(self, others=None):
        """Plan the invoices of these projects anew.

        :param others: projects that were concerned before
        :raises AccessError: for a project that the user may not change
        """
        projects = self.project_id | (others or self.env["project.project"])
        projects.check_access("write")
        for project in projects:
            if not project.billing_start_date:
                project.billing_start_date = project._billing_today()
        projects._psa_plan_invoices()

    def _scope(self) -> str:
        """See ``core.scopes``."""
        self.ensure_one()
        return self.transaction_type or line_scope(self.sale_line_id.id)
