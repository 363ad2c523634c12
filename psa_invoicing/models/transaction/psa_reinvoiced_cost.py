# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models
from odoo.tools import SQL

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
    _inherit = ["psa.transaction.mixin"]
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
        changed = rows.filtered(lambda row: before.get(row.id) != row.billable_quantity)
        changed._psa_remember_prices()
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
                   * CASE MAX(move.move_type) WHEN 'in_refund' THEN -1 ELSE 1 END,
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
               AND (item.amount <= 0 OR move.move_type = 'in_refund')
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
            else SQL("item.move_line_id IS NOT NULL"),
        )
