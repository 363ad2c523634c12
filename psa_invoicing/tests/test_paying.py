# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mark as Paid: one or many, in part, undone, and by a bank statement."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)


@freeze_time("2026-02-02")
class TestPaying(BillingCase):
    def sent(self, *hours, **values):
        """An invoice that the customer has: 115.00 an hour with tax."""
        move = self.time_project(*hours, **values)._psa_invoice(JANUARY)
        move.action_post()
        move.action_psa_mark_sent()
        return move

    def register(self, moves, **values):
        action = moves.action_psa_mark_paid()
        return (
            self.env["account.payment.register"]
            .with_context(**action["context"])
            .create(values)
        )

    def pay(self, moves, **values):
        return self.register(moves, **values)._create_payments()

    def other_customer(self, **values):
        return self.env["res.partner"].create(
            {"name": "Other", "is_company": True, "email": "o@example.com", **values}
        )

    def invoiced(self, project):
        """What Odoo's project dashboard says was invoiced, and is to be."""
        data = project._get_profitability_items(with_action=False)["revenues"]
        return data["total"]["invoiced"], data["total"]["to_invoice"]

    # === One ===

    def test_journal_date_and_amount(self):
        move = self.sent(2)
        payment = self.pay(
            move,
            journal_id=self.company_data["default_journal_cash"].id,
            payment_date=date(2026, 2, 1),
            amount=100,
        )
        self.assertEqual(payment.journal_id, self.company_data["default_journal_cash"])
        self.assertEqual((payment.date, payment.amount), (date(2026, 2, 1), 100))
        self.assertEqual((move.psa_state, move.amount_residual), ("partial", 130))
        self.pay(move)
        self.assertEqual((move.psa_state, move.amount_residual), ("paid", 0))

    def test_less_than_due_written_off(self):
        move = self.sent(2)
        self.pay(
            move,
            amount=229,
            payment_difference_handling="reconcile",
            writeoff_account_id=self.company_data["default_account_expense"].id,
        )
        self.assertEqual((move.psa_state, move.amount_residual), ("paid", 0))

    def test_confirmed_can_be_paid_before_it_is_sent(self):
        move = self.time_project(1)._psa_invoice(JANUARY)
        move.action_post()
        self.pay(move)
        self.assertEqual(move.psa_state, "paid")

    def test_paid_once(self):
        move = self.sent(1)
        self.pay(move)
        with self.assertRaises(UserError):
            self.register(move)

    # === Undone ===

    def undo(self, payment):
        """As an accountant does: Reset to Draft, Cancel.

        A draft payment still counts for Odoo, here as everywhere.
        """
        payment.action_draft()
        payment.action_cancel()

    def test_undone_is_sent_again(self):
        move = self.sent(2)
        self.undo(self.pay(move))
        self.assertEqual((move.psa_state, move.amount_residual), ("sent", 230))
        self.pay(move)
        self.assertEqual(move.psa_state, "paid")

    def test_one_of_two_undone_is_partially_paid(self):
        move = self.sent(2)
        self.pay(move, amount=100)
        self.undo(self.pay(move))
        self.assertEqual((move.psa_state, move.amount_residual), ("partial", 130))

    def test_taken_off_the_invoice(self):
        """The cross beside the payment, below the totals of the invoice."""
        move = self.sent(2)
        self.pay(move)
        partial = move.line_ids.matched_credit_ids
        move.js_remove_outstanding_partial(partial.id)
        self.assertEqual((move.psa_state, move.amount_residual), ("sent", 230))

    def test_undone_before_it_was_ever_sent(self):
        move = self.time_project(1)._psa_invoice(JANUARY)
        move.action_post()
        self.undo(self.pay(move))
        self.assertEqual(move.psa_state, "confirmed")

    # === Many ===

    def test_several_customers_at_once(self):
        one, two = self.sent(1), self.sent(2, customer=self.other_customer())
        payments = self.pay(one + two)
        self.assertEqual(sorted(payments.mapped("amount")), [115, 230])
        self.assertEqual((one + two).mapped("psa_state"), ["paid", "paid"])

    def test_one_payment_for_several_of_a_customer(self):
        moves = self.sent(1) + self.sent(2)
        payment = self.pay(moves, group_payment=True)
        self.assertEqual((len(payment), payment.amount), (1, 345))
        self.assertEqual(moves.mapped("psa_state"), ["paid", "paid"])

    def test_a_payment_each(self):
        moves = self.sent(1) + self.sent(2)
        payments = self.pay(moves, group_payment=False)
        self.assertEqual(sorted(payments.mapped("amount")), [115, 230])
        self.assertEqual(moves.mapped("psa_state"), ["paid", "paid"])

    def test_several_currencies_at_once(self):
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 0.5)])
        pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        foreign = self.project()
        self.contract(foreign, pricelist_id=pricelist.id, price_unit=80)
        self.log(foreign, date(2026, 1, 1), 1)
        abroad = foreign._psa_invoice(JANUARY)
        abroad.action_post()
        abroad.action_psa_mark_sent()
        self.assertEqual((abroad.currency_id, abroad.amount_total), (euro, 92))
        home = self.sent(1)
        payments = self.pay(home + abroad)
        self.assertEqual(
            {payment.currency_id: payment.amount for payment in payments},
            {home.currency_id: 115, euro: 92},
        )
        self.assertEqual((home + abroad).mapped("psa_state"), ["paid", "paid"])

    def test_a_draft_among_them_is_named(self):
        draft = self.time_project(1)._psa_invoice(JANUARY)
        with self.assertRaisesRegex(UserError, "Send .* to the customer first"):
            (self.sent(2) + draft).action_psa_mark_paid()

    # === What else knows of it ===

    def test_the_projects_figures_follow(self):
        move = self.sent(2)
        project = move.billing_project_ids
        self.log(project, date(2026, 2, 1), 1)
        order = project.sale_line_id.order_id
        self.assertEqual(self.invoiced(project), (200, 100))
        self.assertEqual(order.amount_invoiced, 230)
        payment = self.pay(move)
        self.assertEqual(self.invoiced(project), (200, 100))
        self.assertEqual(order.invoice_ids.payment_state, "paid")
        self.undo(payment)
        self.assertEqual(order.invoice_ids.payment_state, "not_paid")
        self.assertEqual(self.invoiced(project), (200, 100))
        self.assertEqual(order.amount_invoiced, 230)

    def test_a_bank_statement_pays_it_by_itself(self):
        """Reconciled as the bank widget does: its counterpart on the receivable."""
        move = self.sent(2)
        line = self.statement_line(230)
        self.reconcile(line, move)
        self.assertEqual(move.psa_state, "paid")
        line.action_undo_reconciliation()
        self.assertEqual(move.psa_state, "sent")

    def test_a_bank_statement_pays_a_part(self):
        move = self.sent(2)
        self.reconcile(self.statement_line(100), move)
        self.assertEqual((move.psa_state, move.amount_residual), ("partial", 130))

    def test_a_payment_on_its_way_is_matched_with_the_statement(self):
        """With an outstanding account Odoo waits for the bank; we say Paid already."""
        journal = self.company_data["default_journal_bank"]
        outstanding = self.company_data["default_account_assets"].copy()
        outstanding.reconcile = True
        journal.inbound_payment_method_line_ids.payment_account_id = outstanding
        move = self.sent(2)
        payment = self.pay(move, journal_id=journal.id)
        self.assertEqual(move.psa_state, "paid")
        line = self.statement_line(230)
        _liquidity, suspense, _other = line._seek_for_lines()
        suspense.account_id = outstanding
        receipt = payment.move_id.line_ids.filtered(
            lambda each: each.account_id == outstanding
        )
        (suspense + receipt).reconcile()
        self.assertTrue(payment.is_matched)
        self.assertEqual(move.psa_state, "paid")

    def statement_line(self, amount):
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": date(2026, 2, 2),
                "payment_ref": "Incoming",
                "partner_id": self.customer.id,
                "amount": amount,
            }
        )

    def reconcile(self, statement_line, move):
        receivable = move.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable"
        )
        _liquidity, suspense, _other = statement_line._seek_for_lines()
        suspense.account_id = receivable.account_id
        (suspense + receivable).reconcile()
