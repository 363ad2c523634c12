# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several invoices at once, in the background, and what happens when one fails."""

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
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
        wrong, right = wizard.line_ids
        self.assertEqual((wrong.move_id, right.move_id), (self.bad, self.good))
        self.assertIn("own reference", wrong.problem)
        self.assertIn("no e-mail address", wrong.problem)
        self.assertFalse(right.problem)
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
        self.assertEqual(self.good.state, "draft", "Its own dialog shows the mail.")
        self.assertEqual(action["res_model"], "account.move.send.wizard")
        self.send(self.good)
        self.assertEqual(self.good.state, "posted")

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
        wizard = self.dialog(self.send(fine + self.good))
        wrong, _right = wizard.line_ids
        self.assertEqual(wrong.move_id, self.good)
        self.assertIn("archived", wrong.problem)
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
        self.assertEqual(wizard.line_ids.filtered("problem").move_id, self.bad)
        wizard = self.dialog(wizard.action_send())
        self.assertEqual(wizard.line_ids.filtered("problem").move_id, self.good)
        self.assertEqual(wizard.move_ids, fine)

    def test_what_is_wrong_only_since(self):
        wizard = self.dialog((self.good + self.bad).action_psa_send())
        self.customer.email = False
        again = self.dialog(wizard.action_send())
        self.assertEqual(again.line_ids.move_id, self.good)
        self.assertEqual(self.good.state, "draft")

    def test_what_was_sent_is_not_sent_again_by_the_way(self):
        self.send(self.good + self.draft(1))
        self.work_off()
        fresh = self.draft(3)
        wizard = self.dialog((self.good + fresh).action_psa_send())
        self.assertIn("was sent on", wizard.line_ids[0].problem)
        self.assertEqual(wizard.move_ids, fresh)

    def test_sent_again_alone(self):
        self.send(self.good + self.draft(1))
        self.work_off()
        self.assertEqual(
            self.good.action_psa_send()["res_model"], "account.move.send.wizard"
        )

    def test_what_is_being_sent_is_not_sent_twice(self):
        self.send(self.good + self.draft(1))
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
class TestNothingByAccident(SendingCase):
    """What a person has seen is confirmed when he presses Send, and not before."""

    def setUp(self):
        super().setUp()
        self.move = self.draft(2)
        # Numbers cannot be taken back.
        self.move.journal_id.restrict_mode_hash_table = True

    def open(self, move=None, **values):
        action = (move or self.move).action_psa_send()
        Dialog = self.env[action["res_model"]].with_context(**action["context"])
        return Dialog.create(values)

    def add_fee(self, move):
        fee = {"name": "Fee", "quantity": 1, "price_unit": 50}
        move.invoice_line_ids = [Command.create(fee)]

    def assert_untouched(self, moves):
        self.assertEqual(
            [(move.state, move.name, move.inalterable_hash) for move in moves],
            [("draft", False, False)] * len(moves),
        )

    def test_the_dialog_shows_the_mail_of_a_draft(self):
        wizard = self.open()
        self.assertTrue(wizard.psa_is_draft)
        self.assertEqual(wizard.mail_partner_ids, self.customer)
        self.assertTrue(wizard.subject)
        self.assertIn("230.00", wizard.body)
        (attached,) = wizard.mail_attachments_widget
        self.assertEqual(attached["name"], "[number].pdf")
        self.assert_untouched(self.move)

    def test_the_mail_has_the_number(self):
        self.send(self.move)
        self.assertTrue(self.move.inalterable_hash)
        mail = self.mails(self.move)
        self.assertIn(self.move.name, mail.subject)
        self.assertIn(self.move.name, mail.body_html)
        self.assertIn(self.move.payment_reference, mail.body_html)
        (attached,) = mail.attachment_ids
        self.assertIn(self.move.name.replace("/", "_"), attached.name)

    def test_what_a_person_wrote_stays(self):
        self.send(self.move, subject="For you", body="<p>As agreed.</p>")
        mail = self.mails(self.move)
        self.assertEqual(mail.subject, "For you")
        self.assertIn("As agreed.", mail.body_html)

    def test_what_a_person_wrote_gets_the_number(self):
        self.send(
            self.move,
            subject="[number] for you",
            body="<p>Pay [payment reference], please.</p>",
        )
        mail = self.mails(self.move)
        self.assertEqual(mail.subject, f"{self.move.name} for you")
        self.assertIn(f"Pay {self.move.payment_reference}, please.", mail.body_html)

    def test_what_a_person_took_off_stays_off(self):
        wizard = self.open()
        rows = wizard.mail_attachments_widget
        wizard.mail_attachments_widget = [{**row, "skip": True} for row in rows]
        wizard.action_send_and_print()
        self.assertFalse(self.mails(self.move).attachment_ids)

    def test_changed_meanwhile(self):
        wizard = self.open()
        self.add_fee(self.move)
        with self.assertRaisesRegex(UserError, "changed or sent since"):
            wizard.action_send_and_print()
        self.assert_untouched(self.move)

    def test_two_people_with_the_same_dialog(self):
        first, second = self.open(), self.open()
        first.action_send_and_print()
        with self.assertRaisesRegex(UserError, "changed or sent since"):
            second.action_send_and_print()
        self.assertEqual(len(self.mails(self.move)), 1)

    def test_sent_again_by_two_people(self):
        self.send(self.move)
        first, second = self.open(), self.open()
        self.assertFalse(first.psa_is_draft)
        first.action_send_and_print()
        with self.assertRaisesRegex(UserError, "changed or sent since"):
            second.action_send_and_print()
        self.assertEqual(len(self.mails(self.move)), 2)

    def test_what_is_wrong_by_now(self):
        wizard = self.open()
        self.customer.billing_po_required = True
        with self.assertRaisesRegex(UserError, "own reference"):
            wizard.action_send_and_print()
        self.assert_untouched(self.move)

    def test_a_document_that_cannot_be_made(self):
        """Its number stays, and it says why."""
        wizard = self.open()
        self.break_report_of(self.move)
        with mute_logger(SENDING):
            wizard.action_send_and_print()
        self.assertEqual(self.move.psa_state, "confirmed")
        self.assertTrue(self.move.name)
        self.assertIn("document could not be made", self.move.billing_sending_error)

    def test_only_administrators_open_it_on_a_draft(self):
        accountant = self.person("accountant", "account.group_account_manager")
        Dialog = self.env["account.move.send.wizard"].with_user(accountant)
        with self.assertRaisesRegex(UserError, "not posted"):
            Dialog.create({"move_id": self.move.id})
        wizard = self.open()
        with self.assertRaises(AccessError):
            wizard.with_user(accountant).action_send_and_print()
        self.assert_untouched(self.move)

    def test_several_are_seen_first(self):
        moves = self.move + self.draft(3)
        wizard = self.dialog(moves.action_psa_send())
        self.assertEqual(wizard.line_ids.move_id, moves)
        for line in wizard.line_ids:
            self.assertIn(self.customer.email, line.recipients)
            self.assertTrue(line.subject)
        self.assertIn("230.00", wizard.line_ids[0].body)
        self.assertIn("when you press Send", wizard.summary)
        self.assert_untouched(moves)
        wizard.action_send()
        self.work_off()
        self.assertEqual(moves.mapped("psa_state"), ["sent"] * 2)
        for move in moves:
            self.assertIn(move.name, self.mails(move).subject)

    def test_one_of_several_changed_meanwhile(self):
        moves = self.move + self.draft(3)
        wizard = self.dialog(moves.action_psa_send())
        self.add_fee(moves[1])
        with self.assertRaisesRegex(UserError, "changed or sent since"):
            wizard.action_send()
        self.assert_untouched(moves)

    def test_how_else_it_goes(self):
        self.customer.invoice_sending_method = "manual"
        wizard = self.dialog((self.move + self.draft(3)).action_psa_send())
        line = wizard.line_ids[0]
        self.assertEqual(line.recipients, "PDF only, you pass it on")
        self.assertFalse(line.subject or line.body)


@freeze_time("2026-02-02")
class TestPreview(SendingCase):
    def test_a_draft_has_the_date_that_it_would_get_and_keeps_none(self):
        move = self.draft(2)
        with move._psa_as_of_today():
            self.assertEqual(move.invoice_date, date(2026, 2, 2))
        self.assertFalse(move.invoice_date or move.name)
        self.assertEqual(move.state, "draft")

    def test_a_date_that_a_person_chose_stays(self):
        move = self.draft(2)
        move.invoice_date = date(2026, 2, 10)
        with move._psa_as_of_today():
            self.assertEqual(move.invoice_date, date(2026, 2, 10))

    def test_several_in_one(self):
        moves = self.draft(2) + self.draft(3)
        self.assertTrue(
            moves.action_psa_preview()["url"].endswith(f"{moves[0].id},{moves[1].id}")
        )
        wizard = self.dialog(moves.action_psa_send())
        self.assertEqual(wizard.action_preview(), moves.action_psa_preview())
        with self.assertRaisesRegex(UserError, "at most 100"):
            moves.browse(range(1, 102))._psa_check_few()


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
        self.send(self.all)
        self.assertEqual(self.all.mapped("state"), ["posted"] * 3)
        self.assertFalse(self.all.filtered("invoice_pdf_report_id"))
        self.assertFalse(self.mails(self.first))

    def test_one_that_fails_does_so_alone(self):
        self.send(self.all)
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

    def test_what_a_client_has_written_holds_up_itself(self):
        """Odoo lets whoever edits invoices write who sends them, and how."""
        clerk = self.person("psa_clerk", "account.group_account_invoice")
        self.send(self.all)
        for move, written in zip(
            self.all, ({"author_partner_id": "x"}, "text", [1]), strict=True
        ):
            move.with_user(clerk).sending_data = written
        sound = self.draft(4)
        self.send(sound + self.draft(5))
        with mute_logger(SENDING):
            self.work_off()
        self.assertEqual(sound.psa_state, "sent")
        self.assertFalse(self.all.filtered("is_being_sent"))

    def test_the_result_is_told_once(self):
        self.send(self.all)
        self.break_report_of(self.second)
        with mute_logger(SENDING):
            self.work_off()
        (told,) = self.notifications()
        self.assertIn("2 sent, 1 failed, 0 still to be sent", told)

    def test_retry_makes_the_mail_that_there_was_not(self):
        self.send(self.all)
        self.break_report_of(self.second)
        with mute_logger(SENDING):
            self.work_off()
        self.env["ir.ui.view"].search([("arch_db", "like", "no_such_thing")]).unlink()
        self.all.action_psa_retry()
        self.assertEqual(self.second.psa_state, "sent")
        self.assertFalse(self.second.billing_sending_error)
        self.assertEqual([len(self.mails(each)) for each in self.all], [1, 1, 1])

    def test_reset_to_draft_meanwhile(self):
        self.send(self.all)
        self.second.button_draft()
        self.work_off()
        self.assertEqual(self.all.mapped("psa_state"), ["sent", "draft", "sent"])
        self.assertFalse(self.second.billing_sending_error)

    def test_an_address_that_is_gone_meanwhile(self):
        other = self.env["res.partner"].create(
            {"name": "Other", "is_company": True, "email": "o@example.com"}
        )
        move = self.draft(1, customer=other)
        self.send(self.first + move)
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
