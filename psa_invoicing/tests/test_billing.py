# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.exceptions import UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestBilling(BillingCase):
    def test_hours_up_to_the_cutoff_are_billed(self):
        project = self.time_project(2, 3, 4)
        move = project._psa_invoice(date(2026, 1, 2))
        self.assertEqual(move.state, "draft")
        self.assertTrue(move.is_project_invoice)
        self.assertEqual(move.psa_state, "draft")
        self.assertEqual(move.invoice_line_ids.quantity, 5)
        self.assertEqual(move.amount_untaxed, 500)
        self.assertEqual(move.amount_tax, 75)
        self.assertEqual(move.billing_cutoff_date, date(2026, 1, 2))
        self.assertEqual(move.billing_period_start, date(2026, 1, 1))
        self.assert_ledger(move)

    def test_journal_entry_and_order_agree(self):
        project = self.time_project(2, 3, 4)
        move = project._psa_invoice(date(2026, 1, 2))
        line = project.sale_line_id
        self.assertEqual(
            (line.qty_delivered, line.qty_invoiced, line.qty_to_invoice), (9, 5, 4)
        )
        move.action_post()
        receivable = move.line_ids.filtered(
            lambda each: each.account_type == "asset_receivable"
        )
        income = move.line_ids.filtered(lambda each: each.display_type == "product")
        tax = move.line_ids.filtered("tax_line_id")
        self.assertEqual((receivable.debit, income.credit, tax.credit), (575, 500, 75))
        self.assertEqual(line.untaxed_amount_invoiced, 500)

    def test_a_second_time_there_is_nothing(self):
        project = self.time_project(2, 3)
        self.assertTrue(project._psa_invoice(JANUARY))
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_later_hours_make_a_second_invoice(self):
        project = self.time_project(2, 3)
        first = project._psa_invoice(JANUARY)
        self.log(project, date(2026, 1, 20), 1.5)
        second = project._psa_invoice(date(2026, 2, 28))
        self.assertEqual(second.invoice_line_ids.quantity, 1.5)
        self.assertEqual(
            second.billing_period_start,
            date(2026, 1, 20),
            "An entry that comes late extends the period backwards.",
        )
        self.assert_ledger(first + second)

    def test_details_copy_what_an_auditor_needs(self):
        project = self.project()
        self.contract(project)
        task = self.env["project.task"].create(
            {"name": "Design", "project_id": project.id}
        )
        entry = self.log(
            project, date(2026, 1, 5), 2, self.bob, name="Sketches", task_id=task.id
        )
        detail = project._psa_invoice(JANUARY).detail_ids
        self.assertRecordValues(
            detail,
            [
                {
                    "analytic_line_id": entry.id,
                    "transaction_type": "time",
                    "sale_line_id": project.sale_line_id.id,
                    "project_id": project.id,
                    "date": date(2026, 1, 5),
                    "employee_name": "Bob",
                    "task_name": "Design",
                    "name": "Sketches",
                    "quantity": 2,
                    "source_quantity": 2,
                    "price_unit": 100,
                    "amount": 200,
                    "billing_type": "chargeable",
                }
            ],
        )
        self.bob.name = "Robert"
        self.assertEqual(detail.employee_name, "Bob")

    def test_an_entry_knows_its_billing(self):
        project = self.time_project(2)
        entry = project.timesheet_ids
        self.assertEqual(
            (entry.billable_quantity, entry.billed_quantity, entry.open_quantity),
            (2, 0, 2),
        )
        move = project._psa_invoice(JANUARY)
        self.assertEqual(
            (entry.billable_quantity, entry.billed_quantity, entry.open_quantity),
            (2, 2, 0),
        )
        self.assertEqual(entry.timesheet_invoice_id, move)

    def test_hours_on_a_day_rate_lose_nothing(self):
        """Eight single hours on a contract in days: 8 x 0.125 is one day."""
        day_product = self._service("Consulting day", "timesheet", self.day)
        project = self.project()
        self.contract(project, day_product, price_unit=800)
        moves = self.env["account.move"]
        for day in range(1, 9):
            self.log(project, date(2026, 1, day), 1)
            moves += project._psa_invoice(date(2026, 1, day))
        line = project.sale_line_id
        self.assertEqual(line.qty_delivered, 1)
        self.assertEqual(line.qty_invoiced, 1)
        self.assertEqual(line.qty_to_invoice, 0)
        self.assertAlmostEqual(sum(moves.mapped("amount_untaxed")), 800)

    def test_what_rounds_to_nothing_waits(self):
        """36 seconds on a day rate are no hundredth of a day."""
        project = self.project()
        self.contract(project, self._service("Day", "timesheet", self.day))
        self.log(project, date(2026, 1, 1), 0.01)
        self.assertFalse(project._psa_invoice(JANUARY))
        self.log(project, date(2026, 1, 2), 7.99)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 1)
        self.assertEqual(len(move.detail_ids), 2)

    def test_thirds_of_hours_lose_nothing(self):
        """10 and 20 minutes in separate invoices: 0.17 + 0.33, not 0.17 + 0.34."""
        project = self.project()
        self.contract(project)
        self.log(project, date(2026, 1, 1), 1 / 6)
        first = project._psa_invoice(JANUARY)
        self.log(project, date(2026, 2, 1), 1 / 3)
        second = project._psa_invoice(date(2026, 2, 28))
        self.assertEqual(
            (first + second).mapped("invoice_line_ids.quantity"), [0.17, 0.33]
        )
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)
        self.assert_ledger(first + second)

    def test_discount_and_price_come_from_the_order(self):
        project = self.project()
        self.contract(project, price_unit=123.45, discount=10)
        self.log(project, date(2026, 1, 5), 3)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 333.32)  # 3 x 123.45 x 0.9 = 333.315
        self.assert_ledger(move)

    def test_foreign_currency(self):
        currency = self.setup_other_currency("EUR")
        pricelist = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": currency.id}
        )
        project = self.project()
        self.contract(project, pricelist_id=pricelist.id, price_unit=50)
        self.log(project, date(2026, 1, 5), 3)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.currency_id, currency)
        self.assertEqual(move.amount_untaxed, 150)
        self.assert_ledger(move)

    def test_two_orders_of_one_customer_share_an_invoice(self):
        project = self.project()
        first = self.contract(project)
        second = self.contract(project, price_unit=50)
        self.log(project, date(2026, 1, 5), 1)
        self.log(
            project, date(2026, 1, 6), 2, so_line=second.id, is_so_line_edited=True
        )
        move = project._psa_invoice(JANUARY)
        self.assertEqual(len(move), 1)
        self.assertEqual(move.invoice_line_ids.sale_line_ids, first + second)
        self.assertEqual(move.amount_untaxed, 200)
        self.assertIn(first.order_id.name, move.invoice_origin)
        self.assertIn(second.order_id.name, move.invoice_origin)

    def test_other_payment_terms_are_another_invoice(self):
        project = self.project()
        self.contract(project)
        second = self.contract(
            project,
            payment_term_id=self.env.ref("account.account_payment_term_45days").id,
        )
        self.log(project, date(2026, 1, 5), 1)
        self.log(
            project, date(2026, 1, 6), 2, so_line=second.id, is_so_line_edited=True
        )
        moves = project._psa_invoice(JANUARY)
        self.assertEqual(len(moves), 2)
        self.assertEqual(len(moves.invoice_payment_term_id), 1)

    def test_two_purchase_orders_are_two_invoices(self):
        project = self.project()
        self.contract(project, client_order_ref="PO-1")
        second = self.contract(project, client_order_ref="PO-2")
        self.log(project, date(2026, 1, 5), 1)
        self.log(
            project, date(2026, 1, 6), 2, so_line=second.id, is_so_line_edited=True
        )
        moves = project._psa_invoice(JANUARY)
        self.assertEqual(sorted(moves.mapped("ref")), ["PO-1", "PO-2"])

    def test_projects_are_billed_apart(self):
        projects = self.time_project(1) + self.time_project(2)
        moves = projects._psa_invoice(JANUARY)
        self.assertEqual(len(moves), 2)
        self.assertEqual(moves.mapped("billing_project_ids"), projects)

    def test_sections_and_notes_come_along(self):
        project = self.project()
        line = self.contract(project, sequence=20)
        order = line.order_id
        self.env["sale.order.line"].create(
            [
                {
                    "order_id": order.id,
                    "display_type": display_type,
                    "name": name,
                    "sequence": sequence,
                }
                for display_type, name, sequence in [
                    ("line_section", "Not billed", 1),
                    ("line_section", "Work", 10),
                    ("line_note", "Rates of 2026", 30),
                    ("line_section", "Later", 40),
                ]
            ]
        )
        self.log(project, date(2026, 1, 5), 1)
        self.env.invalidate_all()
        move = project._psa_invoice(JANUARY)
        self.assertEqual(
            move.invoice_line_ids.sorted("sequence").mapped("display_type"),
            ["line_section", "product", "line_note"],
        )

    def test_hours_of_a_fixed_price_line_are_not_billed(self):
        project = self.project()
        self.contract(project, self.milestone_product)
        self.log(project, date(2026, 1, 5), 8)
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_unit_of_the_entry_else_of_the_project(self):
        project = self.project(unit_id=self.consulting.id)
        self.contract(project)
        self.log(project, date(2026, 1, 5), 1, self.alice)
        self.log(project, date(2026, 1, 6), 2, self.bob)
        self.alice.department_id = False
        without = self.log(project, date(2026, 1, 7), 4, self.alice)
        self.assertFalse(without.department_id)
        move = project._psa_invoice(JANUARY, units=self.consulting)
        self.assertEqual(move.invoice_line_ids.quantity, 5)

    def test_sub_units_belong_to_their_unit(self):
        project = self.project()
        self.contract(project)
        self.engineering.parent_id = self.consulting
        self.log(project, date(2026, 1, 6), 2, self.bob)
        move = project._psa_invoice(JANUARY, units=self.consulting)
        self.assertEqual(move.invoice_line_ids.quantity, 2)

    def test_an_invoice_of_odoo_is_not_billed_again(self):
        project = self.time_project(2, 3)
        order = project.sale_line_id.order_id
        theirs = order._create_invoices()
        self.assertFalse(theirs.is_project_invoice)
        self.log(project, date(2026, 1, 20), 1)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 1)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)

    def test_odoo_does_not_bill_ours_again(self):
        project = self.time_project(2, 3)
        project._psa_invoice(date(2026, 1, 1))
        theirs = project.sale_line_id.order_id._create_invoices()
        self.assertEqual(theirs.invoice_line_ids.quantity, 3)
        self.assertEqual(
            project.timesheet_ids.sorted("date")[1].timesheet_invoice_id, theirs
        )
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_negative_corrections_net_and_never_make_a_credit(self):
        project = self.time_project(2, -0.5)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 150)
        self.log(project, date(2026, 1, 20), -1)
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_an_order_without_a_project_is_untouched(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    (0, 0, {"product_id": self.product_a.id, "product_uom_qty": 2})
                ],
            }
        )
        order.action_confirm()
        order.order_line.qty_delivered = 2
        move = order._create_invoices()
        self.assertFalse(move.is_project_invoice)
        self.assertFalse(move.psa_state)
        self.assertFalse(move.detail_ids)
        move.action_post()
        self.assertFalse(move.psa_state)

    # === What cannot be billed ===

    def assert_refused(self, project, *words):
        before = self.env["account.move"].search_count([])
        with self.assertRaises(UserError) as caught:
            project._psa_invoice(JANUARY)
        for word in (project.name, *words):
            self.assertIn(word, str(caught.exception))
        self.assertEqual(self.env["account.move"].search_count([]), before)

    def test_project_without_customer(self):
        project = self.time_project(2, name="Orphan")
        project.partner_id = False
        self.assert_refused(project, "has no customer")

    def test_project_without_order(self):
        project = self.project("Unsold")
        self.log(project, date(2026, 1, 5), 1)
        self.assert_refused(project, "has no sales order")

    def test_order_not_confirmed(self):
        project = self.project("Undecided")
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "project_id": project.id,
                "order_line": [(0, 0, {"product_id": self.time_product.id})],
            }
        )
        self.log(project, date(2026, 1, 5), 1)
        self.assert_refused(project, order.name, "not confirmed")

    def test_project_not_billable(self):
        project = self.time_project(2, name="Internal")
        project.allow_billable = False
        self.assert_refused(project, "not billable")

    # === What other add-ons decide, and what is printed ===

    def test_hours_that_nobody_validated_wait(self):
        """Add-ons that let managers validate hours say so in Odoo's own hook."""
        project = self.time_project(2, 3)
        validated = project.timesheet_ids.sorted("date")[0]
        Line = self.env.registry["sale.order.line"]
        original = Line._timesheet_compute_delivered_quantity_domain

        def only_validated(lines):
            return [*original(lines), ("id", "=", validated.id)]

        self.patch(Line, "_timesheet_compute_delivered_quantity_domain", only_validated)
        # What Odoo says was delivered before such an add-on came, it computes anew when
        # it is installed.
        self.audited = False
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.detail_ids.analytic_line_id, validated)

    def test_hours_on_a_fixed_price_are_covered_not_billed(self):
        project = self.project()
        line = self.contract(project, self.milestone_product, product_uom_qty=1)
        entry = self.log(project, date(2026, 1, 5), 8)
        self.assertEqual(entry.so_line, line)
        self.assertEqual((entry.billable_quantity, entry.billing_status), (0, "none"))
        self.assertFalse(project._psa_invoice(JANUARY))
        self.milestone(project, line, 1, date(2026, 1, 10))
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.detail_ids.mapped("transaction_type"), ["milestone"])

    def test_the_billing_period_is_printed(self):
        move = self.time_project(2)._psa_invoice(JANUARY)
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice", move.ids
        )
        text = html.decode()
        self.assertIn("Billing Period", text)
        self.assertIn("01/01/2026", text)
        self.assertIn("01/31/2026", text)
        plain = self.init_invoice("out_invoice", products=self.product_a)
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice", plain.ids
        )
        self.assertNotIn("Billing Period", html.decode())
