# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a billing frequency to dates.

Everything here is a ``datetime.date`` in the company's calendar: there is no time of
day, so no time zone can shift an invoice to another day.

A frequency first gives *nominal* dates, such as every 31st. Each is then moved off days
on which nobody works, if that is wanted; what lands on the same day is one invoice,
which covers all that the later of them covers. So dates strictly increase, no period is
left out, and cut-off dates never go back.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from typing import Literal, NamedTuple

from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule

LAST = 31
"""The position of the last of whatever a month has: it has no more of anything."""
LONGEST_CLOSURE = 366
"""After so many days without work, in days, a calendar is taken to have no work."""

WorkingDay = Callable[[date], bool]


class NoWorkingDayError(ValueError):
    """A calendar without working days was asked for one."""


class Occurrence(NamedTuple):
    """A date on which to invoice, and the last transaction date it covers."""

    run_date: date
    cutoff_date: date


@dataclass(frozen=True)
class Frequency:
    """When to invoice.

    :ivar period: unit of ``interval``; ``manual`` has no dates at all
    :ivar interval: every how many days, weeks, months or years, 1 or more
    :ivar weekdays: for weeks, each 0 (Monday) to 6 (Sunday), one at least
    :ivar rule: for months and years, what ``positions`` count: days of the month, its
        working days, or those that are a certain ``weekday``
    :ivar positions: for months and years, which of them, each 1 to 31, one at least;
        beyond the last it means the last, and the next month returns to it
    :ivar weekday: for the rule ``weekday``, 0 (Monday) to 6 (Sunday)
    :ivar month: for years, 1 (January) to 12
    :ivar shift: a date on which nobody works stays, or moves to the working day
        before or after; before the start it moves after all
    :ivar cutoff: which transactions a run covers: those up to ``cutoff_days`` days
        before it, up to the day itself, or up to the end of the month before. Days
        count from the date as moved; the month is that of the nominal date, so that
        an invoice of the 1st that is made on the 31st before covers the same month.
    """

    period: Literal["day", "week", "month", "year", "manual"]
    interval: int = 1
    weekdays: tuple[int, ...] = (0,)
    rule: Literal["day", "weekday", "working_day"] = "day"
    positions: tuple[int, ...] = (LAST,)
    weekday: int = 0
    month: int = 12
    shift: Literal["none", "before", "after"] = "none"
    cutoff: Literal["days_before", "run_date", "previous_month_end"] = "days_before"
    cutoff_days: int = 1


def monday_to_friday(day: date) -> bool:
    """The working days of whoever has no calendar."""
    return day.weekday() < 5


def occurrences(
    frequency: Frequency,
    start: date,
    end: date,
    is_working_day: WorkingDay = monday_to_friday,
) -> Iterator[Occurrence]:
    """The dates of a frequency from ``start`` to ``end``, both included.

    Intervals count from ``start``, so that it must be the project's billing start
    whatever part of the result is wanted: days from the start itself, weeks from that
    of the first wanted weekday, months and years from the one that it lies in.

    >>> weekly = Frequency("week", interval=2, weekdays=(4,))
    >>> [o.run_date.isoformat() for o in occurrences(
    ...     weekly, date(2026, 1, 1), date(2026, 2, 1))]
    ['2026-01-02', '2026-01-16', '2026-01-30']

    :raises NoWorkingDayError: if a working day is needed and there is none in a year
    """
    moved = (
        (_move(frequency.shift, day, start, is_working_day), day)
        for day in _nominal_dates(frequency, start, is_working_day)
    )
    latest = None
    for run_date, nominal_date in takewhile(lambda pair: pair[0] <= end, moved):
        if latest and latest.run_date < run_date:
            yield latest
        latest = Occurrence(run_date, cutoff_date(frequency, run_date, nominal_date))
    if latest:
        yield latest


def cutoff_date(frequency: Frequency, run_date: date, nominal_date: date) -> date:
    """The last transaction date that an invoice covers.

    :param run_date: when it is made
    :param nominal_date: when it would be made if everybody worked on every day
    """
    if frequency.cutoff == "run_date":
        return run_date
    if frequency.cutoff == "previous_month_end":
        return nominal_date.replace(day=1) - timedelta(days=1)
    return run_date - timedelta(days=frequency.cutoff_days)


def _nominal_dates(
    frequency: Frequency, start: date, is_working_day: WorkingDay
) -> Iterator[date]:
    """The dates from ``start`` on, without end, before any is moved."""
    if frequency.period == "day":
        rule = rrule(DAILY, interval=frequency.interval, dtstart=start)
        return (moment.date() for moment in rule)
    if frequency.period == "week":
        first = min(start + relativedelta(weekday=day) for day in frequency.weekdays)
        rule = rrule(
            WEEKLY,
            interval=frequency.interval,
            byweekday=frequency.weekdays,
            dtstart=first,
        )
        return (moment.date() for moment in rule)
    if frequency.period in ("month", "year"):
        return _dates_in_months(frequency, start, is_working_day)
    return iter(())


def _dates_in_months(
    frequency: Frequency, start: date, is_working_day: WorkingDay
) -> Iterator[date]:
    first, interval = start.replace(day=1), frequency.interval
    if frequency.period == "year":
        first, interval = first.replace(month=frequency.month), 12 * interval
    for moment in rrule(MONTHLY, interval=interval, dtstart=first):
        days = _countable_days(frequency, moment.date(), is_working_day)
        wanted = {
            days[min(position, len(days)) - 1] for position in frequency.positions
        }
        yield from sorted(day for day in wanted if day >= start)


def _countable_days(
    frequency: Frequency, first: date, is_working_day: WorkingDay
) -> list[date]:
    """What the positions count in the month that begins on ``first``."""
    length = monthrange(first.year, first.month)[1]
    days = [first + timedelta(days=offset) for offset in range(length)]
    if frequency.rule == "weekday":
        return [day for day in days if day.weekday() == frequency.weekday]
    if frequency.rule == "working_day":
        working = [day for day in days if is_working_day(day)]
        return working or [_working_day(days[-1], 1, is_working_day)]
    return days


def _move(shift: str, day: date, start: date, is_working_day: WorkingDay) -> date:
    if shift == "after":
        return _working_day(day, 1, is_working_day)
    if shift == "before":
        moved = _working_day(day, -1, is_working_day)
        return moved if moved >= start else _working_day(start, 1, is_working_day)
    return day


def _working_day(day: date, step: int, is_working_day: WorkingDay) -> date:
    """The day itself, or the next one (``step`` 1) or last one (-1) with work."""
    for days in range(LONGEST_CLOSURE):
        candidate = day + timedelta(days=step * days)
        if is_working_day(candidate):
            return candidate
    raise NoWorkingDayError(f"No working day within a year of {day}.")
