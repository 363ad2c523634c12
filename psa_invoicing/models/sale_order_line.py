# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date
from math import fsum

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date, formatLang

from ..core.allocation import is_zero
from ..core.kinds import GOODS, MATERIAL, ORDER_LINE, TRANSACTION_MODELS
from ..tools import rules
from .billing.language import in_customer_language
from .billing.selection import Selection

# Order lines that are not billed themselves, but by the transactions behind them.
BILLED_BY_TRANSACTIONS = ("analytic", "milestones", "timesheet")

# What an invoice line takes over from its contract line.
AGREED_FIELDS = {"discount", "name", "price_unit", "tax_ids"}
# What is open but for what is credited, as the backlog puts it.
NEW = f"{rules.OPEN} - COALESCE(credited_quantity, 0)"


class SaleOrderLine(models.Model):
    """A contract line; and a transaction itself, where nothing finer is behind it."""

    _name = "sale.order.line"
    _inherit = ["sale.order.line", "psa.transaction.mixin"]

    _billing_source = ORDER_LINE
    _detail_field = "sale_line_id"
    _billing_columns = {
        "sale_line_id": "id",
        "project_id": "billing_project_id",
        "date": "billing_date",
        "text": "name",
    }

    billing_project_id = fields.Many2one(
        "project.project",
        string="Billed With",
        compute="_compute_billing_project_id",
        store=True,
        index="btree_not_null",
        help="The project whose invoices bill this line: its own, else that of the "
        "order.",
    )
    billing_date = fields.Date(
        compute="_compute_billing_date",
        store=True,
        readonly=False,
        copy=False,
        help="The day that counts for the cut-off date of an invoice: the order date, "
        "or the day of the last delivery where delivered quantities are billed.",
    )
    billable_quantity = fields.Float(store=True)
    excluded_quantity = fields.Float(
        string="Quantity Not to Invoice",
        readonly=True,
        copy=False,
        help="Part of the line that Odoo must not offer for invoicing now: on hold, "
        "offered, never charged, written off, or on a draft credit note.",
    )
    never_billed_quantity = fields.Float(
        string="Quantity Never Billed",
        readonly=True,
        copy=False,
        help="Part of the line for which the customer never pays: offered, not "
        "charged or written off.",
    )

    rate_origin_line_id = fields.Many2one(
        "sale.order.line",
        string="First Rate",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The contract line whose price this one replaces from a day on.",
    )
    rate_line_ids = fields.One2many(
        "sale.order.line", "rate_origin_line_id", string="Later Rates", copy=False
    )
    rate_start_date = fields.Date(
        string="Rate From",
        readonly=True,
        copy=False,
        help="Time of this day and later is billed at this line's price.",
    )

    _psa_open_index = models.Index(
        f"(billing_project_id, billing_date) WHERE ABS({rules.OPEN}) > 0.000001"
    )

    # What no run bills: counted beside the backlog.
    _psa_unconfirmed_index = models.Index("(id) WHERE (state = 'sale') IS NOT TRUE")
    _psa_negative_index = models.Index(
        f"(billing_date) WHERE SIGN({NEW}) = -1 AND -SIGN({NEW}) = 1"
    )

    # === The project that an order creates ===

    def _timesheet_create_project_prepare_values(self):
        """It is billed as its template, product, customer or company says, from the
        day of the order on."""
        values = super()._timesheet_create_project_prepare_values()
        template = self.product_id.project_template_id
        frequency = template.billing_frequency_id or (
            self.product_id.billing_frequency_id
            or self.order_id.partner_id.commercial_partner_id.billing_frequency_id
            or self.company_id.billing_frequency_id
        )
        if frequency:
            ordered = self.order_id.date_order or fields.Datetime.now()
            values["billing_frequency_id"] = frequency.id
            values["billing_start_date"] = self.company_id._billing_day(ordered)
        return values

    # === As a transaction ===

    @api.depends("project_id", "order_id.project_id")
    def _compute_billing_project_id(self):
        # sudo: whoever sells need not see the project.
        lines = self.sudo()
        orders = lines.filtered(
            lambda line: not line.project_id and not line.order_id.project_id
        ).order_id
        worked_on = dict(
            lines.env["project.project"]
            .with_context(active_test=False)
            ._read_group(
                [("sale_line_id.order_id", "in", orders.ids)],
                ["sale_order_id"],
                ["id:recordset"],
            )
            if orders.ids
            else ()
        )
        for line in lines:
            line.billing_project_id = (
                line.project_id
                or line.order_id.project_id
                or worked_on.get(line.order_id, line.project_id)[:1]
            )

    @api.depends("order_id.date_order", "qty_delivered", "qty_delivered_method")
    def _compute_billing_date(self):
        """Delivered lines take the day on which the delivered quantity changes."""
        for line in self:
            company = line.company_id or self.env.company
            if line._is_billed_by_transactions():
                line.billing_date = False
            elif line._is_billed_when_delivered():
                line.billing_date = line.qty_delivered and company._billing_today()
            else:
                ordered = line.order_id.date_order
                line.billing_date = ordered and company._billing_day(ordered)

    @api.depends(
        "billing_project_id",
        "display_type",
        "is_downpayment",
        "product_id",
        "product_uom_qty",
        "qty_delivered",
        "qty_delivered_method",
        "state",
    )
    def _compute_billable_quantity(self):
        for line in self:
            if not line._is_billed_itself():
                line.billable_quantity = 0.0
            elif line._is_billed_when_delivered():
                line.billable_quantity = line.qty_delivered
            else:
                line.billable_quantity = line.product_uom_qty

    def _is_billed_itself(self) -> bool:
        """Whether nothing finer is behind a line of a project's contract."""
        return bool(
            self.billing_project_id
            and self.state == "sale"
            and self._is_contract_line()
            and not self.is_expense
            and not self._is_billed_by_transactions()
        )

    def _is_billed_by_transactions(self) -> bool:
        return (
            self._is_billed_when_delivered()
            and self.qty_delivered_method in BILLED_BY_TRANSACTIONS
        )

    def _is_billed_when_delivered(self) -> bool:
        return self.product_id.invoice_policy == "delivery"

    def _is_contract_line(self) -> bool:
        """Whether the ledger answers for a line: no heading and no down payment."""
        return bool(
            self.product_id
            and not self.display_type
            and not self.is_downpayment
            and self.product_id.type != "combo"
        )

    def _is_in_ledger(self) -> bool:
        """Whether invoices of this line, whoever makes them, are in the ledger."""
        return self._is_contract_line() and bool(
            self.billing_project_id
            or (
                self._is_billed_when_delivered()
                and self.qty_delivered_method in ("milestones", "timesheet")
            )
        )

    @api.model
    def _billing_domain(self, request, with_held=False):
        domain = super()._billing_domain(request, with_held)
        domain &= Domain("billing_project_id", "!=", False)
        goods = Domain("product_id.type", "=", GOODS)
        wanted = Domain.FALSE
        if MATERIAL in request.types:
            wanted |= goods
        if ORDER_LINE in request.types:
            wanted |= ~goods
        return domain & wanted

    @api.model
    def _type_sql(self):
        """Goods on an order are material."""
        # Products that are goods are few: they are asked once.
        goods = self.env["product.product"]._search(
            [("type", "=", GOODS)], active_test=False
        )
        product = SQL.identifier(self._table, "product_id")
        return rules.kind_of_sold_sql(SQL("%s IN %s", product, goods.subselect()))

    @api.model
    def _own_details_sql(self) -> SQL:
        """Every row of the ledger names its contract line."""
        return SQL(
            "detail.transaction_type IN ('order_line', 'material')"
            " AND detail.cost_id IS NULL"
        )

    # === What Odoo derives from a line ===

    @api.depends("excluded_quantity")
    def _compute_qty_to_invoice(self):
        """What is on hold, offered or written off is not offered for invoicing."""
        result = super()._compute_qty_to_invoice()
        for line in self:
            if line.excluded_quantity and line.state == "sale":
                line.qty_to_invoice -= line.excluded_quantity
            if line.is_downpayment and line._is_partly_deducted():
                line.qty_to_invoice = -1.0 if line._undeducted() > 0 else 0.0
        return result

    @api.depends("excluded_quantity", "never_billed_quantity")
    def _compute_invoice_status(self):
        """Invoiced: nothing is open, and what was billed, offered and written off
        makes up what was ordered."""
        result = super()._compute_invoice_status()
        for line in self.filtered("never_billed_quantity"):
            unit = line.product_uom_id
            treated = line.qty_invoiced + line.never_billed_quantity
            if (
                line.invoice_status == "no"
                and line.state == "sale"
                and is_zero(line.excluded_quantity - line.never_billed_quantity)
                and unit.compare(treated, line.product_uom_qty) >= 0
            ):
                line.invoice_status = "invoiced"
        return result

    @api.depends("never_billed_quantity", "qty_invoiced_posted")
    def _compute_untaxed_amount_to_invoice(self):
        """What is never billed is worth nothing any more."""
        result = super()._compute_untaxed_amount_to_invoice()
        for line in self.filtered("never_billed_quantity"):
            if line.state != "sale":
                continue
            price = line.price_unit * (1 - line.discount / 100.0)
            line.untaxed_amount_to_invoice = line.tax_ids.compute_all(
                price,
                currency=line.currency_id,
                quantity=line._quantity_to_pay() - line.qty_invoiced_posted,
                product=line.product_id,
                partner=line.order_id.partner_shipping_id,
            )["total_excluded"]
        return result

    @api.depends("never_billed_quantity")
    def _compute_amount_to_invoice(self):
        """What is never billed is no credit that the customer takes up."""
        result = super()._compute_amount_to_invoice()
        for line in self.filtered("never_billed_quantity"):
            if line.product_uom_qty:
                price = line.price_total / line.product_uom_qty
                line.amount_to_invoice -= price * line.never_billed_quantity
        return result

    @api.depends("never_billed_quantity")
    def _compute_amount_to_invoice_at_date(self):
        """What is never billed is no revenue to accrue."""
        result = super()._compute_amount_to_invoice_at_date()
        lines = self.filtered("never_billed_quantity")
        never_billed = lines._never_billed_at_date()
        for line in lines:
            quantity = never_billed.get(line.id, 0.0)
            line.amount_to_invoice_at_date -= quantity * line.price_unit
        return result

    def _never_billed_at_date(self) -> dict[int, float]:
        """Quantities for which the customer never pays, of what was delivered by the
        day that an accrual asks about."""
        if not self or not self._date_in_the_past():
            return {line.id: line.never_billed_quantity for line in self}
        until = fields.Date.to_date(self.env.context["accrual_entry_date"])
        self.env.flush_all()
        return {
            line_id: never
            for line_id, _excluded, never in self.env.execute_query(
                self._excluded_sql(self.ids, until)
            )
        }

    def _get_delivered_quantity_by_analytic(self, additional_domain):
        """What a vendor has credited is no cost that the customer pays."""
        delivered = super()._get_delivered_quantity_by_analytic(additional_domain)
        costs = self.filtered("is_expense")
        credited = super(SaleOrderLine, costs)._get_delivered_quantity_by_analytic(
            [("move_line_id.move_type", "=", "in_refund"), ("amount", ">", 0)]
        )
        for line_id, quantity in credited.items():
            delivered[line_id] -= quantity
        return delivered

    def _quantity_to_pay(self) -> float:
        """What the customer pays for in all, in the line's unit."""
        quantity = (
            self.qty_delivered
            if self._is_billed_when_delivered()
            else self.product_uom_qty
        )
        return quantity - self.never_billed_quantity

    # === Down payments ===

    def _undeducted(self) -> float:
        """What is left of a down payment, untaxed, in the order's currency.

        A down payment counts once it is posted, a deduction from the draft on.
        """
        return self.currency_id.round(
            fsum(
                -item.price_subtotal
                if item.move_type == "out_refund"
                else item.price_subtotal
                for item in self.invoice_lines
                if item.parent_state == "posted"
                or (item.parent_state == "draft" and item._is_deduction())
            )
        )

    def _is_partly_deducted(self) -> bool:
        """Whether a project invoice has deducted from this down payment: quantities,
        by which Odoo goes, then say nothing of what is left."""
        return self.is_downpayment and any(
            item._is_deduction()
            and item.parent_state != "cancel"
            and item.move_id.is_project_invoice
            for item in self.invoice_lines
        )

    def _prepare_deduction(self, amount: float) -> dict:
        """Values of an invoice line that deducts from a down payment.

        :param amount: untaxed, at most what is left
        """
        order = in_customer_language(self.order_id)
        line = self.with_env(order.env)
        whole = self.currency_id.compare_amounts(amount, self._undeducted()) == 0
        if whole and not self._is_partly_deducted():
            # To the cent what was paid down, with its taxes.
            return line._prepare_invoice_line(
                quantity=-1.0,
                extra_tax_data=self.env[
                    "account.tax"
                ]._reverse_quantity_base_line_extra_tax_data(self.extra_tax_data),
            )
        return {
            **line._prepare_invoice_line(quantity=-1.0),
            "price_unit": self._price_of(amount),
            "extra_tax_data": False,
        }

    def _price_of(self, untaxed: float) -> float:
        """The price whose untaxed amount is this share of the down payment's own."""
        paid_down = fsum(
            item.price_subtotal
            for item in self.invoice_lines
            if item.parent_state == "posted"
            and item.move_type == "out_invoice"
            and not item._is_deduction()
        )
        return self.price_unit * untaxed / paid_down if paid_down else untaxed

    def _prepare_invoice_line(self, **optional_values):
        """Odoo deducts what is left of a down payment, if a part was deducted here."""
        values = super()._prepare_invoice_line(**optional_values)
        if self.is_downpayment and self._is_partly_deducted():
            values["price_unit"] = self._price_of(self._undeducted())
            values["extra_tax_data"] = False
        return values

    def _invoice_terms(self) -> dict:
        """What an invoice line takes over from this contract line.

        :return: by name of the field, as JSON keeps it
        """
        values = self._prepare_invoice_line()
        taxes = {
            tax_id
            for _command, linked, ids in values["tax_ids"]
            for tax_id in (ids or [linked])
            if tax_id
        }
        return {
            "price_unit": values["price_unit"],
            "discount": values["discount"],
            "tax_ids": sorted(taxes),
            "name": values["name"],
        }

    def _recompute_qty_to_invoice(self, start_date, end_date):
        """Odoo's wizard asks for the hours of a period; the ledger knows them.

        Its own answer overwrites a stored figure: invoices of other periods would then
        find nothing. Ours is taken back as soon as the invoice is made (see
        ``sale.order``).
        """
        result = super()._recompute_qty_to_invoice(start_date, end_date)
        lines = self.filtered(
            lambda line: line.product_id and line.product_id._is_delivered_timesheet()
        )
        # sudo: whoever invoices an order need not read timesheets.
        selection = Selection(self.sudo().env)
        found = selection.open_in_period(lines, start_date, end_date)
        for line in lines:
            line.qty_to_invoice = line.product_uom_id.round(found.get(line.id, 0.0))
        return result

    # === Rates from a date ===

    def _rate_at(self, day):
        """The contract line that has the price of a day: this one, or the one that
        came before or after it."""
        self.ensure_one()
        # sudo: whoever logs time need not see the order.
        line = self.sudo()
        origin = line.rate_origin_line_id or line
        started = origin.rate_line_ids.filtered(
            lambda rate: rate.rate_start_date <= day
        )
        return (started.sorted("rate_start_date")[-1:] or origin).with_env(self.env)

    def _add_rate(self, start_date, price_unit: float):
        """Add a contract line with a new price from a day on, and move what is not
        billed yet of that day and later there.

        :param price_unit: per unit of this line, in the order's currency
        :raises UserError: unless time is billed on this line, or if it has a rate from
            that very day
        :return: the new line, and the entries that are left because they are billed or
            written off
        """
        self._check_new_rate(start_date)
        current = self._rate_at(start_date)
        line = current._create_rate(start_date, price_unit)
        entries = self.env["account.analytic.line"].search(
            [
                ("so_line", "=", current.id),
                ("project_id", "!=", False),
                ("date", ">=", start_date),
            ]
        )
        entries = entries.filtered(lambda entry: line._rate_at(entry.date) == line)
        movable = entries._may_change_contract_line()
        if movable:
            movable.write({"so_line": line.id})
        return line, entries - movable

    def _check_new_rate(self, start_date):
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
        current = self._rate_at(start_date)
        if current.rate_start_date == start_date:
            raise UserError(
                self.env._(
                    "“%(line)s” has a rate from %(date)s already. Change the price on "
                    "that line of the order.",
                    line=current.display_name,
                    date=format_date(self.env, start_date),
                )
            )

    def _create_rate(self, start_date, price_unit: float):
        """A line like this one, right behind it, with another price."""
        origin = self.rate_origin_line_id or self
        values = self.copy_data(
            {
                "order_id": self.order_id.id,
                "name": origin._rate_name(start_date),
                # What is ordered in all stands on the first line.
                "product_uom_qty": 0,
                "price_unit": price_unit,
                # A price that somebody set: it does not follow the pricelist.
                "technical_price_unit": 0,
                "project_id": self.project_id.id,
                "rate_origin_line_id": origin.id,
                "rate_start_date": start_date,
            }
        )
        line = self.with_context(sale_no_log_for_new_lines=True).create(values)
        line = line.with_env(self.env)
        line._place_behind(self)
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

    def _rate_name(self, start_date) -> str:
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

    def _place_behind(self, line):
        """Under the same heading as another line of the order."""
        lines = self.order_id.order_line.sorted(lambda each: (each.sequence, each.id))
        others = list(lines - self)
        others.insert(others.index(line) + 1, self)
        for sequence, each in enumerate(others, start=1):
            if each.sequence != sequence:
                each.sequence = sequence

    def _timesheet_service_generation(self):
        """The work goes on where it was: a new rate is no new project or task."""
        lines = self.filtered(lambda line: not line.rate_origin_line_id)
        return super(SaleOrderLine, lines)._timesheet_service_generation()

    # === Life of a line ===

    def _agreed(self) -> dict:
        """What the contract says of a unit, by line."""
        return {line: tuple(line[name] for name in AGREED_FIELDS) for line in self}

    def write(self, vals):
        """Drafts follow what was ordered and delivered, and at which price."""
        if not self:
            # Odoo's posting writes four times an invoice on lines that it has not.
            return super().write(vals)
        agreed = self._agreed() if AGREED_FIELDS & set(vals) else {}
        result = super().write(vals)
        self.filtered(
            lambda line: line in agreed and agreed[line] != line._agreed()[line]
        )._flag_drafts()
        if "product_uom_qty" in vals:
            # sudo: whoever may edit an order need not see the milestones.
            self.env["project.milestone"].sudo().search(
                [("sale_line_id", "in", self.ids), ("billed_quantity", "!=", 0)]
            )._flag_drafts()
        if {"product_uom_qty", "qty_delivered", "name", "billing_date"} & set(vals):
            self.filtered("draft_quantity")._flag_drafts()
            self._fit_write_offs()
            self._refresh_held()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._check_not_billed()

    def _check_not_billed(self):
        """Refuse to delete what a draft or posted invoice was made from."""
        detail = (
            self.env["psa.invoice.detail"]
            # sudo: whoever may delete an order need not see its invoices.
            .sudo()
            .search(
                [
                    ("sale_line_id", "in", self.ids),
                    ("move_id.state", "in", ("draft", "posted")),
                ],
                limit=1,
            )
        )
        if detail:
            raise UserError(
                self.env._(
                    "%(line)s is billed with %(invoice)s and cannot be deleted.",
                    line=detail.sale_line_id.display_name,
                    invoice=detail.move_id.display_name,
                )
            )

    def _refresh_excluded_quantity(self):
        """Recompute what is left out, from the ledger and from what is on hold.

        Only lines where it changes are written.
        """
        if not self:
            return
        self.env.flush_all()
        lines = self | self.browse(self._billing_beyond_terms())
        figures = {
            line_id: (excluded, never)
            for line_id, excluded, never in self.env.execute_query(
                self._excluded_sql(lines.ids)
            )
        }
        for line in lines.sudo():
            unit = line.product_uom_id
            excluded, never = figures.get(line.id, (0.0, 0.0))
            values = {
                "excluded_quantity": unit.round(excluded),
                "never_billed_quantity": unit.round(never),
            }
            if any(unit.compare(line[name], values[name]) for name in values):
                line.write(values)

    def _billing_beyond_terms(self) -> dict[int, float]:
        """What contract terms leave out of these lines, and of those that share their
        room, in their unit."""
        return {}

    @api.model
    def _excluded_sql(self, ids: list[int], until: date | None = None) -> SQL:
        """``(id, excluded quantity, never billed quantity)``, in the lines' unit.

        :param until: only of transactions dated up to this day
        """
        treated = [
            self.env[model]._treated_sql(ids, until) for model in TRANSACTION_MODELS
        ]
        beyond = {} if until else self.browse(ids)._billing_beyond_terms()
        treated += [SQL("SELECT %s, %s, NULL", *each) for each in beyond.items()]
        return SQL(
            """
            SELECT line_id, COALESCE(SUM(excluded), 0), COALESCE(SUM(never), 0)
              FROM (SELECT detail.sale_line_id AS line_id,
                           CASE WHEN %(uncharged)s
                                THEN CASE WHEN %(live)s THEN detail.quantity END
                                WHEN NOT %(live)s AND %(credit)s
                                 AND move.state IN ('draft', 'posted')
                                THEN -detail.quantity END AS excluded,
                           CASE WHEN %(uncharged)s
                                THEN CASE WHEN %(live)s THEN detail.quantity END
                                WHEN NOT %(live)s AND %(credit)s
                                 AND move.state = 'posted'
                                THEN -detail.quantity END AS never
                      FROM psa_invoice_detail AS detail
                 LEFT JOIN account_move AS move ON move.id = detail.move_id
                     WHERE detail.sale_line_id = ANY(%(ids)s) AND %(dated)s
                 UNION ALL %(treated)s) AS found
          GROUP BY line_id
            """,
            live=rules.live_sql(),
            uncharged=rules.uncharged_sql(),
            credit=rules.credit_sql(),
            ids=ids,
            dated=SQL("detail.date <= %s", until) if until else SQL("TRUE"),
            treated=SQL(" UNION ALL ").join(treated),
        )
