"""Estimation of missing readings: each method a pure function of measured readings, in integers.

An estimate rests on measured readings alone, never on another estimate, so its value depends on
the stored readings and the rule and on nothing else: not on the other days of a run, not on the
order of work. A reading of a coarser meter that was spread over intervals counts as measured.
Steps are tried in the order of the rule, interval by interval; the first that gives a value within
the limits of its entity is taken. Division rounds down.

    interpolate     left + (right - left) x k / (gap + 1), for interval k of a gap between two
                    measured readings of the day and its neighbours. Between 100 and 110, a gap of
                    two: 100 + 10 x 1 / 3 = 103, then 106. Falling from 110 to 100: 106, then 103.
    carry-forward   the last measured reading, in the day or the one before.
    same-weekday    the reading at the same clock time 7, 14, ... days before, the latest measured.
    like-day        the same over every day before of the day's kind: working day (Monday to
                    Friday), Saturday or Sunday.
    profile         what the others of the group did in the interval, times the entity's share of
                    them on a reference day: the latest before on which the entity, and of the
                    others those that count, were measured whole. Took it 40 of that day when they
                    took 120, and take they 31 now: 31 x 40 / 120 = 10.
    zero            0.

The clock time that an autumn night has twice counts as the first; one that a spring night lacks is
not found on that day.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rulebook.documents.meter_data import (
    CARRY_FORWARD,
    INTERPOLATE,
    LIKE_DAY,
    PROFILE,
    SAME_WEEKDAY,
    ZERO,
    EstimationStep,
)

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

ONE_DAY = dt.timedelta(days=1)
DAYS_A_WEEK = 7
SATURDAY = 5


@dataclass(frozen=True, eq=False)
class KnownVector:
    """A stored day vector: `values` and `measured` have one element an interval."""

    values: Integers
    measured: Flags


@dataclass(frozen=True)
class Ground:
    """A reading that an estimate rests on; the sum of the whole day where `interval` is None."""

    day: dt.date
    entity: str
    interval: int | None
    value: int


@dataclass(frozen=True)
class Estimate:
    """An estimated value: the step that gave it, counted from 1, and what it rests on."""

    value: int
    step: int
    method: str
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, eq=False)
class Past:
    """What estimates of a measure may look at.

    Attributes:
        vectors: the stored vectors by day and entity, those of the days themselves included; only
            vectors of as many intervals as `clock` has on their day.
        clock: returns of a day the local minute of day at which each interval starts.
        looked_at: days and entities of the vectors that were there and looked at, whether or not
            an estimate rests on them: with all else equal they decide every estimate.
    """

    vectors: Mapping[tuple[dt.date, str], KnownVector]
    clock: Callable[[dt.date], Sequence[int]]
    looked_at: set[tuple[dt.date, str]] = field(default_factory=set)

    def vector(self, day: dt.date, entity: str) -> KnownVector | None:
        """Return a vector, None where there is none, and note that it was looked at."""
        found = self.vectors.get((day, entity))
        if found is not None:
            # Even if no estimate rests on it: had it read otherwise, it might have given one.
            self.looked_at.add((day, entity))
        return found


@dataclass(frozen=True, eq=False)
class Gap:
    """A day vector with missing intervals.

    Attributes:
        missing: bool[T].
        limits: the least and the most value that an estimate may have.
        others: the other entities of its group, for `profile`.
    """

    day: dt.date
    entity: str
    missing: Flags
    limits: tuple[int, int]
    others: Sequence[str] = field(default=())


def estimates_of(
    gap: Gap, steps: Sequence[tuple[int, EstimationStep]], past: Past
) -> dict[int, Estimate]:
    """Return an estimate for each missing interval that a step can fill, by interval.

    Args:
        gap: the vector to fill.
        steps: those of the rule for its measure, each with its number in the rule.
        past: the measured readings.
    """
    least, most = gap.limits
    found: dict[int, Estimate] = {}
    for number, step in steps:
        for interval in np.flatnonzero(gap.missing).tolist():
            if interval in found:
                continue
            filled = _METHODS[step.method](gap, interval, step, past)
            # A value beyond the limits is no estimate, so the next step has its try.
            if filled is not None and least <= filled[0] <= most:
                found[interval] = Estimate(filled[0], number, step.method, filled[1])
    return found


_Filled = tuple[int, tuple[Ground, ...]] | None


def _interpolate(gap: Gap, interval: int, step: EstimationStep, past: Past) -> _Filled:
    left, right = _before(gap, interval, past), _after(gap, interval, past)
    if left is None or right is None:
        return None
    (back, low, first), (ahead, high, last) = left, right
    length = back + ahead - 1
    if length > (step.at_most_intervals or 0):
        return None
    return low + (high - low) * back // (length + 1), (first, last)


def _carry_forward(gap: Gap, interval: int, step: EstimationStep, past: Past) -> _Filled:
    left = _before(gap, interval, past)
    if left is None or left[0] > (step.at_most_intervals or 0):
        return None
    return left[1], (left[2],)


def _before(gap: Gap, interval: int, past: Past) -> tuple[int, int, Ground] | None:
    """Return how many intervals back the last measured reading is, its value, and where it is."""
    return _nearest(
        gap,
        past,
        [(gap.day, range(interval - 1, -1, -1)), (gap.day - ONE_DAY, None)],
    )


def _after(gap: Gap, interval: int, past: Past) -> tuple[int, int, Ground] | None:
    """Return how many intervals ahead the next measured reading is, its value, and where it is."""
    return _nearest(
        gap,
        past,
        [(gap.day, range(interval + 1, len(gap.missing))), (gap.day + ONE_DAY, None)],
    )


def _nearest(
    gap: Gap, past: Past, stretches: Sequence[tuple[dt.date, range | None]]
) -> tuple[int, int, Ground] | None:
    distance = 0
    for day, within in stretches:
        vector = past.vector(day, gap.entity)
        if within is not None:
            places: Sequence[int] = within
        elif vector is None:
            return None
        else:
            whole = range(len(vector.values))
            places = whole if day > gap.day else whole[::-1]
        for place in places:
            distance += 1
            if vector is not None and vector.measured[place]:
                value = int(vector.values[place])
                return distance, value, Ground(day, gap.entity, place, value)
    return None


def _same_weekday(gap: Gap, interval: int, step: EstimationStep, past: Past) -> _Filled:
    days = (gap.day - week * DAYS_A_WEEK * ONE_DAY for week in range(1, (step.weeks or 0) + 1))
    return _at_clock_time(gap, interval, days, past)


def _like_day(gap: Gap, interval: int, step: EstimationStep, past: Past) -> _Filled:
    kind = _kind(gap.day)
    days = (day for day in _days_before(gap.day, step) if _kind(day) == kind)
    return _at_clock_time(gap, interval, days, past)


def _kind(day: dt.date) -> int:
    """Return 0 for a working day, 1 for a Saturday, 2 for a Sunday."""
    return max(day.weekday() - SATURDAY + 1, 0)


def _days_before(day: dt.date, step: EstimationStep) -> Iterator[dt.date]:
    for back in range(1, (step.weeks or 0) * DAYS_A_WEEK + 1):
        yield day - back * ONE_DAY


def _at_clock_time(gap: Gap, interval: int, days: Iterator[dt.date], past: Past) -> _Filled:
    wanted = past.clock(gap.day)[interval]
    for day in days:
        vector = past.vector(day, gap.entity)
        if vector is None:
            continue
        clock = past.clock(day)
        if wanted in clock and vector.measured[clock.index(wanted)]:
            place = clock.index(wanted)
            value = int(vector.values[place])
            return value, (Ground(day, gap.entity, place, value),)
    return None


def _profile(gap: Gap, interval: int, step: EstimationStep, past: Past) -> _Filled:
    doing = {}
    for other in gap.others:
        vector = past.vector(gap.day, other)
        if vector is not None and vector.measured[interval]:
            doing[other] = int(vector.values[interval])
    for day in _days_before(gap.day, step):
        own = _whole_day(day, gap.entity, past)
        if own is None or own < 0:
            continue
        then = {other: _whole_day(day, other, past) for other in doing}
        counted = {other: total for other, total in then.items() if total is not None}
        everyone, now = sum(counted.values()), sum(doing[other] for other in counted)
        # Storage and net export can turn a sum negative, and a part of that says nothing.
        if everyone <= 0 or now < 0:
            continue
        grounds = [Ground(gap.day, other, interval, doing[other]) for other in counted]
        grounds += [Ground(day, other, None, total) for other, total in counted.items()]
        grounds.append(Ground(day, gap.entity, None, own))
        return now * own // everyone, tuple(grounds)
    return None


def _whole_day(day: dt.date, entity: str, past: Past) -> int | None:
    """Return the sum of a day, None unless all of it was measured."""
    vector = past.vector(day, entity)
    return int(vector.values.sum()) if vector is not None and vector.measured.all() else None


def _zero(_gap: Gap, _interval: int, _step: EstimationStep, _past: Past) -> _Filled:
    return 0, ()


_METHODS: dict[str, Callable[[Gap, int, EstimationStep, Past], _Filled]] = {
    INTERPOLATE: _interpolate,
    CARRY_FORWARD: _carry_forward,
    SAME_WEEKDAY: _same_weekday,
    LIKE_DAY: _like_day,
    PROFILE: _profile,
    ZERO: _zero,
}
