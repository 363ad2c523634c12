# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What was decided is known again, when the add-on comes back."""

from datetime import date

from odoo.tools import formatLang, sql

from .test_history import HistoryCase

JANUARY = date(2026, 1, 31)


class TestKeptDecisions(HistoryCase):
    """Six hours at 100.00, each of another fate."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(1, 1, 1, 1, 2)
        self.line = self.work.sale_line_id
        held, offered, never, lowered, self.billed = self.work.timesheet_ids.sorted(
            "date"
        )
        held.action_psa_hold("Not agreed")
        offered.billing_type = "complimentary"
        never.billing_type = "non_chargeable"
        lowered.action_psa_write_off("Too slow", {lowered.id: 0.5})
        self.entries = held + offered + never + lowered

    def leave(self, left=6):
        """As an uninstallation does it.

        :param left: what Odoo then has to invoice
        """
        self.env["psa.billing"].keep_decisions()
        self.forget()
        self.entries.write({"billing_type": False})
        self.assertEqual(self.line.qty_to_invoice, left)

    def test_the_dialog_says_what_becomes_billable(self):
        module = self.env["ir.module.module"].search([("name", "=", "psa_invoicing")])
        wizard = self.env["base.module.uninstall"].create({"module_ids": module.ids})
        currency = self.line.currency_id
        before = wizard._psa_left_out_amounts()[currency]
        self.assertIn(
            formatLang(self.env, before, currency_obj=currency),
            wizard.psa_billable_again,
        )
        self.entries.action_psa_release()
        self.entries.billing_type = "chargeable"
        self.entries.action_psa_undo_write_off()
        after = wizard._psa_left_out_amounts().get(currency, 0)
        self.assertEqual(before - after, 350)

    def test_the_dialog_of_another_module_says_nothing(self):
        other = self.env["ir.module.module"].search([("name", "=", "lunch")])
        wizard = self.env["base.module.uninstall"].create({"module_ids": other.ids})
        self.assertFalse(wizard.psa_billable_again)

    def test_it_finds_them_again(self):
        self.leave()
        self.env["psa.billing"].take_over_history()
        held, offered, never, lowered = self.entries
        self.assertEqual(held.billing_hold_reason, "Not agreed")
        self.assertEqual(
            (offered | never).mapped("billing_type"),
            ["complimentary", "non_chargeable"],
        )
        self.assertEqual(lowered.billing_written_off_quantity, 0.5)
        row = lowered._psa_details([("is_write_off", "=", True)])
        self.assertEqual(row.reason, "Too slow")
        self.assertEqual(self.line.qty_to_invoice, 2.5)
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 250)
        self.assertFalse(sql.table_exists(self.env.cr, "psa_kept_decision"))

    def test_what_was_offered_on_an_invoice_is_not_charged_later(self):
        self.work._psa_invoice(JANUARY).action_post()
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.leave(3.5)
        self.env["psa.billing"].take_over_history()
        self.assertFalse(self.work._psa_invoice(JANUARY))
        self.assertEqual(self.line.qty_to_invoice, 0)

    def test_what_was_invoiced_since_stays_so(self):
        self.leave()
        self.invoice(self.line)
        self.env["psa.billing"].take_over_history()
        self.assertFalse(self.work._psa_invoice(JANUARY))

    def test_what_is_gone_is_no_matter(self):
        self.leave()
        self.entries.unlink()
        self.env["psa.billing"].take_over_history()
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 200)
