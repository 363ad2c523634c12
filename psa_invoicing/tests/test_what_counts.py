# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a contract line may bill: what counts in this bill, less what others billed."""

from datetime import date

from odoo.fields import Command

from .common import BillingCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


class CountingCase(BillingCase):
    def open_of(self, project):
        """Hours that wait, by status."""
        self.env.flush_all()
        self.env.invalidate_all()
        entries = self.env["account.analytic.line"].search(
            [("project_id", "=", project.id)]
        )
        return {
            entry.billing_status: entry.open_quantity
            for entry in entries.filtered("open_quantity")
        }

    def review(self, project, cutoff=JANUARY):
        wizard = self.env["psa.manual.invoice"].create(
            {"project_ids": project.ids, "cutoff_date": cutoff}
        )
        wizard.action_next()
        return wizard

    def run_on(self, project, day=JANUARY):
        """The row of a run up to a day."""
        values = {"project_id": project.id, "run_date": day, "cutoff_date": day}
        row = self.env["psa.invoice.schedule"].sudo().create(values)
        run = self.run_due(day, project)
        self.assertTrue(run.line_ids)
        return row, run.line_ids.filtered(lambda line: line.project_id == project)


class TestCorrectionsThatDoNotCount(CountingCase):
    """8 h are good work; 3 h were taken off them, and that is not to be billed."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(8, -3)
        self.correction = self.env["account.analytic.line"].search(
            [("project_id", "=", self.work.id), ("unit_amount", "<", 0)]
        )
        self.line = self.work.sale_line_id

    def assert_whole(self):
        """The 8 h are billed, and Odoo's button has nothing to add."""
        move = self.work._psa_invoice(JANUARY)
        self.assertEqual(move.amount_untaxed, 800)
        self.assertNotIn("ready", self.open_of(self.work))
        self.assertEqual(self.line.qty_to_invoice, 0)
        move.action_post()
        self.assertEqual(self.line.qty_to_invoice, 0)
        return move

    def test_it_counts(self):
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 500)

    def test_non_chargeable(self):
        self.correction.billing_type = "non_chargeable"
        self.assert_whole()

    def test_on_hold_and_released(self):
        self.correction.action_psa_hold()
        self.assert_whole()
        self.correction.action_psa_release()
        self.log(self.work, date(2026, 2, 1), 5)
        self.assertEqual(self.work._psa_invoice(FEBRUARY).amount_untaxed, 200)

    def test_written_off(self):
        self.correction.action_psa_write_off("Agreed")
        self.assert_whole()

    def test_offered(self):
        self.correction.billing_type = "complimentary"
        self.assert_whole()

    def test_offered_and_dated_later(self):
        self.correction.write({"billing_type": "complimentary", "date": FEBRUARY})
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 800)
        self.assertEqual(self.line.qty_to_invoice, 0)

    def test_in_the_wizard(self):
        self.correction.billing_type = "non_chargeable"
        wizard = self.review(self.work)
        self.assertEqual(wizard.line_ids.mapped("quantity"), [8])
        self.assertEqual(
            [each["reason"] for each in wizard.review_left_out()], ["non_chargeable"]
        )
        wizard.action_finish()
        self.assertEqual(self.line.qty_invoiced, 8)

    def test_held_since_the_draft_was_made(self):
        move = self.work._psa_invoice(JANUARY)
        self.correction.action_psa_hold()
        move.action_psa_recalculate()
        self.assertEqual(move.amount_untaxed, 800)
        message = move.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)

    def test_credited_and_not_released(self):
        """8 h less 3 h are credited, the 8 h written off then: what is left is a
        credited correction, which takes nothing off the next 4 h."""
        self.work._psa_invoice(JANUARY).action_post()
        move = self.line.invoice_lines.move_id
        note = move._reverse_moves([{"invoice_date": date(2026, 2, 1)}])
        note.action_post()
        entry = self.log(self.work, date(2026, 2, 2), 4)
        others = self.env["account.analytic.line"].search(
            [("project_id", "=", self.work.id), ("unit_amount", "=", 8)]
        )
        others.action_psa_write_off("Agreed")
        self.assertEqual(self.correction.billing_status, "credited")
        second = self.work._psa_invoice(FEBRUARY)
        self.assertEqual(second.detail_ids.analytic_line_id, entry)
        self.assertEqual(second.amount_untaxed, 400)

    def test_of_a_vendor(self):
        """A bill of 50 and a credit of 20, which the customer is not to have."""
        project = self.project()
        self.contract(project)
        product = self.env["product.product"].create(
            {
                "name": "Subcontractor",
                "type": "service",
                "expense_policy": "cost",
                "invoice_policy": "delivery",
                "taxes_id": [Command.clear()],
            }
        )
        bill = self.posted_bill(product, project)
        note = bill._reverse_moves([{"invoice_date": bill.invoice_date}])
        note.invoice_line_ids.price_unit = 20
        note.action_post()
        costs = self.env["psa.reinvoiced.cost"].search(
            [("project_id", "=", project.id)]
        )
        costs.filtered(lambda cost: cost.billable_quantity < 0).action_psa_hold()
        self.assertEqual(project._psa_invoice(JANUARY).amount_untaxed, 50)


class TestCorrectionsDatedLater(CountingCase):
    """Nobody is billed what is known to be wrong; what waits for it says so."""

    def setUp(self):
        super().setUp()
        self.work = self.time_project(8)
        self.correction = self.log(self.work, date(2026, 2, 2), -3)

    def test_a_run_lists_what_it_leaves(self):
        row, line = self.run_on(self.work)
        self.assertEqual(row.invoice_ids.amount_untaxed, 500)
        self.assertIn(
            "a correction takes back that is not billed with it: 1", line.reason
        )
        self.assertNotIn("Nothing to charge", line.reason)
        row.invoice_ids.action_post()
        self.assertFalse(self.work._psa_invoice(FEBRUARY), "3 h less 3 h.")

    def test_a_run_that_leaves_all(self):
        self.correction.unit_amount = -9
        row, line = self.run_on(self.work)
        self.assertEqual(row.state, "nothing")
        self.assertIn(
            "a correction takes back that is not billed with it: 1", line.reason
        )
        self.assertNotIn("Nothing to charge", line.reason)

    def test_the_wizard_lists_what_it_leaves(self):
        wizard = self.review(self.work)
        self.assertEqual(wizard.line_ids.quantity, 5)
        left_out = {each["reason"]: each for each in wizard.review_left_out()}
        self.assertEqual(set(left_out), {"corrected", "later"})
        self.assertEqual(left_out["corrected"]["count"], 1)
        self.assertIn("300.00", left_out["corrected"]["amount"])
        self.assertIn("correction", left_out["corrected"]["label"])
        self.assertIn("3", left_out["corrected"]["rows"][0]["quantity"])


class TestTypedBeside(CountingCase):
    def test_recalculating_again_changes_nothing(self):
        """Half an hour was typed beside other work; an invoice is credited and made
        anew, and its entry changed: the draft does not lose half an hour with every
        Recalculate."""
        work = self.time_project(2)
        entry = work.timesheet_ids
        first = work._psa_invoice(JANUARY)
        first.action_post()
        self.log(work, date(2026, 1, 3), 3)
        other = work._psa_invoice(JANUARY)
        other.invoice_line_ids.quantity = 3.5
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=first.ids)
            .create({"journal_id": first.journal_id.id})
        )
        wizard.reverse_moves(is_modify=True)
        draft = wizard.new_move_ids
        entry.name = "Checked"
        draft.action_psa_recalculate()
        quantity = draft.invoice_line_ids.quantity
        message = draft.action_psa_recalculate()["params"]["message"]
        self.assertIn("Nothing has changed", message)
        self.assertEqual(draft.invoice_line_ids.quantity, quantity)


class TestBilledOutsideTheLedger(CountingCase):
    """An invoice that names no transactions has billed 5 h."""

    audited = False

    def setUp(self):
        super().setUp()
        self.work = self.time_project(8, 3)
        self.free = self.env["account.analytic.line"].search(
            [("project_id", "=", self.work.id), ("unit_amount", "=", 3)]
        )
        line = self.work.sale_line_id
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": line.product_id.id,
                            "quantity": 5,
                            "sale_line_ids": [Command.set(line.ids)],
                        }
                    )
                ],
            }
        )
        move.action_post()
        entries = move.detail_ids.analytic_line_id
        self.env.flush_all()
        self.env.cr.execute(
            "DELETE FROM psa_invoice_detail WHERE move_id = %s", [move.id]
        )
        self.env.invalidate_all()
        entries._psa_refresh_from_ledger()

    def test_what_does_not_count_makes_no_room(self):
        for billing_type in ("non_chargeable", "complimentary"):
            self.free.billing_type = billing_type
            self.assertEqual(self.work.sale_line_id.qty_to_invoice, 3)
            move = self.work._psa_invoice(JANUARY)
            self.assertEqual(move.amount_untaxed, 300)
            move.unlink()

    def test_the_run_says_why(self):
        self.free.unlink()
        row, line = self.run_on(self.work)
        self.assertEqual(row.invoice_ids.amount_untaxed, 300)
        self.assertIn(
            "an invoice has billed that names no transactions: 1", line.reason
        )
