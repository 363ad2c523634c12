# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recalculate: what a person edited stays, the rest follows, and the draft says so."""

from datetime import date

from odoo import Command
from odoo.tests import Form

from ..models.billing.line_terms import LineTerms
from .common import BillingCase

JANUARY = date(2026, 1, 31)
LATE = date(2026, 1, 20)


class RecalculationCase(BillingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.time_project(2, 3, 4)
        cls.draft = cls.work._psa_invoice(JANUARY)
        cls.line = cls.draft.invoice_line_ids
        cls.entries = cls.work.timesheet_ids.sorted("date")
        cls.order_line = cls.work.sale_line_id
        cls.order = cls.order_line.order_id

    def recalculate(self, moves=None):
        """:return: what the person sees"""
        moves = self.draft if moves is None else moves
        return moves.action_psa_recalculate()["params"]["message"]

    def said(self, move=None):
        """The last message of the chatter, as text."""
        move = move or self.draft
        return " ".join(move.message_ids[0].body.striptags().split())

    def rows(self):
        """The table that the last Recalculate left in the chatter."""
        _head, *rows = self.draft.message_ids[0].body.split("<tr>")[1:]
        return [
            [cell.split("</td>")[0] for cell in row.split("<td>")[1:]] for row in rows
        ]

    def detail(self, source):
        return self.draft.detail_ids.filtered(
            lambda detail: (
                source in (detail.analytic_line_id, detail.milestone_id, detail.cost_id)
            )
        )

    def changes(self, move=None):
        """What the Transactions tab says, by date."""
        move = move or self.draft
        self.env.flush_all()
        self.env.invalidate_all()
        return move.detail_ids.sorted("date").mapped("change")


class TestWhatAPersonEdited(RecalculationCase):
    """Each kind of edit survives a late hour, and is listed as kept."""

    def log_late(self):
        """One hour more: 9 h become 10 h."""
        self.log(self.work, LATE, 1)
        self.assertIn("1 added", self.recalculate())

    def assert_kept(self, *words):
        kept = self.said().partition("Kept as edited: ")[2]
        for word in words:
            self.assertIn(word, kept)

    def test_nothing_edited(self):
        self.log_late()
        self.assertNotIn("Kept", self.said())

    def test_price(self):
        self.line.price_unit = 90
        self.log_late()
        self.assertEqual(self.draft.amount_untaxed, 900)
        self.assert_kept("Unit Price of “Consulting hour”")

    def test_discount(self):
        self.line.discount = 10
        self.log_late()
        self.assertEqual(self.draft.amount_untaxed, 900)
        self.assert_kept("Discount")

    def test_tax(self):
        self.line.tax_ids = [Command.clear()]
        self.log_late()
        self.assertEqual(self.draft.amount_total, 1000)
        self.assert_kept("Taxes")

    def test_account(self):
        account = self.copy_account(self.line.account_id)
        self.line.account_id = account
        self.log_late()
        self.assertEqual(self.line.account_id, account)
        self.assert_kept("Account")

    def test_analytic_distribution(self):
        plan = self.env["account.analytic.plan"].create({"name": "Regions"})
        region = self.env["account.analytic.account"].create(
            {"name": "North", "plan_id": plan.id}
        )
        self.line.analytic_distribution = {str(region.id): 100}
        self.log_late()
        self.assertEqual(self.line.analytic_distribution, {str(region.id): 100})
        self.assert_kept("Analytic Distribution")

    def test_text(self):
        self.line.name = "As agreed"
        self.log_late()
        self.assertEqual(self.line.name, "As agreed")
        self.assert_kept("Label of “As agreed”")

    def test_terms(self):
        terms = self.env.ref("account.account_payment_term_30days")
        self.draft.invoice_payment_term_id = terms
        self.log_late()
        self.assertEqual(self.draft.invoice_payment_term_id, terms)
        self.assert_kept("Payment Terms")
        self.assertNotIn("Due Date", self.said(), "It follows the terms.")

    def test_terms_and_conditions(self):
        self.draft.narration = "Thank you"
        self.log_late()
        self.assertIn("Thank you", self.draft.narration)
        self.assert_kept("Terms and Conditions")

    def test_fiscal_position(self):
        """Its taxes are kept on what was there, and taken for what comes."""
        export = self.env["account.tax"].create({"name": "Export", "amount": 0})
        abroad = self.env["account.fiscal.position"].create(
            {"name": "Abroad", "tax_ids": [Command.link(export.id)]}
        )
        export.original_tax_ids = self.line.tax_ids
        self.draft.fiscal_position_id = abroad
        self.draft.action_update_fpos_values()
        self.assertEqual(self.line.tax_ids, export)
        package = self.contract(self.work, self.milestone_product)
        self.milestone(self.work, package, 0.5, LATE)
        self.assertIn("1 added", self.recalculate())
        self.assertEqual(self.draft.fiscal_position_id, abroad)
        self.assertEqual(self.draft.invoice_line_ids.tax_ids, export)
        self.assert_kept("Fiscal Position", "Taxes")

    def test_invoice_date(self):
        self.draft.invoice_date = date(2026, 2, 3)
        self.log_late()
        self.assertEqual(self.draft.invoice_date, date(2026, 2, 3))
        self.assert_kept("Invoice/Bill Date")

    def test_due_date(self):
        self.draft.invoice_payment_term_id = False
        self.draft.invoice_date_due = date(2026, 4, 1)
        self.log_late()
        self.assertEqual(self.draft.invoice_date_due, date(2026, 4, 1))
        self.assert_kept("Due Date")

    def test_customer_reference(self):
        self.draft.ref = "PO 4711"
        self.log_late()
        self.assertEqual(self.draft.ref, "PO 4711")
        self.assert_kept("Reference")

    def test_lowered_quantity_of_a_line(self):
        """9 h become 6 h, the latest are lowered; the late hour comes on top."""
        self.line.quantity = 6
        self.log_late()
        self.assertEqual(self.line.quantity, 7)
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 3])
        self.assert_kept("taken off or lowered (1)")

    def test_raised_quantity_of_a_line(self):
        self.line.quantity = 11
        self.log_late()
        self.assertEqual(self.line.quantity, 12)
        self.assert_kept("Quantity of “Consulting hour”")

    def test_removed_row(self):
        self.detail(self.entries[0]).unlink()
        self.log_late()
        self.assertEqual(self.line.quantity, 8)
        self.assertEqual(self.entries[0].open_quantity, 2)
        self.assert_kept("taken off or lowered (1)")

    def test_lowered_row(self):
        self.detail(self.entries[2]).quantity = 1.5
        self.log_late()
        self.assertEqual(self.line.quantity, 7.5)
        self.assertEqual(self.entries[2].open_quantity, 2.5)
        self.assert_kept("taken off or lowered (1)")

    def test_deleted_line(self):
        self.line.unlink()
        self.log_late()
        self.assertEqual(self.draft.detail_ids.mapped("quantity"), [1])
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        self.assert_kept("taken off or lowered (3)")

    def test_added_line(self):
        self.draft.invoice_line_ids = [
            Command.create({"name": "Travel", "price_unit": 50, "tax_ids": []})
        ]
        self.log_late()
        self.assertEqual(self.draft.amount_untaxed, 1050)
        self.assert_kept("lines added by hand (1)")

    def test_billing_type(self):
        self.detail(self.entries[0]).billing_type = "complimentary"
        self.log_late()
        self.assertEqual(self.line.quantity, 8)
        self.assertEqual(self.detail(self.entries[0]).billing_type, "complimentary")
        self.assert_kept("billing types chosen (1)")

    def test_billing_type_of_what_was_corrected_since(self):
        self.detail(self.entries[0]).billing_type = "complimentary"
        self.entries[0].unit_amount = 2.5
        self.assertIn("1 changed", self.recalculate())
        self.assertEqual(
            (self.detail(self.entries[0]).quantity, self.line.quantity), (2.5, 7)
        )

    def test_several_drafts_at_once(self):
        """One with another price, one with a row taken off, one that is unchanged."""
        other = self.time_project(5, 6, name="Other")
        third = self.time_project(8, name="Third")
        drafts = self.draft + other._psa_invoice(JANUARY) + third._psa_invoice(JANUARY)
        self.line.price_unit = 90
        drafts[1].detail_ids.sorted("date")[0].unlink()
        self.log(self.work, LATE, 1)
        self.log(other, LATE, 1)
        self.assertIn("2 of 3 invoices", self.recalculate(drafts))
        self.assertEqual(drafts.mapped("amount_untaxed"), [900, 700, 800])
        self.assertIn("Unit Price", self.said(drafts[0]))
        self.assertIn("taken off or lowered (1)", self.said(drafts[1]))
        self.assertNotIn("Recalculated", self.said(drafts[2]))
        self.assertIn("Nothing has changed", self.recalculate(drafts))
        self.assert_ledger(drafts)


class TestWhatFollows(RecalculationCase):
    """Prices and texts of the contract, where nobody edited them."""

    def test_price(self):
        self.order_line.price_unit = 120
        self.assertTrue(self.draft.needs_recalculation)
        self.assertEqual(self.draft.amount_untaxed, 900, "Until Recalculate.")
        self.assertIn("900.00 → $\xa01,080.00", self.recalculate())
        self.assertEqual(self.draft.amount_untaxed, 1080)
        self.assertEqual(
            self.rows(), [["Unit Price: Consulting hour", "", "100.00", "120.00"]]
        )
        self.assertIn("Nothing has changed", self.recalculate())
        self.assert_ledger(self.draft)

    def test_discount_tax_and_text(self):
        self.order_line.write(
            {
                "discount": 10,
                "tax_ids": [Command.clear()],
                "name": "Consulting hour\nBy phone",
            }
        )
        self.recalculate()
        self.assertRecordValues(
            self.line,
            [{"discount": 10, "tax_ids": [], "name": "Consulting hour\nBy phone"}],
        )
        self.assertEqual(self.draft.amount_total, 810)

    def test_what_was_edited_does_not_follow(self):
        self.line.price_unit = 90
        self.order_line.write({"price_unit": 120, "discount": 10})
        self.recalculate()
        self.assertEqual((self.line.price_unit, self.line.discount), (90, 10))

    def test_an_edit_that_was_taken_back_is_none(self):
        self.line.price_unit = 90
        self.line.price_unit = 100
        self.order_line.price_unit = 120
        self.recalculate()
        self.assertEqual(self.line.price_unit, 120)

    def test_twice(self):
        for price in (120, 130):
            self.order_line.price_unit = price
            self.recalculate()
            self.assertEqual(self.line.price_unit, price)

    def test_a_draft_of_which_nothing_was_noted(self):
        """What differs from the contract on that day was edited."""
        self.line.discount = 5
        self.detail(self.entries[0]).billing_type = "complimentary"
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_move_line SET billing_written = NULL")
        self.env.cr.execute(
            "UPDATE account_move"
            " SET billing_request = billing_request - 'written' - 'types_chosen'"
        )
        self.env.invalidate_all()
        LineTerms(self.env).note_edits(self.draft)
        self.assertIn("Nothing has changed", self.recalculate())
        self.order_line.write({"price_unit": 120, "discount": 10})
        self.recalculate()
        self.assertRecordValues(
            self.line, [{"price_unit": 120, "discount": 5, "quantity": 7}]
        )

    def test_a_replacement_knows_what_was_edited_on_the_invoice(self):
        self.line.discount = 5
        self.draft.action_post()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.draft.ids)
            .create({"journal_id": self.draft.journal_id.id})
        )
        action = wizard.modify_moves()
        replacement = self.env["account.move"].browse(action["res_id"])
        self.order_line.write({"price_unit": 120, "discount": 0})
        replacement.action_psa_recalculate()
        self.assertRecordValues(
            replacement.invoice_line_ids, [{"price_unit": 120, "discount": 5}]
        )

    def test_billing_type_of_the_entry(self):
        self.entries[0].action_psa_set_billing_type("complimentary")
        self.assertEqual(self.changes(), ["now Complimentary", False, False])
        self.recalculate()
        self.assertEqual(self.line.quantity, 7)
        self.entries[0].action_psa_set_billing_type("chargeable")
        self.recalculate()
        self.assertEqual(self.line.quantity, 9)
        self.assert_ledger(self.draft)

    def test_credited_hours_are_never_added(self):
        self.draft.action_post()
        self.draft._reverse_moves().action_post()
        self.log(self.work, LATE, 1)
        draft = self.work._psa_invoice(JANUARY)
        self.log(self.work, LATE, 2)
        draft.action_psa_recalculate()
        self.assertEqual(draft.detail_ids.mapped("quantity"), [1, 2])
        self.assertEqual(self.entries.mapped("billing_status"), ["credited"] * 3)

    def test_what_is_on_another_draft_is_named(self):
        other_day = date(2026, 1, 1)
        self.draft.billing_cutoff_date = other_day
        self.recalculate()
        other = self.work._psa_invoice(JANUARY)
        self.draft.billing_cutoff_date = JANUARY
        name = other.display_name
        self.assertIn(f"Not moved here: 2 on {name}.", self.recalculate())
        self.log(self.work, LATE, 1)
        self.assertIn(f"Not moved here: 2 on {name}.", self.recalculate())
        self.assertIn(f"Not moved here: 2 on {name}.", self.said())

    def test_what_is_on_a_draft_of_odoos_own_button_is_named(self):
        """Such a draft names no projects."""
        self.draft.billing_cutoff_date = date(2026, 1, 1)
        self.recalculate()
        order = self.draft.invoice_line_ids.sale_line_ids.order_id
        other = order._create_invoices()
        self.assertTrue(other.detail_ids)
        self.draft.billing_cutoff_date = JANUARY
        name = other.display_name
        self.assertIn(f"Not moved here: 2 on {name}.", self.recalculate())


class TestDifference(RecalculationCase):
    """What the draft says before Recalculate, and the chatter after it."""

    def test_nothing_changed_writes_nothing(self):
        self.entries[0].unit_amount = 2.5
        self.recalculate()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET write_date = '2026-01-01' WHERE id = %s",
            [self.draft.id],
        )
        self.env.cr.execute(
            "UPDATE account_move_line SET write_date = '2026-01-01' WHERE move_id = %s",
            [self.draft.id],
        )
        self.env.cr.execute(
            "UPDATE account_analytic_line SET write_date = '2026-01-01'"
            " WHERE project_id = %s",
            [self.work.id],
        )
        self.env.invalidate_all()
        messages = self.draft.message_ids
        self.assertIn("Nothing has changed", self.recalculate())
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.draft.message_ids, messages)
        for record in (self.draft, self.draft.line_ids, self.entries):
            self.assertEqual(
                {str(day) for day in record.mapped("write_date")},
                {"2026-01-01 00:00:00"},
            )

    def test_each_row_says_what_is_now(self):
        other = self.project("Other")
        line = self.contract(other)
        self.entries[0].write({"unit_amount": 3, "name": "Corrected"})
        self.entries[1].project_id = other
        self.entries[2].unlink()
        self.log(self.work, LATE, 1)
        self.assertEqual(
            self.changes(),
            [
                "now 3.00 Hours, “Corrected”",
                f"moved to “{line.display_name}”",
                "deleted",
            ],
        )
        self.assertEqual(
            self.draft.psa_pending_summary, "changed: 1, to drop: 2, to add: 1"
        )
        self.recalculate()
        self.assertEqual(self.changes(), [False, False])
        self.assertFalse(self.draft.psa_pending_summary)

    def test_more_reasons(self):
        self.entries[0].date = date(2026, 2, 5)
        self.entries[1].action_psa_hold("Disputed")
        self.entries[2].action_psa_set_billing_type("non_chargeable")
        self.assertEqual(
            set(self.changes()),
            {"now 02/05/2026, after the cut-off date", "on hold", "non-chargeable"},
        )

    def test_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.entries[2].unit_amount = 1.5
        french = self.draft.with_context(lang="fr_FR")
        self.env.invalidate_all()
        self.assertIn("1,50", french.detail_ids.sorted("date")[2].change)

    def test_an_accountant_sees_it_without_reading_timesheets(self):
        accountant = self.person("accountant", "account.group_account_invoice")
        self.entries[0].unit_amount = 3
        draft = self.draft.with_user(accountant)
        self.assertEqual(
            self.draft.detail_ids.with_user(accountant).sorted("date")[0].change,
            "now 3.00 Hours",
        )
        self.assertEqual(draft.psa_pending_summary, "changed: 1")

    def test_the_chatter_keeps_a_short_table(self):
        self.entries[0].write({"unit_amount": 3, "name": "<b>Bold</b>"})
        self.entries[2].unlink()
        self.log(self.work, LATE, 1, employee=self.bob, name="Late")
        self.recalculate()
        self.assertEqual(
            self.rows(),
            [
                ["Alice · Work", "01/03/2026", "4.00 Hours", "deleted"],
                [
                    "Alice · Work",
                    "01/01/2026",
                    "2.00 Hours, “Work”",
                    "3.00 Hours, “&lt;b&gt;Bold&lt;/b&gt;”",
                ],
                ["Bob · Late", "01/20/2026", "–", "1.00 Hours"],
            ],
        )
        self.assertIn("$ 900.00 → $ 700.00", self.said())

    def test_of_many_changes_the_first_ten_are_shown(self):
        for day in range(5, 18):
            self.log(self.work, date(2026, 1, day), 1)
        message = self.recalculate()
        self.assertIn("13 added", message)
        body = self.draft.message_ids[0].body
        self.assertEqual(body.count("1.00 Hours"), 10)
        self.assertIn("And 3 more.", body)

    def test_through_the_form(self):
        """The form opens, and saves what else is edited, while something is pending."""
        self.entries[0].unit_amount = 3
        self.env.invalidate_all()
        with Form(self.draft) as form:
            self.assertEqual(form.psa_pending_summary, "changed: 1")
            with form.detail_ids.edit(1) as detail:
                detail.billing_type = "complimentary"
        self.recalculate()
        self.assertEqual(self.line.quantity, 7)


class TestCorrections(RecalculationCase):
    """By those who may edit the transaction itself, and need not see invoices."""

    def test_a_consultant_corrects_his_own_entry(self):
        consultant = self.person("consultant", "hr_timesheet.group_hr_timesheet_user")
        self.alice.user_id = consultant
        self.entries.user_id = consultant
        entry = self.entries[0].with_user(consultant)
        entry.write({"unit_amount": 1, "name": "Shorter", "date": date(2026, 1, 6)})
        self.assertEqual(
            self.detail(self.entries[0]).change, "now 1.00 Hours, 01/06/2026, “Shorter”"
        )
        self.entries[1].with_user(consultant).unlink()
        self.recalculate()
        self.assertEqual(self.line.quantity, 5)
        self.assert_ledger(self.draft)

    def milestones(self):
        project = self.project("Fixed")
        line = self.contract(project, self.milestone_product)
        first = self.milestone(project, line, 0.4, date(2026, 1, 10), name="Concept")
        second = self.milestone(project, line, 0.1, date(2026, 1, 11), name="Start")
        return first, second, project._psa_invoice(JANUARY)

    def test_a_project_user_corrects_a_milestone(self):
        """40 % of ten packages of 100.00 become 50 %; then it comes too late."""
        first, _second, draft = self.milestones()
        self.assertEqual(draft.amount_untaxed, 500)
        user = self.person("planner", "project.group_project_user")
        mine = first.with_user(user)
        mine.quantity_percentage = 0.5
        self.assertEqual(self.changes(draft), ["now 5.00 Units", False])
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 600)
        mine.reached_date = date(2026, 2, 10)
        self.assertEqual(
            self.changes(draft), ["now 02/10/2026, after the cut-off date", False]
        )
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 100)
        self.assert_ledger(draft)

    def test_a_project_user_takes_a_milestone_back(self):
        first, second, draft = self.milestones()
        user = self.person("planner", "project.group_project_user")
        first.with_user(user).is_reached = False
        second.with_user(user).name = "Kick-off"
        self.assertEqual(self.changes(draft), ["nothing to bill", "now “Kick-off”"])
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 100)
        self.assertIn("\nKick-off: ", draft.invoice_line_ids.name)

    def bill(self, project, quantity=1, price=50):
        travel = self.env["product.product"].create(
            {
                "name": "Travel",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "taxes_id": [Command.clear()],
                "supplier_taxes_id": [Command.clear()],
            }
        )
        return self.posted_bill(travel, project, quantity=quantity, price_unit=price)

    def test_an_accountant_posts_a_bill_again_with_another_amount(self):
        accountant = self.person("accountant", "account.group_account_invoice")
        bill = self.bill(self.work).with_user(accountant)
        self.recalculate()
        self.assertEqual(self.draft.amount_untaxed, 950)
        bill.button_draft()
        self.assertTrue(self.draft.needs_recalculation)
        self.assertIn("nothing to bill", self.changes())
        bill.invoice_line_ids.price_unit = 70
        bill.action_post()
        self.assertEqual(
            self.draft.psa_pending_summary, "prices and texts of the contract: 1"
        )
        self.recalculate()
        self.assertEqual(self.draft.amount_untaxed, 970)
        self.assert_ledger(self.draft)

    def test_a_bill_with_another_quantity(self):
        """Two nights instead of one, at the same price."""
        bill = self.bill(self.work)
        self.recalculate()
        bill.button_draft()
        bill.invoice_line_ids.quantity = 2
        bill.action_post()
        self.assertIn("now 2.00 Units", self.changes())
        self.recalculate()
        self.assertEqual(self.draft.amount_untaxed, 1000)
        self.assert_ledger(self.draft)

    def test_recalculated_while_the_bill_is_a_draft(self):
        bill = self.bill(self.work)
        self.recalculate()
        bill.button_draft()
        self.recalculate()
        self.assertEqual(self.draft.amount_untaxed, 900)
        bill.invoice_line_ids.price_unit = 70
        bill.action_post()
        self.recalculate()
        self.assertEqual(self.draft.amount_untaxed, 970)


class TestAdoption(RecalculationCase):
    """A draft of Odoo's order button is asked once for its cut-off date."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.time_project(5, 6, name="Other")
        cls.theirs = cls.other.sale_line_id.order_id._create_invoices()

    def adopt(self, cutoff_date=None):
        action = self.theirs.action_psa_recalculate()
        self.assertEqual(action["res_model"], "psa.adopt.draft")
        wizard = (
            self.env["psa.adopt.draft"].with_context(**action["context"]).create({})
        )
        self.assertEqual(wizard.cutoff_date, date(2026, 1, 2), "The last day on it.")
        if cutoff_date:
            wizard.cutoff_date = cutoff_date
        return wizard.action_apply()["params"]["message"]

    def test_it_is_reviewed_here_from_then_on(self):
        self.assertTrue(self.theirs.psa_is_adoptable)
        self.assertIn("Nothing has changed", self.adopt())
        self.assertRecordValues(
            self.theirs,
            [
                {
                    "is_project_invoice": True,
                    "psa_state": "draft",
                    "billing_project_ids": self.other.ids,
                    "billing_period_start": date(2026, 1, 1),
                    "billing_cutoff_date": date(2026, 1, 2),
                    "needs_recalculation": False,
                    "amount_untaxed": 1100,
                }
            ],
        )
        self.assertIn("Nothing has changed", self.recalculate(self.theirs))
        self.assert_ledger(self.theirs)

    def test_late_hours_within_the_cutoff_are_added(self):
        self.log(self.other, LATE, 1)
        self.log(self.other, date(2026, 2, 1), 8)
        self.assertIn("1 added", self.adopt(JANUARY))
        self.assertEqual(self.theirs.invoice_line_ids.quantity, 12)
        self.assert_ledger(self.theirs)

    def test_its_entries_may_be_corrected_then(self):
        self.adopt()
        self.other.timesheet_ids.sorted("date")[0].unit_amount = 4
        self.recalculate(self.theirs)
        self.assertEqual(self.theirs.amount_untaxed, 1000)

    def test_what_a_person_edited_before_stays(self):
        self.theirs.invoice_line_ids.write({"price_unit": 90, "name": "As agreed"})
        self.log(self.other, LATE, 1)
        self.adopt(JANUARY)
        self.assertRecordValues(
            self.theirs.invoice_line_ids,
            [{"price_unit": 90, "name": "As agreed", "quantity": 12}],
        )
        self.assertIn("Unit Price", self.said(self.theirs))

    def test_prices_of_the_contract_are_followed(self):
        self.adopt()
        self.other.sale_line_id.price_unit = 120
        self.recalculate(self.theirs)
        self.assertEqual(self.theirs.amount_untaxed, 1320)

    def test_a_milestone_on_it_keeps_its_line(self):
        project = self.project("Fixed")
        line = self.contract(project, self.milestone_product)
        self.milestone(project, line, 0.4, date(2026, 1, 2), name="Concept")
        self.theirs = line.order_id._create_invoices()
        self.adopt()
        self.assertEqual(self.theirs.amount_untaxed, 400)
        self.assertEqual(len(self.theirs.invoice_line_ids), 1)

    def test_a_billing_administrator_may(self):
        biller = self.person("biller", "psa_invoicing.group_billing_manager")
        self.theirs = self.theirs.with_user(biller)
        self.env = self.theirs.env
        self.log(self.other.with_user(self.env.ref("base.user_root")), LATE, 1)
        self.assertIn("1 added", self.adopt(JANUARY))

    def test_posted_or_without_projects_it_is_not_adopted(self):
        self.theirs.action_post()
        self.assertFalse(self.theirs.psa_is_adoptable)
        plain = self.init_invoice("out_invoice", products=self.product_a)
        self.assertFalse(plain.psa_is_adoptable)
