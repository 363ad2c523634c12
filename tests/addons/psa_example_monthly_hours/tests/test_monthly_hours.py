# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.addons.psa_invoicing.tests.common import BillingCase

JANUARY = date(2026, 1, 31)
WHY = "No more than 20.0 hours a month"


class TestMonthlyHours(BillingCase):
    """29 hours were worked in January, and 20 may be billed: 8, 8, and 4 of 8."""

    def setUp(self):
        super().setUp()
        self.work = self.project("Tower", psa_monthly_hours=20)
        self.line = self.contract(self.work)
        self.entries = self.env["account.analytic.line"].union(
            *(
                self.log(self.work, date(2026, 1, day), hours)
                for day, hours in enumerate((8, 8, 8, 5), start=5)
            )
        )

    def hours(self, move):
        return move.detail_ids.sorted("date").mapped("quantity")

    def statuses(self):
        # Every request reads it anew.
        self.env["psa.backlog"].invalidate_model()
        rows = self.env["psa.backlog"].search(
            [("project_id", "=", self.work.id)], order="date, id"
        )
        for row in rows:
            self.assertEqual(row.search([("id", "in", row.ids)]), row)
        return [(row.open_quantity, row.status, row.hold_reason or "") for row in rows]

    def test_selection_is_cut(self):
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(self.hours(move), [8, 8, 4])
        self.assertEqual(move.invoice_line_ids.quantity, 20)
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 4, 5])
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.assert_ledger(move)

    def test_each_month_has_its_own(self):
        self.log(self.work, date(2026, 2, 3), 21)
        move = self.work._psa_invoice(date(2026, 2, 28))
        self.assertEqual(self.hours(move), [8, 8, 4, 20])

    def test_a_credit_makes_room_again(self):
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        move._reverse_moves([{"invoice_date": JANUARY}], cancel=True)
        self.entries[0].action_psa_write_off("Goodwill")
        self.assertEqual(self.hours(self.work._psa_invoice(JANUARY)), [4, 5])

    def test_the_backlog_says_why(self):
        beyond = [(4, "terms", WHY), (5, "terms", WHY)]
        ready = [(hours, "ready", "") for hours in (8, 8, 4)]
        self.assertEqual(self.statuses(), ready + beyond)
        groups = self.env["psa.backlog"]._read_group(
            [("project_id", "=", self.work.id)], ["status"], ["amount:sum", "__count"]
        )
        self.assertEqual(groups, [("ready", 2000, 3), ("terms", 900, 2)])
        self.work._psa_invoice(JANUARY)
        self.assertEqual(self.statuses(), beyond)
        counts = self.env["psa.backlog"].search_panel_select_range(
            "status", enable_counters=True
        )
        counts = {value["id"]: value["__count"] for value in counts["values"]}
        self.assertEqual(counts["terms"], 2)

    def queries(self, read):
        """How many queries a request takes."""
        read()
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        read()
        return self.env.cr.sql_log_count - before

    def test_the_backlog_asks_once(self):
        """Whatever a request reads, the terms cost it one question."""
        backlog = self.env["psa.backlog"]
        reads = {
            "list": lambda: backlog.web_search_read([], {"status": {}}),
            "groups": lambda: backlog.web_read_group(
                [], ["project_id"], ["amount:sum"], limit=80
            ),
            "panel": lambda: backlog.search_panel_select_range(
                "status", enable_counters=True
            ),
        }
        question = self.queries(backlog._beyond_terms)
        with_terms = {name: self.queries(read) for name, read in reads.items()}
        self.work.psa_monthly_hours = 0
        for name, read in reads.items():
            # Some rows more are shown, and their status is counted.
            extra = with_terms[name] - self.queries(read)
            self.assertLessEqual(extra, question + 1, name)

    def test_the_preview_says_why(self):
        preview = self.work.psa_preview("2026-01-31")
        (invoice,) = preview["invoices"]
        self.assertEqual(
            [row["quantity"] for row in invoice["transactions"]], [8, 8, 4]
        )
        self.assertEqual(
            [(each["text"], each["transactions"]) for each in preview["left_out"]],
            # The rest of the third, and the fourth.
            [(WHY, [["time", entry.id] for entry in self.entries[2:4]])],
        )
        made = self.work.psa_invoice("2026-01-31")
        moves = self.env["account.move"].browse(made["invoice_ids"])
        self.assertEqual(self.hours(moves), [8, 8, 4])

    @freeze_time("2026-01-01")
    def test_a_run_says_why(self):
        self.work.write(
            {
                "billing_frequency_id": self.env.ref(
                    "psa_invoicing.frequency_monthly_last_day"
                ).id,
                "billing_start_date": date(2026, 1, 1),
            }
        )
        run = self.run_due(date(2026, 1, 31), self.work)
        self.assertEqual(run.line_ids.transactions, 3)
        self.assertEqual(run.line_ids.reason, f"{WHY}: 2.")

    def test_odoos_button_keeps_to_it(self):
        self.assertEqual(self.line.billing_excluded_quantity, 9)
        self.assertEqual(self.line.qty_to_invoice, 20)
        move = self.line.order_id._create_invoices()
        self.assertEqual(self.hours(move), [8, 8, 4])
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertEqual(self.line.billing_excluded_quantity, 9)

    def test_recalculate_keeps_to_it(self):
        move = self.work._psa_invoice(JANUARY)
        self.log(self.work, date(2026, 1, 2), 3)
        move.action_psa_recalculate()
        self.assertEqual(self.hours(move), [3, 8, 8, 1])
        self.assertIn(
            "Nothing has changed", move.action_psa_recalculate()["params"]["message"]
        )

    def test_projects_without_terms_are_as_before(self):
        other = self.time_project(8, 8, 8, 5)
        self.assertEqual(self.hours(other._psa_invoice(JANUARY)), [8, 8, 8, 5])
        moves = (self.work | other)._psa_invoice(JANUARY)
        self.assertEqual(self.hours(moves), [8, 8, 4])
