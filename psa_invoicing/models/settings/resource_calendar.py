# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytz

from odoo import models


class ResourceCalendar(models.Model):
    """On which days a company works."""

    _inherit = "resource.calendar"

    def _billing_working_days(self, start: date) -> Callable[[date], bool]:
        """What says of a day whether people work on it; it reads nothing any more.

        A holiday of half a day is a working day. Flexible hours are worked from Monday
        to Friday.

        :param start: the first day that will be asked for
        """
        self.ensure_one()
        hours = self._billing_hours()
        holidays = self._billing_holidays(start, hours)

        def is_working_day(day: date) -> bool:
            return bool(self._psa_hours_of(hours, day)) and day not in holidays

        return is_working_day

    def _billing_hours(self) -> dict:
        """First and last hour of work, by weekday and kind of week (two-week calendars
        have two kinds, the others one)."""
        weeks = ("0", "1") if self.two_weeks_calendar else (False,)
        if self.flexible_hours:
            return {(week, day): (12.0, 12.0) for week in weeks for day in range(5)}
        hours = {}
        # sudo: the dates do not depend on what the user may read.
        for slot in self.sudo().attendance_ids:
            if slot.display_type or slot.day_period == "lunch":
                continue
            week = slot.week_type if self.two_weeks_calendar else False
            key = week, int(slot.dayofweek)
            first, last = hours.get(key, (slot.hour_from, slot.hour_to))
            hours[key] = min(first, slot.hour_from), max(last, slot.hour_to)
        return hours

    def _psa_hours_of(self, hours: dict, day: date) -> tuple[float, float] | None:
        week = False
        if self.two_weeks_calendar:
            week = str(self.env["resource.calendar.attendance"].get_week_type(day))
        return hours.get((week, day.weekday()))

    def _billing_holidays(self, start: date, hours: dict) -> set[date]:
        """Days of work that are public holidays from their first hour to their last."""
        zone = pytz.timezone(self.tz or "UTC")
        company = self.company_id or self.env.company
        # sudo: as above.
        Leave = self.env["resource.calendar.leaves"].sudo()
        leaves = Leave.search(
            [
                ("resource_id", "=", False),
                ("time_type", "=", "leave"),
                ("calendar_id", "in", [False, self.id]),
                ("company_id", "in", [False, company.id]),
                ("date_to", ">=", start - timedelta(days=1)),
            ]
        )
        holidays = set()
        for leave in leaves:
            first, last = (
                pytz.utc.localize(moment).astimezone(zone).replace(tzinfo=None)
                for moment in (leave.date_from, leave.date_to)
            )
            for offset in range((last.date() - first.date()).days + 1):
                day = first.date() + timedelta(days=offset)
                if (worked := self._psa_hours_of(hours, day)) and (
                    first <= _moment(day, worked[0])
                    and _moment(day, worked[1]) <= last + timedelta(minutes=1)
                ):
                    holidays.add(day)
        return holidays


def _moment(day: date, hour: float) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)
