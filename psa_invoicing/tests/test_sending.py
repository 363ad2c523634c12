# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several invoices at once, in the background, and what happens when one fails."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from .common import BillingCase

JANUARY = date(2026, 1, 31)
SENDING = "odoo.addons.psa_invoicing.models.invoice.account_move_send"


class SendingCase(BillingCase):
    def draft(self, *hours, customer=None):
        return self.time_project(*hours, customer=customer)._psa_invoice(JANUARY)

    def dialog(self, action):
        return (
            self.env[action["res_model"]]
            .with_context(**action.get("context", {}))
            .browse(action.get("res_id"))
        )

    def send_in_background(self, moves):
        action = moves.action_psa_send()
        self.env[action["res_model"]].with_context(**action["context"]).create(
            {}
        ).action_send_and_print()

    def work_off(self):
        """Let the scheduled action do its work."""
        with self.driver() as env:
            env["account.move"]._cron_account_move_send()

    def mails(self, move):
        return self.env["mail.mail"].search(
            [("model", "=", "account.move"), ("res_id", "=", move.id)]
        )

    def fail(self, mail, reason="Connection refused"):
        """What Odoo does when the mail server does not take a mail."""
        mail.write({"state": "exception", "failure_reason": reason})
        mail._postprocess_sent_message([], [], failure_type="mail_smtp")

    def break_report_of(self, move):
        self.env["ir.ui.view"].create(
            {
                "type": "qweb",
                "inherit_id": self.env.ref("account.report_invoice_document").id,
                "arch": f"""<xpath expr="//div[hasclass('page')]" position="inside">
                    <t t-if="o.id == {move.id}" t-out="no_such_thing.name"/>
                </xpath>""",
            }
        )


@freeze_time("2026-02-02")
class TestSelection(SendingCase):
    def setUp(self):
        super().setUp()
        self.good = self.draft(2)
        self.silent = self.env["res.partner"].create(
            {"name": "Silent", "is_company": True, "billing_po_required": True}
        )
        self.bad = self.draft(1, customer=self.silent)

    def test_one_with_problems_says_so_and_nothing_is_sent(self):
        wizard = self.dialog((self.good + self.bad).action_psa_send())
        self.assertEqual(wizard._name, "psa.send")
        self.assertEqual(wizard.line_ids.move_id, self.bad)
        self.assertIn("own reference", wizard.line_ids.problem)
        self.assertIn("no e-mail address", wizard.line_ids.problem)
        self.assertEqual(wizard.move_ids, self.good)
        self.assertEqual((self.good + self.bad).mapped("state"), ["draft", "draft"])

    def test_the_others_are_sent_on_request(self):
        good = self.good + self.draft(3)
        wizard = self.dialog((good + self.bad).action_psa_send())
        wizard.action_send()
        self.assertEqual(good.mapped("psa_state"), ["confirmed"] * 2)
        self.assertEqual(good.mapped("billing_sending_note"), ["Being sent"] * 2)
        self.work_off()
        self.assertEqual(good.mapped("psa_state"), ["sent"] * 2)
        self.assertEqual(good.mapped("billing_sending_note"), [False] * 2)
        self.assertEqual([len(self.mails(each)) for each in good], [1, 1])
        self.assertEqual(self.bad.state, "draft")

    def test_the_only_other_one(self):
        wizard = self.dialog((self.good + self.bad).action_psa_send())
        action = wizard.action_send()
        self.assertEqual(self.good.state, "posted")
        self.assertEqual(action["res_model"], "account.move.send.wizard")

    def test_nothing_good_among_them(self):
        other = self.draft(1, customer=self.silent)
        wizard = self.dialog((self.bad + other).action_psa_send())
        self.assertEqual(wizard.move_count, 0)
        self.assertEqual(wizard.summary[:20], "2 of 2 invoices cann")

    def test_what_odoo_has_against_posting_is_told_too(self):
        self.good.partner_bank_id = self.env["res.partner.bank"].create(
            {
                "acc_number": "BE00",
                "partner_id": self.env.company.partner_id.id,
                "active": False,
            }
        )
        fine = self.draft(3)
        last = fine.name
        wizard = self.dialog((fine + self.good).action_psa_send())
        self.assertEqual(wizard.line_ids.move_id, self.good)
        self.assertIn("archived", wizard.line_ids.problem)
        self.assertEqual(wizard.move_ids, fine)
        self.assertEqual((fine.state, fine.name), ("draft", last), "No number is used.")

    def test_both_kinds_of_problem_at_once(self):
        self.good.invoice_line_ids.tax_ids = self.tax_sale_b
        self.good.partner_bank_id = self.env["res.partner.bank"].create(
            {
                "acc_number": "BE00",
                "partner_id": self.env.company.partner_id.id,
                "active": False,
            }
        )
        fine = self.draft(3)
        wizard = self.dialog((fine + self.good + self.bad).action_psa_send())
        self.assertEqual(wizard.line_ids.move_id, self.good + self.bad)
        self.assertEqual(wizard.move_ids, fine)

    def test_what_is_wrong_only_since(self):
        wizard = self.dialog((self.good + self.bad).action_psa_send())
        self.customer.email = False
        again = self.dialog(wizard.action_send())
        self.assertEqual(again.line_ids.move_id, self.good)
        self.assertEqual(self.good.state, "draft")

    def test_what_was_sent_is_not_sent_again_by_the_way(self):
        self.send_in_background(self.good + self.draft(1))
        self.work_off()
        fresh = self.draft(3)
        wizard = self.dialog((self.good + fresh).action_psa_send())
        self.assertIn("was sent on", wizard.line_ids.problem)
        self.assertEqual(wizard.move_ids, fresh)

    def test_sent_again_alone(self):
        self.send_in_background(self.good + self.draft(1))
        self.work_off()
        self.assertEqual(
            self.good.action_psa_send()["res_model"], "account.move.send.wizard"
        )

    def test_what_is_being_sent_is_not_sent_twice(self):
        self.send_in_background(self.good + self.draft(1))
        with self.assertRaisesRegex(UserError, "being sent in the background already"):
            self.good.action_psa_send()
        self.assertFalse(self.good.psa_next_action)

    def test_only_administrators(self):
        wizard = self.dialog((self.good + self.bad).action_psa_send())
        accountant = self.person("accountant", "account.group_account_manager")
        with self.assertRaises(AccessError):
            wizard.with_user(accountant).action_send()
        with self.assertRaises(AccessError):
            self.good.with_user(accountant).action_psa_retry()


@freeze_time("2026-02-02")
class TestBackground(SendingCase):
    def setUp(self):
        super().setUp()
        self.first, self.second, self.third = map(self.draft, (1, 2, 3))
        self.all = self.first + self.second + self.third

    def notifications(self):
        self.env.cr.precommit.run()
        return (
            self.env["bus.bus"]
            .sudo()
            .search([("message", "like", "account_notification")])
            .mapped("message")
        )

    def test_posting_and_rendering_are_apart(self):
        """The numbers are there before the first document is made."""
        self.send_in_background(self.all)
        self.assertEqual(self.all.mapped("state"), ["posted"] * 3)
        self.assertFalse(self.all.filtered("invoice_pdf_report_id"))
        self.assertFalse(self.mails(self.first))

    def test_one_that_fails_does_so_alone(self):
        self.send_in_background(self.all)
        number = self.second.name
        self.break_report_of(self.second)
        with mute_logger(SENDING):
            self.work_off()
        self.assertEqual(self.all.mapped("psa_state"), ["sent", "confirmed", "sent"])
        self.assertEqual(self.second.name, number)
        self.assertIn("document could not be made", self.second.billing_sending_error)
        self.assertIn("Failed: ", self.second.billing_sending_note)
        self.assertFalse(self.second.is_being_sent, "It does not hold up the others.")
        self.assertEqual([len(self.mails(each)) for each in self.all], [1, 0, 1])
        self.assertEqual(
            self.env["account.move"].search([("billing_sending_error", "!=", False)]),
            self.second,
        )

    def test_the_result_is_told_once(self):
        self.send_in_background(self.all)
        self.break_report_of(self.second)
        with mute_logger(SENDING):
            self.work_off()
        (told,) = self.notifications()
        self.assertIn("2 sent, 1 failed, 0 still to be sent", told)

    def test_retry_makes_the_mail_that_there_was_not(self):
        self.send_in_background(self.all)
        self.break_report_of(self.second)
        with mute_logger(SENDING):
            self.work_off()
        self.env["ir.ui.view"].search([("arch_db", "like", "no_such_thing")]).unlink()
        self.all.action_psa_retry()
        self.assertEqual(self.second.psa_state, "sent")
        self.assertFalse(self.second.billing_sending_error)
        self.assertEqual([len(self.mails(each)) for each in self.all], [1, 1, 1])

    def test_reset_to_draft_meanwhile(self):
        self.send_in_background(self.all)
        self.second.button_draft()
        self.work_off()
        self.assertEqual(self.all.mapped("psa_state"), ["sent", "draft", "sent"])
        self.assertFalse(self.second.billing_sending_error)

    def test_an_address_that_is_gone_meanwhile(self):
        other = self.env["res.partner"].create(
            {"name": "Other", "is_company": True, "email": "o@example.com"}
        )
        move = self.draft(1, customer=other)
        self.send_in_background(self.first + move)
        other.email = False
        self.work_off()
        self.assertEqual(move.psa_state, "confirmed")
        self.assertIn("nobody", move.billing_sending_error)
        self.assertEqual(self.first.psa_state, "sent")


@freeze_time("2026-02-02")
class TestMailFails(SendingCase):
    def setUp(self):
        super().setUp()
        self.move = self.draft(2, 3)
        self.send(self.move)
        self.mail = self.mails(self.move)

    def send(self, move):
        action = move.action_psa_send()
        wizard = (
            self.env[action["res_model"]].with_context(**action["context"]).create({})
        )
        wizard.action_send_and_print()

    def test_the_number_stays_and_the_reason_shows(self):
        number = self.move.name
        self.fail(self.mail)
        self.assertEqual((self.move.psa_state, self.move.name), ("confirmed", number))
        self.assertEqual(self.move.billing_sending_note, "Failed: Connection refused")

    def test_retry_sends_the_same_mail(self):
        self.fail(self.mail)
        self.move.action_psa_retry()
        self.assertEqual(self.move.psa_state, "sent")
        self.assertFalse(self.move.billing_sending_error)
        self.assertEqual(self.mails(self.move), self.mail)
        self.assertEqual(self.mail.state, "outgoing")
        with self.assertRaisesRegex(UserError, "Nothing to retry"):
            self.move.action_psa_retry()

    def test_retry_of_several_is_done_in_the_background(self):
        other = self.draft(1)
        self.send(other)
        both = self.move + other
        for move in both:
            self.fail(self.mails(move))
        both.action_psa_retry()
        self.assertEqual(both.mapped("billing_sending_note"), ["Being sent"] * 2)
        self.work_off()
        self.assertEqual(both.mapped("psa_state"), ["sent"] * 2)
        self.assertEqual([len(self.mails(each)) for each in both], [1, 1])

    def test_retry_says_what_is_still_wrong(self):
        self.fail(self.mail)
        self.customer.email = False
        with self.assertRaisesRegex(UserError, "no e-mail address"):
            self.move.action_psa_retry()
        self.assertEqual(self.mail.state, "exception")

    def test_a_new_mail_replaces_the_one_that_failed(self):
        self.fail(self.mail)
        self.send(self.move)
        self.assertEqual(self.mail.state, "cancel")
        self.assertEqual(self.move.psa_state, "sent")
        self.assertEqual(len(self.mails(self.move)), 2)

    def test_reset_to_draft_holds_the_old_mail_back(self):
        self.fail(self.mail)
        self.move.button_draft()
        self.assertEqual(self.mail.state, "cancel")
        self.assertFalse(self.move.billing_sending_error)

    def test_marked_as_sent_after_it_failed(self):
        self.fail(self.mail)
        self.move.action_psa_mark_sent()
        self.assertEqual((self.mail.state, self.move.psa_state), ("cancel", "sent"))
        self.assertFalse(self.move.billing_sending_note)

    def test_a_mail_that_leaves_by_odoos_own_retry(self):
        self.fail(self.mail)
        self.mail.state = "sent"
        self.mail._postprocess_sent_message([self.customer], [])
        self.assertEqual(self.move.psa_state, "sent")
        self.assertFalse(self.move.billing_sending_error)

    def test_sent_again_in_vain(self):
        """The customer has the first one."""
        with freeze_time("2026-02-10"):
            self.send(self.move)
            self.fail(self.mails(self.move) - self.mail)
        self.assertEqual(self.move.psa_state, "sent")
        self.assertEqual(self.move.billing_sent_date, date(2026, 2, 2))
        self.assertIn("Failed", self.move.billing_sending_note)

    def test_some_of_several_recipients(self):
        """Retry goes to those who did not get it."""
        copy = self.env["res.partner"].create(
            {"name": "Copy", "email": "copy@example.com"}
        )
        self.mail.recipient_ids = self.customer + copy
        self.mail.state = "exception"
        self.mail._postprocess_sent_message(
            [self.customer], [], failure_reason="Box full", failure_type="unknown"
        )
        self.assertEqual(self.move.psa_state, "sent")
        self.assertEqual(self.move.billing_sending_note, "Failed: Box full")
        self.assertEqual(self.mail.recipient_ids, copy)

    def test_another_mail_about_the_invoice_fails(self):
        message = self.move.message_post(
            body="When will you pay?",
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=self.customer.ids,
        )
        self.fail(self.mails(self.move) - self.mail)
        self.assertTrue(message)
        self.assertEqual(self.move.psa_state, "sent")
        self.assertFalse(self.move.billing_sending_error)

    def test_a_document_that_cannot_be_made_for_a_single_one(self):
        other = self.draft(1)
        self.break_report_of(other)
        with mute_logger(SENDING):
            self.send(other)
        self.assertEqual(other.psa_state, "confirmed")
        self.assertIn("document could not be made", other.billing_sending_error)
