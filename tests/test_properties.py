"""What must hold for every frequency, every quantity and every amount."""

from datetime import date, timedelta
from math import fsum

from core.allocation import line_quantity, spread, trim
from core.billing import MILESTONE, TIME, Request
from core.calendar import Frequency, cutoff_date, occurrences
from hypothesis import assume, given
from hypothesis import strategies as st

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
FREQUENCIES = st.builds(
    Frequency,
    period=st.sampled_from(["week", "month"]),
    interval=st.integers(1, 13),
    weekday=st.integers(0, 6),
    month_day=st.integers(1, 31),
    cutoff=st.sampled_from(["days_before", "run_date", "previous_month_end"]),
    cutoff_days=st.integers(0, 20),
)
HOURS = st.floats(0.01, 24).map(lambda value: round(value, 4))
CENTS = st.integers(0, 10**9).map(lambda value: value / 100)


def cents(value: float) -> float:
    return round(value, 2)


def dates(frequency, start, end):
    return [found.run_date for found in occurrences(frequency, start, end)]


@given(FREQUENCIES, DAYS, st.integers(0, 1500))
def test_dates_increase_inside_the_range(frequency, start, days):
    end = start + timedelta(days=days)
    found = dates(frequency, start, end)
    assert all(start <= each <= end for each in found)
    assert all(first < second for first, second in zip(found, found[1:], strict=False))


@given(FREQUENCIES, DAYS, st.integers(0, 1500), st.integers(0, 1500))
def test_a_longer_range_only_adds(frequency, start, days, more):
    short = dates(frequency, start, start + timedelta(days=days))
    long = dates(frequency, start, start + timedelta(days=days + more))
    assert long[: len(short)] == short


@given(FREQUENCIES, DAYS)
def test_no_period_is_skipped(frequency, start):
    found = dates(frequency, start, start + timedelta(days=1200))
    longest = 7 * frequency.interval
    if frequency.period == "month":
        longest = 31 * frequency.interval + 3
    gaps = [second - first for first, second in zip(found, found[1:], strict=False)]
    assert all(gap.days <= longest for gap in gaps)
    assert not found or (found[0] - start).days <= longest


@given(FREQUENCIES, DAYS)
def test_the_wanted_day_or_the_last_of_its_month(frequency, start):
    for run in dates(frequency, start, start + timedelta(days=800)):
        if frequency.period == "week":
            assert run.weekday() == frequency.weekday
        else:
            last_of_month = (run + timedelta(days=1)).day == 1
            assert run.day == frequency.month_day or (
                last_of_month and run.day < frequency.month_day
            )


@given(FREQUENCIES, DAYS)
def test_a_cutoff_is_never_after_its_run_and_never_goes_back(frequency, start):
    found = list(occurrences(frequency, start, start + timedelta(days=800)))
    assert all(each.cutoff_date <= each.run_date for each in found)
    cutoffs = [cutoff_date(frequency, each.run_date) for each in found]
    assert cutoffs == sorted(cutoffs)


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


@given(st.lists(st.lists(HOURS, min_size=1, max_size=9), min_size=1, max_size=9))
def test_slices_of_a_contract_line_add_up_to_what_was_delivered(slices):
    delivered = cents(fsum(hours for part in slices for hours in part))
    invoiced = 0.0
    for index, part in enumerate(slices):
        closing = index == len(slices) - 1
        invoiced += line_quantity(
            part, cents, delivered - invoiced if closing else None
        )
    assert cents(invoiced) == delivered


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
    assert Request.from_json(request.to_json(), (1,), date(2026, 1, 31)) == request
