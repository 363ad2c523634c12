# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every kind of transaction in a foreign currency, with a fiscal position, and beside a
second company that the user does not see."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestForeignOrders(BillingCase):
    """The customer pays in a currency of which two make one of ours, and no tax."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.setup_other_currency("EUR", rates=[("2020-01-01", 2.0)])
        cls.pricelist = cls.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": cls.foreign.id}
        )
        cls.no_tax = cls.env["account.tax"].create(
            {"name": "Export", "amount": 0, "type_tax_use": "sale"}
        )
        cls.export = cls.env["account.fiscal.position"].create({"name": "Export"})
        cls.no_tax.write(
            {
                "fiscal_position_ids": [Command.set(cls.export.ids)],
                "original_tax_ids": [
                    Command.set(cls.company_data["default_tax_sale"].ids)
                ],
            }
        )
        cls.customer.property_account_position_id = cls.export
        cls.goods = cls.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "taxes_id": [Command.set(cls.company_data["default_tax_sale"].ids)],
                "supplier_taxes_id": [Command.clear()],
            }
        )

    def foreign_project(self, product=None, **values):
        project = self.project()
        line = self.contract(
            project, product, pricelist_id=self.pricelist.id, price_unit=100, **values
        )
        line.order_id.project_id = project
        return project, line

    def assert_billed(self, project, line, record):
        """Bill 1 unit for 100.00 abroad, credit 0.4 of it, and see it in the ledger."""
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.currency_id, self.foreign)
        self.assertEqual(move.invoice_line_ids.tax_ids, self.no_tax)
        self.assertEqual((move.amount_untaxed, move.amount_tax), (100, 0))
        self.assertEqual(move.detail_ids.mapped("amount"), [100])
        self.assertEqual(line.qty_to_invoice, 0)
        move.action_post()
        self.assertEqual(abs(move.amount_untaxed_signed), 50)
        credit_note = move._reverse_moves()
        credit_note.invoice_line_ids.quantity = 0.4
        credit_note.action_post()
        self.assertEqual(credit_note.detail_ids.mapped("amount"), [-40])
        self.assertAlmostEqual(record.open_quantity, 0.4)
        self.assertEqual(record.billing_status, "credited")
        self.assertFalse(project._psa_invoice(JANUARY))
        again = line.order_id._create_invoices()
        self.assertEqual((again.amount_untaxed, again.currency_id), (40, self.foreign))
        self.assertEqual(record.open_quantity, 0)
        self.assert_ledger(move + again)

    def test_time(self):
        project, line = self.foreign_project()
        self.assert_billed(project, line, self.log(project, date(2026, 1, 5), 1))

    def test_a_milestone(self):
        project, line = self.foreign_project(self.milestone_product, product_uom_qty=1)
        milestone = self.milestone(project, line, 1, date(2026, 1, 5))
        self.assert_billed(project, line, milestone)

    def test_an_ordered_quantity(self):
        product = self._service("Licence", "manual", self.hour)
        product.invoice_policy = "order"
        project, line = self.foreign_project(product, product_uom_qty=1)
        line.billing_date = date(2026, 1, 5)
        self.assert_billed(project, line, line)

    def test_a_vendor_bill(self):
        project, _line = self.foreign_project()
        self.posted_bill(self.goods, project)
        cost = self.env["psa.reinvoiced.cost"].search([("project_id", "=", project.id)])
        self.assert_billed(project, cost.sale_line_id, cost)


class TestTwoCompanies(BillingCase):
    """A project of each company; a billing administrator of the first only."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.here = cls.env.company
        cls.there = cls.setup_other_company(name="Second firm")["company"]
        cls.administrator = cls.person(
            "psa_first_company",
            "psa_invoicing.group_billing_manager,sales_team.group_sale_manager",
            company=cls.here,
        )

    def project_there(self, *hours):
        env = self.env(context={"allowed_company_ids": self.there.ids})
        product = env["product.product"].create(
            {
                "name": "Hour there",
                "type": "service",
                "invoice_policy": "delivery",
                "service_type": "timesheet",
                "uom_id": self.hour.id,
                "list_price": 70,
                "taxes_id": [Command.clear()],
            }
        )
        project = env["project.project"].create(
            {
                "name": "There",
                "partner_id": self.customer.id,
                "allow_billable": True,
                "company_id": self.there.id,
            }
        )
        order = env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": product.id})],
            }
        )
        order.action_confirm()
        project.sale_line_id = order.order_line
        employee = env["hr.employee"].create(
            {"name": "Zoe", "company_id": self.there.id}
        )
        for day, quantity in enumerate(hours, start=1):
            env["account.analytic.line"].create(
                {
                    "name": "Work",
                    "project_id": project.id,
                    "employee_id": employee.id,
                    "date": date(2026, 1, day),
                    "unit_amount": quantity,
                }
            )
        return project

    def test_invoices_of_each_company_are_its_own(self):
        here, there = self.time_project(2), self.project_there(3)
        env = self.env(context={"allowed_company_ids": (self.here + self.there).ids})
        moves = (here + there).with_env(env)._psa_invoice(JANUARY)
        self.assertEqual(
            {move.company_id: move.amount_untaxed for move in moves},
            {self.here: 200, self.there: 210},
        )
        self.assertEqual(moves.detail_ids.company_id, self.here + self.there)

    def test_the_ledger_of_the_other_company_is_out_of_sight(self):
        there = self.project_there(3)
        move = there._psa_invoice(JANUARY)
        Detail = self.env["psa.invoice.detail"].with_user(self.administrator)
        self.assertFalse(Detail.search([("project_id", "=", there.id)]))
        with self.assertRaises(AccessError):
            move.with_user(self.administrator).action_psa_recalculate()
        entries = there.timesheet_ids.with_user(self.administrator).with_context(
            allowed_company_ids=self.here.ids
        )
        with self.assertRaisesRegex(UserError, "Second firm"):
            entries.action_psa_hold("No")
        with self.assertRaisesRegex(UserError, "Second firm"):
            entries.action_psa_write_off("No")
        self.assertEqual(there.timesheet_ids.billing_status, "draft")

    def test_he_bills_credits_and_holds_in_his_own(self):
        here = self.time_project(2, 3).with_user(self.administrator)
        entries = here.sudo().timesheet_ids.sorted("date")
        entries.with_user(self.administrator)[0].action_psa_hold("Disputed")
        wizard = (
            self.env["psa.manual.invoice"]
            .with_user(self.administrator)
            .create({"project_ids": here.ids, "cutoff_date": JANUARY})
        )
        wizard.action_next()
        move = self.env["account.move"].browse(wizard.action_finish()["res_id"])
        self.assertEqual(move.amount_untaxed, 300)
        move = move.with_user(self.administrator)
        move.action_post()
        credit_note = move._reverse_moves()
        credit_note.action_post()
        self.assertEqual(entries.mapped("billing_status"), ["hold", "credited"])
        here.sudo().timesheet_ids.with_user(self.administrator).action_psa_release()
        self.assertEqual(entries.mapped("billing_status"), ["ready", "ready"])
        invoice = (
            here.sudo()
            .sale_line_id.order_id.with_user(self.administrator)
            ._create_invoices()
        )
        self.assertEqual(invoice.amount_untaxed, 500)
        self.assertEqual(entries.mapped("billing_status"), ["draft", "draft"])
