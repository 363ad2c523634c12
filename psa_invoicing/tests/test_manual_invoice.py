# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError

from .common import BillingCase

JANUARY = date(2026, 1, 31)


class TestManualInvoice(BillingCase):
    def wizard(self, project, **values):
        return (
            self.env["psa.manual.invoice"]
            .with_context(**project.action_manual_invoice()["context"])
            .create({"cutoff_date": JANUARY, **values})
        )

    def finish(self, wizard):
        action = wizard.action_finish()
        if action.get("res_id"):
            return self.env["account.move"].browse(action["res_id"])
        return self.env["account.move"].search(action["domain"])

    def test_next_shows_every_transaction(self):
        project = self.time_project(2, 3)
        wizard = self.wizard(project)
        wizard.action_next()
        self.assertFalse(wizard.hold_warning)
        self.assertRecordValues(
            wizard.line_ids,
            [
                {"date": date(2026, 1, 1), "quantity": 2, "amount": 200},
                {"date": date(2026, 1, 2), "quantity": 3, "amount": 300},
            ],
        )
        self.assertEqual(self.review_total(wizard), 500)
        self.assertEqual(wizard._review()["ticked"], 2)
        self.assertFalse(project.billing_invoice_count, "Nothing is written yet.")

    def test_finish_bills_what_was_shown(self):
        project = self.time_project(2, 3)
        wizard = self.wizard(project)
        wizard.action_next()
        total = self.review_total(wizard)
        move = self.finish(wizard)
        self.assertEqual(move.amount_untaxed, total)
        self.assert_ledger(move)

    def test_back_and_another_cutoff(self):
        project = self.time_project(2, 3)
        wizard = self.wizard(project)
        wizard.action_next()
        wizard.action_back()
        wizard.cutoff_date = date(2026, 1, 1)
        wizard.action_next()
        self.assertEqual(len(wizard.line_ids), 1)
        self.assertEqual(self.finish(wizard).amount_untaxed, 200)

    def test_only_what_is_ticked(self):
        project = self.time_project(2, 3)
        wizard = self.wizard(project)
        wizard.action_next()
        wizard.line_ids[0].selected = False
        self.assertEqual(self.review_total(wizard), 300)
        self.assertEqual(wizard._review()["ticked"], 1)
        move = self.finish(wizard)
        self.assertEqual(move.amount_untaxed, 300)
        self.assertEqual(
            project.timesheet_ids.sorted("date").mapped("open_quantity"), [2, 0]
        )

    def test_types_units_and_milestones(self):
        project = self.time_project(2)
        self.log(project, date(2026, 1, 9), 4, self.bob)
        line = self.contract(project, self.milestone_product, price_unit=1000)
        first = self.milestone(project, line, 0.1, date(2026, 1, 10))
        second = self.milestone(project, line, 0.2, date(2026, 1, 11))
        wizard = self.wizard(
            project, bill_milestone=False, unit_ids=self.engineering.ids
        )
        wizard.action_next()
        self.assertEqual(wizard.line_ids.mapped("quantity"), [4])
        wizard = self.wizard(project, bill_time=False, milestone_ids=second.ids)
        wizard.action_next()
        self.assertEqual(wizard.line_ids._key, ("milestone", second.id))
        self.assertEqual(self.finish(wizard).amount_untaxed, 2000)
        self.assertEqual(first.open_quantity, 1)

    def test_several_projects(self):
        projects = self.time_project(2) + self.time_project(3)
        wizard = self.wizard(projects)
        wizard.action_next()
        moves = self.finish(wizard)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [200, 300])

    def test_cutoff_of_the_next_row_else_the_last_month(self):
        with freeze_time("2026-03-10"):
            project = self.time_project(2)
            self.assertEqual(
                self.env["psa.manual.invoice"]
                .create({"project_ids": project.ids})
                .cutoff_date,
                date(2026, 2, 28),
            )
            project.billing_frequency_id = self.env.ref(
                "psa_invoicing.frequency_monthly_last_day"
            )
            wizard = (
                self.env["psa.manual.invoice"]
                .with_context(**project.action_manual_invoice()["context"])
                .create({})
            )
            self.assertEqual(wizard.project_ids, project)
            self.assertEqual(wizard.cutoff_date, date(2026, 3, 31))

    def test_a_project_on_hold_can_be_billed_by_hand(self):
        project = self.time_project(2, name="Held")
        project.write({"billing_hold": True, "billing_hold_reason": "Dispute"})
        wizard = self.wizard(project)
        self.assertIn("Held (Dispute)", wizard.hold_warning)
        wizard.action_next()
        self.assertEqual(self.finish(wizard).amount_untaxed, 200)

    def test_somebody_else_billed_it_meanwhile(self):
        project = self.time_project(2, 3)
        wizard = self.wizard(project)
        wizard.action_next()
        project._psa_invoice(date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, "billed or changed meanwhile"):
            wizard.action_finish()

    def test_hours_logged_meanwhile_wait_for_recalculate(self):
        project = self.time_project(2)
        wizard = self.wizard(project)
        wizard.action_next()
        self.log(project, date(2026, 1, 20), 1)
        move = self.finish(wizard)
        self.assertEqual(move.invoice_line_ids.quantity, 2)
        move.action_psa_recalculate()
        self.assertEqual(move.invoice_line_ids.quantity, 3)

    def test_milestone_not_reached(self):
        project = self.time_project(2)
        line = self.contract(project, self.milestone_product)
        milestone = self.milestone(project, line, 0.1, name="Go-live")
        wizard = self.wizard(project, milestone_ids=milestone.ids)
        with self.assertRaisesRegex(UserError, "Not reached yet: Go-live"):
            wizard.action_next()

    def test_nothing_ticked_and_nothing_chosen(self):
        project = self.time_project(2)
        wizard = self.wizard(project)
        wizard.action_next()
        wizard.line_ids.selected = False
        with self.assertRaisesRegex(UserError, "Tick at least one"):
            wizard.action_finish()
        types = ("time", "expense", "material", "milestone", "order_line")
        wizard = self.wizard(project, **{f"bill_{kind}": False for kind in types})
        with self.assertRaisesRegex(UserError, "Choose what to bill"):
            wizard.action_next()

    def test_a_project_that_cannot_be_billed(self):
        project = self.project("Unsold")
        with self.assertRaisesRegex(UserError, "Unsold.*has no sales order"):
            self.wizard(project).action_next()
