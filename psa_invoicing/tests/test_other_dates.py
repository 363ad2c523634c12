# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Types of transactions, and contract lines, that are billed on dates of their own."""

from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tools import mute_logger

from .other_dates import OtherDatesCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)


@freeze_time("2026-01-01")
class TestOtherDates(OtherDatesCase):
    """Time on the last day of the month, milestones on the first of the next."""

    def support(self):
        """Another contract line of the project, with three hours on 2 January."""
        line = self.contract(self.work, project_id=self.work.id)
        self.log(
            self.work,
            date(2026, 1, 2),
            3,
            so_line=line.id,
            is_so_line_edited=True,
        )
        return line

    # === Planning ===

    def test_each_has_its_own_dates(self):
        self.override(self.first_day, transaction_type="milestone")
        rows = self.work.invoice_schedule_ids.sorted("run_date")[:4]
        self.assertEqual(
            rows.mapped("run_date"),
            [JANUARY, date(2026, 2, 1), FEBRUARY, date(2026, 3, 1)],
        )
        self.assertEqual(
            rows.mapped("covers"), ["Regular", "Milestone", "Regular", "Milestone"]
        )
        self.assertEqual(
            rows.mapped("cutoff_date"), [JANUARY, JANUARY, FEBRUARY, FEBRUARY]
        )

    def test_without_them_everything_is_due(self):
        override = self.override(self.first_day, transaction_type="milestone")
        override.unlink()
        self.assertEqual(len(self.work.invoice_schedule_ids), 12)
        self.assertFalse(any(self.work.invoice_schedule_ids.mapped("scope_cutoffs")))

    def test_a_project_that_is_otherwise_billed_by_hand(self):
        self.work.billing_frequency_id = False
        self.override(self.first_day, transaction_type="milestone")
        self.assertEqual(self.work.next_invoice_date, date(2026, 2, 1))
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 15))
        self.run_due(date(2026, 2, 1))
        self.assertEqual(self.row(date(2026, 2, 1)).invoice_ids.amount_untaxed, 50)
        self.assertEqual(self.work.timesheet_ids.open_quantity, 2)

    def test_planning_twice_changes_nothing(self):
        self.override(self.weekly, transaction_type="milestone")
        rows = self.work.invoice_schedule_ids
        before = rows.mapped(lambda row: (row.run_date, row.scope_cutoffs))
        self.work._psa_plan_invoices()
        self.assertEqual(self.work.invoice_schedule_ids, rows)
        self.assertEqual(
            rows.mapped(lambda row: (row.run_date, row.scope_cutoffs)), before
        )

    def test_a_copied_project_keeps_those_of_types(self):
        self.override(self.first_day, transaction_type="milestone")
        self.override(self.weekly, sale_line_id=self.package.id)
        copied = self.work.copy()
        self.assertRecordValues(
            copied.billing_override_ids,
            [{"transaction_type": "milestone", "frequency_id": self.first_day.id}],
        )

    # === Billing ===

    def test_what_is_not_due_waits(self):
        self.override(self.first_day, transaction_type="milestone")
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 15))
        self.run_due(JANUARY)
        first = self.row(JANUARY).invoice_ids
        self.assertEqual(first.amount_untaxed, 200)
        self.run_due(date(2026, 2, 1))
        self.assertEqual(self.row(date(2026, 2, 1)).invoice_ids.amount_untaxed, 50)
        self.assert_ledger(first)

    def test_what_is_due_on_one_date_is_on_one_invoice(self):
        """Monday 2 February: the week's milestones until Sunday, time until Monday."""
        self.work.billing_frequency_id = self.env["psa.billing.frequency"].create(
            {"name": "Mondays", "period": "week", "weekday": "0", "cutoff": "run_date"}
        )
        self.override(self.weekly, transaction_type="milestone")
        monday = date(2026, 2, 2)
        self.log(self.work, monday, 1)
        self.milestone(self.work, self.package, 0.5, monday)
        self.milestone(self.work, self.package, 0.25, date(2026, 2, 1))
        self.run_due(monday, self.work)
        row = self.row(monday)
        self.assertEqual(row.cutoff_date, monday)
        self.assertEqual(len(row.invoice_ids), 1)
        billed = row.invoice_ids.detail_ids.mapped(
            lambda each: (each.transaction_type, each.date, each.amount)
        )
        # The entry of 1 January is on the invoice of the first Monday.
        self.assertEqual(
            sorted(billed),
            [("milestone", date(2026, 2, 1), 25), ("time", monday, 100)],
        )

    def test_the_contract_line_counts_before_the_type(self):
        support = self.support()
        self.override(self.weekly, transaction_type="time")
        self.override(self.first_day, sale_line_id=support.id)
        self.run_due(date(2026, 1, 5))
        self.assertEqual(self.row(date(2026, 1, 5)).invoice_ids.amount_untaxed, 200)
        self.assertIn("Consulting hour", self.row(date(2026, 2, 1)).covers)
        self.run_due(date(2026, 2, 1))
        self.assertEqual(self.row(date(2026, 2, 1)).invoice_ids.amount_untaxed, 300)

    def test_recalculate_keeps_to_what_was_due(self):
        self.override(self.first_day, transaction_type="milestone")
        self.run_due(JANUARY)
        draft = self.row(JANUARY).invoice_ids
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 15))
        self.log(self.work, date(2026, 1, 20), 4)
        self.log(self.work, date(2026, 2, 3), 8)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 600)
        draft.billing_cutoff_date = date(2026, 2, 3)
        draft.action_psa_recalculate()
        self.assertEqual(draft.amount_untaxed, 1400, "Milestones are still not due.")

    def test_by_hand_everything_is_billed(self):
        self.override(self.first_day, transaction_type="milestone")
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 15))
        self.assertEqual(self.work._psa_invoice(JANUARY).amount_untaxed, 250)

    def test_an_invoice_of_milestones_makes_no_time_late(self):
        """Time of 10 January is no latecomer because a milestone was billed on the
        12th."""
        self.override(self.weekly, transaction_type="milestone")
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 11))
        self.run_due(date(2026, 1, 12))
        self.log(self.work, date(2026, 1, 10), 1)
        self.run_due(JANUARY)
        draft = self.row(JANUARY).invoice_ids
        self.assertEqual(len(draft.detail_ids), 2)
        self.assertFalse(any(draft.detail_ids.mapped("is_earlier_period")))

    # === As soon as they are reached ===

    def test_a_milestone_as_soon_as_it_is_reached(self):
        self.work.billing_milestones = "reached"
        milestone = self.milestone(self.work, self.package, 0.5)
        with freeze_time("2026-01-20"):
            milestone.write({"is_reached": True, "reached_date": date(2026, 1, 20)})
            self.assertEqual(self.work.next_invoice_date, date(2026, 1, 20))
            self.run_due(date(2026, 1, 21))
        row = self.row(date(2026, 1, 20))
        self.assertEqual(row.covers, "Milestone")
        self.assertEqual(row.invoice_ids.amount_untaxed, 50, "No time with it.")
        self.run_due(JANUARY)
        self.assertEqual(self.row(JANUARY).invoice_ids.amount_untaxed, 200)

    def test_reached_on_a_day_that_is_planned(self):
        self.work.billing_milestones = "reached"
        with freeze_time("2026-01-31"):
            self.milestone(self.work, self.package, 0.5, JANUARY)
            self.assertEqual(len(self.row(JANUARY)), 1)
            self.work._psa_plan_invoices()
            self.assertEqual(self.row(JANUARY).covers, "Regular, Milestone")
            self.run_due(JANUARY)
        self.assertEqual(self.row(JANUARY).invoice_ids.amount_untaxed, 250)

    def test_reached_after_the_run_of_the_day(self):
        self.work.billing_milestones = "reached"
        with freeze_time("2026-01-31"):
            self.run_due(JANUARY)
            self.milestone(self.work, self.package, 0.5, JANUARY)
        with freeze_time("2026-02-01"):
            self.work._psa_plan_invoices()
            self.run_due(date(2026, 2, 1))
        self.assertEqual(self.row(date(2026, 2, 1)).invoice_ids.amount_untaxed, 50)

    # === The last run ===

    def test_the_billing_end(self):
        """Ends on 15 March: the run of that month is the last and bills until then."""
        self.work.billing_end_date = date(2026, 3, 15)
        rows = self.work.invoice_schedule_ids
        self.assertEqual(
            rows.mapped(lambda row: (row.run_date, row.cutoff_date)),
            [
                (JANUARY, JANUARY),
                (FEBRUARY, FEBRUARY),
                (date(2026, 3, 31), date(2026, 3, 15)),
            ],
        )
        self.log(self.work, date(2026, 3, 15), 1)
        self.log(self.work, date(2026, 3, 16), 5)
        self.run_due(date(2026, 4, 30))
        self.assertEqual(rows[2].invoice_ids.amount_untaxed, 100)
        self.assertEqual(self.work.timesheet_ids.sorted("date")[-1].open_quantity, 5)

    # === What cannot be ===

    def test_either_a_type_or_a_contract_line(self):
        for values in (
            {},
            {"transaction_type": "time", "sale_line_id": self.package.id},
        ):
            with (
                self.assertRaisesRegex(IntegrityError, "type_or_line"),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.override(self.weekly, **values)

    def test_a_contract_line_of_another_project(self):
        other = self.time_project(1, name="Bridge")
        with self.assertRaisesRegex(ValidationError, "not a contract line.*Tower"):
            self.override(self.weekly, sale_line_id=other.sale_line_id.id)

    def test_whoever_may_not_change_the_project(self):
        override = self.override(self.weekly, transaction_type="time")
        user = self._create_new_internal_user(
            login="employee", groups="project.group_project_user"
        )
        for change in (
            lambda: override.with_user(user).write({"transaction_type": "milestone"}),
            lambda: override.with_user(user).unlink(),
            lambda: self.work.with_user(user).write(
                {"billing_override_ids": [Command.clear()]}
            ),
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                change()
        self.assertEqual(self.work.billing_override_ids, override)
