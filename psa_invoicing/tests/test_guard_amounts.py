# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""More than was worked, credited for nothing, unpaid by a word: not by anybody."""

from datetime import date

from odoo.fields import Command

from .doors import DOORS, JSON2, WEB
from .test_guard import GuardCase

JANUARY = date(2026, 1, 31)


class TestMoreThanWasWorked(GuardCase):
    """9 h at 100.00 were logged: who bills 1,000.00 for them has decided that."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.person("guard_clerk", "account.group_account_invoice")
        cls.draft = cls.work._psa_invoice(JANUARY)
        cls.line = cls.draft.invoice_line_ids
        cls.second = {
            "product_id": cls.time_product.id,
            "quantity": 1,
            "price_unit": 100,
            "sale_line_ids": [Command.set(cls.work.sale_line_id.ids)],
        }

    def assert_asks(self):
        for user in (self.clerk, self.biller):
            for door in (WEB, JSON2):
                for method, values in (
                    ("action_post", {}),
                    ("write", {"vals": {"state": "posted"}}),
                ):
                    self.assert_refused(
                        "bills 1 for which nothing was logged, as guard_clerk",
                        door,
                        user,
                        self.draft,
                        method,
                        **values,
                    )
        self.assertEqual(self.draft.state, "draft")

    def test_a_second_line(self):
        self.through(
            JSON2,
            self.clerk,
            self.draft,
            "write",
            vals={"invoice_line_ids": [Command.create(self.second)]},
        )
        self.assertEqual(self.draft.amount_untaxed, 1000)
        self.assert_asks()

    def test_a_quantity(self):
        """Until a billing administrator enters it."""
        self.through(JSON2, self.clerk, self.line, "write", vals={"quantity": 10})
        self.assert_asks()
        for quantity in (9, 10):
            values = {"quantity": quantity}
            self.through(JSON2, self.biller, self.line, "write", vals=values)
        self.through(JSON2, self.clerk, self.draft, "action_post")
        self.assertEqual(self.draft.amount_untaxed, 1000)

    def type(self, user, *quantities):
        for quantity in quantities:
            values = {"quantity": quantity}
            self.through(JSON2, user, self.line, "write", vals=values)

    def test_who_lowers_it_decides_nothing(self):
        """Also on an invoice that was not made from the project."""
        self.type(self.biller, 18)
        self.assert_lowered()
        self.draft = self.by_hand(self.biller, 9)
        self.line = self.draft.invoice_line_ids
        self.assert_lowered()

    def assert_lowered(self):
        most = self.line.quantity
        self.type(self.clerk, most - 1, most - 2, most - 1)
        self.assert_refused(
            "as guard_clerk", JSON2, self.clerk, self.draft, "action_post"
        )
        self.type(self.biller, most)
        self.type(self.clerk, most - 1, most - 2)
        self.through(JSON2, self.clerk, self.draft, "action_post")

    def by_hand(self, user, quantity):
        line = Command.create({**self.second, "quantity": quantity})
        (id_,) = self.through(
            JSON2,
            user,
            self.draft.browse(),
            "create",
            vals_list=[
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer.id,
                    "invoice_line_ids": [line],
                }
            ],
        )
        return self.draft.browse(id_)

    def test_an_invoice_of_their_own(self):
        """The order is billed already, whoever does it a second time."""
        self.draft = self.by_hand(self.clerk, 1)
        self.assert_asks()

    def test_an_accountant_says_why(self):
        accountant = self.person("guard_books", "account.group_account_manager")
        self.through(JSON2, self.clerk, self.line, "write", vals={"quantity": 10})
        dialogs = self.env["psa.confirm.anyway"]
        values = {"move_ids": [Command.set(self.draft.ids)], "reason": "Agreed"}
        (id_,) = self.through(JSON2, accountant, dialogs, "create", vals_list=[values])
        self.through(JSON2, accountant, dialogs.browse(id_), "action_apply")
        self.assertEqual(self.draft.state, "posted")
        body = "".join(self.draft.message_ids.mapped("body"))
        self.assertIn("Agreed. “Consulting hour” bills 1", body)


class TestCostsStay(GuardCase):
    """A vendor bill of 50.00 that is to be invoiced does not end with its line."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesman = cls.person("guard_seller", "sales_team.group_sale_manager")
        travel = cls.env["product.product"].create(
            {"name": "Travel", "invoice_policy": "delivery", "expense_policy": "cost"}
        )
        cls.bill = cls.posted_bill(travel, cls.work)
        cls.cost = cls.env["psa.reinvoiced.cost"].search(
            [("project_id", "=", cls.work.id)]
        )
        cls.order = cls.cost.sale_line_id.order_id
        cls.work.timesheet_ids.unlink()
        cls.order.with_user(cls.salesman)._action_cancel()
        cls.order.with_user(cls.salesman).action_draft()

    def test_neither_its_line_nor_the_order_is_deleted(self):
        for records in (self.cost.sale_line_id, self.order):
            for door in (WEB, JSON2):
                self.assert_refused(
                    "is still to be invoiced", door, self.salesman, records, "unlink"
                )
        self.assertEqual(self.cost.open_quantity, 1)

    def test_what_nobody_pays_goes(self):
        self.cost.action_psa_set_billing_type("non_chargeable")
        self.through(JSON2, self.salesman, self.cost.sale_line_id, "unlink")
        self.assertFalse(self.cost.exists())

    def test_what_is_no_cost_any_more_goes(self):
        self.bill.button_draft()
        self.through(JSON2, self.salesman, self.order, "unlink")
        self.assertFalse(self.cost.exists())


class TestCreditedForNothing(GuardCase):
    """9 h were billed for 900.00: they are open again once that is given back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.person("guard_clerk", "account.group_account_invoice")
        cls.invoice = cls.work._psa_invoice(JANUARY)
        cls.invoice.action_post()
        cls.line = cls.invoice.invoice_line_ids

    def credit_by_hand(self, **values):
        """What a client makes of nothing."""
        line = {
            "product_id": self.time_product.id,
            "quantity": 9,
            "price_unit": 100,
            "sale_line_ids": [Command.set(self.work.sale_line_id.ids)],
        }
        header = {
            "move_type": "out_refund",
            "partner_id": self.customer.id,
            "reversed_entry_id": self.invoice.id,
        }
        for name in list(values):
            if name in line or name == "billing_credited_line_id":
                line[name] = values.pop(name)
        header |= {**values, "invoice_line_ids": [Command.create(line)]}
        (id_,) = self.through(
            JSON2, self.clerk, self.invoice.browse(), "create", vals_list=[header]
        )
        return self.invoice.browse(id_)

    def assert_asks(self, text, credit_note):
        for method, values in (
            ("action_post", {}),
            ("write", {"vals": {"state": "posted"}}),
        ):
            for door in (WEB, JSON2):
                self.assert_refused(
                    text, door, self.clerk, credit_note, method, **values
                )
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def test_more_than_was_billed(self):
        """In one document, in several, with the work or without."""
        for reopens in (True, False):
            note = self.invoice._reverse_moves()
            note.invoice_line_ids.price_unit = 101
            note.psa_reopens_transactions = reopens
            self.assert_asks("credits 909, and only 900 is left", note)
        note.invoice_line_ids.price_unit = 40
        self.through(JSON2, self.clerk, note, "action_post")
        for price in (100, 61):
            note = self.invoice._reverse_moves()
            note.invoice_line_ids.price_unit = price
            note.psa_reopens_transactions = price == 100
            self.assert_asks("and only 540 is left", note)
        note.invoice_line_ids.price_unit = 60
        self.through(JSON2, self.clerk, note, "action_post")

    def test_to_another_customer(self):
        other = self.customer.copy({"name": "Other"})
        for named in ({}, {"billing_credited_line_id": self.line.id}):
            note = self.credit_by_hand(partner_id=other.id, **named)
            self.assert_asks("has another customer", note)

    def test_in_another_currency(self):
        other = self.setup_other_currency("EUR")
        note = self.credit_by_hand(currency_id=other.id)
        self.assert_asks("or another currency", note)

    def test_for_almost_nothing(self):
        for named in ({}, {"billing_credited_line_id": self.line.id}):
            for values in (
                {"price_unit": 0},
                {"price_unit": 0.01},
                {"quantity": 8.99, "price_unit": 50},
            ):
                note = self.credit_by_hand(**values, **named)
                note.psa_reopens_transactions = True
                self.assert_asks("all of that work would be open again", note)

    def test_a_reversal_that_was_lowered(self):
        note = self.invoice._reverse_moves()
        for values in ({"quantity": 8.99}, {"price_unit": 0.01}):
            line = note.invoice_line_ids
            self.through(JSON2, self.clerk, line, "write", vals=values)
        self.assert_asks("credits 0.09 of 899 that were billed", note)
        note.psa_reopens_transactions = False
        self.through(JSON2, self.clerk, note, "action_post")
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def test_for_what_is_left_of_its_price(self):
        """90.00 were given back before, and 810.00 now."""
        for price in (10, 90):
            note = self.invoice._reverse_moves()
            note.invoice_line_ids.price_unit = price
            note.psa_reopens_transactions = price == 90
            self.through(JSON2, self.clerk, note, "action_post")
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])

    def test_what_is_credited_counts_on_a_lowered_price(self):
        """Else the customer would owe 90.00 for work that is open again."""
        lowered, rest = self.invoice.browse(), self.invoice.browse()
        for price in (10, 90):
            lowered, rest = rest, self.invoice._reverse_moves()
            rest.invoice_line_ids.price_unit = price
            rest.psa_reopens_transactions = price == 90
            self.through(JSON2, self.clerk, rest, "action_post")
        for method, values in (
            ("button_draft", {}),
            ("button_cancel", {}),
            ("write", {"vals": {"state": "draft"}}),
        ):
            for door in (WEB, JSON2):
                self.assert_refused(
                    "credits what was left of the price",
                    door,
                    self.clerk,
                    lowered,
                    method,
                    **values,
                )
        self.through(JSON2, self.clerk, rest, "button_draft")
        self.through(JSON2, self.clerk, lowered, "button_draft")
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def test_to_an_address_of_the_customer(self):
        address = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": self.customer.id, "type": "invoice"}
        )
        note = self.credit_by_hand(partner_id=address.id)
        self.through(JSON2, self.clerk, note, "action_post")
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])


class TestPaidStaysPaid(GuardCase):
    """The customer has paid: the hours are not to be billed once more."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.person("guard_clerk", "account.group_account_invoice")
        cls.invoice = cls.work._psa_invoice(JANUARY)
        cls.invoice.action_post()

    def assert_not_cancelled(self):
        for door in (WEB, JSON2):
            self.assert_refused(
                "is confirmed or paid",
                door,
                self.clerk,
                self.invoice,
                "write",
                vals={"state": "cancel"},
            )
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def pay(self, amount):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create({"amount": amount})._create_payments()

    def test_by_a_bare_write(self):
        self.assert_not_cancelled()
        for amount in (100, self.invoice.amount_total - 100):
            self.pay(amount)
            self.assert_not_cancelled()
        # Odoo leaves the payment on a draft.
        self.through(JSON2, self.clerk, self.invoice, "write", vals={"state": "draft"})
        self.assertTrue(self.invoice.line_ids.matched_credit_ids)
        self.assert_not_cancelled()

    def test_by_the_button(self):
        """It takes the payment off, and the work is open again."""
        self.pay(self.invoice.amount_total)
        self.through(JSON2, self.clerk, self.invoice, "button_cancel")
        self.assertFalse(self.invoice.line_ids.matched_credit_ids)
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])


class TestSentIsTakenBackWithReason(GuardCase):
    """The customer has it: whoever takes it back says why."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.person("guard_clerk", "account.group_account_invoice")
        cls.invoice = cls.work._psa_invoice(JANUARY)
        cls.invoice.action_post()

    def test_through_every_door(self):
        self.through(JSON2, self.clerk, self.invoice, "button_draft")
        self.through(JSON2, self.clerk, self.invoice, "action_post")
        self.through(JSON2, self.biller, self.invoice, "action_psa_mark_sent")
        for user in (self.clerk, self.biller):
            for door in DOORS:
                for method, values in (
                    ("button_draft", {}),
                    ("button_cancel", {}),
                    ("write", {"vals": {"state": "draft"}}),
                    ("web_save", {"vals": {"state": "draft"}, "specification": {}}),
                ):
                    self.assert_refused(
                        "say why",
                        door,
                        user,
                        self.invoice,
                        method,
                        context={"psa_reason": "Because"},
                        **values,
                    )
        dialogs = self.env["psa.reset.to.draft"]
        values = {"move_ids": [Command.set(self.invoice.ids)], "reason": "A mistake"}
        (id_,) = self.through(JSON2, self.clerk, dialogs, "create", vals_list=[values])
        self.through(JSON2, self.clerk, dialogs.browse(id_), "action_apply")
        self.assertEqual(self.invoice.state, "draft")
        self.assertIn("A mistake", "".join(self.invoice.message_ids.mapped("body")))
