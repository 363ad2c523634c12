# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections.abc import Sequence
from functools import partial
from math import fsum

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, float_round

from ..core.allocation import is_zero, spread
from ..core.billing import LEDGER

# Changing one of these by hand changes how much of the transactions is billed.
QUANTITY_FIELDS = {"quantity", "product_uom_id"}
# Changing one of these changes what each of them is worth.
PRICE_FIELDS = {"price_unit", "discount", "tax_ids"}
# What Recalculate keeps of a line, if a person edited it.
KEPT_FIELDS = (
    "price_unit",
    "discount",
    "tax_ids",
    "account_id",
    "analytic_distribution",
    "name",
)


def as_json(record, name: str):
    """What a field of a record says, as JSON keeps it: records are ids."""
    value = record[name]
    kind = record._fields[name].type
    if kind == "many2many":
        return sorted(value.ids)
    if kind == "many2one":
        return value.id
    return fields.Date.to_string(value) if kind == "date" else value


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    detail_ids = fields.One2many(
        "psa.invoice.detail",
        "move_line_id",
        string="Billed Transactions",
        copy=False,
    )
    billing_slice = fields.Char(
        readonly=True,
        copy=False,
        help="The employee, task or entry of this line, where a contract line has "
        "several invoice lines.",
    )
    billing_written = fields.Json(
        readonly=True,
        copy=False,
        help="What the billing service wrote last: what differs from it was edited by "
        "a person, and stays.",
    )
    billing_credited_line_id = fields.Many2one(
        "account.move.line",
        string="Reversed Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The invoice line that this one credits, or replaces.",
    )

    def _psa_contract_line(self):
        """The order line whose billing the ledger notes here, if there is one."""
        # sudo: who may edit an invoice need not see the order.
        return self.sudo().sale_line_ids.filtered(
            lambda line: line._psa_is_in_ledger()
        )[:1]

    @api.model_create_multi
    def create(self, vals_list):
        """Whoever bills an order line, it is in the ledger."""
        lines = super().create(vals_list)
        if self.env.context.get("psa_ledger") is not LEDGER and any(
            vals.get("sale_line_ids") for vals in vals_list
        ):
            lines._psa_record_billing()
        return lines

    def _copy_data_extend_business_fields(self, values):
        """A credit note knows which line it credits."""
        result = super()._copy_data_extend_business_fields(values)
        values["billing_credited_line_id"] = self.id
        values["billing_slice"] = self.billing_slice
        values["billing_written"] = self.billing_written
        return result

    def _psa_quantity_to_credit(self, quantity: float) -> float:
        """What a line of a credit note says when it takes back some transactions.

        All that is left of the invoice line, if they are all that is left of it: its
        own rounding is taken back with it.

        :param quantity: of the transactions, unrounded, in the contract line's unit
        :return: in the unit of the line
        """
        origin = self.billing_credited_line_id
        details = origin.detail_ids._chargeable()
        left = fsum(details.mapped("quantity")) + fsum(details._taken_back().values())
        if not is_zero(left - quantity):
            unit = self._psa_contract_line().product_uom_id
            return unit._compute_quantity(unit.round(quantity), self.product_uom_id)
        credited = self.search(
            [
                ("billing_credited_line_id", "=", origin.id),
                ("parent_state", "=", "posted"),
            ]
        )
        return origin.quantity - fsum(credited.mapped("quantity"))

    def _psa_shares(self, quantities: Sequence[float]) -> list[float]:
        """Divide the untaxed amount of an invoice line over its transactions.

        :param quantities: of the transactions, unrounded
        :return: in the invoice's currency; negative on a credit note
        """
        sign = -1.0 if self.move_type == "out_refund" else 1.0
        # As the currency rounds, without asking it for each of thousands.
        rounding = partial(float_round, precision_rounding=self.currency_id.rounding)
        return spread(sign * self.price_subtotal, quantities, rounding)

    def _psa_is_deduction(self) -> bool:
        """Whether a line takes a down payment off an invoice, or gives that back."""
        return self.is_downpayment and self.quantity < 0

    def _psa_record_billing(self):
        """Note in the ledger what these lines of drafts bill or credit."""
        lines = self.filtered(
            lambda line: (
                line.display_type == "product"
                and line.move_id.move_type in ("out_invoice", "out_refund")
                and line.move_id.state == "draft"
                and line.sale_line_ids
                and line._psa_contract_line()
            )
        )
        if lines:
            # sudo: who may invoice an order need not read timesheets.
            self.env["psa.billing"].sudo()._record(lines.sudo())

    def _psa_billed_on_draft(self):
        """Lines whose quantity the ledger answers for and a person may still change."""
        if self.env.context.get("psa_ledger") is LEDGER:
            return self.browse()
        return self.filtered(
            lambda line: (
                line.move_id.state == "draft"
                and line.move_id.move_type in ("out_invoice", "out_refund")
                and line.display_type == "product"
                and line.sale_line_ids
                and line._psa_contract_line()
            )
        )

    def write(self, vals):
        """A quantity typed by a person changes the ledger with it."""
        result = super().write(vals)
        # Odoo writes invoice lines often: nothing is looked at for other fields.
        if QUANTITY_FIELDS & set(vals):
            lines = self._psa_billed_on_draft()
            reviewed = lines.filtered("move_id.is_project_invoice")
            for line in reviewed:
                # sudo: who may edit an invoice need not read the ledger.
                self.env["psa.billing"].sudo()._fit_to_quantity(line.sudo())
            (lines - reviewed)._psa_record_billing()
        if (QUANTITY_FIELDS | PRICE_FIELDS) & set(vals):
            moves = self._psa_billed_on_draft().move_id
            moves._psa_spread_amounts()
            moves._psa_see_price_credits()
        return result

    def unlink(self):
        """Transactions of a line that a person deletes are open again.

        What was offered on it stays offered.
        """
        for line in self._psa_billed_on_draft():
            # sudo: who may edit an invoice need not read the ledger.
            details = line.sudo().detail_ids._chargeable()
            if line.move_id.is_project_invoice:
                line.move_id._psa_cap(
                    {detail._key: 0.0 for detail in details if detail._key}
                )
            details._drop()
        moves = self.filtered("sale_line_ids").move_id
        result = super().unlink()
        # Odoo takes all entries of the contract line off the invoice with it, also
        # those that stay on it as offered.
        # sudo: who may edit an invoice need not read the ledger.
        details = moves.exists().sudo().detail_ids
        details._refresh_sources(details._sources())
        return result

    def _psa_follow_ledger(self, contract_line, quantity: float, name: str):
        """Take over what the ledger says.

        :param contract_line: in the customer's language
        :param quantity: in the contract line's unit; a person may have chosen another
            one for the invoice
        :param name: the description, which stays if a person wrote another one
        """
        quantity = contract_line.product_uom_id._compute_quantity(
            quantity, self.product_uom_id
        )
        values = {}
        if self.product_uom_id.compare(self.quantity, quantity):
            values["quantity"] = quantity
        if "name" not in self._psa_edited_fields() and name != self.name:
            values["name"] = name
            values["billing_written"] = {**self.billing_written, "name": name}
        if values:
            self.write(values)

    # === What a person edited ===

    def _psa_note_written(self):
        """Remember what the billing service wrote, Odoo's own defaults included."""
        self.flush_model([*KEPT_FIELDS, "billing_written"])
        self.env.cr.execute(
            SQL(
                """
                UPDATE account_move_line AS line
                   SET billing_written = jsonb_build_object(
                           'price_unit', line.price_unit,
                           'discount', line.discount,
                           'tax_ids', ARRAY(
                               SELECT rel.account_tax_id
                                 FROM account_move_line_account_tax_rel AS rel
                                WHERE rel.account_move_line_id = line.id
                             ORDER BY rel.account_tax_id),
                           'account_id', line.account_id,
                           'analytic_distribution', line.analytic_distribution,
                           'name', line.name)
                 WHERE line.id = ANY(%s)
                """,
                self.ids,
            )
        )
        self.invalidate_recordset(["billing_written"], flush=False)

    def _psa_title(self) -> str:
        """The first line of its text."""
        return (self.name or "").split("\n")[0]

    def _psa_edited_fields(self) -> set[str]:
        """What differs from what the billing service wrote last.

        Of a line that it did not write all of it.
        """
        written = self.billing_written
        return {
            name
            for name in KEPT_FIELDS
            if not written or not self._psa_has_value(name, written.get(name))
        }

    def _psa_has_value(self, name: str, value) -> bool:
        """Whether a field has this value.

        :param value: as JSON keeps it: records are ids
        """
        own = as_json(self, name)
        if isinstance(own, float):
            return is_zero(own - (value or 0.0))
        return (own or False) == (value or False)

    # === Vendor bills and expenses that a customer pays ===

    def _prepare_analytic_lines(self):
        """Each project that bears a share of a bill re-invoices its own share, once.

        Odoo puts all of it on the order of one project, and names that order on every
        analytic item of the bill, each with the whole quantity.
        """
        values_list = super()._prepare_analytic_lines()
        if self.move_id.move_type == "in_refund":
            self._psa_credit_projects(values_list)
        elif any(values.get("so_line") for values in values_list):
            self._psa_divide_over_projects(values_list)
            self._psa_count_expensed_quantity(values_list)
        return values_list

    def _psa_count_expensed_quantity(self, values_list: list[dict]):
        """Three days of a per diem are sold as three, also where the company paid them:
        Odoo's journal entry then says one, of the whole amount.

        :param values_list: of this line's analytic items; changed in place
        """
        expense = self.expense_id
        by_price = expense.product_id.expense_policy == "sales_price"
        if not (by_price and expense.quantity and self.quantity):
            return
        for values in values_list:
            if values.get("so_line"):
                values["unit_amount"] *= expense.quantity / self.quantity

    def _psa_divide_over_projects(self, values_list: list[dict]):
        """Let one analytic item of each project name its contract line.

        :param values_list: of this line's analytic items; changed in place
        """
        first_line = next(
            values["so_line"] for values in values_list if values.get("so_line")
        )
        shares = {} if self.expense_id else self._psa_shares_of_projects()
        if not shares:
            for values in values_list[1:]:
                values["so_line"] = False
            return
        contract_lines = {}
        for index, (project, share) in enumerate(shares.items()):
            made = (
                {self.id: self.env["sale.order.line"].browse(first_line)}
                if not index
                else self.with_context(
                    psa_share=(project.id, share)
                )._sale_create_reinvoice_sale_line()
            )
            if self.id in made:
                contract_lines[project] = made[self.id]
        self._psa_name_contract_lines(
            values_list,
            {
                project: (line, share)
                for project, share in shares.items()
                if (line := contract_lines.get(project))
            },
        )

    def _psa_name_contract_lines(self, values_list: list[dict], wanted: dict):
        """Let one analytic item of each project name its contract line.

        :param values_list: of this line's analytic items; changed in place
        :param wanted: the contract line, and the factor of the quantity, by project
        """
        wanted = dict(wanted)
        for values in values_list:
            values["so_line"] = False
            accounts = {
                values.get(name)
                for name in self.env["account.analytic.line"]._get_plan_fnames()
            }
            for project in wanted:
                if accounts & set(project._get_analytic_accounts().ids):
                    line, factor = wanted.pop(project)
                    values["so_line"] = line.id
                    values["unit_amount"] *= factor
                    break

    def _psa_credit_projects(self, values_list: list[dict]):
        """What a vendor credits comes off the contract lines that its bill went to.

        Odoo re-invoices bills alone. The quantity follows the amount: a tenth of the
        price is a tenth of the quantity.
        """
        wanted = {}
        for project, share in self._psa_shares_of_projects().items():
            cost = self._psa_credited_cost(project)
            bill_line = cost.source_move_line_id
            if not cost or not bill_line.price_subtotal or not self.quantity:
                continue
            price = bill_line.price_subtotal / bill_line.quantity
            credited_quantity = self.price_subtotal / price
            wanted[project] = (
                cost.sale_line_id,
                share * credited_quantity / self.quantity,
            )
        if wanted:
            self._psa_name_contract_lines(values_list, wanted)

    def _psa_credited_cost(self, project):
        """The bill line that this line of a vendor credit takes back.

        The one it was copied from; else the latest of the same vendor and product.
        """
        # sudo: whoever posts a vendor credit need not see the order.
        Cost = self.env["psa.reinvoiced.cost"].sudo()
        domain = Domain("project_id", "=", project.id)
        if self.billing_credited_line_id:
            domain &= Domain(
                "source_move_line_id", "=", self.billing_credited_line_id.id
            )
        else:
            domain &= Domain(
                [
                    ("source_move_line_id.product_id", "=", self.product_id.id),
                    ("source_move_line_id.move_type", "=", "in_invoice"),
                    ("source_move_line_id.currency_id", "=", self.currency_id.id),
                    (
                        "source_move_line_id.partner_id.commercial_partner_id",
                        "=",
                        self.move_id.commercial_partner_id.id,
                    ),
                ]
            )
        return Cost.search(domain, order="date desc, id desc", limit=1)

    def _psa_shares_of_projects(self) -> dict:
        """How much of a bill line each project with a confirmed order bears.

        :return: a share of 1 by project, in the order of the distribution
        """
        self.ensure_one()
        # sudo: whoever posts a bill need not see projects and orders.
        line = self.sudo()
        shares: dict = {}
        if not line.analytic_distribution:
            return shares
        account_ids = line._get_analytic_account_ids_from_distributions(
            line.analytic_distribution
        )
        Project = line.env["project.project"]
        projects = Project.search(
            Domain.OR(
                Domain(name, "in", account_ids)
                for name in line.env["account.analytic.line"]._get_plan_fnames()
                if name in Project._fields
            )
        )
        by_accounts: dict = {}
        for project in projects.sorted("id"):
            if project._psa_order_for_costs():
                accounts = frozenset(project._get_analytic_accounts().ids)
                by_accounts.setdefault(accounts, project)
        for accounts, percentage in line.analytic_distribution.items():
            wanted = frozenset(map(int, accounts.split(",")))
            for project_accounts, project in by_accounts.items():
                if project_accounts <= wanted:
                    shares[project] = shares.get(project, 0.0) + percentage / 100
        return {project: min(share, 1.0) for project, share in shares.items()}

    def _sale_determine_order(self):
        """The order of the project that bears the line, never that of another line."""
        mapping = super()._sale_determine_order()
        for line in self.filtered(lambda line: not line.expense_id):
            project_id, _share = line._psa_share_in_turn()
            if project_id:
                project = self.env["project.project"].sudo().browse(project_id)
                mapping[line.id] = project._psa_order_for_costs()
        return mapping

    def _psa_share_in_turn(self) -> tuple[int, float]:
        """``(project id, share)`` that is being re-invoiced; the first one first."""
        if turn := self.env.context.get("psa_share"):
            return turn
        shares = {} if self.expense_id else self._psa_shares_of_projects()
        for project, share in shares.items():
            return project.id, share
        return 0, 1.0

    def _sale_prepare_sale_line_values(self, order, price):
        values = super()._sale_prepare_sale_line_values(order, price)
        _project_id, share = self._psa_share_in_turn()
        if share != 1.0:
            values["product_uom_qty"] *= share
        return values

    def _sale_create_reinvoice_sale_line(self):
        """A bill that was reset and posted again keeps its contract lines."""
        made = {}
        for line in self:
            if known := line._psa_known_contract_line():
                made[line.id] = known
        if rest := self.filtered(lambda line: line.id not in made):
            made.update(super(AccountMoveLine, rest)._sale_create_reinvoice_sale_line())
        return made

    def _psa_known_contract_line(self):
        """The contract line that this bill line made before, brought up to date."""
        project_id, share = self._psa_share_in_turn()
        # sudo: whoever posts a bill need not see the order.
        costs = (
            self.env["psa.reinvoiced.cost"]
            .sudo()
            .search([("source_move_line_id", "=", self.id)])
        )
        if project_id:
            costs = costs.filtered(lambda cost: cost.project_id.id == project_id)
        line = costs[:1].sale_line_id
        if not line or line.state != "sale":
            return None
        others = (
            self.env["psa.reinvoiced.cost"]
            .sudo()
            .search_count(
                [("sale_line_id", "=", line.id), ("id", "not in", costs.ids)], limit=1
            )
        )
        if not others:
            price = self._sale_get_invoice_price(line.order_id)
            values = self._sale_prepare_sale_line_values(line.order_id, price)
            kept = {"product_uom_qty", "expense_ids"}
            # A draft under review follows the price; what is posted keeps its own.
            if not line.qty_invoiced_posted:
                kept.add("price_unit")
            line.write({name: values[name] for name in kept & set(values)})
        return line
