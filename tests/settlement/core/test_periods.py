import datetime as dt
import itertools

import pytest

from settlement.core.periods import interval_count, interval_starts, settlement_day

LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("day", "count"),
    [("2024-03-31", 46), ("2024-10-27", 50), ("2024-02-29", 48), ("2024-07-01", 48)],
)
def test_a_day_is_a_local_day(day, count):
    assert interval_count(dt.date.fromisoformat(day), LONDON, 30) == count


def test_intervals_are_utc_and_half_an_hour_apart():
    starts = interval_starts(dt.date(2024, 3, 31), LONDON, 30)
    assert starts[0] == dt.datetime(2024, 3, 31, 0, 0, tzinfo=dt.UTC)
    assert starts[-1] == dt.datetime(2024, 3, 31, 22, 30, tzinfo=dt.UTC)
    assert {start.tzinfo for start in starts} == {dt.UTC}
    summer = interval_starts(dt.date(2024, 7, 1), LONDON, 30)
    assert summer[0] == dt.datetime(2024, 6, 30, 23, 0, tzinfo=dt.UTC)


def test_days_of_a_year_follow_without_gap_or_overlap():
    days = [dt.date(2024, 1, 1) + dt.timedelta(number) for number in range(366)]
    starts = [start for day in days for start in interval_starts(day, LONDON, 30)]
    assert len(starts) == 17_568
    steps = {after - before for before, after in itertools.pairwise(starts)}
    assert steps == {dt.timedelta(minutes=30)}


@pytest.mark.parametrize("day", [dt.date(2024, 3, 31), dt.date(2024, 10, 27), dt.date(2024, 7, 1)])
def test_settlement_day_holds_its_intervals(day):
    assert {settlement_day(start, LONDON) for start in interval_starts(day, LONDON, 30)} == {day}


def test_an_instant_needs_a_time_zone():
    with pytest.raises(ValueError, match="no time zone"):
        settlement_day(dt.datetime(2024, 1, 1), LONDON)


@pytest.mark.parametrize("minutes", [0, -30, 7, 45, 120])
def test_an_interval_divides_the_hour(minutes):
    with pytest.raises(ValueError, match="must divide 60"):
        interval_starts(dt.date(2024, 1, 1), LONDON, minutes)
