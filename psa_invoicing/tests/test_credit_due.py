# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)
ALWAYS = date(2099, 12, 31)


class TestCreditDue(BillingCase):
    """Corrections, returns and vendor credits come off their contract line."""

    def finish(self, project, cutoff=FEBRUARY):
        """What the wizard makes of all that is open."""
        before = self.env["account.move"].search([])
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": cutoff}
        )
        wizard.action_next()
        wizard.action_finish()
        return self.env["account.move"].search([]) - before

    # === Corrections of time ===

    def test_a_correction_nets_with_later_work(self):
        project = self.time_project(5)
        project._psa_invoice(JANUARY).action_post()
        self.log(project, date(2026, 2, 1), -2)
        self.assertFalse(project._psa_invoice(FEBRUARY))
        self.log(project, date(2026, 2, 2), 3)
        move = project._psa_invoice(FEBRUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 1)
        self.assert_ledger(move)

    def test_a_run_says_that_a_credit_is_due(self):
        project = self.time_project(5)
        project._psa_invoice(JANUARY).action_post()
        self.log(project, date(2026, 2, 1), -2)
        row = (
            self.env["psa.invoice.schedule"]
            .sudo()
            .create(
                {
                    "project_id": project.id,
                    "run_date": FEBRUARY,
                    "cutoff_date": FEBRUARY,
                }
            )
        )
        self.run_due(FEBRUARY, project)
        self.assertEqual(row.state, "nothing")
        self.assertIn("Credit due", row.error)
        self.assertIn("200.00", row.error)

    def test_the_wizard_makes_a_credit_note(self):
        project = self.time_project(5)
        line = project.sale_line_id
        project._psa_invoice(JANUARY).action_post()
        correction = self.log(project, date(2026, 2, 1), -2)
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": FEBRUARY}
        )
        wizard.action_next()
        self.assertIn("200.00", wizard._review()["credit_warning"])
        credit = self.finish(project)
        self.assertEqual(credit.move_type, "out_refund")
        self.assertEqual(credit.invoice_line_ids.quantity, 2)
        self.assertEqual((credit.amount_untaxed, credit.amount_tax), (200, 30))
        self.assertEqual(credit.detail_ids.quantity, -2)
        self.assertEqual(credit.detail_ids.amount, -200)
        self.assertEqual(correction.billing_status, "draft")
        self.assertEqual(line.qty_to_invoice, 0)
        credit.action_post()
        self.assertEqual(correction.billing_status, "invoiced")
        self.assertEqual((line.qty_invoiced, line.qty_to_invoice), (3, 0))

    def test_work_beside_a_draft_credit_note(self):
        """The draft credit note counts: 3 h of new work are 3 h on an invoice."""
        project = self.time_project(5)
        project._psa_invoice(JANUARY).action_post()
        self.log(project, date(2026, 2, 1), -2)
        credit = self.finish(project)
        self.log(project, date(2026, 2, 2), 3)
        move = project._psa_invoice(FEBRUARY)
        self.assertEqual(move.invoice_line_ids.quantity, 3)
        (credit + move).action_post()
        self.assertEqual(project.sale_line_id.qty_invoiced, 6)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)

    def test_a_deleted_credit_note_leaves_the_credit_due(self):
        project = self.time_project(5)
        project._psa_invoice(JANUARY).action_post()
        correction = self.log(project, date(2026, 2, 1), -2)
        self.finish(project).unlink()
        self.assertEqual(correction.open_quantity, -2)
        self.assertEqual(correction.billing_status, "ready")

    def test_in_another_currency_and_company(self):
        currency = self.setup_other_currency("EUR")
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": currency.id}
        )
        project = self.project()
        self.contract(project, pricelist_id=pricelist.id, price_unit=80)
        self.log(project, date(2026, 1, 5), 4)
        project._psa_invoice(JANUARY).action_post()
        self.log(project, date(2026, 2, 1), -1)
        credit = self.finish(project)
        self.assertEqual((credit.currency_id, credit.amount_untaxed), (currency, 80))

    # === Goods ===

    def goods(self, **values):
        return self.env["product.product"].create(
            {
                "name": "Cable",
                "type": "consu",
                "invoice_policy": "delivery",
                "list_price": 10,
                "taxes_id": [Command.clear()],
                **values,
            }
        )

    def goods_line(self, project, quantity=10, **values):
        hours = self.contract(project)
        return self.env["sale.order.line"].create(
            {
                "order_id": hours.order_id.id,
                "product_id": self.goods(**values).id,
                "product_uom_qty": quantity,
            }
        )

    def test_returned_goods(self):
        project = self.project()
        line = self.goods_line(project)
        line.qty_delivered = 8
        project._psa_invoice(ALWAYS).action_post()
        line.qty_delivered = 5
        self.assertFalse(project._psa_invoice(ALWAYS))
        credit = self.finish(project, ALWAYS)
        self.assertEqual(credit.amount_untaxed, 30)
        credit.action_post()
        self.assertEqual((line.qty_invoiced, line.qty_to_invoice), (5, 0))

    def test_a_reduced_order_line(self):
        project = self.project()
        line = self.goods_line(project, invoice_policy="order")
        project._psa_invoice(ALWAYS).action_post()
        line.product_uom_qty = 4
        credit = self.finish(project, ALWAYS)
        self.assertEqual(credit.amount_untaxed, 60)

    # === Vendor credits ===

    def cost_project(self, name="Project"):
        project = self.project(name)
        self.contract(project).order_id.project_id = project
        if not project.account_id:
            project._create_analytic_account()
        return project

    def vendor_bill(self, distribution, quantity=1, price=100):
        product = self.goods(
            name="Flight",
            type="service",
            expense_policy="cost",
            standard_price=0,
            supplier_taxes_id=[Command.clear()],
        )
        return self.posted_bill(
            product,
            distribution,
            vendor=self.partner_a,
            day=date(2026, 1, 10),
            quantity=quantity,
            price_unit=price,
        )

    def vendor_credit(self, bill, **values):
        credit = bill._reverse_moves([{"invoice_date": date(2026, 1, 20)}])
        credit.invoice_line_ids.write(values)
        credit.action_post()
        return credit

    def costs(self, project):
        return self.env["psa.reinvoiced.cost"].search([("project_id", "=", project.id)])

    def test_a_vendor_credit_before_billing(self):
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100}, quantity=3)
        self.vendor_credit(bill, quantity=1)
        self.assertEqual(self.costs(project).mapped("open_quantity"), [3, -1])
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 200)
        line = self.costs(project).sale_line_id
        self.assertEqual((line.qty_delivered, line.qty_to_invoice), (2, 0))

    def test_a_vendor_credit_after_billing(self):
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100}, quantity=3)
        project._psa_invoice(JANUARY).action_post()
        vendor_credit = self.vendor_credit(bill, quantity=1)
        self.assertFalse(project._psa_invoice(JANUARY))
        credit = self.finish(project)
        self.assertEqual(credit.amount_untaxed, 100)
        self.assertEqual(credit.detail_ids.transaction_type, "material")
        self.assertEqual(
            credit.detail_ids.source_move_line_id, vendor_credit.invoice_line_ids
        )
        credit.action_post()
        line = self.costs(project).sale_line_id
        self.assertEqual((line.qty_invoiced, line.qty_to_invoice), (2, 0))

    def test_a_bill_is_deleted_after_billing(self):
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100})
        project._psa_invoice(JANUARY).action_post()
        bill.button_draft()
        bill.with_context(force_delete=True).unlink()
        self.assertFalse(project._psa_invoice(JANUARY))
        self.assertEqual(self.finish(project).amount_untaxed, 100)

    def test_a_bill_line_deleted_after_billing_comes_off_the_next_invoice(self):
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100}, price=60)
        kept = self.vendor_bill({project.account_id.id: 100})
        project._psa_invoice(JANUARY).action_post()
        bill.button_draft()
        bill.with_context(force_delete=True).unlink()
        later = self.vendor_bill({project.account_id.id: 100}, price=500)
        move = project._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 440)
        self.assertTrue((kept | later).exists())

    def test_a_vendor_lowers_the_price(self):
        """A tenth of the amount is a tenth of the quantity."""
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100})
        self.vendor_credit(bill, price_unit=10)
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 90)

    def test_a_vendor_credit_shared_by_two_projects(self):
        first, second = self.cost_project("First"), self.cost_project("Second")
        bill = self.vendor_bill({first.account_id.id: 60, second.account_id.id: 40})
        self.vendor_credit(bill, price_unit=50)
        self.assertEqual(first._psa_invoice(JANUARY).amount_untaxed, 30)
        self.assertEqual(second._psa_invoice(JANUARY).amount_untaxed, 20)

    def test_a_vendor_credit_without_its_bill(self):
        """It comes off the latest bill of that vendor for the product."""
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100}, quantity=3)
        credit = bill.copy(
            {"move_type": "in_refund", "invoice_date": date(2026, 1, 20)}
        )
        credit.invoice_line_ids.billing_credited_line_id = False
        credit.invoice_line_ids.quantity = 2
        credit.action_post()
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 100)

    def test_a_vendor_credit_that_is_reset(self):
        project = self.cost_project()
        bill = self.vendor_bill({project.account_id.id: 100}, quantity=3)
        credit = self.vendor_credit(bill, quantity=1)
        credit.button_draft()
        self.assertEqual(sum(self.costs(project).mapped("open_quantity")), 3)
        self.assertEqual(self.costs(project).sale_line_id.qty_delivered, 3)
        credit.action_post()
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 200)

    def test_a_vendor_credit_of_another_job_is_left_alone(self):
        project = self.cost_project()
        other = self.env["account.analytic.account"].create(
            {"name": "Other", "plan_id": project.account_id.plan_id.id}
        )
        bill = self.vendor_bill({other.id: 100})
        self.vendor_credit(bill)
        self.assertFalse(self.costs(project))
