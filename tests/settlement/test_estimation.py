"""Every method of estimation by a worked example, its limits, and what holds of all of them."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.documents.meter_data import EstimationStep
from settlement.core.periods import interval_starts
from settlement.meters.estimation import Gap, Ground, KnownVector, Past, estimates_of

MONDAY = dt.date(2024, 1, 15)
DAY = dt.timedelta(days=1)
ANY = (-(10**13), 10**13)


def clock(day: dt.date) -> list[int]:
    """Local minutes of a four-hourly day; a real market's clock has its tests below."""
    return [0, 360, 720, 1080]


def london(day: dt.date) -> list[int]:
    zone = ZoneInfo("Europe/London")
    local = [start.astimezone(zone) for start in interval_starts(day, "Europe/London", 30)]
    return [start.hour * 60 + start.minute for start in local]


def vector(*values: int | None) -> KnownVector:
    """A vector in which None was not measured; a value lies there all the same, as a trap."""
    return KnownVector(
        np.array([10**12 if value is None else value for value in values]),
        np.array([value is not None for value in values]),
    )


def step(method: str, limit: int | None = None) -> EstimationStep:
    named = "at_most_intervals" if method in {"interpolate", "carry-forward"} else "weeks"
    return EstimationStep(method=method, measures=("metered_demand_wh",), **{named: limit})


def filled(steps, vectors, day=MONDAY, limits=ANY, others=(), of=clock, past=None):
    known, entity = vectors.get((day, "S1")), "S1"
    missing = np.ones(len(of(day)), bool) if known is None else ~known.measured
    gap = Gap(day, entity, missing, limits, others)
    return estimates_of(gap, list(enumerate(steps, start=1)), past or Past(vectors, of))


def values(found) -> dict[int, int]:
    return {interval: estimate.value for interval, estimate in sorted(found.items())}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ((100, None, None, 110), {1: 103, 2: 106}),
        ((110, None, None, 100), {1: 106, 2: 103}),
        ((-3, None, 4, 5), {1: 0}),
        ((4, None, -3, 5), {1: 0}),
        ((0, None, 0, 7), {1: 0}),
    ],
)
def test_interpolation_is_a_straight_line_rounded_down(known, expected):
    found = filled([step("interpolate", 2)], {(MONDAY, "S1"): vector(*known)})
    assert values(found) == expected
    assert {estimate.step for estimate in found.values()} == {1}


def test_interpolation_reaches_into_the_days_beside_and_says_so():
    vectors = {
        (MONDAY - DAY, "S1"): vector(1, 2, 100, None),
        (MONDAY, "S1"): vector(None, None, None, None),
        (MONDAY + DAY, "S1"): vector(None, 170, 5, 5),
    }
    found = filled([step("interpolate", 6)], vectors)
    assert values(found) == {0: 120, 1: 130, 2: 140, 3: 150}
    ends = (Ground(MONDAY - DAY, "S1", 2, 100), Ground(MONDAY + DAY, "S1", 1, 170))
    assert {estimate.grounds for estimate in found.values()} == {ends}
    assert filled([step("interpolate", 5)], vectors) == {}
    del vectors[MONDAY + DAY, "S1"]
    assert filled([step("interpolate", 6)], vectors) == {}


def test_carrying_forward_goes_no_further_than_its_limit():
    vectors = {
        (MONDAY - DAY, "S1"): vector(1, 2, 3, 9),
        (MONDAY, "S1"): vector(None, None, 8, None),
    }
    assert values(filled([step("carry-forward", 1)], vectors)) == {0: 9, 3: 8}
    assert values(filled([step("carry-forward", 2)], vectors)) == {0: 9, 1: 9, 3: 8}
    del vectors[MONDAY - DAY, "S1"]
    assert values(filled([step("carry-forward", 2)], vectors)) == {3: 8}


def test_the_latest_same_weekday_with_a_measured_reading_counts():
    vectors = {
        (MONDAY, "S1"): vector(None, None, 3, 4),
        (MONDAY - DAY, "S1"): vector(90, 90, 90, 90),
        (MONDAY - 7 * DAY, "S1"): vector(11, None, 13, 14),
        (MONDAY - 14 * DAY, "S1"): vector(21, 22, 23, 24),
    }
    found = filled([step("same-weekday", 2)], vectors)
    assert values(found) == {0: 11, 1: 22}
    assert found[1].grounds == (Ground(MONDAY - 14 * DAY, "S1", 1, 22),)
    assert values(filled([step("same-weekday", 1)], vectors)) == {0: 11}


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        (dt.date(2024, 1, 15), dt.date(2024, 1, 12)),  # Monday after Friday
        (dt.date(2024, 1, 16), dt.date(2024, 1, 15)),  # Tuesday after Monday
        (dt.date(2024, 1, 13), dt.date(2024, 1, 6)),  # Saturday after Saturday
        (dt.date(2024, 1, 14), dt.date(2024, 1, 7)),  # Sunday after Sunday
    ],
)
def test_a_like_day_is_the_latest_of_its_kind(day, taken):
    vectors = {
        (day - back * DAY, "S1"): vector(*[(day - back * DAY).toordinal()] * 4)
        for back in range(1, 15)
    }
    found = filled([step("like-day", 2)], vectors, day=day)
    assert values(found) == dict.fromkeys(range(4), taken.toordinal())


def test_the_clock_decides_where_a_day_is_longer_or_shorter():
    """On 2024-10-27 the hour from 01:00 comes twice; on 2024-03-31 it does not come at all."""
    autumn, spring = dt.date(2024, 10, 27), dt.date(2024, 3, 31)
    before = {(autumn - 7 * DAY, "S1"): vector(*range(48))}
    found = values(filled([step("same-weekday", 1)], before, day=autumn, of=london))
    assert [found[interval] for interval in range(8)] == [0, 1, 2, 3, 2, 3, 4, 5]
    assert len(found) == 50
    after = {(autumn, "S1"): vector(*range(50))}
    found = values(filled([step("same-weekday", 1)], after, day=autumn + 7 * DAY, of=london))
    assert [found[interval] for interval in range(6)] == [0, 1, 2, 3, 6, 7]
    short = {(spring, "S1"): vector(*range(46))}
    found = values(filled([step("same-weekday", 1)], short, day=spring + 7 * DAY, of=london))
    assert [found.get(interval) for interval in range(6)] == [0, 1, None, None, 2, 3]


def test_a_profile_is_what_the_others_do_in_proportion_to_a_day_when_all_were_measured():
    reference = MONDAY - 2 * DAY
    vectors = {
        (MONDAY, "S1"): vector(7, None, 7, 7),
        (MONDAY, "A"): vector(1, 20, 1, 1),
        (MONDAY, "B"): vector(1, 11, 1, 1),
        (MONDAY, "C"): vector(1, None, 1, 1),
        (MONDAY - DAY, "S1"): vector(1, 1, None, 1),
        (MONDAY - DAY, "A"): vector(9, 9, 9, 9),
        (reference, "S1"): vector(10, 10, 10, 10),
        (reference, "A"): vector(20, 20, 20, 20),
        (reference, "B"): vector(10, 10, 10, 10),
        (reference, "C"): vector(500, 500, 500, 500),
    }
    found = filled([step("profile", 1)], vectors, others=("A", "B", "C"))
    assert values(found) == {1: 31 * 40 // 120}
    assert set(found[1].grounds) == {
        Ground(MONDAY, "A", 1, 20),
        Ground(MONDAY, "B", 1, 11),
        Ground(reference, "S1", None, 40),
        Ground(reference, "A", None, 80),
        Ground(reference, "B", None, 40),
    }
    assert filled([step("profile", 1)], vectors, others=("C",)) == {}
    vectors[reference, "A"] = vector(-50, 0, 0, 0)
    vectors[reference, "B"] = vector(0, 0, 0, None)
    assert filled([step("profile", 1)], vectors, others=("A", "B")) == {}


def test_steps_are_tried_in_order_and_an_estimate_beyond_the_limits_is_passed_over():
    vectors = {
        (MONDAY, "S1"): vector(10, None, 20, None),
        (MONDAY - 7 * DAY, "S1"): vector(1, 2, 3, 400),
    }
    steps = [step("interpolate", 1), step("same-weekday", 1), step("zero")]
    found = filled(steps, vectors)
    assert {
        i: (estimate.value, estimate.step, estimate.method) for i, estimate in found.items()
    } == {
        1: (15, 1, "interpolate"),
        3: (400, 2, "same-weekday"),
    }
    found = filled(steps, vectors, limits=(0, 100))
    assert (found[3].value, found[3].step, found[3].grounds) == (0, 3, ())


readings = st.lists(st.one_of(st.none(), st.integers(-(10**13), 10**13)), min_size=4, max_size=4)


@given(st.lists(readings, min_size=3, max_size=3))
def test_a_straight_line_stays_between_its_neighbours(three):
    vectors = {
        (MONDAY + (number - 1) * DAY, "S1"): vector(*of_day) for number, of_day in enumerate(three)
    }
    found = filled([step("interpolate", 12)], vectors)
    for interval, estimate in found.items():
        assert three[1][interval] is None
        ends = [int(vectors[g.day, "S1"].values[g.interval]) for g in estimate.grounds]
        assert min(ends) <= estimate.value <= max(ends)
    flat = [value for of_day in three for value in of_day]
    for interval in range(4):
        has_left = any(value is not None for value in flat[: 4 + interval])
        has_right = any(value is not None for value in flat[5 + interval :])
        assert (interval in found) == (three[1][interval] is None and has_left and has_right)


METHODS = [
    step("interpolate", 3),
    step("profile", 2),
    step("like-day", 2),
    step("carry-forward", 5),
    step("same-weekday", 1),
]


@given(
    st.dictionaries(
        st.tuples(st.integers(-14, 1), st.sampled_from(["S1", "A", "B"])), readings, max_size=30
    ),
    st.permutations(METHODS),
    st.tuples(st.integers(-100, 0), st.integers(0, 10**12)),
)
def test_only_measured_readings_ground_an_estimate_and_none_of_them_changes(past, steps, limits):
    vectors = {(MONDAY + back * DAY, name): vector(*drawn) for (back, name), drawn in past.items()}
    kept = {key: known.values.copy() for key, known in vectors.items()}
    looking = Past(vectors, clock)
    found = filled(steps, vectors, limits=limits, others=("A", "B"), past=looking)
    for interval, estimate in found.items():
        own = vectors.get((MONDAY, "S1"))
        assert own is None or not own.measured[interval]
        assert limits[0] <= estimate.value <= limits[1]
        assert estimate.grounds
        for ground in estimate.grounds:
            assert (ground.day, ground.entity) in looking.looked_at
            measured = vectors[ground.day, ground.entity].measured
            assert measured.all() if ground.interval is None else measured[ground.interval]
    assert all((vectors[key].values == values).all() for key, values in kept.items())
    own_day = {key: known for key, known in vectors.items() if key[0] == MONDAY}
    alone = own_day | {key: vectors[key] for key in looking.looked_at}
    assert filled(steps, alone, limits=limits, others=("A", "B")) == found
