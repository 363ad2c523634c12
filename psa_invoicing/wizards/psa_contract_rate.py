# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..models.shared import actions, rights
from ..models.shared.external_arguments import as_ids


class PsaContractRate(models.TransientModel):
    """A new price of a contract line from a day on."""

    _name = "psa.contract.rate"
    _inherit = "psa.pointing"
    _description = "New Rate"

    order_id = fields.Many2one(
        "sale.order", string="Contract", required=True, readonly=True
    )
    available_line_ids = fields.Many2many(
        "sale.order.line", compute="_compute_available_line_ids"
    )
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Contract Line",
        required=True,
        domain="[('id', 'in', available_line_ids)]",
    )
    start_date = fields.Date(
        string="From",
        required=True,
        default=lambda self: (
            self.env.company._billing_today().replace(day=1) + relativedelta(months=1)
        ),
        help="Time of this day and later is billed at the new price.",
    )
    current_price = fields.Float(
        compute="_compute_current_price",
        digits="Product Price",
        help="The price of that day until now.",
    )
    price_unit = fields.Float(string="New Price", required=True, digits="Product Price")
    currency_id = fields.Many2one(related="order_id.currency_id")
    uom_id = fields.Many2one(
        related="sale_line_id.product_uom_id", string="Unit of Measure"
    )

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "sale.order":
            ids = as_ids(self.env, [self.env.context.get("active_id")])
            values["order_id"] = ids[0]
        order = self.env["sale.order"].browse(values.get("order_id"))
        lines = self._checked(order)._psa_lines_with_rates()
        if len(lines) == 1:
            values["sale_line_id"] = lines.id
            values["price_unit"] = lines._psa_rate_at(
                order.company_id._billing_today()
            ).price_unit
        return values

    def _checked(self, order):
        """An order that this user may give another price."""
        rights.check_may_bill(self.env)
        order.check_access("read")
        # sudo: the administrator was just checked; he need not edit orders.
        return order.sudo()

    @api.depends("order_id")
    def _compute_available_line_ids(self):
        for wizard in self:
            order = self._checked(wizard.order_id)
            wizard.available_line_ids = order._psa_lines_with_rates()

    @api.depends("sale_line_id", "start_date")
    def _compute_current_price(self):
        for wizard in self:
            line = wizard.sale_line_id
            wizard.current_price = (
                line._psa_rate_at(wizard.start_date).price_unit
                if line and wizard.start_date
                else 0.0
            )

    def action_apply(self):
        """Add the contract line, and move what is not billed yet there.

        :raises AccessError: unless the user is a billing administrator
        :raises UserError: if the price or the contract line makes no sense
        :return: a message with what was done
        """
        self.ensure_one()
        lines = self._checked(self.order_id)._psa_lines_with_rates()
        line = lines.filtered(lambda each: each == self.sale_line_id)
        if not line:
            raise UserError(
                self.env._(
                    "Choose a contract line of %(order)s that is billed by its time.",
                    order=self.order_id.name,
                )
            )
        if self.price_unit < 0:
            raise UserError(self.env._("The new price is negative. Enter what it is."))
        rate, left = line._psa_add_rate(self.start_date, self.price_unit)
        return actions.tell_and_close(self._result(rate, left), "success")

    def _result(self, rate, left) -> str:
        """What was done, in two sentences.

        :param left: entries of the old rate that are billed or written off
        """
        moved = self.env["account.analytic.line"].sudo()
        parts = [
            self.env._(
                "New contract line from %(date)s; %(count)s time entries were moved "
                "there.",
                date=format_date(self.env, rate.billing_rate_start_date),
                count=moved.search_count([("so_line", "=", rate.id)]),
            )
        ]
        if left:
            parts.append(
                self.env._(
                    "%(count)s stay at the old price because they are invoiced or "
                    "written off.",
                    count=len(left),
                )
            )
        return " ".join(parts)
