# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date

from odoo.tests import BaseCase, tagged

from ..core.calendar import Frequency, occurrences


@tagged("post_install", "-at_install")
class TestCalendar(BaseCase):
    def dates(self, frequency, start, end):
        return [
            (found.run_date.isoformat(), found.cutoff_date.isoformat())
            for found in occurrences(frequency, start, end)
        ]

    def test_weekly_on_friday_covers_up_to_the_day_before(self):
        self.assertEqual(
            self.dates(
                Frequency("week", weekday=4), date(2026, 1, 1), date(2026, 1, 20)
            ),
            [
                ("2026-01-02", "2026-01-01"),
                ("2026-01-09", "2026-01-08"),
                ("2026-01-16", "2026-01-15"),
            ],
        )

    def test_every_other_week_counts_from_the_start(self):
        # 30 December 2025 is a Tuesday of week 1: the Mondays are 5 and 19 January.
        self.assertEqual(
            [
                run
                for run, _cutoff in self.dates(
                    Frequency("week", interval=2), date(2025, 12, 30), date(2026, 1, 31)
                )
            ],
            ["2026-01-05", "2026-01-19"],
        )

    def test_the_31st_is_clamped_and_comes_back(self):
        self.assertEqual(
            [
                run
                for run, _cutoff in self.dates(
                    Frequency("month", month_day=31),
                    date(2028, 1, 15),
                    date(2028, 5, 31),
                )
            ],
            ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"],
        )

    def test_first_of_the_month_covers_the_month_before(self):
        self.assertEqual(
            self.dates(
                Frequency("month", month_day=1, cutoff="previous_month_end"),
                date(2026, 1, 1),
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
                Frequency("month", interval=3, month_day=31, cutoff="run_date"),
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

    def test_nothing_after_the_end(self):
        self.assertEqual(
            self.dates(Frequency("month"), date(2026, 5, 1), date(2026, 5, 30)), []
        )
