"""What may be metered, day by day: entities, limits and intervals, filled from the rules."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from settlement.core.periods import MINUTES_PER_HOUR, day_start, interval_count

Integers = NDArray[np.int64]

GENERATION = "metered_generation_wh"
AVAILABLE = "available_w"
DEMAND = "metered_demand_wh"
RESERVE = "reserve_w"
DESIRED = "desired_wh"
SUB_METERED = "sub_metered_wh"
UNIT_MEASURES = (GENERATION, AVAILABLE, RESERVE)
SUPPLY_POINT_MEASURES = (DEMAND, DESIRED)
SUB_METER_MEASURES = (SUB_METERED,)
MEASURES = (*UNIT_MEASURES, *SUPPLY_POINT_MEASURES, *SUB_METER_MEASURES)
"""Metered generation, declared availability and reserve held of a unit; metered and desired demand
of a supply point; what a sub-meter counted, which another meter counted too. Reserve is optional: a
unit without a reading of it held none. So is desired demand: without a reading of it, the metered
demand is all that is known of what was desired."""

MEASURE_TITLES = {
    GENERATION: "metered generation",
    AVAILABLE: "declared availability",
    RESERVE: "reserve held",
    DEMAND: "metered demand",
    DESIRED: "desired demand",
    SUB_METERED: "sub-metered energy",
}
"""What people call a measure; its identifier, with the unit at its end, is for files."""

MISSING = "missing"
QUALITY_LETTERS = {"measured": "M", "estimated": "E", MISSING: "X"}
"""The letter under which an interval of a day vector is stored, by the word of its reading. A small
letter tells that the rules in force on arrival found the reading implausible."""

SPREAD_LETTER = "S"
"""The letter of an interval whose value is its part of a measured reading of a coarser meter."""

LARGEST_DEMAND_WH = 10**13
"""Ten terawatt hours in an interval: beyond any meter, and sums of a million of it fit int64."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_US_PER_MINUTE = 60_000_000


@dataclass(frozen=True)
class MeteredEntity:
    """A unit, supply point or sub-meter: for each measure it may report, its least and most value.

    It must report every measure that is not `optional`. A value within `limits` but outside
    `plausible` is one that the meter can have reported and nobody believes.

    Attributes:
        limits, plausible: of an interval of the market.
        resolution_minutes: what one reading of its meter covers; None where it is the interval.
        as_read: the same over one reading, where that is another time than the interval.
    """

    entity: str
    limits: Mapping[str, tuple[int, int]]
    optional: frozenset[str] = frozenset()
    plausible: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    resolution_minutes: int | None = None
    as_read: "MeteredEntity | None" = None

    def believed(self, measure: str) -> tuple[int, int]:
        """Return the least and the most plausible value of a measure."""
        return self.plausible.get(measure, self.limits[measure])


def metered_unit(
    entity: str, *, capacity_w: int, stores: bool, can_reserve: bool, interval_minutes: int
) -> MeteredEntity:
    """Return a unit: generation within its capacity, negative only if it stores energy."""
    most_wh = capacity_w * interval_minutes // MINUTES_PER_HOUR
    limits = {GENERATION: (-most_wh if stores else 0, most_wh), AVAILABLE: (0, capacity_w)}
    if can_reserve:
        limits[RESERVE] = (0, capacity_w)
    return MeteredEntity(entity, limits, frozenset({RESERVE} & limits.keys()))


def metered_supply_point(
    entity: str, *, household_count: int, plausible_wh: int | None = None
) -> MeteredEntity:
    """Return a supply point; only of non-residential demand is net export, below zero, plausible.

    `plausible_wh` is the most that its households can be believed to draw in an interval.
    """
    limits = {
        DEMAND: (-LARGEST_DEMAND_WH, LARGEST_DEMAND_WH),
        DESIRED: (0, LARGEST_DEMAND_WH),
    }
    optional = frozenset({DESIRED})
    if not household_count:
        return MeteredEntity(entity, limits, optional)
    most_wh = LARGEST_DEMAND_WH if plausible_wh is None else min(plausible_wh, LARGEST_DEMAND_WH)
    return MeteredEntity(entity, limits, optional, plausible={DEMAND: (0, most_wh)})


def metered_sub_meter(entity: str) -> MeteredEntity:
    """Return a sub-meter, which counts one way and so never falls below zero."""
    return MeteredEntity(entity, {SUB_METERED: (0, LARGEST_DEMAND_WH)})


@dataclass(frozen=True)
class MeterTerms:
    """The rules of meter data over consecutive days.

    Attributes:
        first_day, last_day: the days, both included.
        interval_minutes: length of an interval.
        accepted_quality: words of `QUALITY_LETTERS` with which a reading may settle.
        late_after_days: days after the settlement day from which a reading counts as late.
        entities: what may be metered, by name.
        accepts_gaps: whether a file may hold a day with missing intervals.
        refuses_implausible: whether a file with an implausible reading is refused.
    """

    first_day: dt.date
    last_day: dt.date
    interval_minutes: int
    accepted_quality: frozenset[str]
    late_after_days: int
    entities: Mapping[str, MeteredEntity]
    accepts_gaps: bool = False
    refuses_implausible: bool = True

    @property
    def accepted_words(self) -> list[str]:
        """The words of quality that a file may use."""
        gap = {MISSING} if self.accepts_gaps else set()
        return [word for word in QUALITY_LETTERS if word in self.accepted_quality | gap]


@dataclass(frozen=True)
class MeterRegister:
    """A market's terms in the order of their days; a day under no terms has no rules in force."""

    market: str
    time_zone: str
    terms: tuple[MeterTerms, ...]


@dataclass(frozen=True, eq=False)
class Calendar:
    """The intervals of the register's days as arrays: D days, K intervals over all of them.

    Attributes:
        days: the days, in order.
        terms: int64[D], index into the register's terms.
        count: int64[D], intervals of the day.
        end_us: int64[D], end of the day in microseconds since 1970 UTC.
        start_us: int64[K], start of each interval, rising.
        day: int64[K], index of its day.
        number: int64[K], its number within the day, from 0.
    """

    days: tuple[dt.date, ...]
    terms: Integers
    count: Integers
    end_us: Integers
    start_us: Integers
    day: Integers
    number: Integers

    def day_starts(self, day: int) -> tuple[dt.datetime, ...]:
        """Return the starts of the intervals of one day."""
        first, end = np.searchsorted(self.day, (day, day + 1))
        return tuple(_EPOCH + us * _MICROSECOND for us in self.start_us[first:end].tolist())


def calendar_of(register: MeterRegister, minutes: int | None = None) -> Calendar:
    """Return the intervals of every day that the register's terms cover.

    With `minutes`, in place of the intervals what readings of that resolution cover.
    """
    days: list[dt.date] = []
    terms: list[int] = []
    starts: list[Integers] = []
    end_us: list[int] = []
    for index, piece in enumerate(register.terms):
        for offset in range((piece.last_day - piece.first_day).days + 1):
            day = piece.first_day + dt.timedelta(days=offset)
            length = minutes or piece.interval_minutes
            length_us = length * _US_PER_MINUTE
            first_us = (day_start(day, register.time_zone) - _EPOCH) // _MICROSECOND
            end = first_us + interval_count(day, register.time_zone, length) * length_us
            days.append(day)
            terms.append(index)
            starts.append(np.arange(first_us, end, length_us, dtype=np.int64))
            end_us.append(end)
    count = np.array([len(day_starts) for day_starts in starts], dtype=np.int64)
    empty = np.empty(0, dtype=np.int64)
    return Calendar(
        days=tuple(days),
        terms=np.array(terms, dtype=np.int64),
        count=count,
        end_us=np.array(end_us, dtype=np.int64),
        start_us=np.concatenate([empty, *starts]),
        day=np.repeat(np.arange(len(days)), count),
        number=np.concatenate([empty, *(np.arange(size) for size in count.tolist())]),
    )
