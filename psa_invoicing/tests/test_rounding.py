# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Quantities of invoice lines: each the difference of two rounded running totals."""

from datetime import date, timedelta

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FIRST = date(2026, 1, 1)


class TestRunningTotals(BillingCase):
    def minutes(self, count, minutes, **values):
        """A project with as many entries of so many minutes, one a day."""
        project = self.project(**values)
        self.contract(project)
        self.env["account.analytic.line"].create(
            [
                {
                    "name": f"Call {index}",
                    "date": FIRST + timedelta(days=index % 28),
                    "project_id": project.id,
                    "employee_id": self.alice.id,
                    "unit_amount": minutes / 60,
                }
                for index in range(count)
            ]
        )
        return project

    def assert_lines(self, moves, minutes, total):
        """Each within a step of what it bills, together what was delivered."""
        quantities = moves.invoice_line_ids.mapped("quantity")
        for quantity in quantities:
            self.assertLess(abs(quantity - minutes / 60), 0.01, quantities)
        self.assertAlmostEqual(sum(quantities), total)
        self.assertEqual(moves.detail_ids.sale_line_id.qty_to_invoice, 0)

    def test_sixty_minutes_one_by_one(self):
        project = self.minutes(60, 1, billing_layout="entry")
        move = project._psa_invoice(JANUARY)
        self.assertEqual(len(move.invoice_line_ids), 60)
        self.assert_lines(move, 1, 1)
        message = move.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)
        move.action_post()

    def test_forty_times_thirty_five_minutes(self):
        project = self.minutes(40, 35, billing_layout="entry")
        self.assert_lines(project._psa_invoice(JANUARY), 35, 23.33)

    def test_after_a_recalculation(self):
        project = self.minutes(20, 1, billing_layout="entry")
        move = project._psa_invoice(JANUARY)
        for day in range(1, 11):
            self.log(project, FIRST + timedelta(days=day), 1 / 60)
        move.action_psa_recalculate()
        self.assertEqual(len(move.invoice_line_ids), 30)
        self.assert_lines(move, 1, 0.5)

    def test_by_employee(self):
        """20 minutes each: 0.33 and 0.34 h."""
        project = self.minutes(1, 20, billing_layout="employee")
        self.log(project, FIRST, 1 / 3, self.bob)
        self.assert_lines(project._psa_invoice(JANUARY), 20, 0.67)

    def test_over_time(self):
        """Ten times 20 minutes a month."""
        project = self.project()
        self.contract(project)
        quantities = []
        for month in range(1, 7):
            for day in range(1, 11):
                self.log(project, date(2026, month, day), 1 / 3)
            move = project._psa_invoice(date(2026, month, 28))
            move.action_post()
            quantities.append(move.invoice_line_ids.quantity)
        self.assertEqual(quantities, [3.33, 3.34, 3.33, 3.33, 3.34, 3.33])

    def test_beside_what_is_offered(self):
        """A third of an hour is offered, two are charged: 0.67 h, and Odoo's button has
        nothing to add."""
        project = self.minutes(3, 20)
        line = project.sale_line_id
        project.timesheet_ids[0].billing_type = "complimentary"
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 0.67)
        self.assertEqual(line.qty_to_invoice, 0)
        move.action_post()
        self.assertEqual((line.qty_to_invoice, line.invoice_status), (0, "no"))

    def test_offered_in_turn(self):
        """Every second third is offered: with each invoice nothing is left over."""
        project = self.minutes(6, 20)
        line = project.sale_line_id
        entries = project.timesheet_ids.sorted("date")
        entries[::2].billing_type = "complimentary"
        for day in (2, 4, 6):
            project._psa_invoice(FIRST + timedelta(days=day - 1)).action_post()
        self.assertAlmostEqual(line.qty_invoiced, 1)
        self.assertEqual(line.qty_to_invoice, 0)

    def test_credited_one_by_one(self):
        """Three thirds are 1.00 h; credited one after the other 0.33, 0.34, 0.33."""
        project = self.minutes(3, 20)
        move = project._psa_invoice(JANUARY)
        move.action_post()
        move.billing_sent_date = JANUARY
        quantities = []
        for _third in range(3):
            action = move.action_psa_correct()
            correction = self.env[action["res_model"]].browse(action["res_id"])
            rows = correction.line_ids.filtered("billed_quantity").sorted("date")
            rows[-1].quantity = 0
            action = correction.action_apply()
            note = self.env["account.move"].browse(action["res_id"])
            quantities.append(note.invoice_line_ids.quantity)
            note.action_post()
        self.assertEqual([round(each, 2) for each in quantities], [0.33, 0.34, 0.33])
        self.assertEqual(project.sale_line_id.qty_invoiced, 0)

    # === Lines of others ===

    def assert_no_adjustment(self, moves):
        details = moves.detail_ids
        self.assertTrue(details)
        self.assertNotIn("adjustment", details.mapped("transaction_type"))

    def test_odoos_button_takes_the_difference(self):
        """7.4933 h are billed as 7.49; of 16.9867 h in all the rest is 9.50, and its
        9.4933 h are all that it bills: now, credited, and made anew."""
        project = self.time_project(5 / 6, 6.66)
        project._psa_invoice(JANUARY).action_post()
        line = project.sale_line_id
        for offset, hours in enumerate((5 / 6, 6.66, 2), start=10):
            self.log(project, FIRST + timedelta(days=offset), hours)
        move = line.order_id._create_invoices()
        self.assertEqual(move.invoice_line_ids.quantity, 9.5)
        self.assert_no_adjustment(move)
        move.action_post()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id})
        )
        wizard.reverse_moves(is_modify=True)
        self.assert_no_adjustment(move.reversal_move_ids)
        self.assert_no_adjustment(wizard.new_move_ids)
        self.assertEqual(wizard.new_move_ids.invoice_line_ids.quantity, 9.5)

    def test_typed_as_it_was(self):
        """A person types another quantity, and the former one again."""
        project = self.time_project(5 / 6, 6.66)
        project._psa_invoice(JANUARY).action_post()
        self.log(project, FIRST, 9 + 29.6 / 60)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 9.5)
        move.invoice_line_ids.quantity = 12
        move.invoice_line_ids.quantity = 9.5
        self.assert_no_adjustment(move)
