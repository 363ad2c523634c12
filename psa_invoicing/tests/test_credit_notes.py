# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A credit note reopens what it credits, and nothing is billed again unasked."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestCreditNotes(BillingCase):
    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3, 4)
        self.entries = self.work.timesheet_ids.sorted("date")
        self.order_line = self.work.sale_line_id
        self.invoice = self.work._psa_invoice(JANUARY)
        self.invoice.action_post()

    def credit(self, quantity=None, invoice=None, **line_values):
        """A draft credit note from the invoice; of everything, or of a part."""
        credit_note = (invoice or self.invoice)._reverse_moves()
        if quantity is not None:
            credit_note.invoice_line_ids.quantity = quantity
        if line_values:
            credit_note.invoice_line_ids.write(line_values)
        return credit_note

    def test_it_says_when_the_work_was_and_what_it_credits(self):
        """On paper; a correction of a transaction, too, which credits no invoice by
        itself."""
        self.invoice.delivery_date = JANUARY
        credit_note = self.credit(1)
        self.assertEqual(credit_note.delivery_date, JANUARY)
        credit_note.action_post()
        self.log(self.work, date(2026, 1, 20), -5)
        correction = self.wizard_invoice()
        self.assertEqual(correction.move_type, "out_refund")
        correction.action_post()
        for move, start in ((credit_note, "01/01/2026"), (correction, "01/20/2026")):
            html, _kind = self.env["ir.actions.report"]._render_qweb_html(
                "account.report_invoice", move.ids
            )
            text = html.decode()
            self.assertIn("Credited Invoice", text)
            self.assertIn(self.invoice.name, text)
            self.assertIn(start, text)

    def test_credited_meanwhile(self):
        """Two colleagues credit the same: the second one is told, and no other hours
        are credited in their stead."""
        first, second = self.credit(4), self.credit(4)
        self.assertEqual(
            first.detail_ids.origin_detail_id, second.detail_ids.origin_detail_id
        )
        first.action_post()
        with (
            self.assertRaisesRegex(UserError, "was credited meanwhile"),
            self.cr.savepoint(),
        ):
            second.action_post()
        anyway = self.env["psa.confirm.anyway"].create(
            {"move_ids": second.ids, "reason": "Agreed with the customer"}
        )
        self.assertIn("was credited meanwhile", anyway.problems)
        anyway.action_apply()
        self.assertEqual(second.state, "posted")
        self.assertEqual(sum(self.open_hours()), 8)

    def open_hours(self):
        return self.entries.mapped("open_quantity")

    def wizard_invoice(self, project=None):
        """Everything that is open, billed by a person."""
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": (project or self.work).ids, "cutoff_date": JANUARY}
        )
        wizard.action_next()
        return self.env["account.move"].browse(wizard.action_finish()["res_id"])

    # === Full ===

    def test_a_credited_entry_moves_and_its_invoice_is_reset(self):
        """On the draft it stands beside its credit note, until that is cancelled."""
        project, other = self.time_project(2), self.time_project(name="Other")
        invoice = project._psa_invoice(JANUARY)
        invoice.action_post()
        invoice._reverse_moves().action_post()
        project.timesheet_ids.project_id = other
        invoice.button_draft()
        self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])
        with self.assertRaisesRegex(UserError, "Cancel that credit note first"):
            with self.env.cr.savepoint():
                invoice.action_psa_recalculate()

    def test_an_entry_moves_away_from_a_replaced_invoice(self):
        project, other = self.time_project(2, 3), self.time_project(name="Other")
        invoice = project._psa_invoice(JANUARY)
        invoice.action_post()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.modify_moves()
        project.timesheet_ids[0].project_id = other
        self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])
        invoice.button_draft()
        self.assertEqual(self.env["psa.ledger.audit"]._findings(), [])

    def test_a_credited_entry_stays_on_its_documents(self):
        """It may be corrected again, and not deleted."""
        project = self.time_project(2)
        entry = project.timesheet_ids
        invoice = project._psa_invoice(JANUARY)
        invoice.action_post()
        invoice._reverse_moves().action_post()
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            with self.env.cr.savepoint():
                entry.unlink()
        self.assertEqual(invoice.detail_ids.analytic_line_id, entry)
        entry.unit_amount = 0
        self.assertEqual(entry.open_quantity, 0)

    def test_a_draft_reopens_nothing(self):
        credit_note = self.credit()
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(credit_note.detail_ids.mapped("quantity"), [-2, -3, -4])
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_a_full_credit_is_reviewed_before_it_is_billed_again(self):
        self.credit().action_post()
        self.assertEqual(self.open_hours(), [2, 3, 4])
        self.assertEqual(set(self.entries.mapped("billing_status")), {"credited"})
        self.assertFalse(self.work._psa_invoice(JANUARY), "No run bills it.")
        self.assertEqual(self.order_line.qty_to_invoice, 9, "A person may.")
        self.assertFalse(self.entries.timesheet_invoice_id)
        self.assertEqual(self.invoice.psa_state, "credited")

    def test_the_wizard_bills_credited_work(self):
        self.credit().action_post()
        again = self.wizard_invoice()
        self.assertEqual(again.amount_untaxed, 900)
        self.assertEqual(set(self.entries.mapped("billing_status")), {"draft"})
        self.assert_ledger(again)

    def test_released_work_goes_with_the_next_run(self):
        self.credit().action_post()
        self.entries[0].action_psa_release()
        self.assertEqual(
            self.entries.mapped("billing_status"), ["ready", "credited", "credited"]
        )
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 200)

    def test_credited_work_can_be_written_off(self):
        self.credit().action_post()
        self.entries.action_psa_write_off("Goodwill")
        self.assertEqual(set(self.entries.mapped("billing_status")), {"written_off"})
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        self.entries.action_psa_undo_write_off()
        self.assertEqual(set(self.entries.mapped("billing_status")), {"credited"})

    def test_new_work_beside_credited_work_is_billed(self):
        self.credit().action_post()
        self.log(self.work, date(2026, 1, 20), 1)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 100)

    def test_more_hours_on_a_credited_entry_are_billed_once(self):
        """A run bills what was added; what was credited waits to be reviewed."""
        self.credit().action_post()
        self.entries[2].unit_amount = 10
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(move.detail_ids.mapped("quantity"), [6])
        self.assertEqual(self.entries[2].billing_credited_quantity, 4)
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.wizard_invoice()
        self.assertEqual(self.entries.mapped("billing_credited_quantity"), [0, 0, 0])
        self.assertEqual(self.open_hours(), [0, 0, 0])

    def test_credited_entries_may_be_edited_again(self):
        self.credit().action_post()
        self.entries[0].unit_amount = 1.5
        self.assertEqual(self.open_hours(), [1.5, 3, 4])

    # === Part ===

    def test_a_part_credits_the_latest_entries(self):
        credit_note = self.credit(5)
        self.assertEqual(credit_note.detail_ids.mapped("quantity"), [-1, -4])
        credit_note.action_post()
        self.assertEqual(self.open_hours(), [0, 1, 4])
        self.assertEqual(
            self.entries.mapped("billing_status"), ["invoiced", "credited", "credited"]
        )
        self.assertEqual(
            [entry.timesheet_invoice_id for entry in self.entries],
            [self.invoice, self.invoice, self.invoice.browse()],
            "Entries with a billed part stay on their invoice.",
        )

    def test_after_a_partial_credit_only_new_hours_are_billed(self):
        """8 h invoiced, 3.5 h credited, 1 h logged: Odoo would bill 9 h."""
        project = self.time_project(8)
        invoice = project._psa_invoice(JANUARY)
        invoice.action_post()
        self.credit(3.5, invoice).action_post()
        self.log(project, date(2026, 1, 20), 1)
        self.assertEqual(project._psa_invoice(JANUARY).invoice_line_ids.quantity, 1)
        self.assertEqual(project.sale_line_id.qty_to_invoice, 3.5)

    def test_a_person_chooses_what_is_credited(self):
        credit_note = self.credit(5)
        credit_note.detail_ids.filtered(
            lambda detail: detail.analytic_line_id == self.entries[2]
        ).quantity = -2
        adjustment = credit_note.detail_ids.filtered(
            lambda detail: detail.transaction_type == "adjustment"
        )
        self.assertEqual(adjustment.quantity, -2, "The line stays 5 h.")
        credit_note.action_post()
        self.assertEqual(self.open_hours(), [0, 1, 2])

    def test_several_on_one_invoice(self):
        self.credit(4).action_post()
        self.credit(3).action_post()
        self.assertEqual(self.open_hours(), [0, 3, 4])
        last = self.credit()
        self.assertEqual(
            last.detail_ids.filtered("origin_detail_id").mapped("quantity"),
            [-2],
            "Only 2 h are left to credit.",
        )
        last.action_post()
        self.assertEqual(self.open_hours(), [2, 3, 4])

    def test_two_drafts_credit_once(self):
        first, second = self.credit(), self.credit()
        first.action_post()
        with (
            self.assertRaisesRegex(UserError, "was credited meanwhile"),
            self.cr.savepoint(),
        ):
            second.action_post()
        self.assertEqual(self.open_hours(), [2, 3, 4])
        self.assertEqual(self.entries.mapped("billed_quantity"), [0, 0, 0])

    # === Price only ===

    def test_a_lower_price_reopens_nothing(self):
        credit_note = self.credit(price_unit=10)
        self.assertFalse(credit_note.psa_reopens_transactions)
        credit_note.action_post()
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        self.assertEqual(self.order_line.untaxed_amount_to_invoice, 0)
        self.assertFalse(self.wizard_finds())

    def wizard_finds(self):
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": self.work.ids, "cutoff_date": JANUARY}
        )
        wizard.action_next()
        return wizard.line_ids

    def test_a_lower_quantity_at_another_price_reopens(self):
        credit_note = self.credit(price_unit=10)
        credit_note.invoice_line_ids.quantity = 2
        self.assertTrue(credit_note.psa_reopens_transactions)

    def test_a_person_decides_whether_it_reopens(self):
        credit_note = self.credit()
        credit_note.psa_reopens_transactions = False
        credit_note.action_post()
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    # === Life of a credit note ===

    def test_deleted_reset_and_cancelled(self):
        self.credit().unlink()
        self.assertEqual(self.open_hours(), [0, 0, 0])
        credit_note = self.credit()
        credit_note.action_post()
        credit_note.button_draft()
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(set(self.entries.mapped("billing_status")), {"invoiced"})
        credit_note.action_post()
        self.assertEqual(self.open_hours(), [2, 3, 4])
        credit_note.button_draft()
        credit_note.button_cancel()
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    def test_what_was_billed_again_holds_the_credit_note(self):
        credit_note = self.credit()
        credit_note.action_post()
        again = self.wizard_invoice()
        again.action_post()
        with self.assertRaisesRegex(UserError, again.name):
            credit_note.button_draft()
        self.assertEqual(credit_note.state, "posted")

    def test_an_invoice_with_a_credit_note_is_not_cancelled(self):
        credit_note = self.credit(1)
        credit_note.action_post()
        self.invoice.button_draft()
        with self.assertRaisesRegex(UserError, credit_note.name):
            self.invoice.button_cancel()
        with self.assertRaisesRegex(UserError, credit_note.name):
            self.invoice.detail_ids.unlink()

    def test_a_credit_of_a_credit(self):
        credit_note = self.credit()
        credit_note.action_post()
        reversal = self.credit(invoice=credit_note)
        self.assertEqual(reversal.move_type, "out_invoice")
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(sorted(reversal.detail_ids.mapped("quantity")), [2, 3, 4])
        reversal.action_post()
        self.assertEqual(self.order_line.qty_to_invoice, 0)
        with self.assertRaisesRegex(UserError, reversal.name):
            credit_note.button_draft()

    def test_a_credit_of_a_credit_after_it_was_billed_again(self):
        credit_note = self.credit()
        credit_note.action_post()
        again = self.wizard_invoice()
        with (
            self.assertRaisesRegex(UserError, "billed again with"),
            self.env.cr.savepoint(),
        ):
            self.credit(invoice=credit_note)
        again.unlink()
        self.credit(invoice=credit_note)
        self.assertEqual(self.open_hours(), [0, 0, 0])

    def test_what_was_changed_since_holds_the_credit_note(self):
        """To undo the credit would bill more hours than were worked."""
        credit_note = self.credit()
        credit_note.action_post()
        self.entries[2].unit_amount = 1.5
        for undo in (credit_note.button_draft, credit_note._reverse_moves):
            with (
                self.assertRaisesRegex(UserError, "was changed since"),
                self.env.cr.savepoint(),
            ):
                undo()
        self.entries[2].unit_amount = 4.5
        self.credit(invoice=credit_note).action_post()
        self.assertEqual(self.open_hours(), [0, 0, 0.5])

    def test_a_credit_of_a_lower_price(self):
        credit_note = self.credit(price_unit=10)
        credit_note.action_post()
        with (
            self.assertRaisesRegex(UserError, "would bill them twice"),
            self.env.cr.savepoint(),
        ):
            self.credit(invoice=credit_note)
        self.assertEqual(self.open_hours(), [0, 0, 0])

    def test_reverse_and_modify(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"journal_id": self.invoice.journal_id.id, "date": JANUARY})
        )
        replacement = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
        self.assertEqual(self.open_hours(), [0, 0, 0])
        self.assertEqual(
            replacement.detail_ids.analytic_line_id, self.entries, "Linked again."
        )
        self.assertTrue(replacement.is_project_invoice)
        self.entries[2].unit_amount = 5
        replacement.action_psa_recalculate()
        self.assertEqual(replacement.invoice_line_ids.quantity, 10)
        self.assert_ledger(replacement)

    # === What went with it ===

    def test_a_full_credit_reopens_what_was_offered_and_written_off(self):
        project = self.time_project(2, 3, 4)
        entries = project.timesheet_ids.sorted("date")
        invoice = project._psa_invoice(JANUARY)
        invoice.detail_ids[0].billing_type = "complimentary"
        lowered = invoice.detail_ids.filtered(
            lambda detail: detail.analytic_line_id == entries[2]
        )
        lowered.quantity = 3
        lowered.action_psa_write_off_rest("Too slow")
        self.assertEqual(entries[2].billing_written_off_quantity, 1)
        invoice.action_post()
        self.credit(2, invoice).action_post()
        self.assertEqual(entries.mapped("open_quantity"), [0, 0, 2])
        self.credit(4, invoice).action_post()
        self.assertEqual(entries.mapped("open_quantity"), [2, 3, 4])
        self.assertEqual(project.sale_line_id.qty_to_invoice, 9)

    # === Other transactions ===

    def test_a_milestone_is_credited_in_part(self):
        project = self.project()
        line = self.contract(project, self.milestone_product, product_uom_qty=1)
        line.price_unit = 1000
        milestone = self.milestone(project, line, 1, date(2026, 1, 10))
        invoice = project._psa_invoice(JANUARY)
        invoice.action_post()
        self.credit(0.4, invoice).action_post()
        self.assertEqual(milestone.open_quantity, 0.4)
        self.assertEqual(milestone.billing_status, "credited")
        self.assertFalse(project._psa_invoice(JANUARY))
        self.assertEqual(self.wizard_invoice(project).amount_untaxed, 400)

    def test_an_ordered_quantity_reduced_on_the_order(self):
        project = self.project()
        product = self._service(
            "Licence", "manual", self.env.ref("uom.product_uom_unit")
        )
        product.invoice_policy = "order"
        line = self.contract(project, product, project_id=project.id)
        invoice = project._psa_invoice(date(2030, 1, 1))
        invoice.action_post()
        line.product_uom_qty = 6
        self.assertEqual(line.open_quantity, -4)
        self.assertFalse(project._psa_invoice(date(2030, 1, 1)), "No negative invoice.")
        refund = line.order_id._create_invoices(final=True)
        self.assertEqual(refund.move_type, "out_refund")
        self.assertEqual(refund.detail_ids.quantity, -4)
        self.assertEqual(line.open_quantity, 0)
        refund.action_post()
        self.assertEqual((line.open_quantity, line.qty_to_invoice), (0, 0))

    def test_a_correction_is_credited_from_the_order(self):
        correction = self.log(self.work, date(2026, 1, 20), -2)
        refund = self.order_line.order_id._create_invoices(final=True)
        self.assertEqual(refund.move_type, "out_refund")
        self.assertEqual(refund.detail_ids.analytic_line_id, correction)
        self.assertEqual(correction.open_quantity, 0)
        self.assertFalse(self.order_line.qty_to_invoice)
        refund.action_post()
        self.assertEqual(self.order_line.qty_to_invoice, 0)

    def test_a_credit_note_does_not_bill_open_work(self):
        """One that names no invoice line credits what was billed last."""
        self.log(self.work, date(2026, 1, 20), 5)
        credit_note = self.env["account.move"].create(
            {
                "move_type": "out_refund",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create(self.order_line._prepare_invoice_line(quantity=3))
                ],
            }
        )
        self.assertEqual(credit_note.detail_ids.mapped("quantity"), [-3])
        self.assertEqual(credit_note.detail_ids.origin_detail_id.move_id, self.invoice)
