# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stories in which an hour was billed twice, lost or changed, and must not be again."""

from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form

from .common import BillingCase

JANUARY = date(2026, 1, 31)


def day(number):
    return date(2026, 1, number)


class TestNeverTwice(BillingCase):
    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3, 4)
        self.entries = self.work.timesheet_ids.sorted("date")
        self.order_line = self.work.sale_line_id

    def quantities(self, move):
        return {
            detail.analytic_line_id: detail.quantity
            for detail in move.detail_ids
            if detail.analytic_line_id
        }

    # === Several invoices, one contract line ===

    def test_two_projects_share_a_contract_line(self):
        other = self.project("Other")
        other.sale_line_id = self.order_line
        self.log(other, day(5), 5)
        moves = (self.work + other)._psa_invoice(JANUARY)
        self.assertEqual(sorted(moves.mapped("invoice_line_ids.quantity")), [5, 9])
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        self.assert_ledger(moves)

    def test_thirds_over_two_projects(self):
        """0.1667 h and 0.3333 h: 0.17 and 0.33, together the 0.50 delivered."""
        first, other = self.project("First"), self.project("Other")
        other.sale_line_id = self.contract(first)
        self.log(first, day(1), 1 / 6)
        self.log(other, day(1), 1 / 3)
        moves = (first + other)._psa_invoice(JANUARY)
        self.assertEqual(sum(moves.mapped("invoice_line_ids.quantity")), 0.5)

    def test_an_entry_on_two_invoices_counts_once_each(self):
        first = self.work._psa_invoice(JANUARY)
        first.invoice_line_ids.quantity = 6
        second = self.work._psa_invoice(JANUARY)
        (first + second).action_post()
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])
        self.assertEqual(self.entries[2].billed_quantity, 4)
        (first + second).button_draft()
        (first + second).button_cancel()
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])

    def test_what_stays_on_a_draft_stays_when_the_rest_is_billed(self):
        first = self.work._psa_invoice(JANUARY)
        first.invoice_line_ids.quantity = 6
        second = self.work._psa_invoice(JANUARY)
        for move in first + second:
            message = move.action_psa_recalculate()["params"]["message"]
            self.assertIn("Nothing has changed", message)
        self.assertEqual((first + second).mapped("invoice_line_ids.quantity"), [6, 3])

    def test_a_lowered_entry_that_is_edited_keeps_its_place(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 6
        self.entries[2].unit_amount = 3
        move.action_psa_recalculate()
        self.assertEqual(self.quantities(move)[self.entries[2]], 1)
        self.entries[2].unit_amount = 0.5
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 5.5)

    # === Quantities typed by hand ===

    def test_zero_and_back(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 0
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 4])
        move.invoice_line_ids.quantity = 5
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 4])
        move.action_post()
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 400)

    def test_typed_after_somebody_else_took_the_hours(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 0
        other = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 5
        self.assertEqual(move.detail_ids.transaction_type, "adjustment")
        self.assertEqual(other.invoice_line_ids.quantity, 9)

    def test_a_correction_makes_room(self):
        project = self.time_project(3, -1)
        move = project._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 1
        self.assertEqual(move.detail_ids.mapped("quantity"), [2, -1])
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 100)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 0)

    def test_a_removed_row_comes_back_before_hours_are_invented(self):
        move = self.work._psa_invoice(JANUARY)
        move.detail_ids[0].unlink()
        move.invoice_line_ids.quantity = 9
        self.assertFalse(
            move.detail_ids.filtered(lambda each: each.transaction_type == "adjustment")
        )
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 0, 0])

    def test_another_unit_on_the_invoice(self):
        """9 h typed as 1.125 days; 7 h more make 2 days, not 16."""
        move = self.work._psa_invoice(JANUARY)
        line = move.invoice_line_ids
        line.write({"product_uom_id": self.day.id, "quantity": 1.12, "price_unit": 800})
        self.log(self.work, day(20), 7)
        move.action_psa_recalculate()
        self.assertAlmostEqual(line.quantity, 2, delta=0.02)
        self.assertEqual(line.product_uom_id, self.day)

    # === Complimentary ===

    def test_offered_hours_of_a_lowered_entry_stay_offered(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 6
        move.detail_ids.filtered(
            lambda detail: detail.analytic_line_id == self.entries[2]
        ).billing_type = "complimentary"
        self.assertEqual(move.invoice_line_ids.quantity, 5)
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 500)
        self.assertEqual(
            move.detail_ids.filtered(
                lambda detail: detail.billing_type == "complimentary"
            ).mapped("quantity"),
            [1],
        )

    def test_a_line_on_which_all_is_offered_keeps_its_text_and_price(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.write({"name": "As agreed", "price_unit": 70})
        move.detail_ids.billing_type = "complimentary"
        self.entries[0].unit_amount = 7
        self.assertTrue(move.needs_recalculation)
        move.detail_ids.billing_type = "chargeable"
        self.assertRecordValues(
            move.invoice_line_ids, [{"name": "As agreed", "price_unit": 70}]
        )

    def test_offer_the_last_row_and_edit_its_line_in_one_save(self):
        project = self.time_project(2)
        with Form(project._psa_invoice(JANUARY)) as form:
            with form.detail_ids.edit(0) as detail:
                detail.billing_type = "complimentary"
            with form.invoice_line_ids.edit(0) as line:
                line.name = "Free of charge"
        self.assertEqual(form.record.amount_total, 0)

    def test_a_deleted_line_keeps_what_was_offered(self):
        move = self.work._psa_invoice(JANUARY)
        move.detail_ids[0].billing_type = "complimentary"
        move.invoice_line_ids.unlink()
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 3, 4])
        self.assertEqual(self.order_line.billing_excluded_quantity, 2)

    # === Beside Odoo's own button ===

    def test_the_rest_of_a_lowered_entry_billed_by_odoo(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.quantity = 6
        theirs = self.order_line.order_id._create_invoices()
        self.assertEqual(theirs.invoice_line_ids.quantity, 3)
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_a_milestone_billed_by_odoo(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        self.milestone(project, line, 0.5, day(5))
        line.order_id._create_invoices()
        self.assertFalse(project._psa_invoice(JANUARY))

    def test_cancelled_here_billed_by_odoo_and_revived(self):
        move = self.work._psa_invoice(JANUARY)
        move.button_cancel()
        self.order_line.order_id._create_invoices()
        move.button_draft()
        self.assertFalse(move.detail_ids)
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.assertEqual(self.order_line.qty_invoiced, 9)

    def test_cancelled_here_billed_by_odoo_and_deleted(self):
        move = self.work._psa_invoice(JANUARY)
        move.button_cancel()
        theirs = self.order_line.order_id._create_invoices()
        move.unlink()
        self.assertEqual(self.entries.timesheet_invoice_id, theirs)
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_a_partial_credit_of_odoos_invoice_opens_no_more_than_it_credits(self):
        theirs = self.order_line.order_id._create_invoices()
        theirs.action_post()
        credit = theirs._reverse_moves()
        credit.invoice_line_ids.quantity = 1
        credit.action_post()
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.entries.action_psa_release()
        self.assertEqual(self.work._psa_invoice(JANUARY).invoice_line_ids.quantity, 1)

    def test_credited_hours_do_not_slip_into_the_last_invoice(self):
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        credit = move._reverse_moves()
        credit.invoice_line_ids.quantity = 0.01
        credit.action_post()
        self.log(self.work, day(20), 2)
        self.assertEqual(self.work._psa_invoice(JANUARY).invoice_line_ids.quantity, 2)

    def test_a_project_invoice_does_not_become_a_credit_note(self):
        move = self.work._psa_invoice(JANUARY)
        with self.assertRaisesRegex(UserError, "cannot become a credit note"):
            move.action_switch_move_type()

    # === What a draft is told ===

    def test_another_cutoff_asks_for_recalculate_and_moves_the_period(self):
        move = self.work._psa_invoice(JANUARY)
        move.billing_cutoff_date = day(2)
        self.assertTrue(move.needs_recalculation)
        self.log(self.work, date(2025, 12, 30), 1)
        move.action_psa_recalculate()
        self.assertEqual(move.billing_period_start, date(2025, 12, 30))
        with (
            self.assertRaisesRegex(ValidationError, "cut-off date"),
            self.env.cr.savepoint(),
        ):
            move.billing_cutoff_date = False

    def test_another_price_shows_on_the_transactions(self):
        move = self.work._psa_invoice(JANUARY)
        move.invoice_line_ids.price_unit = 50
        self.assertEqual(move.detail_ids.mapped("amount"), [100, 150, 200])

    def test_less_ordered_tells_the_draft_of_its_milestones(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        self.milestone(project, line, 0.5, day(5))
        move = project._psa_invoice(JANUARY)
        line.product_uom_qty = 4
        self.assertTrue(move.needs_recalculation)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.billing_share, 2)
        self.assertEqual(move.amount_untaxed, 200)

    def test_a_billed_milestone_stays_on_its_contract_line(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.5, day(5))
        project._psa_invoice(JANUARY).action_post()
        with self.assertRaisesRegex(UserError, "was billed with"):
            milestone.sale_line_id = self.contract(project, self.milestone_product)

    def test_a_reached_milestone_has_a_day(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.5, day(5))
        with self.assertRaisesRegex(ValidationError, "Enter the day"):
            milestone.reached_date = False

    def test_the_wizard_bills_what_it_showed_or_says_so(self):
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.work.ids, "cutoff_date": JANUARY}
        )
        wizard.action_next()
        self.entries[0].unit_amount = 50
        with self.assertRaisesRegex(UserError, "billed or changed meanwhile"):
            wizard.action_finish()

    def test_never_negative_with_discounts(self):
        discounted = self.contract(self.work, discount=90)
        project = self.project()
        project.sale_line_id = discounted
        self.log(project, day(1), 3)
        other = self.contract(project, price_unit=50)
        self.log(project, day(2), -2, so_line=other.id, is_so_line_edited=True)
        self.assertFalse(project._psa_invoice(JANUARY))

    # === Reading, deleting ===

    def test_entries_without_contract_line_can_be_read(self):
        internal = self.env["project.project"].create({"name": "Internal"})
        entry = self.log(internal, day(1), 2)
        self.assertEqual((entry.billable_quantity, entry.open_quantity), (0, 0))

    def test_what_is_billed_is_not_deleted(self):
        self.work._psa_invoice(JANUARY).action_post()
        order = self.order_line.order_id
        order._action_cancel()
        with self.assertRaisesRegex(UserError, "is billed with"):
            order.unlink()

    def test_what_was_cancelled_is(self):
        move = self.work._psa_invoice(JANUARY)
        move.button_cancel()
        order = self.order_line.order_id
        order._action_cancel()
        order.unlink()
        self.assertFalse(move.detail_ids.exists())

    # === Through the API ===

    def test_no_word_in_the_context_opens_the_ledger(self):
        move = self.work._psa_invoice(JANUARY)
        move.action_post()
        detail = move.detail_ids[0].with_context(psa_ledger=True)
        with self.assertRaises(UserError):
            detail.quantity = 1
        with self.assertRaises(UserError):
            detail.unlink()

    def test_what_the_engine_writes_is_refused_to_users(self):
        move = self.work._psa_invoice(JANUARY)
        accountant = self.person(
            "psa_tamper",
            "account.group_account_invoice,hr_timesheet.group_hr_timesheet_approver",
        )
        self.entries[0].unit_amount = 1
        for field in ("needs_recalculation", "is_project_invoice"):
            with self.assertRaises(AccessError):
                move.with_user(accountant)[field] = False
        with self.assertRaises(AccessError):
            self.entries[1].with_user(accountant).write({"billed_quantity": 0})
        self.assertEqual(self.entries[1].billed_quantity, 3)

    def test_orders_of_another_company(self):
        company = self.setup_other_company()["company"]
        user = self.person(
            "psa_one_company", "psa_invoicing.group_billing_manager", company=company
        )
        wizard = (
            self.env["psa.manual.invoice"]
            .with_user(user)
            .create({"project_ids": self.work.ids, "cutoff_date": JANUARY})
        )
        with self.assertRaisesRegex(UserError, "Switch that company on"):
            wizard.action_next()
