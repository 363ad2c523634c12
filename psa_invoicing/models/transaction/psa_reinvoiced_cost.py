# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from math import fsum

from odoo import fields, models
from odoo.tools import SQL

from ...core.allocation import TOLERANCE, is_zero, taken_back
from ...core.kinds import COST, EXPENSE, MATERIAL
from ...tools import rules


class PsaReinvoicedCost(models.Model):
    """An expense, or a line of a vendor bill, that a project's customer pays; negative,
    what a vendor has credited.

    Odoo makes one analytic item per account of a line's distribution, and makes them
    anew whenever the bill is reset to draft: too fleeting to remember what was billed.
    So a line has one row here for each project that bears a share of it. The row stays
    when the bill is reset, with nothing to bill, and comes back when it is posted.
    """

    _name = "psa.reinvoiced.cost"
    _inherit = ["psa.transaction.mixin", "psa.pointing", "psa.exported"]
    _description = "Expense or Material"
    _order = "date, id"

    _billing_source = COST
    _billing_detail_field = "cost_id"
    _billing_columns = {
        "sale_line_id": "sale_line_id",
        "project_id": "project_id",
        "date": "date",
        "uom_id": "uom_id",
        "text": "name",
        "who": "who",
        "kind": "kind",
    }

    kind = fields.Selection(
        [(EXPENSE, "Expense"), (MATERIAL, "Material")],
        string="Type",
        required=True,
        readonly=True,
    )
    source_move_line_id = fields.Many2one(
        "account.move.line",
        string="Bill or Expense Line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    source_move_id = fields.Many2one(related="source_move_line_id.move_id")
    sale_line_id = fields.Many2one(
        "sale.order.line",
        string="Contract Line",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    project_id = fields.Many2one(
        "project.project", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="sale_line_id.company_id")
    date = fields.Date(required=True, readonly=True)
    name = fields.Char(string="Description", readonly=True)
    who = fields.Char(readonly=True, help="The vendor, or the employee.")
    uom_id = fields.Many2one("uom.uom", string="Unit of Measure", readonly=True)
    billable_quantity = fields.Float(
        compute=None,
        readonly=True,
        help="Share of the project in the quantity of the bill, in its unit; none "
        "while the bill is a draft.",
    )

    correction_line_id = fields.Many2one(
        "sale.order.line",
        readonly=True,
        ondelete="cascade",
        help="The contract line, where it bills what a correction of the bill makes a "
        "difference.",
    )
    reinvoiced_price = fields.Float(
        readonly=True,
        help="What a unit cost, in the order's currency, when its contract line got "
        "its price.",
    )

    has_unclear_share = fields.Boolean(
        string="Unclear Shares",
        readonly=True,
        help="The analytic distribution of the line names projects with more than all "
        "of it: on hold until it is corrected, or somebody releases it.",
    )

    _line_project_index = models.UniqueIndex(
        "(source_move_line_id, project_id, COALESCE(correction_line_id, 0))",
        "A bill line has one row for each project, and one for each correction.",
    )
    _open_index = models.Index(f"(project_id, date) WHERE ABS({rules.OPEN}) > 0.000001")

    def _psa_type_sql(self):
        return SQL.identifier(self._table, "kind")

    def _follow_bills(self, move_lines):
        """Bring the rows of posted and reset bills in line with their analytic items.

        Exactly one item of a line names the contract line of a project (see
        ``account.move.line``), with the project's share of the quantity. A bill has
        items only as long as it is posted.

        :param move_lines: lines of bills or expenses
        """
        if not move_lines:
            return
        # sudo: whoever posts a bill need not see what it belongs to.
        move_lines = move_lines.sudo()._psa_with_reversals()
        self.env.flush_all()
        known = self.sudo().search([("source_move_line_id", "in", move_lines.ids)])
        before = {row.id: row.billable_quantity for row in known}
        self.env.cr.execute(
            SQL(
                "UPDATE psa_reinvoiced_cost SET billable_quantity = 0 WHERE id IN %s",
                tuple(known.ids) or (0,),
            )
        )
        self.env.cr.execute(self._follow_sql(move_lines.ids))
        self.invalidate_model()
        rows = self.sudo().search([("source_move_line_id", "in", move_lines.ids)])
        rows._psa_taken_back().billable_quantity = 0.0
        rows._psa_settle_parts()
        rows._psa_look_at_shares()
        changed = rows.filtered(lambda row: before.get(row.id) != row.billable_quantity)
        changed._psa_remember_prices()
        changed |= rows._psa_reversed_by(changed)
        changed._psa_flag_drafts()
        changed._psa_follow_write_offs()
        changed._psa_refresh_held()

    def _psa_remember_prices(self):
        """Of a bill that is being reset, and can be corrected now."""
        for cost in self:
            if not (
                cost.billable_quantity
                or cost.reinvoiced_price
                or cost.correction_line_id
            ):
                bill_line = cost.source_move_line_id
                order = cost.sale_line_id.order_id
                cost.reinvoiced_price = bill_line._sale_get_invoice_price(order)

    def _psa_look_at_shares(self):
        """What several projects bear beyond all of a line waits for a person."""
        for line, rows in self.grouped("source_move_line_id").items():
            named = line._psa_named_shares() if len(rows.project_id) > 1 else {}
            percentage = round(fsum(named.values()) * 100, 2)
            is_unclear = percentage > 100
            changed = rows.filtered_domain([("has_unclear_share", "!=", is_unclear)])
            if changed:
                reason = self.env._(
                    "The analytic distribution of “%(line)s” gives %(percentage)s %% "
                    "of it to projects. Correct the bill, or release their shares as "
                    "they are.",
                    line=line.name,
                    percentage=percentage,
                )
                changed.write(
                    {
                        "has_unclear_share": is_unclear,
                        "billing_hold": is_unclear,
                        "billing_hold_reason": is_unclear and reason,
                    }
                )

    def _psa_of_line(self, line):
        """The rows of a line; of an expense that was reversed and is posted again, the
        row of its former entry, with what was billed of it."""
        rows = self.search([("source_move_line_id", "=", line.id)])
        if rows or not line.expense_id or line.move_id.reversed_entry_id:
            return rows
        rows = self.search(
            [
                ("source_move_line_id.expense_id", "=", line.expense_id.id),
                ("source_move_line_id.move_id.reversed_entry_id", "=", False),
                ("billable_quantity", "=", 0),
            ]
        )
        last = rows.source_move_line_id.sorted("id")[-1:]
        return rows.filtered(lambda row: row.source_move_line_id == last)

    def _psa_reversed_by(self, reversals):
        """Of these rows, those of the lines that others take back."""
        lines = reversals.source_move_line_id
        return self.filtered(
            lambda row: row.source_move_line_id in lines.billing_credited_line_id
        )

    def _psa_taken_back(self):
        """Of these rows, those that are worth nothing: what was taken back as a whole,
        and what takes it back."""
        found = self.browse()
        for rows in self.grouped("project_id").values():
            lines = rows.source_move_line_id
            ids = taken_back(
                {
                    row.source_move_line_id.id: row.billable_quantity
                    for row in rows
                    if not row.correction_line_id
                },
                {
                    line.id: line._psa_reversed_line().id
                    for line in lines.filtered("move_id.reversed_entry_id")
                },
                {
                    row.source_move_line_id.id
                    for row in rows
                    if not is_zero(row.billed_quantity - row.billing_draft_quantity)
                },
            )
            found += rows.filtered_domain([("source_move_line_id", "in", list(ids))])
        return found

    def _psa_settle_parts(self):
        """Of these rows, what was billed in part, and whose other part was taken back:
        nothing is due, on either side."""
        for row in self.filtered(lambda row: row.billed_quantity > TOLERANCE):
            others = self.filtered(
                lambda other, row=row: (
                    other.source_move_line_id.billing_credited_line_id
                    == row.source_move_line_id
                    and other.project_id == row.project_id
                    and not other.correction_line_id
                    and is_zero(other.billed_quantity)
                    and other.billable_quantity < 0
                )
            )
            left = row.billable_quantity + fsum(others.mapped("billable_quantity"))
            if others and is_zero(left - row.billed_quantity):
                row.billable_quantity = left
                others.billable_quantity = 0.0

    def _follow_sql(self, move_line_ids: list[int] | None = None) -> SQL:
        """INSERT the rows of posted lines, or UPDATE those that are there.

        :param move_line_ids: of these lines (None: of all, at installation)
        """
        return SQL(
            """
            INSERT INTO psa_reinvoiced_cost
                   (kind, source_move_line_id, sale_line_id, correction_line_id,
                    project_id, date, name, who, uom_id, billable_quantity,
                    create_uid, write_uid, create_date, write_date)
            SELECT CASE WHEN line.expense_id IS NULL THEN %(material)s
                        ELSE %(expense)s END,
                   line.id,
                   MAX(contract_line.id),
                   %(correction)s,
                   contract_line.billing_project_id,
                   COALESCE(MAX(expense.date), MAX(move.invoice_date), MAX(item.date)),
                   CASE WHEN %(correction)s IS NULL THEN MAX(line.name)
                        ELSE MAX(contract_line.name) END,
                   COALESCE(MAX(employee.name), MAX(partner.name)),
                   MAX(line.product_uom_id),
                   MAX(item.unit_amount)
                   * CASE WHEN MAX(item.amount) > 0 THEN -1 ELSE 1 END,
                   %(user)s, %(user)s, now() AT TIME ZONE 'UTC',
                   now() AT TIME ZONE 'UTC'
              FROM account_analytic_line AS item
              JOIN account_move_line AS line ON line.id = item.move_line_id
              JOIN account_move AS move ON move.id = line.move_id
              JOIN sale_order_line AS contract_line
                ON contract_line.id = item.so_line AND contract_line.is_expense
               AND contract_line.billing_project_id IS NOT NULL
         LEFT JOIN hr_expense AS expense ON expense.id = line.expense_id
         LEFT JOIN hr_employee AS employee ON employee.id = expense.employee_id
         LEFT JOIN res_partner AS partner ON partner.id = move.commercial_partner_id
             WHERE item.project_id IS NULL AND %(wanted)s
               AND (item.amount <= 0 OR move.move_type IN ('in_refund', 'in_invoice')
                    OR move.reversed_entry_id IS NOT NULL)
          GROUP BY line.id, contract_line.billing_project_id, %(correction)s
       ON CONFLICT (source_move_line_id, project_id, COALESCE(correction_line_id, 0))
     DO UPDATE
               SET sale_line_id = EXCLUDED.sale_line_id,
                   date = EXCLUDED.date,
                   name = EXCLUDED.name,
                   who = EXCLUDED.who,
                   uom_id = EXCLUDED.uom_id,
                   billable_quantity = EXCLUDED.billable_quantity
            """,
            expense=EXPENSE,
            material=MATERIAL,
            correction=SQL(
                "CASE WHEN contract_line.psa_corrected_line_id IS NOT NULL "
                "THEN contract_line.id END"
            ),
            user=self.env.uid,
            wanted=SQL("item.move_line_id = ANY(%s)", move_line_ids)
            if move_line_ids is not None
            # What was reversed before the add-on came, Odoo has taken off the order.
            else SQL(
                """item.move_line_id IS NOT NULL
                   AND (line.expense_id IS NULL OR NOT EXISTS (
                        SELECT FROM account_move AS reversal
                         WHERE reversal.reversed_entry_id = move.id
                           AND reversal.state = 'posted'))"""
            ),
        )
