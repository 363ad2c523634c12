# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from math import fsum

from odoo import fields
from odoo.tests import Form, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


@tagged("post_install", "-at_install")
class TestShare(AccountTestInvoicingCommon):
    """A fixed price of 10,000.00, billed by milestones."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # As an add-on does that bills amounts.
        cls.env = cls.env(su=True)
        cls.product = cls.env["product.product"].create(
            {
                "name": "Package",
                "type": "service",
                "invoice_policy": "delivery",
                "service_type": "milestones",
                "standard_price": 4000,
                "taxes_id": [fields.Command.clear()],
            }
        )
        cls.partner = cls.env["res.partner"].create({"name": "Customer"})
        cls.project = cls.env["project.project"].create(
            {"name": "Project", "partner_id": cls.partner.id, "allow_billable": True}
        )
        cls.unit = cls.env.ref("uom.product_uom_unit")

    def order(self, *reached, **values):
        """An order line, and what was reached of it."""
        order = self.env["sale.order"].create(
            {
                "partner_id": self.partner.id,
                "order_line": [
                    fields.Command.create(
                        {
                            "product_id": self.product.id,
                            "product_uom_qty": 1,
                            "price_unit": 10000,
                            **values,
                        }
                    )
                ],
            }
        )
        order.action_confirm()
        for share in reached:
            self.env["project.milestone"].create(
                {
                    "name": f"{share}",
                    "project_id": self.project.id,
                    "sale_line_id": order.order_line.id,
                    "quantity_percentage": share,
                    "is_reached": True,
                    "reached_date": "2026-01-31",
                }
            )
        return order.order_line

    def bill(self, line, *shares, **values):
        """A posted invoice of shares of an order line."""
        rate = line.price_unit * (1 - line.discount / 100)
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.partner.id,
                "invoice_date": "2026-01-31",
                "invoice_line_ids": [
                    fields.Command.create(
                        {
                            **line._prepare_invoice_line(quantity=1),
                            "product_uom_id": self.unit.id,
                            "price_unit": line.currency_id.round(rate * share),
                            "discount": 0,
                            "billing_share": share,
                            "billing_amount": line.currency_id.round(rate * share),
                            "billing_rate": rate,
                            **values,
                        }
                    )
                    for share in shares
                ],
            }
        )
        move.action_post()
        return move

    def figures(self, line):
        names = ("qty_invoiced", "qty_to_invoice", "untaxed_amount_to_invoice")
        return tuple(line[name] for name in names)

    def test_shares_are_invoiced_not_lines(self):
        line = self.order(0.25, 0.25, 0.25)
        self.bill(line, 0.25, 0.25)
        self.assertEqual(self.figures(line), (0.5, 0.25, 2500))
        self.bill(line, 0.25)
        self.assertEqual(self.figures(line), (0.75, 0, 0))
        self.assertEqual(line.invoice_status, "no")
        self.assertEqual(line.amount_to_invoice, 0)

    def test_all_of_it(self):
        line = self.order(*[0.125] * 8)
        self.bill(line, *[0.125] * 8)
        self.assertEqual(self.figures(line), (1, 0, 0))
        self.assertEqual(line.invoice_status, "invoiced")

    def test_little_is_not_nothing(self):
        line = self.order(0.125, 0.004)
        self.bill(line, 0.125)
        self.assertEqual(line.qty_to_invoice, 0.01)
        self.assertEqual(line.untaxed_amount_to_invoice, 40)
        self.assertEqual(line.invoice_status, "to invoice")

    def test_a_part_is_credited(self):
        line = self.order(0.125)
        move = self.bill(line, 0.125)
        note = move._reverse_moves()
        note.invoice_line_ids.quantity = 0.4
        note.action_post()
        self.assertEqual(note.amount_untaxed, 500)
        self.assertEqual(line.untaxed_amount_invoiced, 750)
        self.assertEqual(note.invoice_line_ids.billing_share, 0.125)

    def test_a_copy_bills_no_share(self):
        copied = self.bill(self.order(0.125), 0.125).copy()
        self.assertFalse(copied.invoice_line_ids.billing_share)

    def test_what_was_conceded_is_not_left(self):
        line = self.order(0.125, 0.25)
        self.bill(line, 0.125, price_unit=1000)
        self.assertEqual(line.untaxed_amount_invoiced, 1000)
        self.assertEqual(line.untaxed_amount_to_invoice, 2500)

    def test_a_discount(self):
        line = self.order(0.125, 0.125, discount=10)
        self.assertEqual(line.price_subtotal, 9000)
        self.bill(line, 0.125)
        self.assertEqual(line.untaxed_amount_to_invoice, 1125)
        self.assertEqual(line.amount_to_invoice_at_date, 1125)

    def test_a_tax_that_is_included(self):
        tax = self.env["account.tax"].create(
            {
                "name": "25 % included",
                "amount": 25,
                "price_include_override": "tax_included",
                "company_id": self.env.company.id,
            }
        )
        line = self.order(0.125, 0.125, tax_ids=[fields.Command.set(tax.ids)])
        self.bill(line, 0.125)
        self.assertEqual(line.untaxed_amount_invoiced, 1000)
        self.assertEqual(line.untaxed_amount_to_invoice, 1000)
        self.assertEqual(line.amount_to_invoice, 1250)

    def test_another_unit_has_the_same_price(self):
        line = self.order(0.125)
        move = self.bill(line, 0.125)
        move.button_draft()
        with Form(move) as form, form.invoice_line_ids.edit(0) as edited:
            edited.product_uom_id = self.env.ref("uom.product_uom_dozen")
        self.assertEqual(move.amount_untaxed, 1250)
        self.assertEqual(line.qty_invoiced, 0.13)

    def test_a_delivered_quantity_that_a_person_has_set(self):
        line = self.order(0.125, 0.125)
        self.bill(line, 0.125)
        line.qty_delivered = 0.5
        self.assertEqual(line.untaxed_amount_to_invoice, 3750)

    def test_reports(self):
        self.project._create_analytic_account()
        line = self.order(*[0.125] * 8)
        line.analytic_distribution = {self.project.account_id.id: 100}
        move = self.bill(line, *[0.125] * 8)
        items = move.invoice_line_ids.analytic_line_ids
        self.assertEqual(fsum(items.mapped("unit_amount")), 1)
        self.assertEqual(items.product_uom_id, line.product_uom_id)
        self.env.flush_all()
        report = self.env["account.invoice.report"].search([("move_id", "=", move.id)])
        self.assertEqual(fsum(report.mapped("quantity")), 1)
        self.assertEqual(fsum(report.mapped("price_margin")), 6000)
        self.assertEqual(
            {round(each, 2) for each in report.mapped("price_average")}, {10000}
        )

    def test_lines_billed_by_quantity_stay(self):
        line = self.order(0.5)
        move = line.order_id._create_invoices()
        move.invoice_line_ids.write({"billing_share": 0})
        self.assertEqual(line.untaxed_amount_to_invoice, 5000)
        self.assertEqual(line.qty_to_invoice, 0)
