# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Schedules in disorder: whatever is due is billed, once, and with its own date."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tools import mute_logger

from .other_dates import OtherDatesCase

JANUARY = date(2026, 1, 31)
FEBRUARY = date(2026, 2, 28)
MODELS = "odoo.addons.psa_invoicing.models"


@freeze_time("2026-01-01")
class TestCatchUpOfScopes(OtherDatesCase):
    """One draft for all that was missed, where work has dates of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.billing_catch_up = "one"

    def test_a_missed_date_that_covers_more_than_the_last_one(self):
        """Time every Monday, up to Sunday; the rest on the 1st, up to the month's end.

        Missed: Monday 9 February, and the 1st, which a person moved to the 10th.
        """
        self.work.billing_frequency_id = self.first_day
        self.override(self.weekly, transaction_type="time")
        self.log(self.work, date(2026, 2, 4), 3)
        self.row(date(2026, 2, 1)).write({"run_date": date(2026, 2, 10)})
        row = self.row(date(2026, 2, 10))
        self.assertEqual(row.cutoff_date, JANUARY)
        self.run_due(date(2026, 2, 10))
        self.assertEqual(self.row(date(2026, 2, 9)).state, "done")
        self.assertEqual(self.billed_days(), [date(2026, 1, 1), date(2026, 2, 4)])
        self.assert_ledger(row.invoice_ids)

    def test_a_date_that_was_missed_before_time_got_its_own(self):
        """January was missed with all its work. Since February, time is yearly."""
        with freeze_time("2026-02-01"):
            self.override(self.yearly, transaction_type="time")
            self.assertTrue(self.row(FEBRUARY).scope_cutoffs)
        self.log(self.work, date(2026, 2, 4), 3)
        self.run_due(FEBRUARY)
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])


@freeze_time("2026-01-01")
class TestMovedRows(OtherDatesCase):
    def test_work_that_gets_dates_of_its_own_after_a_move(self):
        self.override(self.weekly, transaction_type="milestone")
        self.row(JANUARY).write({"run_date": date(2026, 2, 3)})
        self.override(self.yearly, transaction_type="time")
        self.assertEqual(self.row(date(2026, 2, 3)).covers, "Regular")
        self.run_due(date(2026, 2, 3))
        self.assertFalse(self.billed_days())

    def test_work_that_loses_its_own_dates_after_a_move(self):
        own = self.override(self.yearly, transaction_type="time")
        self.row(JANUARY).write({"run_date": date(2026, 2, 3)})
        own.unlink()
        self.run_due(date(2026, 2, 3))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])

    def test_the_last_one_bills_nothing_after_the_end(self):
        self.work.billing_end_date = JANUARY
        self.row(JANUARY).write({"run_date": date(2026, 2, 3)})
        self.log(self.work, date(2026, 2, 2), 4)
        self.run_due(date(2026, 2, 3))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])

    def test_an_end_that_is_entered_after_the_move(self):
        self.row(JANUARY).write({"run_date": date(2026, 2, 3)})
        self.work.billing_end_date = JANUARY
        self.assertEqual(self.row(date(2026, 2, 3)).cutoff_date, JANUARY)
        self.log(self.work, date(2026, 2, 2), 4)
        self.run_due(date(2026, 2, 3))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])

    def test_a_missed_one_bills_nothing_after_the_end(self):
        self.log(self.work, date(2026, 1, 20), 4)
        with freeze_time("2026-02-05"):
            self.work.billing_end_date = date(2026, 1, 15)
            self.run_due(date(2026, 2, 5))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])


class TestEndAfterLastRun(OtherDatesCase):
    """Every Monday, up to the Sunday before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with freeze_time("2026-01-01"):
            cls.work.billing_frequency_id = cls.weekly
        # Monday 12 January.
        cls.log(cls.work, date(2026, 1, 12), 4)

    def test_a_day_that_the_run_of_the_end_did_not_cover(self):
        """On the 14th one learns that the project ended on Monday the 12th."""
        with freeze_time("2026-01-12 12:00:00"):
            self.run_due(date(2026, 1, 12))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])
        with freeze_time("2026-01-14"):
            self.work.billing_end_date = date(2026, 1, 12)
            self.run_due(date(2026, 1, 19))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1), date(2026, 1, 12)])
        last = self.row(date(2026, 1, 19))
        self.assertEqual(last.cutoff_date, date(2026, 1, 12))
        with freeze_time("2026-01-20"):
            self.work._psa_plan_invoices()
        self.assertEqual(self.work.invoice_schedule_ids[-1], last)

    def test_today_after_the_run_of_the_day(self):
        with freeze_time("2026-01-12 12:00:00"):
            self.run_due(date(2026, 1, 12))
            self.work.billing_end_date = date(2026, 1, 12)
        self.run_due(date(2026, 1, 19))
        self.assertEqual(self.billed_days(), [date(2026, 1, 1), date(2026, 1, 12)])

    def test_no_second_last_one(self):
        """An end that was known in time needs one run on it or after it."""
        with freeze_time("2026-01-11"):
            self.work.billing_end_date = date(2026, 1, 12)
        with freeze_time("2026-01-12 12:00:00"):
            self.run_due(date(2026, 1, 12))
        with freeze_time("2026-01-14"):
            self.work._psa_plan_invoices()
        self.assertEqual(self.work.next_invoice_date, False)
        self.assertEqual(self.billed_days(), [date(2026, 1, 1), date(2026, 1, 12)])


@freeze_time("2026-01-20")
class TestReachedMilestones(OtherDatesCase):
    def test_a_project_on_hold_gets_one_date_and_not_one_a_day(self):
        self.work.write({"billing_milestones": "reached", "billing_hold": True})
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 20))
        for day in ("2026-01-21", "2026-01-22"):
            with freeze_time(day):
                self.work._psa_plan_invoices()
        waiting = self.work.invoice_schedule_ids.filtered(
            lambda row: row.run_date < JANUARY
        )
        self.assertEqual(waiting.mapped("run_date"), [date(2026, 1, 20)])
        self.work.billing_hold = False
        self.run_due(date(2026, 1, 22))
        self.assertEqual(waiting.invoice_ids.amount_untaxed, 50)

    def test_one_that_is_reached_meanwhile(self):
        """What waits covers the 20th only."""
        self.work.write({"billing_milestones": "reached", "billing_hold": True})
        self.milestone(self.work, self.package, 0.5, date(2026, 1, 20))
        with freeze_time("2026-01-21"):
            self.milestone(self.work, self.package, 0.25, date(2026, 1, 21))
        self.assertEqual(self.row(date(2026, 1, 21)).covers, "Milestone")


@freeze_time("2026-01-01")
class TestDefects(OtherDatesCase):
    """What another add-on gets wrong with one invoice must not stop the others."""

    def test_an_invoice_that_cannot_be_confirmed_for_a_defect(self):
        self.env.company.billing_after_run = "send"
        bridge = self.time_project(
            3,
            name="Bridge",
            billing_frequency_id=self.last_day.id,
            billing_start_date=date(2026, 1, 1),
        )
        Move = type(self.env["account.move"])
        action_post = Move.action_post

        def defective(moves):
            if bridge.id in moves.billing_project_ids.ids:
                raise ValueError("no such series")
            return action_post(moves)

        with (
            patch.object(Move, "action_post", defective),
            mute_logger(f"{MODELS}.schedule.psa_invoice_run_telling"),
        ):
            run = self.run_due(JANUARY)
        self.assertEqual(run.state, "done")
        self.assertEqual(self.row(JANUARY).invoice_ids.state, "posted")
        draft = bridge.invoice_schedule_ids[0].invoice_ids
        self.assertEqual(draft.state, "draft")
        self.assertIn("no such series", draft.billing_sending_error)

    @freeze_time("2026-01-31 12:00:00")
    def test_a_run_that_cannot_go_on_does_not_stop_the_next_night(self):
        Run = self.env["psa.invoice.run"].sudo()
        broken = Run.create({"run_date": date(2026, 1, 30)})
        drive = type(Run)._drive

        def defective(run):
            if run.id == broken.id:
                raise ValueError("broken")
            return drive(run)

        with (
            patch.object(type(Run), "_drive", defective),
            mute_logger(f"{MODELS}.schedule.psa_invoice_run_driving"),
            self.driver() as env,
        ):
            env["psa.invoice.run"]._cron_run_due()
        self.assertEqual(self.row(JANUARY).invoice_ids.amount_untaxed, 200)
        self.assertEqual(broken.state, "running")

    @freeze_time("2026-01-31 12:00:00")
    def test_working_hours_without_work_stop_no_other_company(self):
        """Of another project's company: its frequency finds no day."""
        other = self.env.company.create({"name": "Idle"})
        project = self.project(name="Bridge", company_id=other.id)
        project.billing_frequency_id = self.env.ref(
            "psa_invoicing.frequency_monthly_last_working_day"
        )
        other.resource_calendar_id.attendance_ids.unlink()
        with (
            mute_logger(f"{MODELS}.schedule.project_project_planning"),
            self.driver() as env,
        ):
            env["psa.invoice.run"]._cron_run_due()
        self.assertEqual(self.row(JANUARY).invoice_ids.amount_untaxed, 200)


@freeze_time("2026-01-01")
class TestDryRuns(OtherDatesCase):
    def dry_run(self, projects):
        with self.driver() as env:
            run = env["psa.invoice.run"]._run_now(
                JANUARY, projects.with_env(env), is_dry_run=True
            )
            run_id = run.id
        return self.env["psa.invoice.run"].browse(run_id)

    def test_one_that_showed_nothing_bills_nothing(self):
        run = self.dry_run(self.env["project.project"])
        self.assertFalse(run.total)
        with self.driver() as env:
            run.with_env(env).action_bill()
        self.assertEqual(self.row(JANUARY).state, "planned")

    def test_one_whose_project_was_deleted_bills_no_other(self):
        empty = self.project(
            name="Empty",
            billing_frequency_id=self.last_day.id,
            billing_start_date=date(2026, 1, 1),
        )
        run = self.dry_run(empty)
        self.assertEqual(run.total, 1)
        empty.unlink()
        with self.driver() as env:
            run.with_env(env).action_bill()
        self.assertEqual(self.row(JANUARY).state, "planned")


@freeze_time("2026-01-01")
class TestRunOfTwoCompanies(OtherDatesCase):
    def test_whoever_has_one_company_sends_its_invoices(self):
        other = self.setup_other_company()["company"]
        bridge = self.project(name="Bridge", company_id=other.id)
        self.contract(bridge, company_id=other.id)
        self.log(bridge, date(2026, 1, 1), 3)
        bridge.write(
            {
                "billing_start_date": date(2026, 1, 1),
                "billing_frequency_id": self.last_day.id,
            }
        )
        run = self.run_due(JANUARY)
        self.assertEqual(len(run.invoice_ids), 2)
        user = self.person("administrator", "psa_invoicing.group_billing_manager")
        own = run.with_user(user)
        self.assertEqual(own.invoice_count, 1)
        self.press_send(own.env, own.action_send_invoices())
        self.assertEqual(self.row(JANUARY).invoice_ids.state, "posted")
        self.assertEqual(bridge.invoice_schedule_ids[0].invoice_ids.state, "draft")


class TestEndWithoutOwnDates(OtherDatesCase):
    def test_time_that_loses_its_own_dates_after_the_last_run(self):
        """Time was yearly; the rest ended with January. In February it is no longer
        yearly: the next run of the project bills it, and nothing else follows."""
        with freeze_time("2026-01-01"):
            own = self.override(self.yearly, transaction_type="time")
            self.work.billing_end_date = JANUARY
        with freeze_time("2026-01-31 12:00:00"):
            self.run_due(JANUARY)
        self.assertFalse(self.billed_days())
        with freeze_time("2026-02-05"):
            own.unlink()
            self.run_due(FEBRUARY)
        self.assertEqual(self.billed_days(), [date(2026, 1, 1)])
        with freeze_time("2026-03-01"):
            self.work._psa_plan_invoices()
        self.assertFalse(self.work.next_invoice_date)

    def test_the_last_date_is_skipped(self):
        """The next one covers the work then, as the dialog says."""
        with freeze_time("2026-01-01"):
            self.work.billing_end_date = JANUARY
        with freeze_time("2026-01-31"):
            self.row(JANUARY)._skip("Agreed")
            self.work._psa_plan_invoices()
        self.assertEqual(self.row(FEBRUARY).cutoff_date, JANUARY)
        self.assertEqual(self.work.invoice_schedule_ids[-1], self.row(FEBRUARY))

    def test_a_milestone_reached_after_the_billing_end(self):
        with freeze_time("2026-01-01"):
            self.work.write(
                {"billing_end_date": JANUARY, "billing_milestones": "reached"}
            )
            package = self.contract(
                self.work, self.milestone_product, project_id=self.work.id
            )
        with freeze_time("2026-02-10"):
            self.milestone(self.work, package, 0.5, date(2026, 2, 10))
        self.assertFalse(self.row(date(2026, 2, 10)))
