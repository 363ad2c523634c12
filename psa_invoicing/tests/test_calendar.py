# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.tests import BaseCase, tagged

from ..core.calendar import LAST, Frequency, NoWorkingDayError, occurrences

NEW_YEAR = date(2026, 1, 1)


@tagged("post_install", "-at_install")
class TestCalendar(BaseCase):
    def dates(self, frequency, start, end, **calendar):
        return [
            (found.run_date.isoformat(), found.cutoff_date.isoformat())
            for found in occurrences(frequency, start, end, **calendar)
        ]

    def run_dates(self, frequency, start, end, **calendar):
        return [run for run, _cutoff in self.dates(frequency, start, end, **calendar)]

    def without(self, *holidays):
        """Monday to Friday but for some days."""
        return {
            "is_working_day": lambda day: (
                day.weekday() < 5 and day.isoformat() not in holidays
            )
        }

    # === Days and weeks ===

    def test_every_ten_days_count_from_the_start(self):
        self.assertEqual(
            self.run_dates(
                Frequency("day", interval=10), date(2028, 2, 15), date(2028, 3, 10)
            ),
            ["2028-02-15", "2028-02-25", "2028-03-06"],
            "29 February is a day like any other.",
        )

    def test_weekly_on_friday_covers_up_to_the_day_before(self):
        self.assertEqual(
            self.dates(Frequency("week", weekdays=(4,)), NEW_YEAR, date(2026, 1, 20)),
            [
                ("2026-01-02", "2026-01-01"),
                ("2026-01-09", "2026-01-08"),
                ("2026-01-16", "2026-01-15"),
            ],
        )

    def test_every_other_week_counts_from_the_start(self):
        # 30 December 2025 is a Tuesday of week 1: the Mondays are 5 and 19 January.
        self.assertEqual(
            self.run_dates(
                Frequency("week", interval=2), date(2025, 12, 30), date(2026, 1, 31)
            ),
            ["2026-01-05", "2026-01-19"],
        )

    def test_several_days_of_every_other_week(self):
        # From Thursday 8 January: the rest of its week, then not the next week.
        self.assertEqual(
            self.run_dates(
                Frequency("week", interval=2, weekdays=(0, 3)),
                date(2026, 1, 7),
                date(2026, 1, 31),
            ),
            ["2026-01-08", "2026-01-19", "2026-01-22"],
        )

    def test_week_53_is_a_week(self):
        # 2026 has 53 weeks: Monday 28 December begins the last, 4 January the next.
        self.assertEqual(
            self.run_dates(
                Frequency("week", interval=2), date(2026, 12, 14), date(2027, 1, 31)
            ),
            ["2026-12-14", "2026-12-28", "2027-01-11", "2027-01-25"],
        )

    # === Months and years ===

    def test_the_31st_is_clamped_and_comes_back(self):
        self.assertEqual(
            self.run_dates(
                Frequency("month", positions=(31,)),
                date(2028, 1, 15),
                date(2028, 5, 31),
            ),
            ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"],
        )

    def test_the_15th_and_the_last_day(self):
        self.assertEqual(
            self.run_dates(
                Frequency("month", positions=(15, LAST)), NEW_YEAR, date(2026, 2, 28)
            ),
            ["2026-01-15", "2026-01-31", "2026-02-15", "2026-02-28"],
        )

    def test_the_30th_and_the_31st_are_one_day_in_april(self):
        self.assertEqual(
            self.run_dates(
                Frequency("month", positions=(30, 31)),
                date(2026, 3, 1),
                date(2026, 4, 30),
            ),
            ["2026-03-30", "2026-03-31", "2026-04-30"],
        )

    def test_first_of_the_month_covers_the_month_before(self):
        self.assertEqual(
            self.dates(
                Frequency("month", positions=(1,), cutoff="previous_month_end"),
                NEW_YEAR,
                date(2026, 3, 15),
            ),
            [
                ("2026-01-01", "2025-12-31"),
                ("2026-02-01", "2026-01-31"),
                ("2026-03-01", "2026-02-28"),
            ],
        )

    def test_quarterly_counts_months_from_the_start(self):
        self.assertEqual(
            self.dates(
                Frequency("month", interval=3, cutoff="run_date"),
                date(2026, 2, 10),
                date(2026, 12, 31),
            ),
            [
                ("2026-02-28",) * 2,
                ("2026-05-31",) * 2,
                ("2026-08-31",) * 2,
                ("2026-11-30",) * 2,
            ],
        )

    def test_the_second_and_the_last_tuesday(self):
        second_and_last = Frequency(
            "month", rule="weekday", weekday=1, positions=(2, LAST)
        )
        self.assertEqual(
            self.run_dates(second_and_last, NEW_YEAR, date(2026, 2, 28)),
            ["2026-01-13", "2026-01-27", "2026-02-10", "2026-02-24"],
        )

    def test_the_fifth_friday_is_the_last_where_there_are_four(self):
        fifth = Frequency("month", rule="weekday", weekday=4, positions=(5,))
        self.assertEqual(
            self.run_dates(fifth, NEW_YEAR, date(2026, 3, 31)),
            ["2026-01-30", "2026-02-27", "2026-03-27"],
            "January has five.",
        )

    def test_the_second_and_the_last_working_day(self):
        # 1 and 2 January are holidays; 31 January is a Saturday.
        self.assertEqual(
            self.run_dates(
                Frequency("month", rule="working_day", positions=(2, LAST)),
                NEW_YEAR,
                date(2026, 2, 2),
                **self.without("2026-01-01", "2026-01-02"),
            ),
            ["2026-01-06", "2026-01-30"],
        )

    def test_a_month_without_work_is_invoiced_on_the_first_day_of_work_after_it(self):
        august = {
            "is_working_day": lambda day: day.month != 8 and day.weekday() < 5,
        }
        self.assertEqual(
            self.run_dates(
                Frequency("month", rule="working_day"),
                date(2026, 7, 1),
                date(2026, 9, 30),
                **august,
            ),
            ["2026-07-31", "2026-09-01", "2026-09-30"],
        )

    def test_29_february_comes_back_in_leap_years(self):
        self.assertEqual(
            self.run_dates(
                Frequency("year", month=2, positions=(29,)),
                date(2026, 6, 1),
                date(2029, 12, 31),
            ),
            ["2027-02-28", "2028-02-29", "2029-02-28"],
        )

    def test_every_other_year_counts_from_the_year_of_the_start(self):
        self.assertEqual(
            self.run_dates(
                Frequency("year", interval=2, month=3), NEW_YEAR, date(2030, 12, 31)
            ),
            ["2026-03-31", "2028-03-31", "2030-03-31"],
        )

    # === Weekends and holidays ===

    def test_a_weekend_moves_the_date_and_what_it_covers(self):
        # 31 January 2026 is a Saturday, 28 February too.
        for shift, expected in [
            ("none", [("2026-01-31", "2026-01-30"), ("2026-02-28", "2026-02-27")]),
            ("before", [("2026-01-30", "2026-01-29"), ("2026-02-27", "2026-02-26")]),
            ("after", [("2026-02-02", "2026-02-01"), ("2026-03-02", "2026-03-01")]),
        ]:
            with self.subTest(shift):
                self.assertEqual(
                    self.dates(
                        Frequency("month", shift=shift), NEW_YEAR, date(2026, 3, 2)
                    ),
                    expected,
                )

    def test_a_holiday_on_the_day_that_it_moves_to(self):
        # Saturday 31 January; Friday before and Monday after are holidays.
        closed = self.without("2026-01-30", "2026-02-02")
        for shift, expected in [("before", "2026-01-29"), ("after", "2026-02-03")]:
            with self.subTest(shift):
                self.assertEqual(
                    self.run_dates(
                        Frequency("month", shift=shift),
                        NEW_YEAR,
                        date(2026, 2, 3),
                        **closed,
                    ),
                    [expected],
                )

    def test_an_invoice_moved_into_another_month_covers_the_month_that_was_meant(self):
        # Sunday 1 February becomes Friday 30 January, and covers January all the same.
        frequency = Frequency(
            "month", positions=(1,), shift="before", cutoff="previous_month_end"
        )
        self.assertEqual(
            self.dates(frequency, date(2026, 1, 2), date(2026, 1, 31)),
            [("2026-01-30", "2026-01-31")],
        )

    def test_two_dates_on_one_working_day_are_one_invoice(self):
        # Saturday, Sunday and Monday are invoiced on Monday.
        self.assertEqual(
            self.dates(
                Frequency("day", shift="after", cutoff="run_date"),
                date(2026, 1, 8),
                date(2026, 1, 13),
            ),
            [(f"2026-01-{day}",) * 2 for day in ("08", "09", "12", "13")],
        )

    def test_what_moves_before_the_start_is_invoiced_after_it(self):
        # Saturday 31 January is the start: not on Friday, but on Monday.
        self.assertEqual(
            self.run_dates(
                Frequency("month", shift="before"), date(2026, 1, 31), date(2026, 2, 28)
            ),
            ["2026-02-02", "2026-02-27"],
        )

    def test_what_moves_over_the_end_comes_with_a_later_end(self):
        after = Frequency("month", shift="after")
        self.assertEqual(self.run_dates(after, NEW_YEAR, date(2026, 2, 1)), [])
        self.assertEqual(
            self.run_dates(after, NEW_YEAR, date(2026, 2, 2)), ["2026-02-02"]
        )

    def test_without_working_days_there_is_an_error_and_no_endless_search(self):
        for frequency in (
            Frequency("day", shift="before"),
            Frequency("week", shift="after"),
            Frequency("month", rule="working_day"),
        ):
            with self.subTest(frequency), self.assertRaises(NoWorkingDayError):
                self.dates(
                    frequency,
                    NEW_YEAR,
                    date(2027, 1, 1),
                    is_working_day=lambda day: False,
                )

    # === Ends ===

    def test_nothing_after_the_end(self):
        self.assertEqual(
            self.dates(Frequency("month"), date(2026, 5, 1), date(2026, 5, 30)), []
        )

    def test_by_hand_there_are_no_dates(self):
        self.assertEqual(
            self.dates(Frequency("manual"), NEW_YEAR, date(2036, 1, 1)), []
        )
