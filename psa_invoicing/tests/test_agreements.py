# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestProjectOfAnOrder(BillingCase):
    """It is billed as template, product, customer or company say, in this order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.frequencies = {
            name: cls.env["psa.billing.frequency"].create(
                {"name": name, "period": "month", "month_last": True}
            )
            for name in ("template", "product", "customer", "company")
        }
        cls.time_product.service_tracking = "project_only"

    def ordered_project(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.time_product.id})],
            }
        )
        order.action_confirm()
        return order.project_ids

    def test_nothing_said(self):
        project = self.ordered_project()
        self.assertFalse(project.billing_frequency_id)
        self.assertFalse(project.billing_start_date)

    @freeze_time("2026-03-05")
    def test_who_decides(self):
        self.env.company.billing_frequency_id = self.frequencies["company"]
        project = self.ordered_project()
        self.assertEqual(project.billing_frequency_id.name, "company")
        self.assertEqual(project.billing_start_date, date(2026, 3, 5))
        self.assertTrue(project.invoice_schedule_ids)
        self.customer.billing_frequency_id = self.frequencies["customer"]
        self.assertEqual(self.ordered_project().billing_frequency_id.name, "customer")
        self.time_product.billing_frequency_id = self.frequencies["product"]
        self.assertEqual(self.ordered_project().billing_frequency_id.name, "product")
        self.time_product.project_template_id = self.project(
            "Template",
            billing_frequency_id=self.frequencies["template"].id,
            billing_start_date=date(2020, 1, 1),
            billing_layout="task",
            is_template=True,
        )
        project = self.ordered_project()
        self.assertEqual(project.billing_frequency_id.name, "template")
        self.assertEqual(project.billing_start_date, date(2026, 3, 5))
        self.assertEqual(project.billing_layout, "task")
        self.assertFalse(project.is_template)

    def test_a_contact_has_its_companys_frequency(self):
        self.customer.billing_frequency_id = self.frequencies["customer"]
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id}
        )
        self.assertEqual(contact.billing_frequency_id.name, "customer")

    def test_the_company_of_the_order_decides(self):
        other = self.setup_other_company()["company"]
        other.billing_frequency_id = self.frequencies["company"]
        self.assertFalse(self.ordered_project().billing_frequency_id)


class TestCopies(BillingCase):
    def test_a_copy(self):
        frequency = self.env["psa.billing.frequency"].search([], limit=1)
        project = self.time_project(
            2,
            billing_frequency_id=frequency.id,
            billing_start_date=date(2020, 1, 1),
            billing_end_date=date(2030, 1, 1),
            billing_layout="entry",
            billing_hold=True,
            billing_hold_reason="Dispute",
            billing_user_id=self.env.ref("base.user_admin").id,
            unit_id=self.consulting.id,
        )
        copy = project.copy()
        self.assertRecordValues(
            copy,
            [
                {
                    "billing_frequency_id": frequency.id,
                    "billing_layout": "entry",
                    "billing_user_id": self.env.ref("base.user_admin").id,
                    "unit_id": self.consulting.id,
                    "billing_start_date": fields.Date.context_today(copy),
                    "billing_end_date": False,
                    "billing_hold": False,
                    "billing_hold_reason": False,
                }
            ],
        )
        self.assertTrue(project.invoice_schedule_ids)
        self.assertGreaterEqual(
            min(copy.invoice_schedule_ids.mapped("run_date")),
            fields.Date.context_today(copy),
        )

    def test_a_template_is_never_billed(self):
        project = self.time_project(2)
        project.is_template = True
        with self.assertRaisesRegex(UserError, "is a template"):
            project._psa_invoice(JANUARY)


class TestWishesOfCustomers(BillingCase):
    def send(self, moves, **values):
        super().send(moves, **values)
        return self.env["mail.mail"].search(
            [("model", "=", "account.move"), ("res_id", "=", moves.id)]
        )

    # === Purchase order ===

    def test_the_order_names_the_purchase_order(self):
        project = self.time_project(2)
        project.sale_line_id.order_id.client_order_ref = "PO-1"
        self.assertEqual(project._psa_invoice(JANUARY).ref, "PO-1")

    def test_a_purchase_order_is_required(self):
        self.customer.billing_po_required = True
        move = self.time_project(2)._psa_invoice(JANUARY)
        self.assertTrue(move.billing_po_missing)
        with self.assertRaisesRegex(UserError, "Customer Reference"):
            move.action_psa_send()
        self.assertEqual(move.state, "draft")
        move.ref = "PO-2"
        self.log(move.billing_project_ids, date(2026, 1, 20), 1)
        move.action_psa_recalculate()
        self.assertEqual(move.ref, "PO-2", "Recalculate keeps it.")
        self.send(move)
        self.assertEqual(move.state, "posted")

    def test_a_contact_needs_its_companys_purchase_order(self):
        self.customer.billing_po_required = True
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id, "type": "invoice"}
        )
        move = self.time_project(2)._psa_invoice(JANUARY)
        move.partner_id = contact
        self.assertTrue(move.billing_po_missing)

    # === Recipients ===

    def test_copies_and_no_followers(self):
        boss, follower = self.env["res.partner"].create(
            [
                {"name": "Boss", "email": "boss@customer.example.com"},
                {"name": "Follower", "email": "follower@customer.example.com"},
            ]
        )
        project = self.time_project(2, billing_copy_to_ids=[Command.set(boss.ids)])
        move = project._psa_invoice(JANUARY)
        move.message_subscribe(follower.ids)
        mail = self.send(move)
        self.assertEqual(
            mail.mail_message_id.notified_partner_ids, self.customer + boss
        )

    def test_the_invoice_address_of_the_order(self):
        address = self.env["res.partner"].create(
            {
                "name": "Accounts",
                "type": "invoice",
                "email": "accounts@customer.example.com",
                "parent_id": self.customer.id,
            }
        )
        move = self.time_project(2)._psa_invoice(JANUARY)
        mail = self.send(move)
        self.assertEqual(mail.mail_message_id.notified_partner_ids, address)

    # === Annex ===

    def printed(self, move):
        return (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.report_invoice", move.ids)[0]
            .decode()
        )

    def test_the_annex(self):
        project = self.time_project(2, 3)
        project.timesheet_ids[0].name = "Read the plans"
        offered = self.log(project, date(2026, 1, 9), 1, self.bob)
        offered.billing_type = "complimentary"
        move = project._psa_invoice(JANUARY)
        page = self.printed(move)
        for text in ("Annex", "Read the plans", "Alice", "Bob", "Offered", "300.00"):
            self.assertIn(text, page)
        section = move._psa_annex()[0]
        self.assertEqual((section["quantity"], section["amount"]), (5, 500))
        charged, free = section["groups"]
        self.assertEqual((charged["quantity"], charged["amount"]), (5, 500))
        self.assertEqual((free["title"], free["quantity"]), ("Offered", 1))
        self.assertEqual((free["details"].name, free["amount"]), ("Work", 0))

    def test_what_a_customer_does_not_want_to_see(self):
        project = self.time_project(2, 3)
        project.timesheet_ids[0].name = "Read the plans"
        move = project._psa_invoice(JANUARY)
        self.customer.billing_annex_names = False
        self.assertNotIn("Alice", self.printed(move))
        self.customer.billing_annex_texts = False
        self.assertNotIn("Read the plans", self.printed(move))
        self.assertIn("300.00", self.printed(move))
        self.customer.billing_annex_amounts = False
        self.assertNotIn("300.00", self.printed(move))
        self.customer.billing_annex = False
        self.assertNotIn("Annex", self.printed(move))

    def test_non_chargeable_time_is_not_in_the_annex(self):
        project = self.time_project(2)
        self.log(
            project, date(2026, 1, 9), 1, name="Internal"
        ).billing_type = "non_chargeable"
        self.assertNotIn("Internal", self.printed(project._psa_invoice(JANUARY)))


class TestRelease(BillingCase):
    def test_time_waits_for_release(self):
        self.env.company.billing_release_required = True
        project = self.time_project(2, 3)
        self.assertEqual(set(project.timesheet_ids.mapped("billing_status")), {"hold"})
        self.assertFalse(project._psa_invoice(JANUARY))
        project.timesheet_ids.action_psa_release()
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 500)

    def test_a_consultant_logs_time_that_waits(self):
        self.env.company.billing_release_required = True
        project = self.time_project()
        user = self.person("consultant", "hr_timesheet.group_hr_timesheet_user")
        self.alice.user_id = user
        entry = (
            self.env["account.analytic.line"]
            .with_user(user)
            .create(
                {
                    "name": "Work",
                    "project_id": project.id,
                    "unit_amount": 2,
                    "date": date(2026, 1, 5),
                }
            )
        )
        self.assertTrue(entry.sudo().billing_hold)
        self.assertEqual(entry.sudo().billing_hold_reason, "Waits for release")

    def test_other_companies_and_internal_projects_wait_for_nothing(self):
        other = self.setup_other_company()["company"]
        other.billing_release_required = True
        self.assertFalse(self.time_project(2).timesheet_ids.billing_hold)
        self.env.company.billing_release_required = True
        internal = self.project("Internal", allow_billable=False)
        self.assertFalse(self.log(internal, date(2026, 1, 5), 2).billing_hold)


class TestPeople(BillingCase):
    def test_an_archived_employee_and_another_department_change_nothing(self):
        project = self.time_project(2)
        self.log(project, date(2026, 1, 9), 3, self.bob)
        self.env.flush_all()
        self.alice.active = False
        self.bob.department_id = self.consulting
        bob_was_with = self.engineering
        move = project._psa_invoice(JANUARY, units=bob_was_with)
        self.assertEqual(move.amount_untaxed, 300)
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 200)

    def test_two_people_on_one_draft(self):
        move = self.time_project(2)._psa_invoice(JANUARY)
        first, second = (
            self.person(
                login,
                "psa_invoicing.group_billing_manager,account.group_account_manager",
            )
            for login in ("first", "second")
        )
        # Everything in a test happens at one instant.
        self.env.flush_all()
        for table in ("account_move", "account_move_line"):
            self.env.cr.execute(
                f"UPDATE {table} SET write_date = write_date - INTERVAL '1 hour'"
            )
        self.env.invalidate_all()
        seen = move.with_user(second).billing_version
        move.with_user(first).web_save(
            {"ref": "First", "billing_version": seen}, {"ref": {}}
        )
        self.env.flush_all()
        with self.assertRaisesRegex(UserError, "first .* has changed"):
            move.with_user(second).web_save(
                {"ref": "Second", "billing_version": seen}, {"ref": {}}
            )
        self.assertEqual(move.ref, "First")
        move.with_user(first).web_save(
            {"ref": "Again", "billing_version": seen}, {"ref": {}}
        )
        self.assertEqual(move.ref, "Again", "One's own changes are no conflict.")


class TestExpensesAndPrepaidHours(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("hr_expense.group_hr_expense_manager")
        cls.alice.work_contact_id = cls.env["res.partner"].create({"name": "Alice"})

    def expense(self, project, product, **values):
        expense = self.env["hr.expense"].create(
            {
                "name": "Travel",
                "employee_id": self.alice.id,
                "product_id": product.id,
                "date": date(2026, 1, 10),
                "payment_mode": "company_account",
                "sale_order_id": project.sale_line_id.order_id.id,
                **values,
            }
        )
        expense.action_submit()
        expense._do_approve()
        wizard = expense.action_post()
        if wizard:
            self.env[wizard["res_model"]].browse(wizard["res_id"]).with_context(
                **wizard["context"]
            ).action_post_entry()
        return expense

    def travel(self, **values):
        return self.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "can_be_expensed": True,
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "standard_price": 0,
                "taxes_id": [Command.clear()],
                **values,
            }
        )

    def test_an_expense_is_billed_untaxed_at_its_own_rate(self):
        """115 euros with tax are 100 without, at two euros a dollar 50 dollars."""
        currency = self.setup_other_currency(
            "EUR", rates=[("2026-01-01", 2.0), ("2026-01-20", 4.0)]
        )
        project = self.time_project()
        tax = self.company_data["default_tax_purchase"].copy(
            {
                "name": "Included",
                "amount": 15,
                "price_include_override": "tax_included",
            }
        )
        self.expense(
            project,
            self.travel(supplier_taxes_id=[Command.set(tax.ids)]),
            currency_id=currency.id,
            total_amount_currency=115,
            tax_ids=[Command.set(tax.ids)],
        )
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 50)

    def test_per_diem_by_sales_price(self):
        """Three days that cost 40 each are sold at 55, whoever paid for them."""
        for payer in ("own_account", "company_account"):
            with self.subTest(payer=payer):
                project = self.time_project(name=payer)
                expense = self.expense(
                    project,
                    self.travel(
                        expense_policy="sales_price",
                        list_price=55,
                        standard_price=40,
                        supplier_taxes_id=[Command.clear()],
                    ),
                    quantity=3,
                    payment_mode=payer,
                )
                line = expense.sale_order_id.order_line.filtered("is_expense")
                self.assertEqual(line.qty_delivered, 3)
                self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 165)

    def test_prepaid_hours(self):
        """Ten hours are paid with the order; twelve were worked."""
        pack = self._service("Pack", "timesheet", self.hour)
        pack.invoice_policy = "order"
        project = self.project()
        line = self.contract(project, pack, product_uom_qty=10)
        for day, hours in ((5, 8), (6, 4)):
            self.log(project, date(2026, 1, day), hours)
        line.order_id.date_order = "2026-01-01 12:00:00"
        self.assertEqual(
            project.timesheet_ids.mapped("timesheet_invoice_type"),
            ["billable_fixed"] * 2,
        )
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 10)
        self.assertEqual(move.detail_ids.transaction_type, "order_line")
        self.assertEqual(set(project.timesheet_ids.mapped("billing_status")), {"none"})
        self.assertFalse(project._psa_invoice(date(2099, 1, 1)), "No overrun.")
        overrun = self.env["sale.order.line"].search(
            [("remaining_hours", "<", 0), ("order_id", "=", line.order_id.id)]
        )
        self.assertEqual(overrun, line)
        self.assertEqual(line.remaining_hours, -2)
