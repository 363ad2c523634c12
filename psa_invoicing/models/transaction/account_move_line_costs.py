# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Vendor bills and expenses that a customer pays."""

from collections import defaultdict
from math import fsum

from odoo import models
from odoo.fields import Domain

from ...core.allocation import TOLERANCE, spread


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    def _prepare_analytic_lines(self):
        """Each project that bears a share of a bill re-invoices its own share, once.

        Odoo puts all of it on the order of one project, and names that order on every
        analytic item of the bill, each with the whole quantity.
        """
        values_list = super()._prepare_analytic_lines()
        if self._psa_takes_back():
            self._psa_take_back(values_list)
        elif any(values.get("so_line") for values in values_list):
            self._psa_divide_over_projects(values_list)
            self._psa_count_rebate(values_list)
            self._psa_count_expensed_quantity(values_list)
            self._psa_correct_prices(values_list)
        return values_list

    def _psa_is_rebate(self) -> bool:
        """Whether it lowers what a vendor bill costs: its customer pays less, too."""
        return (
            self.move_id.move_type == "in_invoice"
            and self.product_id.expense_policy == "cost"
            and self.balance < 0
            and not self.expense_id
            and not self.sale_line_ids
        )

    def _psa_cost_sign(self) -> int:
        return -1 if self._psa_is_rebate() else 1

    def _sale_can_be_reinvoice(self):
        return super()._sale_can_be_reinvoice() or self._psa_is_rebate()

    def _psa_count_rebate(self, values_list: list[dict]):
        """Whether its quantity or its price is below zero: how much of it there is.

        :param values_list: of this line's analytic items; changed in place
        """
        if self._psa_is_rebate():
            for values in values_list:
                if values.get("so_line") and values["amount"] > 0:
                    values["unit_amount"] = abs(values["unit_amount"])

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
        wanted = {}
        for index, (project, share) in enumerate(shares.items()):
            made = (
                {self.id: self.env["sale.order.line"].browse(first_line)}
                if not index
                else self.with_context(
                    psa_share=(project.id, share)
                )._sale_create_reinvoice_sale_line()
            )
            if line := made.get(self.id):
                wanted[project] = line, share
        self._psa_name_contract_lines(values_list, wanted)

    def _psa_name_contract_lines(self, values_list: list[dict], wanted: dict):
        """Let one analytic item of each project name its contract line.

        An item of several plans may be that of several projects: the others then get
        one that is worth nothing.

        :param values_list: of this line's analytic items; changed in place
        :param wanted: the contract line, and the factor of the quantity, by project
        """
        names = self.env["account.analytic.line"]._get_plan_fnames()
        sign = -1.0 if self._psa_takes_back() else self._psa_cost_sign()
        wanted = dict(wanted)
        bearers = defaultdict(list)
        for values in values_list:
            values["so_line"] = False
            accounts = {values.get(name) for name in names}
            for project in list(wanted):
                if accounts & set(project._get_analytic_accounts().ids):
                    bearers[project].append(values)
        for project, items in bearers.items():
            line, factor = wanted[project]
            quantity = self.quantity * factor
            if self._psa_is_rebate():
                quantity = abs(quantity)
            if free := next((each for each in items if not each["so_line"]), None):
                free |= {"so_line": line.id, "unit_amount": quantity}
            else:
                own = {
                    "so_line": line.id,
                    "unit_amount": sign * quantity,
                    "amount": 0.0,
                }
                values_list.append(items[0] | own)

    # === Reversals ===

    def _psa_takes_back(self) -> bool:
        """Whether it is no cost, but takes one back: a vendor credit, or the reversal
        of whatever journal entry."""
        move = self.move_id
        return move.move_type == "in_refund" or bool(
            move.reversed_entry_id and not move.is_sale_document()
        )

    def _psa_take_back(self, values_list: list[dict]):
        """What is taken back comes off the contract lines that it went to.

        Odoo re-invoices costs alone. The quantity follows the amount: a tenth of the
        price is a tenth of the quantity, and of the corrections of that bill.

        :param values_list: of this line's analytic items; changed in place
        """
        reversed_line = self._psa_reversed_line()
        if self.expense_id:
            self._psa_take_expense_back(values_list, reversed_line)
            return
        wanted = {}
        parts = {}
        for project, share in self._psa_shares_of_projects().items():
            cost = self._psa_cost_taken_back(project, reversed_line)
            line = cost.source_move_line_id
            if cost and self.quantity:
                part = self._psa_part_of(line)
                quantity = line._psa_counted(cost, share) * part
                wanted[project] = cost.sale_line_id, quantity / self.quantity
                parts[cost.sale_line_id] = line._psa_corrected_with(cost), part
        if wanted:
            self._psa_name_contract_lines(values_list, wanted)
        for line, (corrections, part) in parts.items():
            for values in list(values_list):
                if values.get("so_line") == line.id:
                    values_list += corrections._psa_as_items(values, -part)

    def _psa_corrected_with(self, cost):
        """The corrections of a cost that count, as long as this line is posted."""
        corrections = cost.sale_line_id.psa_correction_ids
        # sudo: whoever posts a vendor credit need not see the order.
        items = self.sudo().analytic_line_ids
        return corrections & items.so_line if items else corrections

    def _psa_counted(self, cost, share: float) -> float:
        """How much of this line a project bears.

        :param share: of the project, if the bill is not posted
        """
        # sudo: whoever posts a vendor credit need not see the order.
        items = self.sudo().analytic_line_ids.filtered(
            lambda item: item.so_line == cost.sale_line_id
        )
        return items[:1].unit_amount if items else share * self.quantity

    def _psa_take_expense_back(self, values_list: list[dict], reversed_line):
        """An expense is of one order, whatever accounts it is divided over."""
        part = self._psa_part_of(reversed_line)
        # sudo: whoever reverses an expense need not see the order.
        items = reversed_line.sudo().analytic_line_ids.filtered("so_line")
        for item in items.filtered("amount")[:1]:
            values_list[0]["so_line"] = item.so_line.id
            values_list[0]["unit_amount"] = item.unit_amount * part
            corrections = (items - item).so_line
            values_list += corrections._psa_as_items(values_list[0], -part)

    def _psa_reversed_line(self):
        """The line that this one takes back, if it is known."""
        if self.billing_credited_line_id:
            return self.billing_credited_line_id
        lines = self.move_id.reversed_entry_id.line_ids
        return lines.filtered(
            lambda line: (
                (line.product_id, line.expense_id) == (self.product_id, self.expense_id)
            )
        )[:1]

    def _psa_part_of(self, line) -> float:
        """Which part of another line's amount it is."""
        same = self.currency_id == line.currency_id
        name = "amount_currency" if same else "balance"
        return abs(self[name] / line[name]) if line[name] else 0.0

    def _psa_cost_taken_back(self, project, reversed_line):
        """The cost of a project that this line takes back.

        :param reversed_line: if there is none, the latest of the same vendor and
            product
        """
        # sudo: whoever posts a vendor credit need not see the order.
        Cost = self.env["psa.reinvoiced.cost"].sudo()
        domain = self._psa_costs_domain(project)
        if reversed_line:
            domain &= Domain("source_move_line_id", "=", reversed_line.id)
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

    def _psa_costs_domain(self, project) -> Domain:
        """Costs of a project, whichever project of its order bills them."""
        order = project._psa_order_for_costs()
        return Domain("correction_line_id", "=", False) & (
            Domain("project_id", "=", project.id)
            | Domain("sale_line_id.order_id", "=", order.id)
        )

    def _psa_with_reversals(self):
        """With the lines that take them back, those that they take back, and so on."""
        found = self
        while True:
            others = self.search(
                [
                    ("billing_credited_line_id", "in", found.ids),
                    ("move_id.reversed_entry_id", "!=", False),
                    ("id", "not in", found.ids),
                ]
            )
            for line in found.filtered("move_id.reversed_entry_id"):
                others |= line._psa_reversed_line()
            if others <= found:
                return found
            found |= others

    def _psa_shares_of_projects(self) -> dict:
        """How much of a bill line each project with a confirmed order bears.

        Projects of several analytic plans may be named with more than there is: they
        bear it in proportion, and nobody is billed before a person has looked at it.

        :return: a share of 1 by project, in the order of the distribution
        """
        named = self._psa_named_shares()
        if fsum(named.values()) > 1.0 + TOLERANCE:
            # Hundredths, which quantities can be: together they are the line.
            parts = spread(1.0, list(named.values()), lambda share: round(share, 2))
            return dict(zip(named, parts, strict=True))
        return named

    def _psa_named_shares(self) -> dict:
        """As the distribution says it: shares of 1 by project; of several plans they
        may add up to more."""
        self.ensure_one()
        # sudo: whoever posts a bill need not see projects and orders.
        line = self.sudo()
        shares: dict = {}
        if not line.analytic_distribution:
            return shares
        account_ids = line._get_analytic_account_ids_from_distributions(
            line.analytic_distribution
        )
        Project = line.env["project.project"].with_context(active_test=False)
        projects = Project.search(
            Domain.OR(
                Domain(name, "in", account_ids)
                for name in line.env["account.analytic.line"]._get_plan_fnames()
                if name in Project._fields
            )
        )
        archived = projects.filtered(lambda project: not project.active)
        if archived and not line._psa_takes_back():
            # They keep what they bear, and bear nothing new.
            Cost = line.env["psa.reinvoiced.cost"]
            borne = Cost.search([("source_move_line_id", "=", line.id)])
            projects -= archived.filtered(
                lambda each: not borne.filtered_domain(line._psa_costs_domain(each))
            )
        by_accounts: dict = {}
        orders: dict = {}
        for project in projects.sorted("id"):
            if order := project._psa_order_for_costs():
                orders[project] = order
                accounts = frozenset(project._get_analytic_accounts().ids)
                by_accounts.setdefault(accounts, project)
        for accounts, percentage in line.analytic_distribution.items():
            wanted = frozenset(map(int, accounts.split(",")))
            named = [each for each in by_accounts if each <= wanted]
            for own in named:
                # Of a project and another one that is named more closely, the latter.
                if not any(own < other for other in named):
                    project = by_accounts[own]
                    shares[project] = shares.get(project, 0.0) + percentage / 100
        # What projects of one order bear is one line of it, of the first of them.
        by_order: dict = {}
        for project in shares:
            by_order.setdefault(orders[project], []).append(project)
        return {
            own[0]: min(fsum(shares[project] for project in own), 1.0)
            for own in by_order.values()
        }

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
        if self._psa_is_rebate():
            values["product_uom_qty"] = -abs(values["product_uom_qty"])
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
        costs = self.env["psa.reinvoiced.cost"].sudo()._psa_of_line(self)
        if costs.source_move_line_id != self:
            costs.source_move_line_id = self
        if project_id:
            project = costs.env["project.project"].browse(project_id)
            costs = costs.filtered_domain(self._psa_costs_domain(project))
        costs = costs.filtered(lambda cost: not cost.correction_line_id)
        line = costs[:1].sale_line_id
        if not line or line.state != "sale":
            return None
        others = (
            self.env["psa.reinvoiced.cost"]
            .sudo()
            .search_count(
                [
                    ("sale_line_id", "=", line.id),
                    ("id", "not in", costs.ids),
                    ("billable_quantity", "!=", 0),
                ],
                limit=1,
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
