# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is given to Odoo at once comes to what it would have found out itself."""

from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

from odoo.fields import Command

from odoo.addons.psa_invoicing.models.billing.account_move_ledger import (
    AccountMove,
    AccountMoveLine,
)
from odoo.addons.psa_invoicing.models.billing.completing import Completing

from .common import BillingCase

JANUARY = date(2026, 1, 31)
HOURS = (7.25, 14.75, 21.5)
# Differ from one invoice to the next, whatever is billed.
OWN_COLUMNS = {
    "id",
    "move_id",
    "name",
    "move_name",
    "access_token",
    "sequence_number",
    "term_key",
    "create_date",
    "write_date",
}


class TestCompleting(BillingCase):
    """Hours whose amounts have four decimals, at 87.35."""

    def bill(self, hours=HOURS, price_unit=87.35, **values):
        """A contract line for each number of hours.

        :return: the stored values of the invoice and its lines, completed and not
        """
        work = self.project("Tower")
        for number in hours:
            line = self.contract(work, price_unit=price_unit, **values)
            for part in (number / 4, number / 4, number / 2):
                self.log(
                    work,
                    date(2026, 1, 5),
                    part,
                    so_line=line.id,
                    is_so_line_edited=True,
                )
        return self.stored_values(work, True), self.stored_values(work, False)

    def stored_values(self, work, completed: bool) -> list[dict]:
        self.env.flush_all()
        with self.env.cr.savepoint() as savepoint:
            if completed:
                moves = work._psa_invoice(JANUARY)
            else:
                with self.nothing_spared():
                    moves = work._psa_invoice(JANUARY)
            self.assertTrue(moves)
            self.env.flush_all()
            found = [
                self.columns(record)
                for records in (moves, moves.line_ids)
                for record in records
            ]
            savepoint.rollback()
        self.env.invalidate_all()
        return found

    @contextmanager
    def nothing_spared(self):
        """Leave all to Odoo."""

        def unspared(model, name):
            return patch.object(model, name, lambda self, _vals: self)

        with (
            patch.object(Completing, "complete", lambda _self, values: values),
            unspared(AccountMove, "_psa_spare_sync"),
            unspared(AccountMoveLine, "_psa_spare_partner"),
        ):
            yield

    def columns(self, record) -> dict:
        names = [
            name
            for name, field in record._fields.items()
            if field.store and field.column_type and name not in OWN_COLUMNS
        ]
        return record.read(names, load=None)[0] | {"id": None}

    def assertSame(self, **values):
        completed, plain = self.bill(**values)
        self.assertGreater(len(plain), 3)
        for ours, odoos in zip(completed, plain, strict=True):
            self.assertEqual(ours, odoos)

    def rounding(self, method):
        self.env.company.tax_calculation_rounding_method = method

    def test_untaxed(self):
        for method in ("round_per_line", "round_globally"):
            with self.subTest(method):
                self.rounding(method)
                self.assertSame(tax_ids=[Command.clear()])

    def test_fractions_of_a_cent(self):
        """Two lines of 146.8944 each: by line they come to 293.78, in all to 293.79."""
        for method in ("round_per_line", "round_globally"):
            for taxes in ([Command.clear()], []):
                with self.subTest(method, taxed=not taxes):
                    self.rounding(method)
                    self.assertSame(
                        price_unit=12.12,
                        hours=[12.12, 12.12],
                        **({"tax_ids": taxes} if taxes else {}),
                    )

    def test_taxed(self):
        for method in ("round_per_line", "round_globally"):
            with self.subTest(method):
                self.rounding(method)
                self.assertSame()

    def test_taxes_in_the_price(self):
        tax = self.company_data["default_tax_sale"].copy(
            {"name": "15 % included", "price_include_override": "tax_included"}
        )
        for method in ("round_per_line", "round_globally"):
            with self.subTest(method):
                self.rounding(method)
                self.assertSame(tax_ids=[Command.set(tax.ids)])

    def test_discount(self):
        self.assertSame(discount=7.5)
        self.assertSame(discount=33.33, tax_ids=[Command.clear()])

    def test_foreign_currency(self):
        """The first day's rate is long gone when the invoice is made."""
        currency = self.setup_other_currency(
            "CHF", rates=[("2020-01-01", 1.0731), ("2026-01-01", 0.9137)]
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": currency.id}
        )
        for method in ("round_per_line", "round_globally"):
            for values in ({}, {"tax_ids": [Command.clear()]}, {"discount": 33.33}):
                with self.subTest(method, values=values):
                    self.rounding(method)
                    self.assertSame(pricelist_id=pricelist.id, **values)

    def test_journal_of_a_currency(self):
        currency = self.setup_other_currency("CHF", rates=[("2020-01-01", 0.9137)])
        journal = self.company_data["default_journal_sale"].copy(
            {"currency_id": currency.id}
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": currency.id}
        )
        completed, plain = self.bill(pricelist_id=pricelist.id)
        self.assertEqual(completed[0]["journal_id"], journal.id)
        self.assertEqual(completed, plain)

    def test_analytic_distribution(self):
        plan = self.env["account.analytic.plan"].create({"name": "Teams"})
        account = self.env["account.analytic.account"].create(
            {"name": "Alpha", "plan_id": plan.id}
        )
        with self.subTest("of the contract line"):
            self.assertSame(analytic_distribution={str(account.id): 100})
        with self.subTest("of a model"):
            self.env["account.analytic.distribution.model"].create(
                {
                    "partner_id": self.customer.id,
                    "analytic_distribution": {str(account.id): 60},
                }
            )
            completed, plain = self.bill()
            self.assertEqual(completed, plain)
            self.assertIn(
                {str(account.id): 60.0},
                [values.get("analytic_distribution") for values in plain],
            )

    def test_credit_note(self):
        """Hours that were taken back are worth more than those that are left."""
        work = self.project("Tower")
        line = self.contract(work, price_unit=87.35)
        self.log(work, date(2026, 1, 5), -3.25, so_line=line.id)
        wizard = self.env["psa.manual.invoice"].create(
            {
                "project_ids": [Command.set(work.ids)],
                "cutoff_date": JANUARY,
            }
        )
        wizard.action_next()
        wizard.action_finish()
        move = self.env["account.move"].search(
            [("move_type", "=", "out_refund"), ("partner_id", "=", self.customer.id)]
        )
        self.assertEqual(move.amount_untaxed, 283.89)
        self.assertEqual(move.invoice_line_ids.balance, 283.89)
        self.assertEqual(move.invoice_date, False)
