"""What must hold for every frequency, every quantity and every amount."""

import json
from dataclasses import replace
from datetime import date, timedelta
from math import fsum

import pytest
from core.allocation import spread, taken_back, trim
from core.billing import Request
from core.brief import Brief
from core.calendar import Frequency, NoWorkingDayError, occurrences
from core.charges import RunningAmount, RunningTotal, agreed_quantity
from core.kinds import MILESTONE, TIME
from core.text_parts import LETTERS_A_LINE, LINES, text_parts
from hypothesis import assume, given, settings
from hypothesis import strategies as st

# The same examples every time, and no limit to what one may take.
settings.load_profile("ci")

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
FREQUENCIES = st.builds(
    Frequency,
    period=st.sampled_from(["day", "week", "month", "year"]),
    interval=st.integers(1, 13),
    weekdays=st.sets(st.integers(0, 6), min_size=1).map(tuple),
    rule=st.sampled_from(["day", "weekday", "working_day"]),
    positions=st.sets(st.integers(1, 31), min_size=1, max_size=3).map(tuple),
    weekday=st.integers(0, 6),
    month=st.integers(1, 12),
    shift=st.sampled_from(["none", "before", "after"]),
    cutoff=st.sampled_from(["days_before", "run_date", "previous_month_end"]),
    cutoff_days=st.integers(0, 20),
)
LONGEST_MOVE = 60
# Days of the week on which nobody works, and holidays: some of 40 days on end.
CLOSED = st.tuples(
    st.sets(st.integers(0, 6), max_size=6),
    DAYS,
    st.sets(st.integers(0, 40)),
)
HOURS = st.floats(0.01, 24).map(lambda value: round(value, 4))
CENTS = st.integers(0, 10**9).map(lambda value: value / 100)


def cents(value: float) -> float:
    return round(value, 2)


def works(closed):
    """Whether people work on a day: a firm with weekends and holidays."""
    weekend, first, offsets = closed
    holidays = {first + timedelta(days=offset) for offset in offsets}
    return lambda day: day.weekday() not in weekend and day not in holidays


def dates(frequency, start, end, closed):
    found = occurrences(frequency, start, end, works(closed))
    return [each.run_date for each in found]


@given(FREQUENCIES, DAYS, st.integers(0, 1500), CLOSED)
def test_dates_increase_inside_the_range(frequency, start, days, closed):
    end = start + timedelta(days=days)
    found = dates(frequency, start, end, closed)
    assert all(start <= each <= end for each in found)
    assert all(first < second for first, second in zip(found, found[1:], strict=False))


@given(FREQUENCIES, DAYS, st.integers(0, 1500), st.integers(0, 1500), CLOSED)
def test_a_longer_range_only_adds(frequency, start, days, more, closed):
    end, later = start + timedelta(days=days), start + timedelta(days=days + more)
    short = list(occurrences(frequency, start, end, works(closed)))
    long = list(occurrences(frequency, start, later, works(closed)))
    assert [each for each in long if each.run_date <= end] == short


@given(FREQUENCIES, DAYS, st.integers(0, 800), CLOSED)
def test_the_same_from_any_start(frequency, start, days, closed):
    """A project that starts later has the later dates of one that started before."""
    frequency = replace(frequency, interval=1)
    later = start + timedelta(days=days)
    end = later + timedelta(days=800)
    # The first days of the later one differ by what moves over its start.
    settled = later + timedelta(days=LONGEST_MOVE)
    early = [day for day in dates(frequency, start, end, closed) if day >= settled]
    assert early == [
        day for day in dates(frequency, later, end, closed) if day >= settled
    ]


@given(FREQUENCIES, DAYS, CLOSED)
def test_no_period_is_skipped(frequency, start, closed):
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[frequency.period]
    # The first lies in the first period that has not passed; a date moves by the
    # length of the closure at most.
    longest = days * frequency.interval + days + 31 + LONGEST_MOVE
    found = dates(frequency, start, start + timedelta(days=3 * longest), closed)
    ends = [start, *found]
    assert all(
        (second - first).days <= longest
        for first, second in zip(ends, ends[1:], strict=False)
    )
    assert len(found) >= 2


@given(FREQUENCIES, DAYS)
def test_the_wanted_day_or_the_last_of_its_month(frequency, start):
    wanted = replace(frequency, rule="day", shift="none")
    for found in occurrences(wanted, start, start + timedelta(days=800)):
        run = found.run_date
        if wanted.period == "day":
            assert (run - start).days % wanted.interval == 0
        elif wanted.period == "week":
            assert run.weekday() in wanted.weekdays
        else:
            last_of_month = (run + timedelta(days=1)).day == 1
            assert run.day in wanted.positions or (
                last_of_month and run.day < max(wanted.positions)
            )


@given(FREQUENCIES, DAYS, CLOSED)
def test_nobody_has_to_work_on_a_holiday(frequency, start, closed):
    assume(frequency.shift != "none" or "month" in frequency.period)
    if frequency.shift == "none":
        frequency = replace(frequency, rule="working_day")
    for run in dates(frequency, start, start + timedelta(days=800), closed):
        assert works(closed)(run)


@given(FREQUENCIES, DAYS, CLOSED)
def test_what_a_run_covers_never_goes_back(frequency, start, closed):
    end = start + timedelta(days=800)
    found = list(occurrences(frequency, start, end, works(closed)))
    cutoffs = [each.cutoff_date for each in found]
    assert cutoffs == sorted(cutoffs)
    if frequency.cutoff != "previous_month_end":
        assert all(each.cutoff_date <= each.run_date for each in found)


@given(FREQUENCIES, DAYS)
def test_a_calendar_without_working_days_is_an_error_and_no_loop(frequency, start):
    frequency = replace(frequency, shift="after")
    with pytest.raises(NoWorkingDayError):
        list(
            occurrences(
                frequency, start, start + timedelta(days=800), lambda day: False
            )
        )


@given(CENTS, st.lists(HOURS, min_size=1, max_size=50))
def test_shares_add_up_to_the_cent(total, weights):
    shares = spread(total, weights, cents)
    assert cents(fsum(shares)) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / fsum(weights)) <= 0.011


@given(st.lists(HOURS, max_size=30), st.floats(0, 800))
def test_trimming_lowers_the_latest_first(quantities, target):
    kept = trim(quantities, target)
    assert all(
        0 <= part <= quantity for part, quantity in zip(kept, quantities, strict=True)
    )
    assert abs(fsum(kept) - min(target, fsum(quantities))) < 1e-4
    lowered = [
        index
        for index, (part, quantity) in enumerate(zip(kept, quantities, strict=True))
        if part < quantity
    ]
    if lowered:
        assert all(part == 0 for part in kept[lowered[0] + 1 :])


@given(st.lists(HOURS, min_size=1, max_size=20), HOURS)
def test_a_correction_is_never_lowered(quantities, correction):
    total = fsum(quantities) - correction
    assume(total > 0)
    kept = trim([*quantities, -correction], total / 2)
    assert kept[-1] == -correction
    assert abs(fsum(kept) - total / 2) < 1e-4


# Minutes by the entry, corrections among them.
MINUTES = st.integers(-90, 90).map(lambda minutes: minutes / 60)


@given(st.lists(st.lists(MINUTES, min_size=1, max_size=9), min_size=1, max_size=60))
def test_lines_are_within_one_step_and_their_sum_within_half(slices):
    total = RunningTotal(cents)
    billed = []
    for count, part in enumerate(slices, start=1):
        billed.append(total.next_line(part))
        assert abs(billed[-1] - fsum(part)) < 0.01 + 1e-9
        exact = fsum(hours for each in slices[:count] for hours in each)
        assert abs(fsum(billed) - exact) < 0.005 + 1e-9


@given(st.lists(MINUTES, min_size=1, max_size=60), st.floats(-1, 1).map(cents))
def test_the_next_line_takes_up_what_others_have_left(hours, drift):
    """Lines of others were rounded otherwise: the sum is right again with the next."""
    total = RunningTotal(cents, exact=fsum(hours), billed=cents(fsum(hours)) + drift)
    line = total.next_line([1.0])
    assert abs(line + drift - 1.0) < 0.01 + 1e-9


@pytest.mark.parametrize(
    ("minutes", "count", "total"), [(1, 60, 1.0), (35, 40, 23.33), (20, 30, 10.0)]
)
def test_a_line_for_each_entry(minutes, count, total):
    running = RunningTotal(cents)
    lines = [running.next_line([minutes / 60]) for _entry in range(count)]
    assert all(abs(line - minutes / 60) < 0.01 for line in lines)
    assert cents(fsum(lines)) == total


# Percentages of a fixed price, and what it is.
SHARES = st.integers(1, 5000).map(lambda part: part / 10000)
PRICES = st.integers(1, 10**8).map(lambda price: price / 100)


@given(st.lists(SHARES, min_size=1, max_size=60), PRICES)
def test_amounts_are_within_a_cent_and_their_sum_within_half(shares, price):
    total = RunningAmount(cents, price)
    billed = []
    for count, share in enumerate(shares, start=1):
        charge = total.next_charge([share])
        assert (charge.quantity, charge.share) == (1, share)
        billed.append(charge.amount)
        assert abs(charge.amount - share * price) < 0.01 + 1e-6
        exact = fsum(shares[:count]) * price
        assert abs(fsum(billed) - exact) < 0.005 + 1e-6


@given(st.lists(SHARES, min_size=1, max_size=30), PRICES, PRICES, st.floats(-9, 9))
def test_a_new_price_counts_for_what_comes(shares, price, new_price, drift):
    """Whatever was billed otherwise before is made up for once."""
    drift = cents(drift)
    total = RunningAmount(cents, new_price, fsum(shares), drift)
    first, second = (total.next_charge([share]).amount for share in (0.25, 0.5))
    assert abs(first + second + drift - 0.75 * new_price) < 0.005 + 1e-6


@given(st.lists(SHARES, min_size=1, max_size=30), PRICES)
def test_what_is_taken_back_and_billed_again_costs_the_same(shares, price):
    total = RunningAmount(cents, price)
    billed = [total.next_charge([share]).amount for share in shares]
    back = [total.next_charge([-share]) for share in reversed(shares)]
    assert all(charge.quantity == -1 for charge in back)
    assert abs(fsum(billed) - fsum(charge.amount for charge in back)) < 1e-6


@pytest.mark.parametrize(("count", "percent"), [(3, 33.33), (12, 8.33), (7, 14.29)])
def test_percentages_that_are_meant_to_be_all_are_all(count, percent):
    planned = fsum([percent / 100] * count)
    total = RunningAmount(
        cents, 10000, planned=planned, agreed=agreed_quantity(1, planned, count)
    )
    amounts = [total.next_charge([percent / 100]).amount for _milestone in range(count)]
    assert amounts[:-1] == [percent * 100] * (count - 1)
    assert cents(fsum(amounts)) == 10000


@given(
    st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]), max_size=8),
    st.lists(st.integers(0, 7), min_size=8, max_size=8),
    st.sets(st.integers(1, 8)),
)
def test_what_is_taken_back_is_worth_nothing(quantities, reversed_ids, settled):
    """Whoever reverses what: the rest is worth what it was, and what is settled stays,
    but for the cost that is to be credited."""
    costs = dict(enumerate(quantities, start=1))
    # Each takes back one that was there before, or nothing.
    parents = {id_: reversed_ids[id_ - 1] % id_ or None for id_ in costs}
    found = taken_back(costs, parents, settled)
    assert fsum(costs[id_] for id_ in found) == 0
    assert not any(parents[id_] for id_ in found & settled)
    for id_ in found:
        assert parents[id_] in found or id_ in {parents[each] for each in found}


@given(
    st.sets(st.sampled_from([TIME, MILESTONE]), min_size=1),
    st.lists(st.integers(1, 9)),
    st.none() | st.frozensets(st.tuples(st.just(TIME), st.integers(1, 99))),
    st.booleans(),
)
def test_a_draft_remembers_its_request(types, units, picks, from_start):
    request = Request(
        project_ids=(1,),
        cutoff_date=date(2026, 1, 31),
        types=tuple(types),
        unit_ids=tuple(units),
        picks=picks,
        from_billing_start=from_start,
    )
    kept = json.loads(json.dumps(Brief().asking(request).to_json()))
    assert Brief.from_json(kept).request((1,), date(2026, 1, 31)) == request


KEYS = st.tuples(st.sampled_from([TIME, MILESTONE]), st.integers(1, 99))


@given(
    st.builds(
        Brief,
        order_ids=st.lists(st.integers(1, 9)).map(tuple),
        layout=st.sampled_from(["order_line", "employee", "task", "entry"]),
        is_consolidated=st.booleans(),
        invoice_date=st.none() | DAYS,
        cutoffs=st.dictionaries(
            st.integers(1, 9), st.just({"": date(2026, 1, 31), "time": None})
        ),
        last_cutoffs=st.dictionaries(st.integers(1, 9), DAYS),
        caps=st.dictionaries(KEYS, HOURS),
        chosen_types=st.dictionaries(KEYS, st.sampled_from(["complimentary"])),
        known_until=st.none() | st.integers(1, 99),
        written=st.dictionaries(st.just("ref"), st.text()),
    )
)
def test_a_draft_remembers_what_a_person_did(brief):
    assert Brief.from_json(json.loads(json.dumps(brief.to_json()))) == brief


def test_a_draft_of_an_earlier_version_is_read():
    """As it was written by 19.0.1.6.0, and by an invoice that nobody asked for."""
    kept = {
        "types": ["time"],
        "units": [3],
        "milestones": [],
        "sale_lines": [],
        "picks": [["time", 12]],
        "from_billing_start": True,
        "cutoffs": {"7": {"": "2026-01-31", "milestone": None}},
        "orders": [5],
        "layout": "task",
        "is_consolidated": False,
        "invoice_date": "2026-02-01",
        "last_cutoffs": {"7": "2025-12-31"},
        "caps": [["time", 12, 0.5]],
        "types_chosen": [["time", 12, "complimentary"]],
        "known_until": 99,
        "written": {"ref": "A", "partner_id": 4},
    }
    assert Brief.from_json(kept) == Brief(
        types=(TIME,),
        unit_ids=(3,),
        picks=frozenset({(TIME, 12)}),
        from_billing_start=True,
        cutoffs={7: {"": date(2026, 1, 31), MILESTONE: None}},
        order_ids=(5,),
        layout="task",
        invoice_date=date(2026, 2, 1),
        last_cutoffs={7: date(2025, 12, 31)},
        caps={(TIME, 12): 0.5},
        chosen_types={(TIME, 12): "complimentary"},
        known_until=99,
        written={"ref": "A", "partner_id": 4},
    )
    assert Brief.from_json(kept).to_json() == kept
    assert Brief.from_json(None) == Brief()


@given(st.text(st.sampled_from("ab \n"), max_size=3000))
def test_parts_of_a_text_are_all_of_it(text):
    parts = text_parts(text)
    assert parts
    letters = "".join("".join(part.split()) for part in parts)
    assert letters == "".join(text.split())


@given(st.text(st.sampled_from("ab \n"), max_size=3000))
def test_parts_of_a_text_fit_on_a_page(text):
    for part in text_parts(text):
        height = sum(1 + len(line) // LETTERS_A_LINE for line in part.split("\n"))
        assert height <= LINES + 1
