# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a billing frequency to dates.

Everything here is a ``datetime.date`` in the company's calendar: there is no time of
day, so no time zone can shift an invoice to another day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from dateutil.relativedelta import relativedelta
from dateutil.rrule import MONTHLY, WEEKLY, rrule


class Occurrence(NamedTuple):
    """A date on which to invoice, and the last transaction date it covers."""

    run_date: date
    cutoff_date: date


@dataclass(frozen=True)
class Frequency:
    """When to invoice.

    :ivar period: unit of ``interval``
    :ivar interval: every how many weeks or months, 1 or more
    :ivar weekday: for weeks, 0 (Monday) to 6 (Sunday)
    :ivar month_day: for months, 1 to 31; beyond the end of a month it means its last
        day, and the next month returns to it
    :ivar cutoff: which transactions a run covers: those up to ``cutoff_days`` days
        before it, up to the day itself, or up to the end of the month before
    """

    period: Literal["week", "month"]
    interval: int = 1
    weekday: int = 0
    month_day: int = 31
    cutoff: Literal["days_before", "run_date", "previous_month_end"] = "days_before"
    cutoff_days: int = 1


def occurrences(frequency: Frequency, start: date, end: date) -> Iterator[Occurrence]:
    """The dates of a frequency from ``start`` to ``end``, both included.

    Intervals of more than one week or month count from ``start``, so that it must be
    the project's billing start whatever part of the result is wanted:

    >>> weekly = Frequency("week", interval=2, weekday=4)
    >>> [o.run_date.isoformat() for o in occurrences(
    ...     weekly, date(2026, 1, 1), date(2026, 2, 1))]
    ['2026-01-02', '2026-01-16', '2026-01-30']
    """
    for moment in _rule(frequency, start, end):
        run_date = moment.date()
        yield Occurrence(run_date, cutoff_date(frequency, run_date))


def cutoff_date(frequency: Frequency, run_date: date) -> date:
    """The last transaction date that an invoice of ``run_date`` covers."""
    if frequency.cutoff == "run_date":
        return run_date
    if frequency.cutoff == "previous_month_end":
        return run_date.replace(day=1) - timedelta(days=1)
    return run_date - timedelta(days=frequency.cutoff_days)


def _rule(frequency: Frequency, start: date, end: date) -> rrule:
    if frequency.period == "week":
        first = start + relativedelta(weekday=frequency.weekday)
        return rrule(WEEKLY, interval=frequency.interval, dtstart=first, until=end)
    # The earlier of the wanted day and the month's last day.
    return rrule(
        MONTHLY,
        interval=frequency.interval,
        bymonthday=(frequency.month_day, -1),
        bysetpos=1,
        dtstart=start,
        until=end,
    )
