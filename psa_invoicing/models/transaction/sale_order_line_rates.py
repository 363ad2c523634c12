# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Another price from a day on."""

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, formatLang


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"  # pylint: disable=consider-merging-classes-inherited

    billing_rate_origin_line_id = fields.Many2one(
        "sale.order.line",
        string="First Rate",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The contract line whose price this one replaces from a day on.",
    )
    billing_rate_line_ids = fields.One2many(
        "sale.order.line",
        "billing_rate_origin_line_id",
        string="Later Rates",
        copy=False,
    )
    billing_rate_start_date = fields.Date(
        string="Rate From",
        readonly=True,
        copy=False,
        help="Time of this day and later is billed at this line's price.",
    )

    def _psa_rates_at(self, days) -> dict:
        """Contract lines that have the price of a day: these, or those that came before
        or after them. What other add-ons may change: see ``psa.billing.terms``.

        Time is put there when it is logged, and when its day changes.

        :param days: dates
        :return: by each of these lines, and each of the days: ``found[line, day]``
        """
        found = {}
        # sudo: whoever logs time need not see the order.
        for line in self.sudo():
            origin = line.billing_rate_origin_line_id or line
            rates = origin.billing_rate_line_ids.sorted("billing_rate_start_date")
            for day in days:
                started = rates.filtered(
                    lambda rate, day=day: rate.billing_rate_start_date <= day
                )
                rate = (started[-1:] or origin).with_env(self.env)
                found[line.with_env(self.env), day] = rate
        return found

    def _psa_rate_at(self, day):
        """:meth:`_psa_rates_at`, of one line and day."""
        return self._psa_rates_at([day])[self, day]

    def _psa_add_rate(self, start_date, price_unit: float):
        """Add a contract line with a new price from a day on, and move what is not
        billed yet of that day and later there.

        :param price_unit: per unit of this line, in the order's currency
        :raises UserError: unless time is billed on this line, or if it has a rate from
            that very day
        :return: the new line, and the entries that are left because they are billed or
            written off
        """
        self._psa_check_new_rate(start_date)
        current = self._psa_rate_at(start_date)
        line = current._psa_create_rate(start_date, price_unit)
        entries = self.env["account.analytic.line"].search(
            [
                ("so_line", "=", current.id),
                ("project_id", "!=", False),
                ("date", ">=", start_date),
            ]
        )
        entries = entries.filtered(lambda entry: line._psa_rate_at(entry.date) == line)
        movable = entries._psa_may_change_contract_line()
        if movable:
            movable.write({"so_line": line.id})
        return line, entries - movable

    def _psa_check_new_rate(self, start_date):
        self.ensure_one()
        if (
            self.state != "sale"
            or not self.product_id
            or not self.product_id._is_delivered_timesheet()
        ):
            raise UserError(
                self.env._(
                    "“%(line)s” is not billed by its time. A new rate is for services "
                    "on a confirmed order that are invoiced based on timesheets.",
                    line=self.display_name,
                )
            )
        current = self._psa_rate_at(start_date)
        if current.billing_rate_start_date == start_date:
            raise UserError(
                self.env._(
                    "“%(line)s” has a rate from %(date)s already. Change the price on "
                    "that line of the order.",
                    line=current.display_name,
                    date=format_date(self.env, start_date),
                )
            )

    def _psa_create_rate(self, start_date, price_unit: float):
        """A line like this one, right behind it, with another price."""
        origin = self.billing_rate_origin_line_id or self
        values = self.copy_data(
            {
                "order_id": self.order_id.id,
                "name": origin._psa_rate_name(start_date),
                # What is ordered in all stands on the first line.
                "product_uom_qty": 0,
                "price_unit": price_unit,
                # A price that somebody set: it does not follow the pricelist.
                "technical_price_unit": 0,
                "project_id": self.project_id.id,
                "billing_rate_origin_line_id": origin.id,
                "billing_rate_start_date": start_date,
            }
        )
        # sudo: who may edit the order may not write which rate follows which.
        line = self.sudo().with_context(sale_no_log_for_new_lines=True).create(values)
        line = line.with_env(self.env)
        line._psa_place_behind(self)
        self.order_id.message_post(
            body=self.env._(
                "New rate of “%(line)s” from %(date)s: %(price)s instead of %(old)s.",
                line=origin.name.split("\n")[0],
                date=format_date(self.env, start_date),
                price=formatLang(self.env, price_unit, currency_obj=self.currency_id),
                old=formatLang(
                    self.env, self.price_unit, currency_obj=self.currency_id
                ),
            )
        )
        return line

    def _psa_rate_name(self, start_date) -> str:
        """The text of this line, with the day from which another price is valid, in the
        customer's language."""
        line = self.with_context(lang=self.order_id.partner_id.lang or self.env.lang)
        title, *rest = line.name.split("\n")
        title = line.env._(
            "%(title)s, from %(date)s",
            title=title,
            date=format_date(line.env, start_date),
        )
        return "\n".join([title, *rest])

    def _psa_place_behind(self, line):
        """Under the same heading as another line of the order."""
        lines = self.order_id.order_line.sorted(lambda each: (each.sequence, each.id))
        others = list(lines - self)
        others.insert(others.index(line) + 1, self)
        for sequence, each in enumerate(others, start=1):
            if each.sequence != sequence:
                each.sequence = sequence

    def _timesheet_service_generation(self):
        """The work goes on where it was: a new rate is no new project or task."""
        lines = self.filtered(lambda line: not line.billing_rate_origin_line_id)
        return super(SaleOrderLine, lines)._timesheet_service_generation()
