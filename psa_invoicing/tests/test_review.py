# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where a company wants it, somebody else looks at a draft before it is confirmed."""

from contextlib import closing
from datetime import date

from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class ReviewCase(BillingCase):
    def settle(self):
        """What happens at the end of a request."""
        self.env.flush_all()
        self.env.cr.flush()


class TestReview(ReviewCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Tests of accounting switch off what tells people of changes.
        cls.env = cls.env(context={})
        cls.env.company.billing_review_required = True
        cls.reviewer = cls._user("reviewer", "psa_invoicing.group_billing_reviewer")
        cls.other = cls._user("other", "psa_invoicing.group_billing_reviewer")
        cls.biller = cls._user("biller", "psa_invoicing.group_billing_manager")
        cls.work = cls.time_project(2, 3, user_id=cls.reviewer.id)
        cls.draft = cls.work._psa_invoice(JANUARY)

    @classmethod
    def _user(cls, login, groups):
        return cls.person(f"psa_{login}", groups, email=f"{login}@example.com")

    def submit(self):
        self.draft.with_user(self.biller).action_psa_submit()
        self.settle()

    def approve(self):
        self.draft.with_user(self.reviewer).action_psa_approve()
        self.settle()

    def send_back(self, comment="Too many hours", user=None):
        user = user or self.reviewer
        self.env["psa.review.comment"].with_user(user).create(
            {"move_ids": self.draft.ids, "comment": comment}
        ).action_apply()
        self.settle()

    def reminders(self, user=None):
        return self.draft.activity_ids.filtered(
            lambda each: each.user_id == (user or self.reviewer)
        )

    def told(self, user=None):
        """Subjects of what was sent to a user about the invoice."""
        partner = (user or self.reviewer).partner_id
        messages = self.env["mail.message"].search(
            [("model", "=", "account.move"), ("res_id", "=", self.draft.id)]
        )
        messages = messages.filtered(
            lambda message: partner in message.notified_partner_ids
        )
        return [subject for subject in messages.mapped("subject") if subject]

    # === From draft to confirmed ===

    def test_submit_approve_confirm(self):
        self.submit()
        self.assertEqual(self.draft.psa_state, "in_review")
        self.assertEqual(self.draft.billing_reviewer_id, self.reviewer)
        self.assertEqual(self.reminders().summary, "Review the project invoice")
        self.approve()
        self.assertEqual(self.draft.billing_review, "approved")
        self.assertEqual(
            self.draft.billing_review_date, self.env.company._billing_today()
        )
        self.assertFalse(self.reminders())
        self.send(self.draft.with_user(self.biller))
        self.assertEqual(self.draft.psa_state, "sent")
        self.assertEqual(self.draft.billing_reviewer_id, self.reviewer)

    def test_the_next_action(self):
        """Of the invoice's buttons one at a time stands out."""

        def assert_next(action):
            self.assertEqual(self.draft.psa_next_action, f"action_psa_{action}")

        assert_next("submit")
        self.draft.needs_recalculation = True
        assert_next("recalculate")
        self.draft.needs_recalculation = False
        self.submit()
        assert_next("approve")
        self.draft.needs_recalculation = True
        assert_next("recalculate")
        self.draft.needs_recalculation = False
        self.approve()
        assert_next("send")
        self.draft.action_post()
        assert_next("send")
        self.draft.billing_sending_error = "The mail server is down."
        assert_next("retry")
        self.draft.billing_sending_error = False
        self.draft.action_psa_mark_sent()
        assert_next("mark_paid")

    def test_the_next_action_without_a_review(self):
        self.env.company.billing_review_required = False
        self.assertEqual(self.draft.psa_next_action, "action_psa_send")
        self.draft.button_cancel()
        self.assertFalse(self.draft.psa_next_action)
        entry = self.env["account.move"].create({"move_type": "entry"})
        self.assertFalse(entry.psa_next_action)

    def test_nothing_is_confirmed_before(self):
        for confirm in (self.draft.action_post, self.draft.action_psa_send):
            with (
                self.assertRaisesRegex(UserError, "Submit for Review"),
                self.env.cr.savepoint(),
            ):
                confirm()
        self.submit()
        with (
            self.assertRaisesRegex(UserError, "waits for the review by psa_reviewer"),
            self.env.cr.savepoint(),
        ):
            self.draft.action_post()
        self.assertEqual(self.draft.state, "draft")

    def test_other_invoices_need_no_review(self):
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [(0, 0, {"name": "Rent", "price_unit": 10})],
            }
        )
        other.action_post()
        self.assertEqual(other.state, "posted")
        self.env.company.billing_review_required = False
        self.draft.action_post()
        self.assertEqual(self.draft.psa_state, "confirmed")

    def test_the_billing_responsible_comes_first(self):
        self.work.billing_user_id = self.other
        self.submit()
        self.assertEqual(self.draft.billing_reviewer_id, self.other)
        self.assertFalse(self.reminders())
        self.assertTrue(self.reminders(self.other))

    def test_nobody_can_review(self):
        self.work.user_id = self.env.ref("base.user_root")
        with self.assertRaisesRegex(UserError, "Enter a billing responsible"):
            self.draft.action_psa_submit()
        self.assertFalse(self.draft.billing_review)

    def test_several_at_once(self):
        second = self.time_project(4, user_id=self.reviewer.id)._psa_invoice(JANUARY)
        (self.draft | second).action_psa_submit()
        (self.draft | second).with_user(self.reviewer).action_psa_approve()
        self.assertEqual(
            (self.draft | second).mapped("billing_review"), ["approved"] * 2
        )

    # === Sent back ===

    def test_sent_back_with_a_comment(self):
        self.submit()
        self.send_back("The workshop was free")
        self.assertEqual(self.draft.psa_state, "draft")
        self.assertFalse(self.reminders())
        self.assertIn("The workshop was free", self.reminders(self.biller).summary)
        self.assertIn(
            "The workshop was free", "".join(self.draft.message_ids.mapped("body"))
        )

    def test_not_without_a_comment(self):
        self.submit()
        with self.assertRaisesRegex(UserError, "Say what"), self.env.cr.savepoint():
            self.send_back("  ")
        self.assertEqual(self.draft.psa_state, "in_review")

    # === What changes afterwards ===

    def test_another_amount_needs_a_new_look(self):
        for step in (self.submit, self.approve):
            step()
            self.draft.invoice_line_ids.price_unit += 1
            self.settle()
            self.assertEqual(self.draft.psa_state, "draft")
            self.assertFalse(self.draft.billing_review)
            self.assertFalse(self.reminders())
            self.assertIn(f"Changed: {self.draft.display_name}", self.told())
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.draft.action_post()
            self.submit()

    def test_the_same_total_for_something_else(self):
        """Who pays, in which currency, and for what: each needs a new look."""
        line = self.draft.invoice_line_ids
        for change in (
            {"partner_id": self.customer.copy().id},
            {"currency_id": self.setup_other_currency("EUR").id},
            {
                "invoice_line_ids": [
                    Command.update(line.id, {"quantity": 4}),
                    Command.create(
                        {
                            "name": "Gift",
                            "price_unit": 100,
                            "tax_ids": [Command.set(line.tax_ids.ids)],
                        }
                    ),
                ]
            },
            {
                "invoice_line_ids": [
                    Command.update(line.id, {"quantity": 10, "price_unit": 50})
                ]
            },
        ):
            with self.subTest(**change), closing(self.env.cr.savepoint()):
                self.submit()
                self.approve()
                self.assertEqual(self.draft.psa_state, "in_review")
                total = self.draft.amount_total
                self.draft.write(change)
                self.settle()
                self.assertEqual(self.draft.amount_total, total)
                self.assertEqual(self.draft.psa_state, "draft")
                self.assertFalse(self.draft.billing_review)
                self.assertIn(f"Changed: {self.draft.display_name}", self.told())
                with self.assertRaisesRegex(UserError, "has to be reviewed"):
                    self.draft.action_post()
            self.env.invalidate_all()

    def test_other_hours_at_the_same_total(self):
        """Two hours of somebody else in place of two of these."""
        self.submit()
        self.log(self.work, date(2026, 1, 1), 2, self.bob)
        row = self.draft.detail_ids.filtered(lambda each: each.quantity == 2)
        row.unlink()
        self.draft.action_psa_recalculate()
        self.settle()
        self.assertEqual(self.draft.amount_untaxed, 500)
        self.assertEqual(self.draft.psa_state, "draft")

    def test_late_hours_need_a_new_look(self):
        self.submit()
        self.log(self.work, date(2026, 1, 20), 1)
        self.draft.with_user(self.biller).action_psa_recalculate()
        self.settle()
        self.assertEqual(self.draft.psa_state, "draft")

    def test_another_text_does_not(self):
        self.submit()
        self.approve()
        self.draft.invoice_line_ids.name = "Consulting in January"
        self.draft.with_user(self.biller).action_psa_recalculate()
        self.settle()
        self.assertEqual(self.draft.billing_review, "approved")
        self.draft.action_post()

    def test_changed_transactions_are_recalculated_first(self):
        self.submit()
        self.draft.detail_ids.analytic_line_id[0].unit_amount = 1
        with self.assertRaisesRegex(UserError, "recalculate"), self.env.cr.savepoint():
            self.approve()
        self.assertEqual(self.draft.billing_review, "submitted")

    def test_the_reviewer_changes_it_himself(self):
        """He need not be told what he has done."""
        self.submit()
        rows = self.draft.detail_ids.with_user(self.reviewer).sorted("date")
        rows[0].billing_type = "complimentary"
        rows[1].quantity = 2
        self.settle()
        self.assertEqual(self.draft.psa_state, "in_review")
        self.assertEqual(self.draft.amount_untaxed, 200)
        rows[0].unlink()
        self.settle()
        self.approve()
        self.draft.action_post()
        self.assertFalse(self.told())

    def test_a_reset_invoice_was_seen(self):
        self.submit()
        self.approve()
        self.draft.action_post()
        self.draft.button_draft()
        self.assertEqual(self.draft.billing_review, "approved")
        self.draft.invoice_line_ids.price_unit = 90
        self.settle()
        self.assertEqual(self.draft.psa_state, "draft")

    def test_a_copy_was_not(self):
        self.submit()
        self.approve()
        self.assertFalse(self.draft.copy().billing_review)

    # === Rights ===

    def test_only_the_reviewer_of_the_project_approves(self):
        self.submit()
        for user in (self.other, self.biller):
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    self.draft.with_user(user).action_psa_approve()
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    self.send_back(user=user)
        with self.assertRaises(AccessError):
            self.draft.with_user(self.reviewer).action_psa_submit()
        with self.assertRaises(AccessError):
            self.draft.with_user(self.biller).billing_review = "approved"

    def test_a_reviewer_reads_his_own_invoices_alone(self):
        moves = self.env["account.move"].with_user(self.reviewer)
        other = self.time_project(1)._psa_invoice(JANUARY)
        self.assertEqual(moves.search([]), self.draft)
        self.assertEqual(
            self.env["account.move.line"].with_user(self.reviewer).search([]).move_id,
            self.draft,
        )
        with self.assertRaises(AccessError):
            other.with_user(self.reviewer).read(["amount_total"])
        with self.assertRaises(AccessError):
            other.detail_ids.with_user(self.reviewer).billing_type = "complimentary"
        with self.assertRaises(AccessError):
            self.draft.with_user(self.reviewer).ref = "PO 1"

    def test_a_reviewer_changes_nothing_before_or_after(self):
        rows = self.draft.detail_ids.with_user(self.reviewer)
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            rows.billing_type = "complimentary"
        self.submit()
        self.approve()
        self.draft.action_post()
        with self.assertRaisesRegex(UserError, "no draft any more"):
            rows.billing_type = "complimentary"

    def test_a_reviewer_opens_the_invoice(self):
        self.submit()
        form = Form(self.draft.with_user(self.reviewer))
        self.assertEqual(form.psa_state, "in_review")
        self.assertTrue(form.psa_can_review)
        self.assertEqual(len(form.detail_ids), 2)


class TestOfSeveralProjects(ReviewCase):
    """One invoice of 2 h of a project and 3 h of another, each with its manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.billing_review_required = True
        reviewer = "psa_invoicing.group_billing_reviewer"
        cls.first, cls.second, cls.both = (
            cls.person(f"psa_{login}", reviewer)
            for login in ("first", "second", "both")
        )
        cls.biller = cls.person("psa_biller", "psa_invoicing.group_billing_manager")
        cls.open = cls.time_project(2, name="Open", user_id=cls.first.id)
        cls.secret = cls.project(
            name="Secret", user_id=cls.second.id, privacy_visibility="followers"
        )
        cls.contract(cls.secret)
        cls.log(cls.secret, date(2026, 1, 2), 3)
        cls.projects = cls.open + cls.secret
        cls.projects.billing_consolidate = True
        cls.draft = cls.projects._psa_invoice(JANUARY)
        cls.draft.with_user(cls.biller).action_psa_submit()
        cls.rows = cls.draft.detail_ids.grouped("project_id")

    def approve(self, user):
        self.draft.with_user(user).action_psa_approve()
        return self.draft.billing_review

    def test_each_approves_their_own(self):
        self.assertEqual(self.draft.billing_project_ids, self.projects)
        for one, waiting in ((self.first, self.second), (self.second, self.first)):
            with closing(self.env.cr.savepoint()):
                self.assertEqual(self.approve(one), "submitted")
                self.assertEqual(self.draft.billing_reviewer_id, waiting)
                self.assertIn(waiting, self.draft.activity_ids.user_id)
                with self.assertRaisesRegex(UserError, f"by {waiting.login} "):
                    self.draft.action_post()
                self.assertEqual(self.approve(one), "submitted", "It stays one.")
                self.assertEqual(self.approve(waiting), "approved")
                self.draft.action_post()
            self.env.invalidate_all()

    def test_who_reviews_all_of_them(self):
        self.projects.billing_user_id = self.both
        self.assertEqual(self.approve(self.both), "approved")

    def test_a_project_that_nobody_reviews(self):
        self.secret.user_id = False
        with self.assertRaisesRegex(UserError, "in Secret"):
            self.draft.action_psa_submit()

    def test_what_is_submitted_again_is_approved_again(self):
        self.approve(self.first)
        self.draft.with_user(self.biller).action_psa_submit()
        self.assertEqual(self.approve(self.second), "submitted")

    def test_rows_of_others_are_out_of_reach(self):
        own, other = self.rows[self.open], self.rows[self.secret]
        rows = self.env["psa.invoice.detail"].with_user(self.first)
        self.assertEqual(rows.search([]), own)
        other = other.with_user(self.first)
        for attempt in (
            lambda: other.read(["name", "employee_name", "amount"]),
            lambda: other.write({"quantity": 1}),
            lambda: other.unlink(),
            lambda: self.draft.with_user(self.first).write(
                {"detail_ids": [Command.update(other.id, {"quantity": 1})]}
            ),
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                attempt()
        form = Form(self.draft.with_user(self.first))
        self.assertEqual(len(form.detail_ids), 1)
        own.with_user(self.first).quantity = 1
        self.assertEqual(self.draft.amount_untaxed, 400)

    def test_a_row_of_ones_own_is_no_way_to_another_customer(self):
        """A billing administrator reviews the first project; the second is approved."""
        self.open.user_id = self.person(
            "psa_chief", "psa_invoicing.group_billing_manager"
        )
        # Tests of accounting switch off what tells people of changes.
        self.draft = self.draft.with_env(self.env(context={}))
        self.draft.with_user(self.biller).action_psa_submit()
        self.approve(self.second)
        self.settle()
        row = self.rows[self.open]
        for values in ({}, {"partner_id": self.customer.copy().id}):
            self.draft.with_user(self.open.user_id).write(
                {
                    **values,
                    "detail_ids": [
                        Command.update(row.id, {"billing_type": "chargeable"})
                    ],
                }
            )
            self.settle()
            self.assertEqual(self.draft.amount_untaxed, 500)
            self.assertEqual(bool(self.draft.billing_review), not values)

    def test_an_accountant_reads_all_and_changes_their_own(self):
        self.first.group_ids += self.env.ref("account.group_account_invoice")
        other = self.rows[self.secret].with_user(self.first)
        self.assertEqual(other.quantity, 3)
        with self.assertRaises(AccessError):
            other.quantity = 1

    def test_a_typed_quantity_is_of_the_project_of_its_line(self):
        line = self.rows[self.secret].move_line_id
        line.quantity = 4
        adjustment = line.detail_ids.filtered(
            lambda each: each.transaction_type == "adjustment"
        )
        self.assertEqual(adjustment.project_id, self.secret)


class TestOfOneself(BillingCase):
    """A billing administrator who manages the project submits its draft."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.billing_review_required = True
        cls.chief, cls.other = (
            cls.person(f"psa_{login}", "psa_invoicing.group_billing_manager")
            for login in ("chief", "other")
        )
        cls.work = cls.time_project(2, user_id=cls.chief.id)
        cls.draft = cls.work._psa_invoice(JANUARY)

    def leave(self, users):
        """No other billing administrator of the company is there."""
        biller = self.env.ref("psa_invoicing.group_billing_manager")
        others = (biller.all_user_ids - users).filtered(
            lambda user: self.env.company in user.company_ids
        )
        others.with_user(SUPERUSER_ID).active = False

    def test_somebody_else_could(self):
        self.work.billing_user_id = self.other
        for submitter, reviewer in (
            (self.chief, self.other),
            (self.other, self.chief),
        ):
            self.draft.with_user(submitter).action_psa_submit()
            self.assertEqual(self.draft.billing_reviewer_id, reviewer)
            self.assertFalse(self.draft.with_user(submitter).psa_can_review)
            with self.assertRaisesRegex(AccessError, "somebody else"):
                self.draft.with_user(submitter).action_psa_approve()
            self.assertTrue(self.draft.with_user(reviewer).psa_can_review)
        self.draft.with_user(self.chief).action_psa_approve()
        self.assertEqual(self.draft.billing_review, "approved")

    def test_who_names_nobody_but_themselves(self):
        """Another billing administrator of the company looks at it."""
        elsewhere = self.setup_other_company(name="Elsewhere")["company"]
        self.person(
            "psa_abroad", "psa_invoicing.group_billing_manager", company=elsewhere
        )
        self.leave(self.chief + self.other)
        self.draft.with_user(self.chief).action_psa_submit()
        self.assertEqual(self.draft.billing_reviewer_id, self.other)
        with self.assertRaisesRegex(AccessError, "another billing administrator"):
            self.draft.with_user(self.chief).action_psa_approve()
        self.draft.with_user(self.other).action_psa_approve()
        self.assertEqual(self.draft.billing_review, "approved")
        self.assertEqual(self.draft.billing_reviewer_id, self.other)

    def test_nobody_else_could(self):
        """Else a firm of one would never send anything. It stands in the chatter."""
        self.leave(self.chief)
        self.draft.with_user(self.chief).action_psa_submit()
        self.draft.with_user(self.chief).action_psa_approve()
        self.assertEqual(self.draft.billing_review, "approved")
        body = "".join(self.draft.message_ids.mapped("body"))
        self.assertIn("as nobody else reviews it", body)
