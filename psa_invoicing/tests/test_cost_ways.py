# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Costs of another currency, and journal entries of several lines and projects."""

from odoo.fields import Command

from .cost_case import DAY, FEBRUARY, JANUARY, LATER, CostCase


class TestForeignCosts(CostCase):
    """1.00 is 0.50 EUR, and 0.40 EUR from 20 January on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.setup_other_currency(
            "EUR",
            rates=[("2026-01-01", 0.5), ("2026-01-20", 0.4), (LATER, 0.4)],
        )

    def euro_bill(self, price):
        return self.posted_bill(
            self.hotel, self.trip, day=DAY, currency=self.euro, price_unit=price
        )

    def correct(self, bill, **values):
        bill.button_draft()
        bill.write(values)
        bill.action_post()

    def change_rate(self, day, rate):
        self.euro.rate_ids.filtered(lambda each: each.name == day).rate = rate

    def test_corrected_after_billing(self):
        """125 EUR, then 150, then 100."""
        bill = self.euro_bill(125)
        invoice = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, 250)
        invoice.action_post()
        for price, due in ((150, 50), (100, -100)):
            line = Command.update(bill.invoice_line_ids.id, {"price_unit": price})
            self.correct(bill, invoice_line_ids=[line])
            self.assertEqual(sum(self.open().mapped("amount")), due)
            document = self.trip._psa_invoice(FEBRUARY) or self.credit()
            self.assertEqual(document.amount_untaxed, abs(due))
            document.action_post()
        self.assert_nothing_is_due()

    def test_another_day_is_another_rate(self):
        """125 EUR are 312.50 on the 25th."""
        bill = self.euro_bill(125)
        self.trip._psa_invoice(FEBRUARY).action_post()
        self.correct(bill, invoice_date="2026-01-25", date="2026-01-25")
        invoice = self.trip._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, 62.5)
        invoice.action_post()
        self.assert_nothing_is_due()

    def test_reversed_at_another_rate(self):
        """What was billed is credited, whatever it is worth by then."""
        bill = self.euro_bill(125)
        self.trip._psa_invoice(FEBRUARY).action_post()
        self.reverse(bill)
        credit = self.credit()
        self.assertEqual(credit.amount_untaxed, 250)
        credit.action_post()
        self.assert_nothing_is_due()

    def test_the_rate_changes_while_the_bill_is_a_draft(self):
        bill = self.euro_bill(125)
        bill.button_draft()
        self.assertFalse(self.open())
        self.change_rate(DAY.replace(day=1), 0.625)
        # Odoo asks for the rate when the day changes.
        bill.invoice_date = "2026-01-12"
        bill.action_post()
        self.assertEqual(self.trip._psa_invoice(FEBRUARY).amount_untaxed, 200)

    def test_the_rate_changes_while_the_invoice_is_a_draft(self):
        """The bill is posted: nobody pays more for it, and the next one is dearer."""
        self.euro_bill(125)
        draft = self.trip._psa_invoice(FEBRUARY)
        self.change_rate(DAY.replace(day=1), 0.625)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 250)
        draft.action_post()
        self.assert_nothing_is_due()
        self.euro_bill(125)
        self.assertEqual(self.trip._psa_invoice(FEBRUARY).amount_untaxed, 200)

    def test_a_customer_of_the_other_currency(self):
        """250.00 are 125 EUR in January; the rate of his invoice's day is another."""
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": self.euro.id}
        )
        self.trip = abroad = self.bearer("Abroad", pricelist_id=pricelist.id)
        abroad.sale_line_id.order_id.date_order = "2026-01-05 12:00:00"
        bill = self.vendor_bill()
        draft = abroad._psa_invoice(FEBRUARY)
        self.assertEqual((draft.currency_id, draft.amount_untaxed), (self.euro, 125))
        self.change_rate(LATER, 0.8)
        draft.invoice_date = LATER
        draft.action_post()
        self.assertEqual(draft.amount_untaxed, 125)
        self.assert_ledger(draft)
        self.reverse(bill)
        credit = self.credit()
        self.assertEqual((credit.currency_id, credit.amount_untaxed), (self.euro, 125))

    def test_expenses(self):
        for paid_by in ("company_account", "own_account"):
            expense = self.expense(
                paid_by, currency_id=self.euro.id, total_amount_currency=125
            )
            invoice = self.trip._psa_invoice(JANUARY)
            self.assertEqual(invoice.amount_untaxed, 250)
            invoice.action_post()
            self.reverse(expense.account_move_id)
            credit = self.credit()
            self.assertEqual(credit.amount_untaxed, 250)
            credit.action_post()
            self.assert_nothing_is_due()


class TestEntriesOfSeveralLines(CostCase):
    """A journal entry: 250 for the trip, 100 by 60 to 40, and 50 for the tour."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tour = cls.bearer("Tour")

    def entry(self):
        trip, tour = self.trip.account_id.id, self.tour.account_id.id
        return self.posted_entry(
            self.hotel,
            ("Hotel", 250, self.trip),
            ("Shared", 100, {trip: 60, tour: 40}),
            ("Taxi", 50, self.tour),
            day=DAY,
        )

    def billed(self):
        """Untaxed, of the trip and the tour."""
        moves = [project._psa_invoice(FEBRUARY) for project in self.trip + self.tour]
        return [move.amount_untaxed for move in moves]

    def due(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return [
            sum(
                self.env["psa.backlog"]
                .search([("project_id", "=", project.id)])
                .mapped("amount")
            )
            for project in self.trip + self.tour
        ]

    def test_each_project_pays_its_part(self):
        self.entry()
        self.assertEqual(self.billed(), [310, 90])
        self.assertEqual(self.due(), [0, 0])

    def test_reversed_before_billing(self):
        self.reverse(self.entry())
        self.assertEqual(self.due(), [0, 0])
        self.assertEqual(self.billed(), [0, 0])

    def test_reversed_after_billing(self):
        entry = self.entry()
        for project in self.trip + self.tour:
            project._psa_invoice(FEBRUARY).action_post()
        self.reverse(entry)
        self.assertEqual(self.due(), [-310, -90])

    def test_a_part_is_reversed(self):
        entry = self.entry()
        self.reverse(entry, 0.4)
        self.assertEqual(self.billed(), [186, 54])

    def test_corrected_after_billing(self):
        """The shared line goes to the tour alone, and the taxi is dearer by 10."""
        entry = self.entry()
        for project in self.trip + self.tour:
            project._psa_invoice(FEBRUARY).action_post()
        entry.button_draft()
        lines = {line.name: line for line in entry.line_ids}
        lines["Shared"].analytic_distribution = {self.tour.account_id.id: 100}
        balancing = entry.line_ids.filtered("credit")
        entry.line_ids = [
            Command.update(lines["Taxi"].id, {"debit": 60}),
            Command.update(balancing.id, {"credit": 410}),
        ]
        entry.action_post()
        self.assertEqual(self.due(), [-60, 70])

    def test_one_of_its_lines_is_deleted(self):
        entry = self.entry()
        for project in self.trip + self.tour:
            project._psa_invoice(FEBRUARY).action_post()
        entry.button_draft()
        balancing = entry.line_ids.filtered("credit")
        gone = entry.line_ids.filtered(lambda line: line.name == "Shared")
        entry.line_ids = [
            Command.delete(gone.id),
            Command.update(balancing.id, {"credit": 300}),
        ]
        entry.action_post()
        self.assertEqual(self.due(), [-60, -40])
