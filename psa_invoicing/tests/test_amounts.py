# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fixed prices are billed by amount: each invoice to the cent, and all of them too."""

from datetime import date
from math import fsum

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form

from .common import BillingCase

JANUARY = date(2026, 1, 31)
LATER = date(2026, 12, 31)
ALL = date(2099, 1, 1)


class AmountCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.project("Fixed price")
        cls.line = cls.fixed_price(10000)

    @classmethod
    def fixed_price(cls, price, **values):
        values = {"product_uom_qty": 1, "price_unit": price, **values}
        return cls.contract(cls.work, cls.milestone_product, **values)

    def shares(self, *shares, line=None, day=None):
        """Milestones, one a day from 1 January on."""
        line = line or self.line
        return self.env["project.milestone"].union(
            *(
                self.milestone(
                    self.work,
                    line,
                    share,
                    day or date(2026, 1, number),
                    name=f"M{number}",
                )
                for number, share in enumerate(shares, start=1)
            )
        )

    def bill(self, cutoff=ALL, **values):
        return self.work._psa_invoice(cutoff, **values)

    def bill_each(self, milestones):
        """Each milestone with an invoice of its own, in their order."""
        moves = self.env["account.move"]
        for milestone in milestones:
            moves += self.bill(milestones=milestone)
        return moves

    def backlog(self):
        rows = self.env["psa.backlog"].search([("project_id", "=", self.work.id)])
        return rows.sorted("date").mapped("amount")

    def credit(self, invoice, **values):
        """A draft credit note of an invoice, with these values of its line."""
        note = invoice._reverse_moves([{"invoice_date": LATER}])
        note.invoice_line_ids.filtered("sale_line_ids")[:1].write(values)
        return note


class TestAmounts(AmountCase):
    def test_an_eighth(self):
        milestone = self.shares(0.125)
        self.assertEqual(self.backlog(), [1250])
        move = self.bill()
        line = move.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit, line.discount), (1, 1250, 0))
        self.assertEqual(line.product_uom_id, self.env.ref("uom.product_uom_unit"))
        self.assertEqual(
            (line.billing_share, line.billing_amount, line.billing_rate),
            (0.125, 1250, 10000),
        )
        self.assertIn("M1: 12.5 % of 10,000.00 (to date 12.5 %)", line.name)
        self.assertEqual(move.detail_ids.quantity, 0.125)
        self.assertEqual(milestone.open_quantity, 0)
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertEqual(self.line.untaxed_amount_to_invoice, 1250)
        move.action_post()
        self.assertEqual(self.line.untaxed_amount_to_invoice, 0)
        self.assertEqual(self.line.untaxed_amount_invoiced, 1250)
        self.assert_ledger(move)

    def test_twelve_twelfths(self):
        moves = self.bill_each(self.shares(*[1 / 12] * 12))
        amounts = moves.mapped("amount_untaxed")
        self.assertEqual(amounts[:4], [833.33, 833.34, 833.33, 833.33])
        self.assertEqual(sorted(amounts), [833.33] * 8 + [833.34] * 4)
        self.assertEqual(moves[0].amount_tax, 125)
        self.assertEqual(self.line.qty_to_invoice, 0)
        moves.action_post()
        self.assertEqual(self.line.qty_invoiced, 1)
        self.assertEqual(self.line.invoice_status, "invoiced")
        self.assertEqual(self.line.untaxed_amount_to_invoice, 0)

    def test_twelve_twelfths_at_once(self):
        """Several of one contract line on an invoice: a line for each."""
        self.shares(*[1 / 12] * 12)
        move = self.bill()
        self.assertEqual(len(move.invoice_line_ids), 12)
        self.assertEqual(move.amount_untaxed, 10000)
        message = move.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)
        self.assert_ledger(move)

    def test_backlog_and_review_say_what_the_draft_does(self):
        for shares in ([1 / 12] * 12, [0.3333] * 3):
            milestones = self.shares(*shares, line=self.fixed_price(10000))
            first = self.bill(milestones=milestones[0])
            rows = self.backlog()
            groups = self.env["psa.backlog"]._read_group(
                [("project_id", "=", self.work.id)], ["status"], ["amount:sum"]
            )
            left = 10000 - first.amount_untaxed
            self.assertEqual(groups, [("ready", left)])
            wizard = self.env["psa.manual.invoice"].create(
                {"project_ids": self.work.ids, "cutoff_date": ALL}
            )
            wizard.action_next()
            self.assertEqual(self.review_total(wizard), left)
            draft = self.bill()
            self.assertEqual(draft.invoice_line_ids.mapped("price_subtotal"), rows)
            self.assertEqual(draft.amount_untaxed, left)

    def test_three_were_ordered(self):
        self.shares(0.125, line=self.fixed_price(10000, product_uom_qty=3))
        move = self.bill()
        self.assertEqual(move.amount_untaxed, 3750)
        self.assertIn("12.5 % of 30,000.00", move.invoice_line_ids.name)

    def test_a_discount_is_in_the_amount(self):
        line = self.fixed_price(10000, discount=10)
        moves = self.bill_each(self.shares(*[1 / 12] * 12, line=line))
        self.assertEqual(set(moves.mapped("amount_untaxed")), {750})
        name = moves[0].invoice_line_ids.name
        self.assertIn("8.33 % of 10,000.00 less 10 %", name)
        moves.action_post()
        self.assertEqual(line.untaxed_amount_to_invoice, 0)

    def test_five_times_little(self):
        milestones = self.shares(*[0.004] * 5)
        self.assertEqual(self.backlog(), [40] * 5)
        moves = self.bill_each(milestones)
        self.assertEqual(moves.mapped("amount_untaxed"), [40] * 5)
        self.assertEqual(self.line.qty_to_invoice, 0)

    def test_thirds_as_people_type_them(self):
        moves = self.bill_each(self.shares(0.3333, 0.3333, 0.3333))
        self.assertEqual(moves.mapped("amount_untaxed"), [3333, 3333, 3334])
        moves.action_post()
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertEqual(self.line.invoice_status, "invoiced")
        self.assertEqual(self.line.untaxed_amount_to_invoice, 0)
        # One of them again: it is worth what it was.
        note = self.credit(moves[0])
        note.action_post()
        moves.detail_ids.milestone_id.action_psa_release()
        self.assertEqual(self.bill().amount_untaxed, 3333)

    def test_percentages_that_are_not_all(self):
        moves = self.bill_each(self.shares(0.333, 0.333, 0.333))
        self.assertEqual(moves.mapped("amount_untaxed"), [3330, 3330, 3330])

    def test_prices_that_include_taxes(self):
        """1,250.00 with 20 %, not 1,250.00 and taxes."""
        tax = self.env["account.tax"].create(
            {
                "name": "20 % included",
                "amount": 20,
                "price_include_override": "tax_included",
            }
        )
        line = self.fixed_price(10000, tax_ids=[fields.Command.set(tax.ids)])
        moves = self.bill_each(self.shares(*[1 / 12] * 12, line=line))
        self.assertAlmostEqual(fsum(moves.mapped("amount_total")), 10000)
        moves.action_post()
        self.assertEqual(line.untaxed_amount_to_invoice, 0)
        self.assertEqual(line.qty_to_invoice, 0)

    def test_a_currency_without_cents(self):
        currency = self.setup_other_currency("JPY", rounding=1.0)
        pricelist = self.env["product.pricelist"].create(
            {"name": "Yen", "currency_id": currency.id}
        )
        line = self.fixed_price(10000, pricelist_id=pricelist.id)
        moves = self.bill_each(self.shares(1 / 3, 1 / 3, 1 / 3, line=line))
        self.assertEqual(moves.currency_id, currency)
        self.assertEqual(moves.mapped("amount_untaxed"), [3333, 3334, 3333])

    def test_taxes_that_are_rounded_over_the_invoice(self):
        self.env.company.tax_calculation_rounding_method = "round_globally"
        self.shares(*[1 / 12] * 12)
        move = self.bill()
        self.assertEqual((move.amount_untaxed, move.amount_tax), (10000, 1500))

    def test_what_the_order_shows_of_little(self):
        """Odoo's button would pass over 0.004: it shows at least one step."""
        self.shares(0.004)
        self.assertEqual(self.line.qty_to_invoice, 0.01)
        self.assertEqual(self.line.invoice_status, "to invoice")

    def test_layouts(self):
        """A milestone has a line of its own, however work is laid out."""
        self.shares(0.125, 0.25)
        for layout in ("order_line", "employee", "task", "entry"):
            self.work.billing_layout = layout
            move = self.bill()
            lines = move.invoice_line_ids
            self.assertEqual(lines.mapped("price_unit"), [1250, 2500])
            self.assertIn("M2", lines[1].name)
            move.unlink()


class TestAmountsChanged(AmountCase):
    def test_less_is_typed(self):
        """0.4 of an eighth: 500, and the rest waits."""
        milestone = self.shares(0.125)
        move = self.bill()
        move.invoice_line_ids.quantity = 0.4
        self.assertEqual(move.amount_untaxed, 500)
        self.assertAlmostEqual(move.detail_ids.quantity, 0.05)
        self.assertAlmostEqual(milestone.open_quantity, 0.075)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 0.4)
        self.assertIn("5 % of 10,000.00 (to date 5 %)", move.invoice_line_ids.name)
        move.action_post()
        self.assertEqual(self.bill().amount_untaxed, 750)

    def test_a_price_is_conceded(self):
        """What is typed is never recovered, neither by its own draft nor later."""
        first, second = self.shares(0.125, 0.25)
        move = self.bill(milestones=first)
        move.invoice_line_ids.price_unit = 1000
        self.assertEqual(self.bill(milestones=second).amount_untaxed, 2500)
        first.quantity_percentage = 0.2
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 1750)
        move.action_post()
        self.assertAlmostEqual(self.line.untaxed_amount_to_invoice, 2500)

    def test_a_new_price_counts_for_what_comes(self):
        first, second, third = self.shares(0.125, 0.25, 0.25)
        self.bill(milestones=first).action_post()
        draft = self.bill(milestones=second)
        self.line.price_unit = 12000
        self.assertEqual(self.bill(milestones=third).amount_untaxed, 3000)
        self.assertTrue(draft.needs_recalculation)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 3000)

    def test_a_draft_is_deleted(self):
        first, second, third = self.shares(1 / 3, 1 / 3, 1 / 3)
        moves = self.bill_each(first + second)
        self.assertEqual(moves.mapped("amount_untaxed"), [3333.33, 3333.34])
        moves[0].unlink()
        moves = moves[1] + self.bill(milestones=first) + self.bill(milestones=third)
        self.assertAlmostEqual(fsum(moves.mapped("amount_untaxed")), 10000)

    def test_a_revived_draft(self):
        first, second, third = self.shares(0.3333, 0.3333, 0.3333)
        move = self.bill(milestones=first)
        move.button_cancel()
        others = self.bill_each(second + third)
        move.button_draft()
        amounts = (move + others).mapped("amount_untaxed")
        self.assertAlmostEqual(fsum(amounts), 10000)

    def test_more_is_typed(self):
        self.shares(0.125)
        move = self.bill()
        move.invoice_line_ids.quantity = 1.4
        kinds = move.detail_ids.mapped("transaction_type")
        self.assertEqual(sorted(kinds), ["adjustment", "milestone"])
        self.assertEqual(move.amount_untaxed, 1750)

    def test_a_row_is_lowered_offered_and_charged_again(self):
        milestone = self.shares(0.125)
        move = self.bill()
        move.detail_ids.quantity = 0.05
        line = move.invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit), (1, 500))
        self.assertIn("M1: 5 % of 10,000.00", line.name)
        move.detail_ids.action_psa_offer()
        self.assertEqual((line.quantity, move.amount_untaxed), (0, 0))
        move.detail_ids.action_psa_charge()
        self.assertEqual(move.amount_untaxed, 500)
        self.assert_ledger(move)
        milestone.action_psa_write_off("Goodwill")
        self.assertEqual(self.line.qty_to_invoice, 0)
        move.action_post()
        self.assertEqual(self.line.untaxed_amount_to_invoice, 0)

    def test_a_draft_in_another_currency(self):
        """A person has chosen it, and its price: another share costs as much more."""
        milestone = self.shares(0.125)
        move = self.bill()
        move.currency_id = self.setup_other_currency("EUR")
        move.invoice_line_ids.price_unit = 600
        milestone.quantity_percentage = 0.25
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.price_unit, 1200)
        self.assertEqual(move.detail_ids.quantity, 0.25)

    def test_another_unit_keeps_the_price(self):
        self.shares(0.125)
        move = self.bill()
        with Form(move) as form, form.invoice_line_ids.edit(0) as line:
            line.product_uom_id = self.env.ref("uom.product_uom_dozen")
        self.assertEqual(move.amount_untaxed, 1250)
        self.assertEqual(move.detail_ids.quantity, 0.125)


class TestAmountsCredited(AmountCase):
    def setUp(self):
        super().setUp()
        self.eighth = self.shares(0.125)
        self.invoice = self.bill()
        self.invoice.action_post()

    def test_a_part(self):
        note = self.credit(self.invoice, quantity=0.4)
        self.assertEqual(note.amount_untaxed, 500)
        note.action_post()
        self.assertAlmostEqual(self.eighth.billed_quantity, 0.075)
        self.assertAlmostEqual(self.eighth.billing_credited_quantity, 0.05)
        self.assertFalse(self.bill())
        self.eighth.action_psa_release()
        self.assertEqual(self.bill().amount_untaxed, 500)

    def test_a_price_alone(self):
        """It reopens nothing, and nobody bills it again."""
        note = self.credit(self.invoice, price_unit=250)
        note.action_post()
        self.assertEqual(self.eighth.open_quantity, 0)
        self.milestone(self.work, self.line, 0.125, date(2026, 2, 1))
        self.assertEqual(self.bill().amount_untaxed, 1250)

    def test_reverse_and_modify(self):
        context = {"active_model": "account.move", "active_ids": self.invoice.ids}
        wizard = (
            self.env["account.move.reversal"]
            .with_context(**context)
            .create({"journal_id": self.invoice.journal_id.id})
        )
        move = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
        line = move.invoice_line_ids
        self.assertEqual((line.billing_share, line.price_unit), (0.125, 1250))
        self.assertEqual(move.detail_ids.milestone_id, self.eighth)
        self.assertEqual(self.eighth.open_quantity, 0)
        self.assertEqual(self.line.qty_to_invoice, 0)
        move.action_post()
        self.assert_ledger(move)

    def correct(self, quantity):
        self.invoice.action_psa_correct()
        correction = self.env["psa.invoice.correction"].search([], limit=1)
        correction.line_ids.quantity = quantity
        return self.env["account.move"].browse(correction.action_apply()["res_id"])

    def test_what_has_too_many_digits_for_a_quantity(self):
        note = self.correct(0.125 * 2 / 3)
        self.assertEqual(note.amount_untaxed, 416.67)
        note.action_post()
        self.assertAlmostEqual(self.eighth.billed_quantity, 0.125 * 2 / 3)
        self.assertTrue(note.psa_reopens_transactions)
        self.eighth.action_psa_release()
        self.assertEqual(self.bill().amount_untaxed, 416.67)

    def test_all_of_it(self):
        note = self.correct(0)
        self.assertEqual(note.amount_untaxed, 1250)
        note.action_post()
        self.assertEqual(self.eighth.billed_quantity, 0)


class TestAmountsOfTheOrder(AmountCase):
    def test_the_button(self):
        self.shares(0.125, 0.004)
        self.assertEqual(self.line.qty_to_invoice, 0.13)
        move = self.line.order_id._create_invoices()
        lines = move.invoice_line_ids
        self.assertEqual(lines.mapped("price_unit"), [1250, 40])
        self.assertEqual([line.detail_ids.quantity for line in lines], [0.125, 0.004])
        self.assertIn("M1: 12.5 % of 10,000.00", lines[0].name)
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertFalse(self.bill())
        move.action_post()
        self.assert_ledger(move)

    def test_the_button_takes_up_what_was_rounded(self):
        first, second = self.shares(1 / 12, 1 / 12)
        self.bill(milestones=first).action_post()
        move = self.line.order_id._create_invoices()
        self.assertEqual(move.amount_untaxed, 833.34)
        self.assertEqual(move.detail_ids.milestone_id, second)

    def test_what_is_on_hold(self):
        first, second = self.shares(0.125, 0.004)
        first.action_psa_hold("Not yet")
        self.assertEqual(self.line.qty_to_invoice, 0.01)
        self.assertEqual(self.line.order_id._create_invoices().amount_untaxed, 40)
        first.action_psa_release()
        self.assertEqual(self.line.qty_to_invoice, 0.13)

    def test_an_order_that_is_paid_online(self):
        """Core's own quantity: all of the order."""
        self.shares(0.125)
        self.line.order_id._force_lines_to_invoice_policy_order()
        move = self.line.order_id._create_invoices()
        self.assertEqual(move.amount_untaxed, 10000)
        move.action_post()

    def test_a_delivered_quantity_that_a_person_has_set(self):
        self.audited = False
        self.line.qty_delivered = 0.5
        self.assertEqual(self.line.qty_to_invoice, 0.5)
        self.assertEqual(self.line.order_id._create_invoices().amount_untaxed, 5000)

    def test_accruals(self):
        """Odoo's own figure of a quarter with 50 % discount would be 2,500."""
        line = self.fixed_price(10000, discount=50)
        self.shares(0.125, 0.125, line=line)
        self.assertEqual(line.amount_to_invoice_at_date, 1250)
        self.bill(milestones=self.env["project.milestone"].search([], limit=1))
        self.bill().action_post()
        self.assertEqual(line.amount_to_invoice_at_date, 0)

    def test_before_there_were_amounts(self):
        """0.13 of 10,000 was billed for an eighth: it ends at 10,000 all the same."""
        first, second, third = self.shares(0.125, 0.125, 0.75)
        old = self.bill(milestones=first)
        old.invoice_line_ids.sudo().write({"billing_share": 0, "billing_amount": 0})
        old.invoice_line_ids.write({"quantity": 0.13, "price_unit": 10000})
        old.detail_ids.filtered(
            lambda detail: detail.transaction_type == "adjustment"
        )._drop()
        old.action_post()
        self.assertEqual(old.amount_untaxed, 1300)
        self.assertEqual(old.detail_ids.quantity, 0.125)
        moves = old + self.bill_each(second + third)
        self.assertEqual(moves.mapped("amount_untaxed"), [1300, 1200, 7500])
        moves[1:].action_post()
        self.assertEqual((self.line.qty_invoiced, self.line.qty_to_invoice), (1, 0))

    def test_analytic_items_and_the_invoice_analysis(self):
        self.milestone_product.standard_price = 4000
        self.shares(*[0.125] * 8)
        moves = self.bill()
        self.work._create_analytic_account()
        moves.invoice_line_ids.analytic_distribution = {self.work.account_id.id: 100}
        moves.action_post()
        items = moves.invoice_line_ids.analytic_line_ids
        self.assertEqual(fsum(items.mapped("unit_amount")), 1)
        self.env.flush_all()
        report = self.env["account.invoice.report"].search(
            [("move_id", "in", moves.ids)]
        )
        self.assertEqual(fsum(report.mapped("quantity")), 1)
        self.assertEqual(fsum(report.mapped("price_margin")), 6000)

    def test_the_audit_sees_a_wrong_amount(self):
        self.audited = False
        self.shares(0.125)
        line = self.bill().invoice_line_ids.sudo()
        line.write({"billing_amount": 1300, "price_unit": 1300})
        findings = self.env["psa.ledger.audit"]._findings()
        self.assertEqual([each["check"] for each in findings], ["amounts"])
        self.assertEqual(findings[0]["res_id"], self.line.id)

    def test_the_audit_sees_what_odoo_does_not_offer(self):
        self.audited = False
        self.shares(0.004)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sale_order_line SET qty_to_invoice = 0 WHERE id = %s",
            [self.line.id],
        )
        self.env.invalidate_all()
        findings = self.env["psa.ledger.audit"]._findings()
        self.assertEqual([each["check"] for each in findings], ["quantity_to_invoice"])

    def test_nobody_writes_a_share(self):
        self.shares(0.125)
        move = self.bill()
        person = self.person("accountant", "account.group_account_user")
        line = move.invoice_line_ids.with_user(person)
        with self.assertRaises(AccessError):
            line.billing_share = 3
