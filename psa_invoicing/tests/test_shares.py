# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What several projects bear of one line of a bill is never more than the line."""

from .cost_case import FEBRUARY, CostCase


class TestShares(CostCase):
    """A hotel of 250.00 for projects of two analytic plans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan = cls.env["account.analytic.plan"].create({"name": "Sites"})
        cls.site = cls.project("Site")
        cls.contract(cls.site).order_id.project_id = cls.site
        cls.site_account = cls.env["account.analytic.account"].create(
            {"name": "Site", "plan_id": cls.plan.id}
        )
        cls.site.account_id = False
        cls.site[cls.plan._column_name()] = cls.site_account

    def bill(self, distribution):
        return self.posted_bill(self.hotel, distribution, price_unit=250)

    def shares(self):
        costs = self.env["psa.reinvoiced.cost"].search(
            [("project_id", "in", (self.trip + self.site).ids)]
        )
        return {cost.project_id: round(cost.billable_quantity, 3) for cost in costs}

    def billed(self):
        moves = (self.trip + self.site)._psa_invoice(FEBRUARY)
        return sum(moves.mapped("amount_untaxed"))

    def test_more_than_all_of_it(self):
        """100 % and 60 %: about 5 to 3, once somebody has looked at it."""
        trip, site = self.trip.account_id.id, self.site_account.id
        bill = self.bill({trip: 100, site: 60})
        self.assertEqual(self.shares(), {self.trip: 0.62, self.site: 0.38})
        self.assertEqual(self.billed(), 0)
        rows = self.env["psa.backlog"].search([("project_id", "=", self.site.id)])
        self.assertEqual(rows.status, "hold")
        costs = self.env["psa.reinvoiced.cost"].search(
            [("source_move_line_id.move_id", "=", bill.id)]
        )
        for reason in costs.mapped("billing_hold_reason"):
            self.assertIn("160.0 %", reason)
        self.assertFalse(any(costs.sale_line_id.mapped("qty_to_invoice")))
        costs.action_psa_release()
        self.assertEqual(self.billed(), 250)

    def test_the_bill_is_corrected(self):
        """Then nothing waits any more."""
        trip, site = self.trip.account_id.id, self.site_account.id
        bill = self.bill({trip: 100, site: 60})
        bill.button_draft()
        bill.invoice_line_ids.analytic_distribution = {trip: 40, site: 60}
        bill.action_post()
        self.assertEqual(self.shares(), {self.trip: 0.4, self.site: 0.6})
        self.assertEqual(self.billed(), 250)

    def test_both_plans_in_one_share(self):
        """All of it is on either: 50 to 50."""
        self.bill({f"{self.trip.account_id.id},{self.site_account.id}": 100})
        self.assertEqual(self.shares(), {self.trip: 0.5, self.site: 0.5})
        self.assertEqual(self.billed(), 0)

    def test_a_project_of_both_plans_is_meant_more_closely(self):
        """A project with both accounts bears it, and not that with one of them."""
        both = self.project("Both", account_id=self.trip.account_id.id)
        self.contract(both).order_id.project_id = both
        both[self.plan._column_name()] = self.site_account
        self.bill({f"{self.trip.account_id.id},{self.site_account.id}": 100})
        cost = self.env["psa.reinvoiced.cost"].search(
            [("sale_line_id.order_id.project_id", "=", both.id)]
        )
        self.assertEqual((cost.project_id, cost.billable_quantity), (both, 1))
        self.assertFalse(cost.billing_hold)
        self.assertFalse(self.shares())

    def test_it_is_credited(self):
        trip, site = self.trip.account_id.id, self.site_account.id
        self.reverse(self.bill({trip: 100, site: 60}))
        self.assertEqual(self.shares(), {self.trip: 0, self.site: 0})

    def test_the_audit(self):
        self.audited = False
        trip, site = self.trip.account_id.id, self.site_account.id
        bill = self.bill({trip: 40, site: 60})
        costs = self.env["psa.reinvoiced.cost"].search(
            [("source_move_line_id.move_id", "=", bill.id)]
        )
        costs[0].sudo().billable_quantity = 1
        (finding,) = self.env["psa.ledger.audit"]._findings()
        self.assertEqual(
            (finding["check"], finding["res_id"]), ("cost_shares", bill.id)
        )


class TestProjectsOfOneOrder(CostCase):
    """The trip and the tour have accounts of their own, and the same contract."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tour = cls.project("Tour", sale_line_id=cls.trip.sale_line_id.id)
        if not cls.tour.account_id:
            cls.tour._create_analytic_account()

    def bill(self, trip=0, tour=0):
        shares = {self.trip.account_id.id: trip, self.tour.account_id.id: tour}
        return self.posted_bill(
            self.hotel,
            {account: share for account, share in shares.items() if share},
            price_unit=250,
        )

    def assert_billed_and_taken_back(self, bill):
        """Whole, once: corrected to 300, then reversed."""
        both = self.trip + self.tour
        for amount in (250, 50):
            invoice = both._psa_invoice(FEBRUARY)
            self.assertEqual(invoice.amount_untaxed, amount)
            invoice.action_post()
            self.assertFalse(self.open())
            self.assertFalse(any(self.costs().sale_line_id.mapped("qty_to_invoice")))
            bill.button_draft()
            bill.invoice_line_ids.price_unit = 300
            bill.action_post()
        self.assertFalse(self.open())
        self.reverse(bill)
        credit = self.credit()
        self.assertEqual((credit.move_type, credit.amount_untaxed), ("out_refund", 300))
        credit.action_post()
        self.assert_nothing_is_due()

    def test_a_cost_of_both(self):
        self.assert_billed_and_taken_back(self.bill(trip=60, tour=40))

    def test_a_cost_of_the_second_one(self):
        self.assert_billed_and_taken_back(self.bill(tour=100))

    def test_a_cost_of_the_first_one(self):
        self.assert_billed_and_taken_back(self.bill(trip=100))

    def test_at_a_sales_price(self):
        """3 at 80."""
        self.hotel.write({"expense_policy": "sales_price", "list_price": 80})
        bill = self.posted_bill(
            self.hotel,
            {self.trip.account_id.id: 60, self.tour.account_id.id: 40},
            quantity=3,
        )
        invoice = (self.trip + self.tour)._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, 240)
        invoice.action_post()
        self.reverse(bill)
        self.assertEqual(self.credit().amount_untaxed, 240)

    def test_a_journal_entry(self):
        self.posted_entry(
            self.hotel,
            ("Hotel", 250, {self.trip.account_id.id: 60, self.tour.account_id.id: 40}),
        )
        invoice = (self.trip + self.tour)._psa_invoice(FEBRUARY)
        self.assertEqual(invoice.amount_untaxed, 250)
