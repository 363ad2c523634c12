# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.allocation import is_zero
from ...core.kinds import GOODS, MATERIAL, ORDER_LINE
from ...tools import rules

# Order lines that are not billed themselves, but by the transactions behind them.
BILLED_BY_TRANSACTIONS = ("analytic", "milestones", "timesheet")

# What an invoice line takes over from its contract line.
AGREED_FIELDS = {"discount", "name", "price_unit", "tax_ids"}
# What is open but for what is credited, as the backlog puts it.
NEW = f"{rules.OPEN} - COALESCE(billing_credited_quantity, 0)"


class SaleOrderLine(models.Model):
    """A contract line; and a transaction itself, where nothing finer is behind it."""

    _name = "sale.order.line"
    _inherit = ["sale.order.line", "psa.transaction.mixin"]

    _billing_source = ORDER_LINE
    _billing_detail_field = "sale_line_id"
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
    billing_excluded_quantity = fields.Float(
        string="Quantity Not to Invoice",
        readonly=True,
        copy=False,
        help="Part of the line that Odoo must not offer for invoicing now: on hold, "
        "offered, never charged, written off, or on a draft credit note.",
    )
    psa_never_billed_quantity = fields.Float(
        string="Quantity Never Billed",
        readonly=True,
        copy=False,
        help="Part of the line for which the customer never pays: offered, not "
        "charged or written off.",
    )

    psa_billed_otherwise_quantity = fields.Float(
        string="Billed by Transactions",
        readonly=True,
        copy=False,
        help="Part of the line that was billed by time or milestones, before its "
        "product was sold as it is ordered or delivered.",
    )

    psa_corrected_line_id = fields.Many2one(
        "sale.order.line",
        string="Corrects",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="cascade",
        groups="base.group_user",
        help="The contract line of a cost whose bill was corrected after it was "
        "invoiced: this one bills the difference.",
    )
    psa_correction_ids = fields.One2many(
        "sale.order.line",
        "psa_corrected_line_id",
        string="Corrections",
        groups="base.group_user",
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
            if line._psa_is_billed_by_transactions():
                # What was billed of it as it was ordered is to be taken back.
                kept = not is_zero(line.billed_quantity)
                line.billing_date = kept and line.billing_date
            elif line._psa_is_billed_when_delivered():
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
        "psa_billed_otherwise_quantity",
        "psa_invoiced_elsewhere_quantity",
        "qty_delivered",
        "qty_delivered_method",
        "state",
    )
    def _compute_billable_quantity(self):
        for line in self:
            if not line._psa_is_billed_itself():
                line.billable_quantity = 0.0
                continue
            quantity = (
                line.qty_delivered
                if line._psa_is_billed_when_delivered()
                else line.product_uom_qty
            )
            line.billable_quantity = (
                quantity
                - line.psa_billed_otherwise_quantity
                - line.psa_invoiced_elsewhere_quantity
            )

    def _psa_is_billed_itself(self) -> bool:
        """Whether nothing finer is behind a line of a project's contract."""
        return bool(
            self.billing_project_id
            and self.state == "sale"
            and self._psa_is_contract_line()
            and not self.is_expense
            and not self._psa_is_billed_by_transactions()
        )

    def _psa_is_billed_by_transactions(self) -> bool:
        """Whether time, costs or milestones are billed in its stead."""
        return (
            self._psa_is_billed_when_delivered()
            and self.qty_delivered_method in BILLED_BY_TRANSACTIONS
        )

    def _psa_is_billed_when_delivered(self) -> bool:
        """Else it is billed as it was ordered."""
        return self.product_id.invoice_policy == "delivery"

    def _psa_is_contract_line(self) -> bool:
        """Whether the ledger answers for a line: no heading and no down payment."""
        return bool(
            self.product_id
            and not self.display_type
            and not self.is_downpayment
            and self.product_id.type != "combo"
        )

    def _psa_is_in_ledger(self) -> bool:
        """Whether invoices of this line, whoever makes them, are in the ledger."""
        return self._psa_is_contract_line() and bool(
            self.billing_project_id
            or (
                self._psa_is_billed_when_delivered()
                and self.qty_delivered_method in ("milestones", "timesheet")
            )
        )

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

    def _psa_type_sql(self):
        """Goods on an order are material."""
        # Products that are goods are few: they are asked once.
        goods = self.env["product.product"]._search(
            [("type", "=", GOODS)], active_test=False
        )
        product = SQL.identifier(self._table, "product_id")
        return rules.kind_of_sold_sql(SQL("%s IN %s", product, goods.subselect()))

    def _psa_own_details_sql(self) -> SQL:
        """Every row of the ledger names its contract line."""
        return SQL(
            "detail.transaction_type IN ('order_line', 'material')"
            " AND detail.cost_id IS NULL"
        )

    # === What Odoo derives from a line ===

    def _get_delivered_quantity_by_analytic(self, additional_domain):
        """What a vendor credits or takes off his bill, or a reversal takes back, is no
        cost that the customer pays."""
        delivered = super()._get_delivered_quantity_by_analytic(additional_domain)
        costs = self.filtered("is_expense")
        credited = super(SaleOrderLine, costs)._get_delivered_quantity_by_analytic(
            [
                ("amount", ">", 0),
                "|",
                ("move_line_id.move_type", "in", ("in_refund", "in_invoice")),
                ("move_line_id.move_id.reversed_entry_id", "!=", False),
            ]
        )
        for line_id, quantity in credited.items():
            delivered[line_id] -= quantity
        return delivered

    def _psa_invoice_terms(self) -> dict:
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

    @api.depends("billing_excluded_quantity", "psa_never_billed_quantity")
    def _compute_invoice_status(self):
        """Invoiced: nothing is open, and what was billed, offered and written off
        makes up what was ordered."""
        result = super()._compute_invoice_status()
        for line in self.filtered("psa_never_billed_quantity"):
            unit = line.product_uom_id
            treated = line.qty_invoiced + line.psa_never_billed_quantity
            if (
                line.invoice_status == "no"
                and line.state == "sale"
                and is_zero(
                    line.billing_excluded_quantity - line.psa_never_billed_quantity
                )
                and unit.compare(treated, line.product_uom_qty) >= 0
            ):
                line.invoice_status = "invoiced"
        return result

    @api.depends("psa_never_billed_quantity", "qty_invoiced_posted")
    def _compute_untaxed_amount_to_invoice(self):
        """What is never billed is worth nothing any more."""
        result = super()._compute_untaxed_amount_to_invoice()
        lines = self - self._billing_by_amount()
        for line in lines.filtered("psa_never_billed_quantity"):
            if line.state != "sale":
                continue
            line.untaxed_amount_to_invoice = line.tax_ids.compute_all(
                line._psa_net_price(),
                currency=line.currency_id,
                quantity=line._psa_quantity_to_pay() - line.qty_invoiced_posted,
                product=line.product_id,
                partner=line.order_id.partner_shipping_id,
            )["total_excluded"]
        return result

    @api.depends("psa_never_billed_quantity")
    def _compute_amount_to_invoice(self):
        """What is never billed is no credit that the customer takes up."""
        result = super()._compute_amount_to_invoice()
        lines = self - self._billing_by_amount()
        for line in lines.filtered("psa_never_billed_quantity"):
            if line.product_uom_qty:
                price = line.price_total / line.product_uom_qty
                line.amount_to_invoice -= price * line.psa_never_billed_quantity
        return result

    @api.depends("psa_never_billed_quantity")
    def _compute_amount_to_invoice_at_date(self):
        """What is never billed is no revenue to accrue."""
        result = super()._compute_amount_to_invoice_at_date()
        # sudo: customers may read what follows from it, and none of ours.
        lines = (self - self._billing_by_amount()).sudo()
        lines = lines.filtered("psa_never_billed_quantity")
        never_billed = lines._psa_never_billed_at_date()
        for line in lines:
            quantity = never_billed.get(line.id, 0.0)
            line.amount_to_invoice_at_date -= quantity * line.price_unit
        return result

    def _psa_never_billed_at_date(self) -> dict[int, float]:
        """Quantities for which the customer never pays, of what was delivered by the
        day that an accrual asks about."""
        if not self or not self._date_in_the_past():
            return {line.id: line.psa_never_billed_quantity for line in self}
        until = fields.Date.to_date(self.env.context["accrual_entry_date"])
        self.env.flush_all()
        return {
            line_id: never
            for line_id, _excluded, never, *_rest in self.env.execute_query(
                self._psa_excluded_sql(self.ids, until)
            )
        }

    def _psa_quantity_to_pay(self) -> float:
        """What the customer pays for in all, in the line's unit."""
        quantity = (
            self.qty_delivered
            if self._psa_is_billed_when_delivered()
            else self.product_uom_qty
        )
        return quantity - self.psa_never_billed_quantity

    def _psa_round(self, quantity: float) -> float:
        """A quantity as invoice lines of this contract line have it. What other add-ons
        may change, see ``psa.billing.terms``: the line that closes a contract line
        takes the differences.

        :param quantity: in the contract line's unit
        :return: no further from it than ``psa.invoice.detail._quantity_step``
        """
        return self.product_uom_id.round(quantity)

    # === Life of a line ===

    def _psa_follow_policy(self):
        """Compute anew what follows from what is billed: ordered or delivered."""
        for name in (
            "qty_delivered_method",
            "qty_delivered",
            "billable_quantity",
            "billing_date",
            "qty_to_invoice",
            "untaxed_amount_to_invoice",
            "invoice_status",
        ):
            self.env.add_to_compute(self._fields[name], self)
        # Milestones count where they are billed.
        self.modified(["qty_delivered_method"])
        entries = self.env["account.analytic.line"].search(
            [("so_line", "in", self.ids), ("billed_quantity", "=", 0)]
        )
        self.env.add_to_compute(entries._fields["timesheet_invoice_type"], entries)
        self._psa_refresh_excluded_quantity()
        self._psa_flag_drafts()

    def _psa_agreed_terms(self) -> dict:
        """What the contract says of a unit, by line."""
        return {line: tuple(line[name] for name in AGREED_FIELDS) for line in self}

    def write(self, vals):
        """Drafts follow what was ordered and delivered, and at which price."""
        if not self:
            # Odoo's posting writes four times an invoice on lines that it has not.
            return super().write(vals)
        agreed = self._psa_agreed_terms() if AGREED_FIELDS & set(vals) else {}
        units = self._psa_units(vals)
        result = super().write(vals)
        self._psa_check_same_units(units)
        self.filtered(
            lambda line: (
                line in agreed and agreed[line] != line._psa_agreed_terms()[line]
            )
        )._psa_flag_drafts()
        if "product_uom_qty" in vals:
            # sudo: whoever may edit an order need not see the milestones.
            milestones = (
                self.env["project.milestone"]
                .sudo()
                .search([("sale_line_id", "in", self.ids)])
            )
            milestones.filtered("billed_quantity")._psa_flag_drafts()
            milestones._psa_follow_write_offs()
        if {"product_uom_qty", "qty_delivered", "name", "billing_date"} & set(vals):
            self._psa_follow_quantity()
        return result
