# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, timedelta

from odoo.tools import SQL

from ..models.billing.neighbours import Neighbours
from ..tools import hooks
from .common import BillingCase

JANUARY = date(2026, 1, 31)
# What a draft goes through where another add-on has changed it.
HOOKS = (
    ("sale.order", "_get_invoiceable_lines"),
    ("sale.order", "_create_account_invoices"),
    ("sale.order", "_create_invoices"),
    ("sale.order.line", "_compute_qty_to_invoice"),
    ("sale.order.line", "_compute_qty_invoiced"),
    ("sale.order.line", "_prepare_qty_invoiced"),
    ("sale.order.line", "_prepare_invoice_lines_vals_list"),
)


class TestPerformance(BillingCase):
    """Queries do not grow with transactions, and only a little with projects."""

    def queries(self, projects):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        projects._psa_invoice(JANUARY)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def projects(self, count, entries):
        return self.env["project.project"].union(
            *(self.time_project(*[1] * entries) for _number in range(count))
        )

    def test_more_transactions_cost_no_query(self):
        self.queries(self.projects(2, 2))
        few = self.queries(self.projects(2, 4))
        many = self.queries(self.projects(2, 24))
        self.assertLessEqual(many, few)

    def test_more_projects_cost_little(self):
        self.queries(self.projects(2, 2))
        five = self.queries(self.projects(5, 2))
        ten = self.queries(self.projects(10, 2))
        self.assertLessEqual((ten - five) / 5, 1)

    def test_hooks_that_nobody_has_changed_cost_nothing(self):
        """Who asks whether another add-on has a say asks no database."""
        lines = self.projects(3, 2).sale_line_id
        self.env.flush_all()
        with self.assertQueryCount(0):
            limits = Neighbours(self.env).limits(dict.fromkeys(lines.ids, 1.0), {})
            may_be = lines._psa_may_be_invoiced_elsewhere()
            changed = [hooks.changed_by(self.env[model], name) for model, name in HOOKS]
        self.assertEqual((limits, may_be), ({}, False))
        self.assertFalse(any(changed), changed)

    def test_more_milestones_cost_no_query(self):
        def fixed_price(count):
            project = self.project()
            line = self.contract(project, self.milestone_product, product_uom_qty=1)
            for _number in range(count):
                self.milestone(project, line, 1 / count, JANUARY)
            return project

        self.queries(fixed_price(2))
        few = self.queries(fixed_price(3))
        many = self.queries(fixed_price(30))
        self.assertLessEqual(many, few)

    def test_a_time_entry_costs_what_it_did(self):
        """At most a handful of queries more than Odoo's own 20 or so."""
        project = self.time_project(1)

        def counted(act):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            result = act()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before, result

        def log():
            return self.log(project, JANUARY - timedelta(days=1), 1)

        log()
        created, entry = counted(log)
        self.assertLessEqual(created, 25)
        written, _result = counted(lambda: entry.write({"unit_amount": 2}))
        self.assertLessEqual(written, 20)

    def about_write_offs(self, act) -> list[str]:
        """What the database is asked about write-offs: glances at the index, and
        look-ups."""
        self.env.flush_all()
        with self.assertLogs("odoo.sql_db", "DEBUG") as log:
            act()
            self.env.flush_all()
        return [
            word
            for text in log.output
            for word in ("is_suspended", "is_write_off")
            if "FROM" in text.replace('"', "").split("psa_invoice_detail")[0]
            and f"{word} IS TRUE" in text.replace('"', "")
        ]

    def test_a_time_entry_asks_little_about_write_offs(self):
        """A new or moved one has a glance at an index; hours and words ask nothing."""
        project, other = self.time_project(1), self.time_project(1)
        entry = self.log(project, JANUARY, 1)
        for values in ({"unit_amount": 2}, {"name": "More"}, {"date": "2026-01-02"}):
            asked = self.about_write_offs(lambda values=values: entry.write(values))
            self.assertEqual(asked, [], values)
        for act in (
            lambda: self.log(project, JANUARY, 1),
            lambda: project.timesheet_ids.write({"project_id": other.id}),
        ):
            self.assertEqual(self.about_write_offs(act), ["is_suspended"])

    def test_a_write_off_is_looked_up_once(self):
        project, other = self.time_project(4), self.time_project()
        entry = project.timesheet_ids
        cheap = self.contract(project, price_unit=50)
        entry.action_psa_write_off("Goodwill", {entry.id: 1})
        for act in (
            lambda: project.write({"sale_line_id": cheap.id}),
            lambda: entry.write({"project_id": other.id, "unit_amount": 3}),
            lambda: entry.write({"unit_amount": 2}),
            lambda: entry.write({"so_line": cheap.id}),
        ):
            self.assertEqual(self.about_write_offs(act), ["is_write_off"])

    def test_recalculate_costs_no_query_per_transaction(self):
        def recalculate(entries):
            project = self.time_project(*[1] * entries)
            move = project._psa_invoice(JANUARY)
            self.log(project, date(2026, 1, 30), 1)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            move.action_psa_recalculate()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        recalculate(2)
        self.assertLessEqual(recalculate(24), recalculate(4) + 2)

    def test_recalculate_of_a_draft_of_ten_thousand(self):
        """Read by the thousand and written by the hundred: no query per transaction."""

        def draft(entries):
            project = self.time_project(1, 1)
            template, corrected = project.timesheet_ids
            self.env.flush_all()
            columns = self.env.execute_query(
                SQL(
                    """SELECT column_name FROM information_schema.columns
                        WHERE table_name = 'account_analytic_line'
                          AND column_name <> 'id'"""
                )
            )
            columns = SQL(", ").join(SQL.identifier(name) for (name,) in columns)
            self.env.cr.execute(
                SQL(
                    """INSERT INTO account_analytic_line (%(columns)s)
                       SELECT %(columns)s
                         FROM account_analytic_line, generate_series(3, %(count)s)
                        WHERE id = %(id)s""",
                    columns=columns,
                    count=entries,
                    id=template.id,
                )
            )
            self.env.invalidate_all()
            # In one transaction PostgreSQL would go on to plan for empty tables.
            self.env.cr.execute("ANALYZE account_analytic_line")
            # The contract line counts what was delivered anew.
            template.unit_amount = 1.0
            corrected.unit_amount = 2.0
            return project._psa_invoice(JANUARY), corrected

        def queries(act):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            act()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        def counted(entries):
            move, corrected = draft(entries)
            self.assertEqual(len(move.detail_ids), entries)
            nothing = queries(move.action_psa_recalculate)
            corrected.unit_amount = 3.0
            shown = queries(lambda: move.detail_ids[:80].mapped("change"))
            changed = queries(move.action_psa_recalculate)
            self.assertEqual(move.invoice_line_ids.quantity, entries + 2)
            self.env.cr.execute("ANALYZE psa_invoice_detail")
            return nothing, shown, changed

        counted(10)
        few, many = counted(100), counted(10_000)
        for name, of_few, of_many in zip(
            ("nothing changed", "what changed", "one changed"), few, many, strict=True
        ):
            self.assertLessEqual(of_many - of_few, 100, name)

    def test_odoos_button_costs_no_query_per_transaction(self):
        def invoice(entries):
            order = self.time_project(*[1] * entries).sale_line_id.order_id
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            order._create_invoices()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        invoice(2)
        self.assertLessEqual(invoice(24), invoice(4) + 2)

    def test_posting_costs_no_query_per_transaction(self):
        def post(entries):
            move = self.time_project(*[1] * entries)._psa_invoice(JANUARY)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            move.action_post()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        post(2)
        self.assertLessEqual(post(24), post(4) + 2)

    def test_a_hold_costs_no_query_per_transaction(self):
        def hold(entries):
            records = self.time_project(*[1] * entries).timesheet_ids
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            records.action_psa_hold("Disputed")
            records.action_psa_release()
            records.action_psa_write_off("Goodwill")
            return self.env.cr.sql_log_count - before

        hold(2)
        self.assertLessEqual(hold(24), hold(4) + 4)

    def test_what_is_open_is_one_index_scan(self):
        """The index says literally what the selection asks for.

        In tables of a few rows PostgreSQL might prefer any other index.
        """
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        for name, project, day in (
            ("account.analytic.line", "project_id", "date"),
            ("project.milestone", "project_id", "reached_date"),
            ("psa.reinvoiced.cost", "project_id", "date"),
            ("sale.order.line", "billing_project_id", "billing_date"),
        ):
            model = self.env[name].sudo()
            self._drop_other_indexes(model._table)
            query = model._search(
                [(project, "=", 7), (day, "<=", JANUARY), ("open_quantity", "!=", 0)]
                + ([("so_line", "!=", False)] if "so_line" in model else []),
                order="id",
            )
            plan = self.env.execute_query(SQL("EXPLAIN %s", query.select()))
            # By itself or as a bitmap, as the planner thinks fit.
            self.assertRegex(str(plan), "Index Scan (using|on) [a-z_]+_open_index")

    def _drop_other_indexes(self, table):
        rows = self.env.execute_query(
            SQL(
                """SELECT indexname FROM pg_indexes
                    WHERE tablename = %s AND indexname NOT LIKE '%%open_index'
                      AND indexname NOT IN (SELECT conname FROM pg_constraint)""",
                table,
            )
        )
        for (name,) in rows:
            self.env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))
