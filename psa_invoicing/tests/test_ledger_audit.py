# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The audit says nothing of what is right, and finds what somebody broke."""

from datetime import date

from odoo.exceptions import AccessError, UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


class TestLedgerAudit(BillingCase):
    # Its tests do damage on purpose.
    audited = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.audit = cls.env["psa.ledger.audit"]

    def assert_clean(self, *why):
        self.assertFalse(self.audit._findings(), *why)

    def damage(self, query, *ids):
        """Change the database behind Odoo's back."""
        self.env.flush_all()
        self.env.cr.execute(query, ids)
        self.assertEqual(self.env.cr.rowcount, 1, "One row is damaged.")
        self.env.invalidate_all()

    def deliver_anew(self, lines):
        """As Odoo does when it notices."""
        lines.modified(["qty_delivered_method"])
        lines._compute_qty_delivered()

    def assert_finds(self, check, record):
        """Exactly this check reports exactly this record, and says what to do."""
        findings = self.audit._findings()
        self.assertEqual([finding["check"] for finding in findings], [check])
        [finding] = findings
        self.assertEqual(
            (finding["model"], finding["res_id"]), (record._name, record.id)
        )
        self.assertIn(". ", finding["message"], "What is off, and what to do.")

    def posted(self, *hours):
        move = self.time_project(*hours)._psa_invoice(JANUARY)
        move.action_post()
        return move

    def reversal(self, move):
        return (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id})
        )

    def credit_note(self, move):
        action = self.reversal(move).reverse_moves()
        return self.env["account.move"].browse(action["res_id"])

    # === Nothing is off ===

    def test_an_empty_ledger(self):
        self.assert_clean()

    def test_time_lowered_offered_held_and_written_off(self):
        project = self.time_project(2, 3, 4, -1, 1 / 3)
        entries = project.timesheet_ids.sorted("date")
        entries[0].action_psa_hold("Wait for the customer")
        move = project._psa_invoice(JANUARY)
        self.assert_clean()
        move.invoice_line_ids.quantity = 5
        self.assert_clean()
        entries[2].action_psa_write_off("Goodwill")
        self.log(project, date(2026, 2, 1), 7).action_psa_set_billing_type(
            "non_chargeable"
        )
        move.detail_ids[0].billing_type = "complimentary"
        self.assert_clean()
        move.action_post()
        entries[0].action_psa_release()
        project._psa_invoice(FEBRUARY)
        self.assert_clean()

    def test_credited_in_part_and_in_full(self):
        move = self.posted(2, 3, 4)
        credit_note = self.credit_note(move)
        credit_note.invoice_line_ids.quantity = 5
        self.assert_clean()
        credit_note.action_post()
        self.assert_clean()
        rest = self.credit_note(move)
        rest.action_post()
        self.assert_clean()

    def test_odoos_own_button(self):
        project = self.time_project(2, 3)
        self.milestone(project, self.contract(project, self.milestone_product), 0.4)
        move = project.sale_line_id.order_id._create_invoices()
        self.assert_clean()
        move.action_post()
        self.credit_note(move).action_post()
        self.assert_clean()

    def test_a_milestone(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        self.milestone(project, line, 0.4, date(2026, 1, 5))
        project._psa_invoice(JANUARY).action_post()
        line.product_uom_qty = 8
        self.assert_clean("What was ordered less is to be credited.")

    def test_thirds_of_an_hour_on_many_invoices(self):
        project = self.time_project(*[1 / 3] * 12)
        for number in range(1, 13):
            project._psa_invoice(date(2026, 1, number)).action_post()
        self.assert_clean()

    def test_another_unit_on_the_invoice(self):
        line = self.time_project(2, 3, 4)._psa_invoice(JANUARY).invoice_line_ids
        line.write({"product_uom_id": self.day.id, "quantity": 1.12})
        self.assert_clean()

    def test_what_stays_offered_when_its_line_is_deleted(self):
        move = self.time_project(2, 3)._psa_invoice(JANUARY)
        offered = move.detail_ids[0]
        offered.billing_type = "complimentary"
        move.invoice_line_ids.unlink()
        self.assertEqual(offered.analytic_line_id.timesheet_invoice_id, move)
        self.assert_clean()

    def test_what_a_partial_credit_leaves_keeps_its_invoice(self):
        move = self.posted(2, 3)
        credit_note = self.credit_note(move)
        credit_note.invoice_line_ids.quantity = 3
        credit_note.action_post()
        kept, credited = move.detail_ids.sorted("date").analytic_line_id
        self.assertEqual(kept.timesheet_invoice_id, move)
        self.assertFalse(credited.timesheet_invoice_id)

    def test_the_invoice_that_replaces_another_is_named_on_its_entries(self):
        move = self.posted(2, 3)
        entries = move.detail_ids.analytic_line_id
        wizard = self.reversal(move)
        replacement = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
        self.assertEqual(entries.timesheet_invoice_id, replacement)
        self.assert_clean()

    def test_a_cancelled_invoice_is_not_credited(self):
        """An entry of 5 h, cancelled and credited, would be open with 10 h."""
        move = self.posted(5)
        entry = move.detail_ids.analytic_line_id
        credit_note = self.credit_note(move)
        move.button_draft()
        move.button_cancel()
        with self.assertRaisesRegex(UserError, "Cancel the credit note, too"):
            credit_note.action_post()
        self.assertEqual(entry.open_quantity, 5)

    def test_what_is_taken_back_before_it_is_billed(self):
        """Two hours on a draft become -1, and Odoo's button takes three back: who then
        lowers or deletes the draft has them open again, and the next invoice bills
        them."""
        project = self.time_project(2)
        draft = project._psa_invoice(JANUARY)
        entry = project.timesheet_ids
        self.log(project, date(2026, 1, 3), 6)
        entry.unit_amount = -1
        other = project.sale_line_id.order_id._create_invoices()
        draft.action_psa_recalculate()
        draft.invoice_line_ids.quantity = 1
        self.assert_clean()
        draft.unlink()
        self.assertEqual(entry.open_quantity, 2)
        self.assert_clean()
        other.action_post()
        self.assert_clean()
        self.assertEqual(project._psa_invoice(JANUARY).invoice_line_ids.quantity, 2)
        self.assertEqual(project.sale_line_id.qty_invoiced, 5)

    # === Damage ===

    def test_hours_billed_beyond_what_was_worked(self):
        entry = self.posted(5).detail_ids.analytic_line_id
        self.damage(
            "UPDATE account_analytic_line SET unit_amount = 3 WHERE id = %s", entry.id
        )
        self.deliver_anew(entry.so_line)
        self.assert_finds("billed_too_much", entry)

    def test_a_stored_figure(self):
        entry = self.posted(5).detail_ids.analytic_line_id
        self.damage(
            "UPDATE account_analytic_line SET billed_quantity = 4 WHERE id = %s",
            entry.id,
        )
        self.assert_finds("figures", entry)

    def test_a_milestone_on_two_invoices(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.4, date(2026, 1, 5))
        move = project._psa_invoice(JANUARY)
        self.damage(
            """
            INSERT INTO psa_invoice_detail
                   (move_id, move_line_id, transaction_type, milestone_id, sale_line_id,
                    project_id, date, quantity, source_quantity, amount, billing_type)
            SELECT move_id, move_line_id, transaction_type, milestone_id, sale_line_id,
                   project_id, date, quantity, source_quantity, amount, billing_type
              FROM psa_invoice_detail WHERE id = %s
            """,
            move.detail_ids.id,
        )
        self.damage(
            "UPDATE account_move_line SET quantity = 2 WHERE id = %s",
            move.invoice_line_ids.id,
        )
        milestone._psa_refresh_from_ledger()
        line.modified(["billing_excluded_quantity"])
        self.assert_finds("billed_too_much", milestone)

    def test_a_figure_without_a_ledger(self):
        entry = self.time_project(5).timesheet_ids
        self.damage(
            "UPDATE account_analytic_line SET billing_credited_quantity = 1 "
            "WHERE id = %s",
            entry.id,
        )
        self.assert_finds("figures", entry)

    def test_the_quantity_of_a_line(self):
        move = self.posted(2, 3)
        self.damage(
            "UPDATE account_move_line SET quantity = 6 WHERE id = %s",
            move.invoice_line_ids.id,
        )
        self.assert_finds("line_quantity", move)

    def test_the_quantity_of_a_credited_line(self):
        credit_note = self.credit_note(self.posted(2, 3))
        self.damage(
            "UPDATE account_move_line SET quantity = -5 WHERE id = %s",
            credit_note.invoice_line_ids.id,
        )
        self.assert_finds("line_quantity", credit_note)

    def test_a_line_that_lost_its_details(self):
        move = self.posted(5)
        entry = move.detail_ids.analytic_line_id
        self.damage("DELETE FROM psa_invoice_detail WHERE move_id = %s", move.id)
        entry._psa_refresh_from_ledger()
        self.assert_finds("line_without_details", move)

    def test_a_detail_that_lost_its_line(self):
        move = self.posted(2, 3)
        detail = move.detail_ids[1]
        self.damage(
            "UPDATE psa_invoice_detail SET move_line_id = NULL WHERE id = %s", detail.id
        )
        self.damage(
            "UPDATE account_move_line SET quantity = quantity - %s, "
            "price_subtotal = 200 WHERE id = %s",
            detail.quantity,
            move.invoice_line_ids.id,
        )
        self.damage(
            "UPDATE psa_invoice_detail SET amount = 200 WHERE id = %s",
            (move.detail_ids - detail).id,
        )
        self.assert_finds("detail_without_line", move)

    def test_a_detail_on_the_line_of_another_invoice(self):
        project = self.time_project(2)
        first = project._psa_invoice(JANUARY)
        self.log(project, date(2026, 2, 1), 2)
        second = project._psa_invoice(FEBRUARY)
        # Each keeps its sum: they only change places.
        for move, other in ((first, second), (second, first)):
            self.damage(
                "UPDATE psa_invoice_detail SET move_line_id = %s WHERE id = %s",
                other.invoice_line_ids.id,
                move.detail_ids.id,
            )
        self.assertEqual(
            {
                (finding["check"], finding["res_id"])
                for finding in self.audit._findings()
            },
            {
                ("detail_on_other_invoice", first.id),
                ("detail_on_other_invoice", second.id),
            },
        )

    def test_a_detail_on_the_line_of_another_contract_line(self):
        move = self.posted(5)
        self.damage(
            "DELETE FROM sale_order_line_invoice_rel WHERE invoice_line_id = %s",
            move.invoice_line_ids.id,
        )
        self.assert_finds("detail_on_other_invoice", move)

    def test_the_amount_of_a_detail(self):
        move = self.posted(2, 3)
        self.damage(
            "UPDATE psa_invoice_detail SET amount = amount + 0.01 WHERE id = %s",
            move.detail_ids[0].id,
        )
        self.assert_finds("line_amount", move)

    def test_a_billed_entry_that_was_moved(self):
        entry = self.posted(5).detail_ids.analytic_line_id
        self.damage(
            "UPDATE account_analytic_line SET project_id = %s WHERE id = %s",
            self.project("Other").id,
            entry.id,
        )
        self.assert_finds("moved_transaction", entry)

    def test_a_billed_milestone_that_was_moved(self):
        project = self.project()
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.4, date(2026, 1, 5))
        project._psa_invoice(JANUARY).action_post()
        other = self.contract(project, self.milestone_product)
        self.damage(
            "UPDATE project_milestone SET sale_line_id = %s WHERE id = %s",
            other.id,
            milestone.id,
        )
        self.deliver_anew(line + other)
        self.assert_finds("moved_transaction", milestone)

    def test_a_draft_that_lost_its_entry(self):
        move = self.time_project(5)._psa_invoice(JANUARY)
        entry = move.detail_ids.analytic_line_id
        self.damage(
            "UPDATE psa_invoice_detail SET analytic_line_id = NULL WHERE move_id = %s",
            move.id,
        )
        entry._psa_refresh_from_ledger()
        self.assert_finds("detail_source", move)

    def test_a_transaction_of_another_type(self):
        move = self.posted(5)
        self.damage(
            "UPDATE psa_invoice_detail SET transaction_type = 'expense' "
            "WHERE move_id = %s",
            move.id,
        )
        self.assert_finds("detail_source", move)

    def test_credited_more_than_billed(self):
        """Both credits say that they take back the entry of 2 h."""
        move = self.posted(2, 3)
        credit_note = self.credit_note(move)
        credit_note.action_post()
        small = move.detail_ids.filtered(lambda detail: detail.quantity == 2)
        large = credit_note.detail_ids.filtered(lambda detail: detail.quantity == -3)
        self.damage(
            "UPDATE psa_invoice_detail SET origin_detail_id = %s WHERE id = %s",
            small.id,
            large.id,
        )
        self.assert_finds("credited_too_much", move)

    def test_a_credit_on_another_contract_line(self):
        project = self.time_project(5)
        move = project._psa_invoice(JANUARY)
        move.action_post()
        credit_note = self.credit_note(move)
        other = self.contract(project)
        self.damage(
            "UPDATE sale_order_line_invoice_rel SET order_line_id = %s "
            "WHERE invoice_line_id = %s",
            other.id,
            credit_note.invoice_line_ids.id,
        )
        self.damage(
            "UPDATE psa_invoice_detail SET sale_line_id = %s WHERE move_id = %s",
            other.id,
            credit_note.id,
        )
        (other + project.sale_line_id)._psa_refresh_excluded_quantity()
        other._compute_qty_invoiced()
        other._compute_qty_to_invoice()
        project.sale_line_id._compute_qty_invoiced()
        project.sale_line_id._compute_qty_to_invoice()
        self.assert_finds("credit_of_other_line", credit_note)

    def test_a_write_off_without_a_reason(self):
        project = self.time_project(5)
        detail = project.timesheet_ids.action_psa_write_off("Goodwill")
        self.damage(
            "UPDATE psa_invoice_detail SET reason = NULL WHERE id = %s", detail.id
        )
        self.assert_finds("write_off", project.sale_line_id)

    def test_a_write_off_where_its_entry_is_not(self):
        project = self.time_project(5)
        entry = project.timesheet_ids
        other = self.contract(project, price_unit=50)
        detail = entry.action_psa_write_off("Goodwill")
        self.damage(
            "UPDATE psa_invoice_detail SET sale_line_id = %s WHERE id = %s",
            other.id,
            detail.id,
        )
        (other + project.sale_line_id)._psa_refresh_excluded_quantity()
        self.assert_finds("write_off_place", entry)

    def test_a_write_off_of_an_entry_that_is_gone(self):
        project = self.time_project(5)
        entry, line = project.timesheet_ids, project.sale_line_id
        entry.action_psa_write_off("Goodwill")
        self.damage("DELETE FROM account_analytic_line WHERE id = %s", entry.id)
        self.deliver_anew(line)
        self.assert_finds("write_off_place", line)

    def test_what_an_order_line_leaves_out(self):
        project = self.time_project(2, 3)
        line = project.sale_line_id
        project.timesheet_ids[0].action_psa_hold("Wait")
        self.damage(
            "UPDATE sale_order_line SET billing_excluded_quantity = 1, "
            "qty_to_invoice = qty_delivered - 1 WHERE id = %s",
            line.id,
        )
        self.assert_finds("excluded_quantity", line)

    def test_what_odoo_offers_for_invoicing(self):
        line = self.posted(5).detail_ids.sale_line_id
        self.damage(
            "UPDATE sale_order_line SET qty_to_invoice = 5 WHERE id = %s", line.id
        )
        self.assert_finds("quantity_to_invoice", line)

    def test_an_entry_that_lost_its_invoice(self):
        entry = self.posted(5).detail_ids.analytic_line_id
        self.damage(
            "UPDATE account_analytic_line SET timesheet_invoice_id = NULL "
            "WHERE id = %s",
            entry.id,
        )
        self.assert_finds("timesheet_invoice", entry)

    def test_a_project_invoice_without_a_cutoff_date(self):
        move = self.posted(5)
        self.damage(
            "UPDATE account_move SET billing_cutoff_date = NULL WHERE id = %s", move.id
        )
        self.assert_finds("invoice_header", move)

    def test_a_project_invoice_without_a_project(self):
        move = self.posted(5)
        self.damage("DELETE FROM psa_move_project_rel WHERE move_id = %s", move.id)
        self.assert_finds("invoice_header", move)

    def test_an_invoice_of_another_company(self):
        move = self.posted(5)
        other = self.env["res.company"].create({"name": "Sister"})
        self.damage(
            "UPDATE account_move SET company_id = %s WHERE id = %s", other.id, move.id
        )
        self.assert_finds("company", move)

    def test_a_status(self):
        move = self.posted(5)
        self.damage("UPDATE account_move SET psa_state = 'paid' WHERE id = %s", move.id)
        self.assert_finds("billing_status", move)

    def test_a_credit_note_whose_invoice_is_cancelled(self):
        """What it reopened is open once only, and its entry billed by nothing."""
        move = self.posted(5)
        entry, line = move.detail_ids.analytic_line_id, move.detail_ids.sale_line_id
        credit_note = self.credit_note(move)
        credit_note.action_post()
        self.damage(
            "UPDATE account_move SET state = 'cancel', psa_state = 'cancelled' "
            "WHERE id = %s",
            move.id,
        )
        entry._psa_refresh_from_ledger()
        for name in ("qty_invoiced", "qty_to_invoice"):
            self.env.add_to_compute(line._fields[name], line)
        findings = {each["check"]: each for each in self.audit._findings()}
        self.assertEqual(findings.keys(), {"billed_too_much", "credit_of_cancelled"})
        # To credit it once more would make it worse.
        self.assertIn("-5 h are billed", findings["billed_too_much"]["message"])
        self.assertIn("open again", findings["billed_too_much"]["message"])

    def test_an_invoice_below_zero(self):
        move = self.posted(5)
        self.damage(
            "UPDATE account_move SET amount_total = -575 WHERE id = %s", move.id
        )
        self.assert_finds("document_sign", move)

    def test_a_credit_note_below_zero(self):
        credit_note = self.credit_note(self.posted(5))
        credit_note.action_post()
        self.damage(
            "UPDATE account_move SET amount_total = -575 WHERE id = %s", credit_note.id
        )
        self.assert_finds("document_sign", credit_note)

    def test_a_project_invoice_without_a_period(self):
        """Its credit note could not say when the work was."""
        move = self.posted(5)
        credit_note = self.credit_note(move)
        self.assertTrue(credit_note._billing_period())
        self.damage(
            "UPDATE account_move SET billing_period_start = NULL WHERE id = %s", move.id
        )
        self.assertFalse(credit_note._billing_period())
        self.assert_finds("invoice_header", move)

    def test_a_line_below_another_project(self):
        projects = self.time_project(1, billing_consolidate=True) + self.time_project(
            2, billing_consolidate=True
        )
        move = projects._psa_invoice(JANUARY)
        self.assertEqual(len(move), 1)
        self.assert_clean()
        move.action_post()
        first = move.invoice_line_ids.filtered("sale_line_ids").sorted("sequence")[0]
        self.damage(
            "UPDATE account_move_line SET sequence = 99 WHERE id = %s", first.id
        )
        self.assert_finds("line_heading", move)

    def test_a_line_below_another_project_whose_heading_is_off(self):
        """A person took the heading of its own project off, and that stays away."""
        projects = self.time_project(1, billing_consolidate=True) + self.time_project(
            2, billing_consolidate=True
        )
        move = projects._psa_invoice(JANUARY)
        sections = move.invoice_line_ids.filtered(
            lambda line: line.display_type == "line_section"
        )
        sections[1].unlink()
        self.assert_clean()

    def test_work_that_odoo_does_not_offer(self):
        """8 h and -3 h; Odoo knows of 3 h, and would keep 2 h for ever."""
        line = self.time_project(8, -3).sale_line_id
        self.assert_clean()
        self.damage(
            "UPDATE sale_order_line SET qty_delivered = 3, qty_to_invoice = 3 "
            "WHERE id = %s",
            line.id,
        )
        self.assert_finds("delivered_quantity", line)
        self.env.user.group_ids += self.env.ref("base.group_system")
        audit = self.audit.browse(self.audit.action_run()["res_id"])
        audit.action_compute_figures()
        self.assertEqual((audit.finding_count, line.qty_to_invoice), (0, 5))

    def test_what_odoo_alone_would_bill(self):
        project = self.time_project(8)
        project._psa_invoice(JANUARY).action_post()
        line = project.sale_line_id
        self.damage(
            "UPDATE sale_order_line SET qty_delivered = 9, qty_to_invoice = 1 "
            "WHERE id = %s",
            line.id,
        )
        self.assert_finds("delivered_quantity", line)

    # === The menu ===

    def test_an_administrator_sees_what_is_off(self):
        move = self.posted(5)
        self.env.user.group_ids += self.env.ref("base.group_system")
        action = self.audit.action_run()
        audit = self.env[action["res_model"]].browse(action["res_id"])
        self.assertRecordValues(
            audit, [{"finding_count": 0, "invoice_count": 1, "transaction_count": 1}]
        )
        self.damage("UPDATE account_move SET psa_state = 'paid' WHERE id = %s", move.id)
        audit.action_check_again()
        self.assertEqual(audit.line_ids.check, "billing_status")
        self.assertEqual(audit.line_ids.action_open_record()["res_id"], move.id)

    def test_what_follows_from_the_ledger_is_computed_anew(self):
        self.env.user.group_ids += self.env.ref("base.group_system")
        move = self.posted(5)
        entry, line = move.detail_ids.analytic_line_id, move.detail_ids.sale_line_id
        for query, record in (
            ("UPDATE account_analytic_line SET billed_quantity = 4", entry),
            ("UPDATE account_analytic_line SET timesheet_invoice_id = NULL", entry),
            ("UPDATE sale_order_line SET billing_excluded_quantity = 1", line),
            ("UPDATE sale_order_line SET qty_to_invoice = 3", line),
            ("UPDATE account_move SET psa_state = 'paid'", move),
        ):
            self.damage(f"{query} WHERE id = %s", record.id)
        audit = self.audit.browse(self.audit.action_run()["res_id"])
        self.assertEqual((audit.finding_count, audit.computed_count), (5, 5))
        audit.action_compute_figures()
        self.assertEqual(audit.finding_count, 0)
        self.assertEqual((entry.billed_quantity, line.qty_to_invoice), (5, 0))

    def test_nobody_else_may_check(self):
        for groups in ("psa_invoicing.group_billing_manager", "base.group_system"):
            user = self.person(
                f"only_{groups.split('.')[1]}", f"base.group_user,{groups}"
            )
            with self.assertRaises(AccessError):
                self.audit.with_user(user).action_run()
            with self.assertRaises(AccessError):
                self.audit.with_user(user).action_check_again()
            with self.assertRaises(AccessError):
                self.audit.with_user(user).action_compute_figures()
