# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Taxes in every shape, on the charts of accounts of three countries.

Each story bills a project, and compares its invoice with the one that somebody would
make by hand; then the invoice is paid and credited. The countries need their modules
(``l10n_fr_account``, ``l10n_de``); without them, their stories are skipped.
"""

from datetime import date
from math import fsum
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
setup_chart = BillingCase.setup_chart_template
setup_country = BillingCase.setup_country


class TaxCase(BillingCase):
    """Helpers to bill an hour at a price and with taxes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.country_id = cls.env.company.account_fiscal_country_id

    def service(self, price, taxes):
        product = self._service("Hour", "timesheet", self.hour)
        product.write(
            {
                # Its price is in the currency of its company.
                "company_id": self.env.company.id,
                "list_price": price,
                "taxes_id": [Command.set(taxes.ids)],
            }
        )
        return product

    def bill(self, *hours, price, taxes, each=False, **order):
        """The draft of a project with an entry a day, all on one contract line.

        :param price: of an hour, with taxes that are included in it
        :param each: whether every entry gets an invoice line of its own
        """
        project = self.project(billing_layout="entry" if each else "order_line")
        self.contract(project, self.service(price, taxes), **order)
        for day, quantity in enumerate(hours, start=1):
            self.log(project, date(2026, 1, day), quantity)
        return project._psa_invoice(JANUARY)

    def by_hand(self, move):
        """The same invoice without us: product, quantity and price are typed.

        Odoo finds taxes, accounts and totals.
        """
        Move = self.env["account.move"].with_company(move.company_id)
        return Move.create(
            {
                "move_type": move.move_type,
                "partner_id": move.partner_id.id,
                "currency_id": move.currency_id.id,
                "invoice_date": move.invoice_date,
                "invoice_payment_term_id": move.invoice_payment_term_id.id,
                "invoice_cash_rounding_id": move.invoice_cash_rounding_id.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": line.product_id.id,
                            "quantity": line.quantity,
                            "price_unit": line.price_unit,
                            "discount": line.discount,
                        }
                    )
                    for line in move.invoice_line_ids
                    if line.display_type == "product"
                ],
            }
        )

    def entry_of(self, move):
        """What the journal entry says, line by line, but for texts."""
        lines = move.with_company(move.company_id).line_ids
        return sorted(
            (
                line.display_type,
                line.account_id.code,
                line.balance,
                line.amount_currency,
                line.tax_base_amount,
                sorted(line.tax_ids.ids),
                line.tax_line_id.id,
                sorted(line.tax_tag_ids.ids),
            )
            for line in lines
            if line.display_type not in ("line_section", "line_note")
        )

    def assert_totals(self, move, untaxed, tax):
        """In the currency of the invoice."""
        self.assertAlmostEqual(move.amount_untaxed, untaxed)
        self.assertAlmostEqual(move.amount_tax, tax)
        self.assertAlmostEqual(move.amount_total, untaxed + tax)

    def assert_sound(self, move):
        """The ledger, the journal entry, and the same invoice made by hand."""
        if move.move_type == "out_invoice":
            self.assert_ledger(move)
        for line in move.invoice_line_ids.filtered("detail_ids"):
            self.assertEqual(
                line.currency_id.round(abs(fsum(line.detail_ids.mapped("amount")))),
                line.price_subtotal,
            )
        self.assertTrue(move.detail_ids)
        currency = move.company_currency_id
        self.assertTrue(currency.is_zero(fsum(move.line_ids.mapped("balance"))))
        by_hand = self.by_hand(move)
        self.assertEqual(self.entry_of(move), self.entry_of(by_hand))
        for name in ("amount_untaxed", "amount_tax", "amount_total"):
            self.assertEqual(move[name], by_hand[name], name)
        by_hand.unlink()

    def pay(self, move, amount=None):
        action = move.action_psa_mark_paid()
        values = {} if amount is None else {"amount": amount}
        return (
            self.env["account.payment.register"]
            .with_context(**action["context"])
            .create(values)
            ._create_payments()
        )

    def credit(self, move):
        credit_note = move._reverse_moves([{"invoice_date": move.invoice_date}])
        credit_note.action_post()
        return credit_note

    def follow(self, move, untaxed, tax):
        """Post, pay and credit an invoice of these amounts, and look at each step.

        :return: its credit note
        """
        self.assert_totals(move, untaxed, tax)
        move.action_post()
        self.assert_totals(move, untaxed, tax)
        self.assert_sound(move)
        self.pay(move)
        self.assertEqual(move.psa_state, "paid")
        self.assertEqual(move.amount_residual, 0)
        credit_note = self.credit(move)
        self.assert_totals(credit_note, untaxed, tax)
        self.assert_sound(credit_note)
        for entry in move.detail_ids.analytic_line_id:
            self.assertEqual(entry.billing_status, "credited")
        return credit_note


class TaxShapes:
    """Every shape that a tax may have, on whatever chart of accounts."""

    def test_on_top_of_the_price(self):
        move = self.bill(1, 2, price=100, taxes=self.percent_tax(15))
        self.follow(move, 300, 45)

    def test_included_in_the_price(self):
        """An hour is 121.00, of which 21.00 are tax."""
        tax = self.percent_tax(21, price_include_override="tax_included")
        move = self.bill(1, 2, price=121, taxes=tax)
        self.assertEqual(move.invoice_line_ids.price_unit, 121)
        self.assertEqual(move.detail_ids.mapped("amount"), [100, 200])
        self.follow(move, 300, 63)

    def test_included_and_uneven(self):
        """3 × 10.00 with 21 % in it: 30.00 / 1.21 = 24.793... The thirds of 24.79 are
        8.26, 8.27 and 8.26 to the cent."""
        tax = self.percent_tax(21, price_include_override="tax_included")
        move = self.bill(1, 1, 1, price=10, taxes=tax)
        self.assertEqual(sorted(move.detail_ids.mapped("amount")), [8.26, 8.26, 8.27])
        self.follow(move, 24.79, 5.21)

    def test_with_a_discount(self):
        """Ten percent off 121.00 is 108.90, of which 18.90 are tax."""
        tax = self.percent_tax(21, price_include_override="tax_included")
        move = self.bill(1, price=121, taxes=tax, discount=10)
        self.follow(move, 90, 18.9)

    def test_two_taxes_side_by_side(self):
        taxes = self.percent_tax(5) + self.percent_tax(10)
        self.follow(self.bill(1, 1, price=100, taxes=taxes), 200, 30)

    def test_a_tax_on_a_tax(self):
        """10 % of 100.00, and 20 % of 110.00."""
        first = self.percent_tax(10, sequence=1, include_base_amount=True)
        second = self.percent_tax(20, sequence=2)
        self.follow(self.bill(1, price=100, taxes=first + second), 100, 32)

    def test_a_tax_on_a_tax_that_are_included(self):
        """100.00 and 10.00 and 22.00 make 132.00."""
        values = {"price_include_override": "tax_included"}
        first = self.percent_tax(10, sequence=1, include_base_amount=True, **values)
        second = self.percent_tax(20, sequence=2, **values)
        self.follow(self.bill(2, price=132, taxes=first + second), 200, 64)

    def test_a_fixed_tax_for_each_hour(self):
        """0.50 an hour; it is taxed as well: 15 % of 201.00."""
        fixed = self.fixed_tax(0.5, sequence=1, include_base_amount=True)
        move = self.bill(
            1, 1, price=100, taxes=fixed + self.percent_tax(15, sequence=2)
        )
        self.follow(move, 200, 31.15)

    def test_a_group_of_taxes(self):
        group = self.group_of_taxes(self.percent_tax(5) + self.percent_tax(10))
        self.follow(self.bill(1, 1, price=100, taxes=group), 200, 30)

    def test_owed_by_the_customer(self):
        """Reverse charge: 20 % are declared and taken back, nobody pays them."""
        lines = [
            Command.create({"repartition_type": "base"}),
            Command.create({"repartition_type": "tax", "factor_percent": 100}),
            Command.create({"repartition_type": "tax", "factor_percent": -100}),
        ]
        tax = self.percent_tax(
            20,
            invoice_repartition_line_ids=lines,
            refund_repartition_line_ids=lines,
        )
        move = self.bill(1, 2, price=100, taxes=tax)
        taxes = move.line_ids.filtered("tax_line_id")
        self.assertEqual(sorted(taxes.mapped("balance")), [-60, 60])
        self.follow(move, 300, 0)

    def test_by_the_country_of_the_customer(self):
        """Taxes and income account are those of customers in Canada."""
        domestic = self.percent_tax(15)
        income = self.time_product.product_tmpl_id.get_product_accounts()["income"]
        abroad = income.copy()
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Canada",
                "auto_apply": True,
                "country_id": self.env.ref("base.ca").id,
                "account_ids": [
                    Command.create(
                        {
                            "account_src_id": income.id,
                            "account_dest_id": abroad.id,
                        }
                    )
                ],
            }
        )
        export = self.percent_tax(
            5,
            fiscal_position_ids=[Command.set(position.ids)],
            original_tax_ids=[Command.set(domestic.ids)],
        )
        self.customer.country_id = self.env.ref("base.ca")
        move = self.bill(1, 2, price=100, taxes=domestic)
        self.assertEqual(move.fiscal_position_id, position)
        self.assertEqual(move.invoice_line_ids.tax_ids, export)
        self.assertEqual(move.invoice_line_ids.account_id, abroad)
        credit_note = self.follow(move, 300, 15)
        self.assertEqual(credit_note.invoice_line_ids.account_id, abroad)

    # === Rounding of taxes ===

    def three_lines(self, method):
        """Three lines of 10.05 each; 10 % of one of them is 1.005."""
        self.env.company.tax_calculation_rounding_method = method
        return self.bill(1, 1, 1, price=10.05, taxes=self.percent_tax(10), each=True)

    def test_rounded_on_each_line(self):
        """3 × 1.01."""
        self.follow(self.three_lines("round_per_line"), 30.15, 3.03)

    def test_rounded_once(self):
        """3 × 1.005 = 3.015."""
        self.follow(self.three_lines("round_globally"), 30.15, 3.02)

    def included_lines(self, method):
        """Three lines of 1.00 with 21 % in each, which is 0.17355."""
        self.env.company.tax_calculation_rounding_method = method
        tax = self.percent_tax(21, price_include_override="tax_included")
        return self.bill(1, 1, 1, price=1, taxes=tax, each=True)

    def test_included_and_rounded_on_each_line(self):
        """3 × 0.83 and 3 × 0.17."""
        self.follow(self.included_lines("round_per_line"), 2.49, 0.51)

    def test_included_and_rounded_once(self):
        """3.00 / 1.21 = 2.479, and the tax is 0.52 of it."""
        self.follow(self.included_lines("round_globally"), 2.48, 0.52)

    def test_entries_are_parts_of_a_rounded_line(self):
        """Seven entries of ten minutes are 1.17 h at 99.99, and not 7 × 0.17 h."""
        self.env.company.tax_calculation_rounding_method = "round_globally"
        move = self.bill(*[1 / 6] * 7, price=99.99, taxes=self.percent_tax(15))
        self.assertAlmostEqual(move.invoice_line_ids.quantity, 1.17)
        self.follow(move, 116.99, 17.55)

    # === Cash rounding ===

    def rounded(self, cash_rounding):
        """An hour for 100.03, with 15.00 of tax: 115.03 is no sum for cash."""
        move = self.bill(1, price=100.03, taxes=self.percent_tax(15))
        self.assert_totals(move, 100.03, 15)
        move.invoice_cash_rounding_id = cash_rounding
        return move

    def test_cash_rounding_is_a_line_of_its_own(self):
        """Up to 115.05."""
        move = self.rounded(self.cash_rounding_a)
        self.assertEqual(move.amount_total, 115.05)
        self.assertEqual(move.invoice_line_ids.price_subtotal, 100.03)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_cash_rounding_id, self.cash_rounding_a)
        self.assertEqual(move.amount_total, 115.05)
        self.assert_ledger(move)

    def test_cash_rounding_follows_what_is_billed(self):
        """Another half hour: 150.05 and 22.51 are 172.56, and 172.60 in cash."""
        move = self.rounded(self.cash_rounding_a)
        self.log(move.billing_project_ids, date(2026, 1, 20), 0.5)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 1.5)
        self.assertEqual(move.amount_total, 172.6)
        move.action_post()
        self.assert_sound(move)
        self.pay(move)
        self.assertEqual(move.psa_state, "paid")
        credit_note = self.credit(move)
        self.assertEqual(credit_note.amount_total, 172.6)
        self.assert_sound(credit_note)

    def test_cash_rounding_in_the_biggest_tax(self):
        """Down to 115.00: the tax is 14.97."""
        move = self.rounded(self.cash_rounding_b)
        self.assert_totals(move, 100.03, 14.97)
        move.action_psa_recalculate()
        self.assert_totals(move, 100.03, 14.97)
        self.log(move.billing_project_ids, date(2026, 1, 20), 0.5)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_cash_rounding_id, self.cash_rounding_b)
        self.follow(move, 150.05, 22.5)

    # === Paid, and only then owed ===

    def cash_basis_tax(self, amount, **values):
        self.env.company.tax_exigibility = True
        transition = self.company_data["default_account_tax_sale"].copy(
            {"reconcile": True}
        )
        return self.percent_tax(
            amount,
            tax_exigibility="on_payment",
            cash_basis_transition_account_id=transition.id,
            invoice_repartition_line_ids=self.repartition(),
            refund_repartition_line_ids=self.repartition(),
            **values,
        )

    def repartition(self):
        return [
            Command.create({"repartition_type": "base"}),
            Command.create(
                {
                    "repartition_type": "tax",
                    "account_id": self.company_data["default_account_tax_sale"].id,
                }
            ),
        ]

    def owed(self, move):
        """What the payments of an invoice made of its taxes owed to the state."""
        owed = move.tax_cash_basis_created_move_ids.line_ids.filtered("tax_line_id")
        account = owed.tax_line_id.invoice_repartition_line_ids.account_id
        return -fsum(
            owed.filtered(lambda line: line.account_id == account).mapped("balance")
        )

    def test_owed_when_it_is_paid(self):
        move = self.bill(1, 2, price=100, taxes=self.cash_basis_tax(15))
        move.action_post()
        self.assertEqual(self.owed(move), 0)
        self.follow_payments(move, (345, 45))

    def test_owed_as_far_as_it_is_paid(self):
        """A third of 345.00, and the rest."""
        move = self.bill(1, 2, price=100, taxes=self.cash_basis_tax(15))
        move.action_post()
        self.follow_payments(move, (115, 15), (230, 45))

    def test_owed_when_it_is_paid_included_in_the_price(self):
        tax = self.cash_basis_tax(21, price_include_override="tax_included")
        move = self.bill(1, price=121, taxes=tax)
        move.action_post()
        self.follow_payments(move, (121, 21))

    def test_credited_before_it_is_paid(self):
        """Nothing is owed of it."""
        move = self.bill(1, 2, price=100, taxes=self.cash_basis_tax(15))
        move.action_post()
        credit_note = move._reverse_moves(
            [{"invoice_date": move.invoice_date}], cancel=True
        )
        self.assertEqual(move.psa_state, "credited")
        self.assertAlmostEqual(self.owed(move) + self.owed(credit_note), 0)
        self.assert_sound(move)
        self.assert_sound(credit_note)

    def test_owed_without_an_account_for_outstanding_receipts(self):
        """The journal names none; the payment has its journal entry all the same."""
        self.inbound_payment_method_line.payment_account_id = False
        move = self.bill(1, 2, price=100, taxes=self.cash_basis_tax(15))
        move.action_post()
        self.follow_payments(move, (345, 45))

    def test_owed_when_it_is_paid_and_not_only_by_the_statement(self):
        """Where bank statements are reconciled, other payments have no entry."""
        self.inbound_payment_method_line.payment_account_id = False
        due_later = self.cash_basis_tax(15)
        move = self.bill(1, 2, price=100, taxes=due_later)
        other = self.bill(1, price=100, taxes=self.percent_tax(15))
        (move + other).action_post()
        # What Odoo Enterprise answers; Community knows no state in between.
        with patch.object(
            self.registry["account.move"],
            "_get_invoice_in_payment_state",
            lambda self: "in_payment",
        ):
            self.follow_payments(move, (345, 45))
            self.assertFalse(self.pay(other).move_id)

    def follow_payments(self, move, *payments):
        """Each of them an amount, and what is owed of the tax after it."""
        self.assert_sound(move)
        for amount, owed in payments:
            payment = self.pay(move, amount)
            self.assertTrue(payment.move_id, "A payment with its journal entry.")
            self.assertAlmostEqual(self.owed(move), owed)
        self.assertEqual(move.psa_state, "paid")
        self.assert_sound(self.credit(move))


@freeze_time("2026-02-02")
class TestTaxes(TaxShapes, TaxCase):
    """Any country: a chart of accounts of nobody in particular, in dollars."""

    @classmethod
    @setup_chart("generic_coa")
    def setUpClass(cls):
        super().setUpClass()


@freeze_time("2026-02-02")
class TestFrenchTaxes(TaxShapes, TaxCase):
    """VAT on services is owed when they are paid; customers in the Union owe theirs."""

    @classmethod
    @setup_chart("fr")
    @setup_country("fr")
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.vat = "FR23334175221"

    def tax(self, name):
        return self.env["account.chart.template"].ref(name)

    def owed(self, move):
        """VAT that was moved from "to be settled" to "collected"."""
        collected = self.tax("pcg_44571")
        lines = move.tax_cash_basis_created_move_ids.line_ids
        return -fsum(
            lines.filtered(lambda line: line.account_id == collected).mapped("balance")
        )

    def test_services_are_taxed_when_they_are_paid(self):
        move = self.bill(1, 2, price=100, taxes=self.tax("tva_normale_encaissement"))
        self.assert_totals(move, 300, 60)
        move.action_post()
        self.assert_sound(move)
        waiting = move.line_ids.filtered("tax_line_id")
        self.assertEqual(waiting.account_id, self.tax("pcg_44574"))
        self.assertEqual(self.owed(move), 0)
        self.pay(move, 120)
        self.assertAlmostEqual(self.owed(move), 20)
        self.pay(move)
        self.assertAlmostEqual(self.owed(move), 60)
        self.assertEqual(move.psa_state, "paid")
        credit_note = self.credit(move)
        self.assert_totals(credit_note, 300, 60)
        self.assert_sound(credit_note)

    def test_goods_are_taxed_when_they_are_invoiced(self):
        move = self.bill(1, 2, price=100, taxes=self.tax("tva_normale"))
        credit_note = self.follow(move, 300, 60)
        self.assertFalse(move.tax_cash_basis_created_move_ids)
        collected = credit_note.line_ids.filtered("tax_line_id").account_id
        self.assertEqual(collected, self.tax("pcg_44571"))

    def test_prices_with_tax(self):
        """An hour is 120.00, of which 20.00 are VAT."""
        tax = self.tax("tva_normale_encaissement_ttc")
        tax.active = True
        self.follow(self.bill(1, 2, price=120, taxes=tax), 300, 60)

    def test_two_rates_on_one_invoice(self):
        """One hour at 20 % and two at 5.5 %."""
        self.tax("tva_reduite_encaissement").active = True
        project = self.project()
        normal = self.contract(
            project, self.service(100, self.tax("tva_normale_encaissement"))
        )
        reduced = self.contract(
            project, self.service(100, self.tax("tva_reduite_encaissement"))
        )
        for day, line, hours in ((1, normal, 1), (2, reduced, 2)):
            self.log(project, date(2026, 1, day), hours, so_line=line.id)
        self.follow(project._psa_invoice(JANUARY), 300, 31)

    def test_a_firm_in_the_union_owes_the_tax_itself(self):
        self.customer.write(
            {"country_id": self.env.ref("base.be").id, "vat": "BE0477472701"}
        )
        move = self.bill(1, 2, price=100, taxes=self.tax("tva_normale_encaissement"))
        self.assertEqual(
            move.fiscal_position_id, self.tax("fiscal_position_template_intraeub2b")
        )
        self.assertEqual(
            move.invoice_line_ids.tax_ids, self.tax("tva_sale_service_intra_0")
        )
        self.assertIn(
            "Reverse charge", move.invoice_line_ids.tax_ids.invoice_legal_notes
        )
        self.follow(move, 300, 0)

    def test_a_person_in_the_union_pays_it(self):
        self.customer.country_id = self.env.ref("base.be")
        move = self.bill(1, 2, price=100, taxes=self.tax("tva_normale_encaissement"))
        self.assertEqual(
            move.fiscal_position_id, self.tax("fiscal_position_template_intraeub2c")
        )
        self.follow(move, 300, 60)

    def test_a_price_with_tax_is_one_without_it_abroad(self):
        """120.00 with 20 % in it are 100.00 for a customer in Switzerland."""
        tax = self.tax("tva_normale_encaissement_ttc")
        tax.active = True
        self.customer.country_id = self.env.ref("base.ch")
        move = self.bill(1, 2, price=120, taxes=tax)
        self.assertEqual(
            move.invoice_line_ids.tax_ids, self.tax("tva_sale_service_export_0")
        )
        self.assertEqual(move.invoice_line_ids.price_unit, 100)
        self.follow(move, 300, 0)

    def test_in_another_currency(self):
        """Two dollars are one euro: 300.00 and 60.00 dollars, of which 30.00 euros are
        owed once they are paid."""
        dollar = self.setup_other_currency("USD", rates=[("2020-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Dollars", "currency_id": dollar.id}
        )
        # An hour is 50.00 euros.
        move = self.bill(
            1,
            2,
            price=50,
            taxes=self.tax("tva_normale_encaissement"),
            pricelist_id=pricelist.id,
        )
        self.assertEqual(move.currency_id, dollar)
        self.assert_totals(move, 300, 60)
        self.assertEqual(sorted(move.detail_ids.mapped("amount")), [100, 200])
        move.action_post()
        self.assert_sound(move)
        self.pay(move)
        self.assertEqual(move.psa_state, "paid")
        self.assertAlmostEqual(self.owed(move), 30)
        credit_note = self.credit(move)
        self.assert_totals(credit_note, 300, 60)
        self.assert_sound(credit_note)


@freeze_time("2026-02-02")
class TestGermanTaxes(TaxShapes, TaxCase):
    """Where it is sold decides on the tax, and on the account of the income."""

    @classmethod
    @setup_chart("de_skr03")
    @setup_country("de")
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.vat = "DE123456788"
        chart = cls.env["account.chart.template"]
        # What a service has no account for is income at 19 %.
        cls.income = chart.ref("account_8400")
        cls.company_data["default_account_revenue"] = cls.income

    def tax(self, name):
        return self.env["account.chart.template"].ref(name)

    def service(self, price, taxes):
        product = super().service(price, taxes)
        product.property_account_income_id = self.income
        return product

    def test_at_home(self):
        move = self.bill(1, 2, price=100, taxes=self.tax("tax_ust_19_skr03"))
        self.assertEqual(move.invoice_line_ids.account_id.code, "8400")
        self.follow(move, 300, 57)

    def test_the_reduced_rate_on_odd_amounts(self):
        """0.33 h at 99.99 are 33.00, and 7 % of it 2.31."""
        move = self.bill(0.33, price=99.99, taxes=self.tax("tax_ust_7_skr03"))
        self.follow(move, 33, 2.31)

    def test_a_firm_in_the_union_owes_the_tax_itself(self):
        self.customer.write(
            {"country_id": self.env.ref("base.at").id, "vat": "ATU12345675"}
        )
        move = self.bill(1, 2, price=100, taxes=self.tax("tax_ust_19_skr03"))
        self.assertEqual(
            move.fiscal_position_id,
            self.tax("fiscal_position_eu_vat_id_partner_skr03"),
        )
        self.assertEqual(move.invoice_line_ids.tax_ids, self.tax("tax_eu_sale_skr03"))
        self.assertEqual(move.invoice_line_ids.account_id.code, "8125")
        credit_note = self.follow(move, 300, 0)
        self.assertEqual(credit_note.invoice_line_ids.account_id.code, "8125")

    def test_a_service_outside_the_union(self):
        """Its position is chosen by hand; its tax and its account follow."""
        untaxed = self.tax("tax_free_third_country_skr03")
        untaxed.active = True
        self.customer.write(
            {
                "country_id": self.env.ref("base.ch").id,
                "property_account_position_id": self.tax(
                    "fiscal_position_non_eu_partner_service_skr03"
                ).id,
            }
        )
        move = self.bill(1, 2, price=100, taxes=self.tax("tax_ust_19_skr03"))
        self.assertEqual(move.invoice_line_ids.tax_ids, untaxed)
        self.assertEqual(move.invoice_line_ids.account_id.code, "8338")
        self.follow(move, 300, 0)

    def test_rounded_once_and_for_cash(self):
        """3 × 10.05 are 30.15; 19 % of it is 5.73 and makes 35.88, or 35.90 in cash."""
        self.env.company.tax_calculation_rounding_method = "round_globally"
        move = self.bill(
            1, 1, 1, price=10.05, taxes=self.tax("tax_ust_19_skr03"), each=True
        )
        move.invoice_cash_rounding_id = self.cash_rounding_a
        self.assertEqual(move.amount_total, 35.9)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_total, 35.9)
        move.action_post()
        self.assert_sound(move)
        self.pay(move)
        credit_note = self.credit(move)
        self.assertEqual(credit_note.amount_total, 35.9)
        self.assert_sound(credit_note)


@freeze_time("2026-02-02")
class TestTwoCountries(TaxCase):
    """A French firm and its German sister: each bills by its own chart."""

    @classmethod
    @setup_chart("fr")
    @setup_country("fr")
    def setUpClass(cls):
        super().setUpClass()
        cls.ensure_installed("l10n_de")
        cls.here = cls.env.company
        cls.chart_template, cls.country_code = "de_skr03", "DE"
        cls.there = cls.setup_other_company(name="Schwester")["company"]

    def bill_of(self, company, tax):
        """A project of a company, with an hour for 100.00 worked on it."""
        env = self.env(context={"allowed_company_ids": company.ids})
        employee = env["hr.employee"].create(
            {"name": company.name, "company_id": company.id}
        )
        product = env["product.product"].create(
            {
                "name": "Hour",
                "type": "service",
                "invoice_policy": "delivery",
                "service_type": "timesheet",
                "uom_id": self.hour.id,
                "list_price": 100,
                "taxes_id": [Command.set(env["account.chart.template"].ref(tax).ids)],
            }
        )
        project = env["project.project"].create(
            {
                "name": company.name,
                "partner_id": self.customer.id,
                "allow_billable": True,
                "company_id": company.id,
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
        env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": project.id,
                "employee_id": employee.id,
                "date": date(2026, 1, 5),
                "unit_amount": 1,
            }
        )
        return project

    def test_one_run_for_both(self):
        projects = self.bill_of(self.here, "tva_normale") + self.bill_of(
            self.there, "tax_ust_19_skr03"
        )
        env = self.env(context={"allowed_company_ids": (self.here + self.there).ids})
        moves = projects.with_env(env)._psa_invoice(JANUARY)
        self.assertEqual(
            {move.company_id: move.amount_tax for move in moves},
            {self.here: 20, self.there: 19},
        )
        moves.action_post()
        for move in moves:
            move = move.with_company(move.company_id)
            self.assert_sound(move)
            self.pay(move)
            self.assertEqual(move.psa_state, "paid")
            self.assert_sound(self.credit(move))
