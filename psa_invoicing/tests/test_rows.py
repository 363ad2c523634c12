# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Many transactions of a draft at once, and the way from them to their documents."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestRows(BillingCase):
    def setUp(self):
        super().setUp()
        self.work = self.time_project(2, 3, 4)
        self.entries = self.work.timesheet_ids.sorted("date")
        self.move = self.work._psa_invoice(JANUARY)
        self.rows = self.move.detail_ids.sorted("date")

    def remove(self, rows, then="later", reason=""):
        self.env["psa.row.removal"].with_context(
            active_model="psa.invoice.detail", active_ids=rows.ids
        ).create({"then": then, "reason": reason}).action_apply()

    def test_types(self):
        self.rows[:2].action_psa_offer()
        self.assertEqual(self.move.amount_untaxed, 400)
        self.rows[1].action_psa_leave_out()
        self.rows[0].action_psa_charge()
        self.assertEqual(self.move.amount_untaxed, 600)
        self.assertEqual(
            self.rows.mapped("billing_type"),
            ["chargeable", "non_chargeable", "chargeable"],
        )

    def test_removed_for_now(self):
        self.remove(self.rows[:2])
        self.assertEqual(self.move.amount_untaxed, 400)
        self.assertEqual(self.entries.mapped("open_quantity"), [2, 3, 0])
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)

    def test_removed_and_held(self):
        self.remove(self.rows[:2], "hold", "Disputed")
        self.assertEqual(
            self.entries.mapped("billing_status"), ["hold", "hold", "draft"]
        )
        self.assertEqual(self.entries[0].billing_hold_reason, "Disputed")
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_removed_for_good(self):
        with self.assertRaisesRegex(UserError, "Say why"), self.env.cr.savepoint():
            self.remove(self.rows[:2], "write_off")
        self.assertEqual(len(self.move.detail_ids), 3)
        self.remove(self.rows[:2], "write_off", "Rework")
        self.assertEqual(
            self.entries.mapped("billing_status"),
            ["written_off", "written_off", "draft"],
        )
        self.assertEqual(self.move.amount_untaxed, 400)

    def test_only_what_was_on_the_draft_is_written_off(self):
        self.rows[2].quantity = 1
        self.remove(self.rows[2], "write_off", "Rework")
        self.assertEqual(self.entries[2].billing_written_off_quantity, 1)
        self.assertEqual(self.entries[2].open_quantity, 3)

    def test_queries_do_not_grow_with_the_rows(self):
        """Ten, twenty, thirty rows: the same number of queries."""
        counts = []
        for hours in ([1] * 10, [1] * 20, [1] * 30):
            move = self.time_project(*hours, name="Many")._psa_invoice(JANUARY)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            move.detail_ids.action_psa_offer()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(max(counts), counts[0], counts)

    def test_posted_rows_stay(self):
        self.move.action_post()
        for change in (self.rows.action_psa_offer, lambda: self.remove(self.rows)):
            with self.assertRaisesRegex(UserError, "no draft any more"):
                with self.env.cr.savepoint():
                    change()

    def test_new_since_the_last_look(self):
        self.log(self.work, date(2026, 1, 9), 1)
        self.move.action_psa_recalculate()
        rows = self.move.detail_ids.sorted("date")
        self.assertEqual(rows.mapped("is_added"), [False, False, False, True])
        self.log(self.work, date(2026, 1, 10), 1)
        self.move.action_psa_recalculate()
        rows = self.move.detail_ids.sorted("date")
        self.assertEqual(rows.mapped("is_added"), [False] * 4 + [True])

    def test_totals(self):
        """Ten hours ordered at 100.00; two billed before, three offered, one of four
        written off."""
        self.move.unlink()
        self.work._psa_invoice(date(2026, 1, 1)).action_post()
        move = self.work._psa_invoice(JANUARY)
        rows = move.detail_ids.sorted("date")
        rows[0].action_psa_offer()
        rows[1].quantity = 3
        rows[1].action_psa_write_off_rest("Rework")
        self.assertEqual(
            (
                move.amount_untaxed,
                move.billing_complimentary_value,
                move.billing_written_off_value,
            ),
            (300, 300, 100),
        )
        self.assertEqual(
            (
                move.billing_contract_total,
                move.billing_billed_before,
                move.billing_contract_rest,
            ),
            (1000, 200, 500),
        )
        other = self.env["account.move"].create({"move_type": "out_invoice"})
        self.assertFalse(other.billing_contract_total)

    # === From a row to its document, and back ===

    def test_to_the_document(self):
        action = self.rows[0].action_psa_open_source()
        self.assertEqual(
            (action["res_model"], action["res_id"]),
            ("account.analytic.line", self.entries[0].id),
        )
        self.entries[0].unlink()
        self.assertFalse(self.rows[0].action_psa_open_source())

    def test_back_to_the_invoices(self):
        self.move.action_post()
        self.move._reverse_moves()
        action = self.entries[0].action_psa_view_invoices()
        moves = self.env["account.move"].search(action["domain"])
        self.assertEqual(moves.mapped("move_type"), ["out_refund", "out_invoice"])
        entry = self.log(self.work, JANUARY, 1)
        with self.assertRaisesRegex(UserError, "no invoice"):
            entry.action_psa_view_invoices()

    def test_links_of_the_invoice(self):
        self.assertEqual(self.move.psa_detail_count, 3)
        rows = self.env["psa.invoice.detail"].search(
            self.move.action_psa_view_details()["domain"]
        )
        self.assertEqual(rows, self.move.detail_ids)
        self.assertEqual(self.move.action_psa_view_projects()["res_id"], self.work.id)
        self.assertFalse(self.move.billing_credit_note_count)

    def test_lowered_and_the_rest_written_off(self):
        """Of 2 hours, one and a half are billed and nobody pays the other half."""
        rows = [
            Command.update(
                self.rows[0].id, {"quantity": 1.5, "rest_reason": "Goodwill"}
            ),
            Command.update(self.rows[1].id, {"quantity": 1}),
        ]
        self.move.write({"detail_ids": rows})
        self.assertEqual(self.move.amount_untaxed, 650)
        self.assertEqual(
            self.entries.mapped("billing_written_off_quantity"), [0.5, 0, 0]
        )
        self.assertEqual(self.entries.mapped("open_quantity"), [0, 2, 0])
        self.assertEqual(
            self.rows.mapped("write_off_reason"), ["Goodwill", False, False]
        )

    def test_a_reviewer_does_not_write_off(self):
        """She may lower what she reviews; what is lost is for an administrator."""
        self.env.company.billing_review_required = True
        reviewer = self._create_new_internal_user(
            login="rita", groups="psa_invoicing.group_billing_reviewer"
        )
        self.work.billing_user_id = reviewer
        self.move.action_psa_submit()
        row = self.rows[0].with_user(reviewer)
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            row.write({"quantity": 1, "rest_reason": "Goodwill"})
        self.assertEqual(self.rows[0].quantity, 2)
        row.write({"quantity": 1})
        self.assertEqual(self.entries[0].open_quantity, 1)
