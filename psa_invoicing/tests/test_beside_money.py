# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Debit notes, online payments and rewards: never billed twice, whatever they add."""

from datetime import date

from odoo.fields import Command

from .beside_case import LAST
from .cost_case import CostCase


class TestBesideMoney(CostCase):
    """Two hours at 100.00; with tax 230.00."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(2)
        self.line = self.work.sale_line_id
        self.order = self.line.order_id

    def bill(self):
        return self.work._psa_invoice(LAST)

    def assert_all_is_billed(self):
        self.assertFalse(self.bill())
        self.assertEqual(self.line.qty_to_invoice, 0)

    # === Debit notes ===

    def debit(self, invoice, copy_lines=True):
        if "account.debit.note" not in self.env:
            self.skipTest("There are no debit notes.")
        wizard = (
            self.env["account.debit.note"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"copy_lines": copy_lines})
        )
        return self.env["account.move"].browse(wizard.create_debit()["res_id"])

    def posted(self):
        invoice = self.bill()
        invoice.action_post()
        return invoice

    def test_lines_of_a_debit_note_are_billed_once(self):
        """Two hours more are charged, for which there is no work: the next two are
        covered by them."""
        debit_note = self.debit(self.posted())
        self.assertEqual(debit_note.amount_untaxed, 200)
        self.assertEqual(
            debit_note.detail_ids.mapped("transaction_type"), ["adjustment"]
        )
        self.assertFalse(self.bill())
        debit_note.action_post()
        self.assertFalse(self.bill())
        # Odoo's button says the same: an hour is left of three more.
        self.log(self.work, date(2026, 1, 8), 3)
        self.assertEqual(self.line.qty_to_invoice, 1)
        later = self.bill()
        self.assertEqual(later.amount_untaxed, 100)
        self.assert_all_is_billed()

    def test_odoos_button_credits_a_debit_note(self):
        """Who credits what is beyond the work gives it back once."""
        self.debit(self.posted()).action_post()
        note = self.order._create_invoices(final=True)
        self.assertEqual((note.move_type, note.amount_untaxed), ("out_refund", 200))
        note.action_post()
        self.assertFalse(self.order._get_invoiceable_lines(final=True))
        self.assert_all_is_billed()

    def test_a_debit_note_without_lines_bills_nothing(self):
        debit_note = self.debit(self.posted(), copy_lines=False)
        self.assertFalse(debit_note.detail_ids)
        self.assert_all_is_billed()

    def test_a_debit_note_for_what_was_credited(self):
        """It bills that again, and nobody else does."""
        invoice = self.posted()
        self.reverse(invoice)
        debit_note = self.debit(invoice)
        self.assertEqual(debit_note.detail_ids.mapped("transaction_type"), ["time"])
        debit_note.action_post()
        self.assert_all_is_billed()

    # === Online payments ===

    def pay(self, **values):
        """As the customer does, on his page."""
        if "payment.transaction" not in self.env:
            self.skipTest("Nobody pays online.")
        method = self.env.ref("payment.payment_method_unknown")
        bank = self.company_data["default_journal_bank"]
        provider = self.env["payment.provider"].create(
            {
                "name": "Bank",
                "code": "none",
                "state": "test",
                "payment_method_ids": [Command.set(method.ids)],
            }
        )
        method.active = True
        if "account.payment.method" in self.env and "journal_id" in provider._fields:
            self._create_dummy_payment_method_for_provider(provider, bank)
            bank.inbound_payment_method_line_ids.filtered(
                lambda line: line.payment_provider_id == provider
            ).payment_account_id = self.company_data["default_account_assets"]
        transaction = self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": method.id,
                "partner_id": self.customer.id,
                "currency_id": self.order.currency_id.id,
                "reference": "Paid online",
                "operation": "online_redirect",
                **values,
            }
        )
        transaction._set_done()
        transaction._post_process()
        return transaction

    def test_an_invoice_that_is_paid_online(self):
        invoice = self.posted()
        invoice.action_psa_mark_sent()
        self.pay(amount=230, invoice_ids=[Command.set(invoice.ids)])
        self.assertEqual(invoice.psa_state, "paid")
        self.assert_all_is_billed()

    def test_an_order_that_is_paid_online(self):
        """It is invoiced whole, with hours that nobody has worked so far."""
        self.env["ir.config_parameter"].set_param("sale.automatic_invoice", "True")
        order = self.order
        transaction = self.pay(
            amount=order.amount_total, sale_order_ids=[Command.set(order.ids)]
        )
        self.assertEqual(transaction.invoice_ids.amount_untaxed, 1000)
        self.assertEqual(transaction.invoice_ids.state, "posted")
        self.assertFalse(self.bill())

    # === Rewards ===

    def reward(self, **values):
        if "loyalty.program" not in self.env:
            self.skipTest("Nobody is rewarded.")
        self.env["loyalty.program"].search([]).active = False
        self.env["loyalty.program"].create(
            {
                "name": "Loyal customers",
                "program_type": "promotion",
                "applies_on": "current",
                "trigger": "auto",
                "rule_ids": [Command.create({})],
                "reward_ids": [Command.create({"required_points": 1, **values})],
            }
        )
        self.order._update_programs_and_rewards()
        ((coupon, rewards),) = self.order._get_claimable_rewards().items()
        self.order._apply_program_reward(rewards, coupon)
        return self.order.order_line.filtered("is_reward_line")

    def test_a_discount_on_the_order_is_given_once(self):
        """10 % of the ten hours that were ordered."""
        discount = self.reward(reward_type="discount", discount=10)
        self.assertEqual(discount.price_subtotal, -100)
        draft = self.bill()
        self.assertEqual(draft.amount_untaxed, 200 - 100)
        draft.action_post()
        self.log(self.work, date(2026, 1, 8), 3)
        self.assertEqual(self.bill().amount_untaxed, 300)
        self.assert_all_is_billed()

    def test_a_discount_alone_is_no_invoice(self):
        self.reward(reward_type="discount", discount=10)
        self.line.order_id.order_line.action_psa_hold("Not agreed")
        self.work.timesheet_ids.action_psa_hold("Not agreed")
        self.assertFalse(self.bill())

    def test_a_free_product_is_no_invoice_line_of_its_own_money(self):
        gift = self.env["product.product"].create(
            {"name": "Mug", "type": "consu", "invoice_policy": "order"}
        )
        line = self.reward(reward_type="product", reward_product_id=gift.id)
        self.assertEqual(line.price_unit * (1 - line.discount / 100), 0)
        self.assertEqual(self.bill().amount_untaxed, 200)
