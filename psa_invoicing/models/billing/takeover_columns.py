# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Columns that the installation left empty."""

from odoo.tools import SQL

from ...tools import rules
from .step import Step


class TakeoverColumns(Step):
    """Computes in SQL what new columns say of a database with history."""

    def fill(self):
        """Compute in SQL what new columns say of a database with history."""
        cr = self.env.cr
        cr.execute(
            "UPDATE account_move SET reopens_transactions = TRUE"
            " WHERE move_type = 'out_refund' AND reopens_transactions IS NULL"
        )
        self._fill_contract_lines()
        cr.execute(
            """
            UPDATE project_milestone AS milestone
               SET billable_quantity = milestone.quantity_percentage
                                       * line.product_uom_qty
              FROM sale_order_line AS line
              JOIN product_product AS product ON product.id = line.product_id
              JOIN product_template AS template
                ON template.id = product.product_tmpl_id
             WHERE line.id = milestone.sale_line_id
               AND milestone.is_reached AND milestone.billable_quantity IS NULL
               AND line.qty_delivered_method = 'milestones'
               AND template.invoice_policy = 'delivery'
            """
        )
        cr.execute(self.env["psa.reinvoiced.cost"]._follow_sql())
        self.env.invalidate_all()

    def _fill_contract_lines(self):
        """Project, day and quantity of order lines.

        Lines without a project get their day as well: an order may get a project later.
        Nobody knows when a line was delivered: the day of the order is the best guess.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE sale_order_line AS target
                   SET billing_project_id = found.project_id,
                       billing_date = found.day,
                       billable_quantity = found.quantity
                  FROM (
                SELECT line.id, project.id AS project_id,
                       CASE WHEN NOT %(by_transactions)s
                             AND (template.invoice_policy <> 'delivery'
                                  OR line.qty_delivered <> 0)
                            THEN %(ordered)s END AS day,
                       CASE WHEN project.id IS NULL OR line.state <> 'sale'
                              OR line.is_expense OR %(by_transactions)s THEN NULL
                            WHEN template.invoice_policy = 'delivery'
                            THEN line.qty_delivered
                            ELSE line.product_uom_qty END AS quantity
                  FROM sale_order_line AS line
                  JOIN sale_order AS orders ON orders.id = line.order_id
                  JOIN product_product AS product ON product.id = line.product_id
                  JOIN product_template AS template
                    ON template.id = product.product_tmpl_id
             LEFT JOIN (SELECT item.order_id, MIN(project.id) AS id
                          FROM project_project AS project
                          JOIN sale_order_line AS item
                            ON item.id = project.sale_line_id
                      GROUP BY item.order_id) AS worked_on
                    ON worked_on.order_id = line.order_id
             LEFT JOIN project_project AS project
                    ON project.id = COALESCE(line.project_id, orders.project_id,
                                             worked_on.id)
                 WHERE %(contract_line)s
                   AND line.billing_project_id IS NULL AND line.billing_date IS NULL
                       ) AS found
                 WHERE target.id = found.id
                   AND (found.project_id IS NOT NULL OR found.day IS NOT NULL)
                """,
                by_transactions=rules.BY_TRANSACTIONS,
                contract_line=rules.CONTRACT_LINE,
                ordered=self.env["res.company"]._billing_day_sql(
                    SQL("orders.date_order"), SQL("orders.company_id")
                ),
            )
        )
