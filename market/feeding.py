"""A day of readings as the events that a living market would have been told, in their order.

Before each interval ends there is telemetry of what changed from the interval before: the power
that a unit could feed in, and that a supply point took. Then the clock reaches the interval's end,
and its readings follow. Telemetry says what the readings say and nothing else, so at the end of an
interval the published price is that of the interval's readings, where no limit of a line differs.

As a day begins, what is to come is forecast: each unit and supply point does as it did at the same
time by the local clock on the day before. Of a grid that would go on as it is now, every interval
to come would look alike, and whoever books in the evening would be placed in that evening.

Keys name what an event is about and never when it was sent, so a day that is fed again is fed once.
"""

import datetime as dt
import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from market.core.events import Event, Kind
from market.core.forward import Horizon
from market.core.online import OnlineMarket
from settlement.core.arrays import Integers
from settlement.core.periods import MINUTES_PER_HOUR, interval_starts
from settlement.meters.register import AVAILABLE, DEMAND

SPREAD_US = 5 * 60_000_000
"""Telemetry of an interval comes within its first five minutes, or within it if it is shorter."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US = dt.timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class FedReadings:
    """One measure of a settlement day as it settles: E entities, T intervals.

    Attributes:
        entities: names.
        values: int64[E, T], in the unit that ends the measure's name.
        revisions: of each entity, the number of the stored revision; 0 where none is stored.
        quality: of each entity and interval, in words.
    """

    entities: tuple[str, ...]
    values: Integers
    revisions: tuple[int, ...]
    quality: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Eve:
    """What was read of a measure on the day before: E entities, T intervals of that day.

    Attributes:
        entities: names, of which each has a reading in every interval.
        values: int64[E, T], in the unit that ends the measure's name.
    """

    entities: tuple[str, ...]
    values: Integers


def day_events(
    market: OnlineMarket,
    day: dt.date,
    readings: Mapping[str, FedReadings],
    eve: Mapping[str, Eve] | None = None,
) -> list[Event]:
    """Return the events of a local day, in the order in which they are told.

    Args:
        market: the law of the day.
        day: the settlement day.
        readings: by measure; those of availability and of demand are told.
        eve: the same measures of the day before, by which the coming hours are forecast; of what
            it does not hold nothing is.

    Raises:
        ValueError: a measure has another number of intervals than the day.
    """
    starts = interval_starts(day, market.zone, market.model.interval_minutes)
    for measure in (AVAILABLE, DEMAND):
        told = readings[measure].values.shape[1]
        if told != len(starts):
            raise ValueError(f"{measure} of {day}: {told} intervals given, {len(starts)} needed")
    begins_us = [(start - _EPOCH) // _US for start in starts]
    ends_us = [*begins_us[1:], begins_us[-1] + market.interval_us]
    midnight_us = begins_us[0]
    events = [
        # The clock first: law and telemetry may be no further ahead of it than a day.
        Event(day, "clock:0", Kind.CLOCK, "", midnight_us),
        Event(day, f"rules:{market.digest}", Kind.RULES, "", midnight_us, (), (market.digest,)),
        *_forecasts(market, day, midnight_us, eve or {}),
    ]
    for interval, (begin_us, end_us) in enumerate(zip(begins_us, ends_us, strict=True)):
        spread_us = min(SPREAD_US, end_us - begin_us) if interval else 0
        events += _telemetry(market, day, readings, interval, begin_us, spread_us)
        # The end of the day is the next one's midnight, and told by the same event as that.
        is_last = interval + 1 == len(starts)
        clock_day = day + dt.timedelta(days=1) if is_last else day
        number = 0 if is_last else interval + 1
        events.append(Event(clock_day, f"clock:{number}", Kind.CLOCK, "", end_us))
        events += _readings(day, readings, interval, end_us)
    return events


def _forecasts(
    market: OnlineMarket, day: dt.date, midnight_us: int, eve: Mapping[str, Eve]
) -> Iterator[Event]:
    """Yield what each entity of the law is to do in the horizon of the day's first moment."""
    minutes, zone = market.model.interval_minutes, ZoneInfo(market.zone)
    starts = interval_starts(day - dt.timedelta(days=1), market.zone, minutes)
    # Of an hour that the clock shows twice, what was read last.
    at = {start.astimezone(zone).time(): place for place, start in enumerate(starts)}
    shown = sorted(at)
    horizon = Horizon.after(midnight_us, market)
    places = []
    for minute in horizon.starts.tolist():
        clock = (_EPOCH + dt.timedelta(minutes=minute)).astimezone(zone).time()
        # A time that the clock of the day before left out did as the one before it.
        places.append(at[shown[max(bisect_right(shown, clock) - 1, 0)]])
    for measure, names, factor in (
        (AVAILABLE, market.model.units, 1),
        (DEMAND, market.model.supply_points, MINUTES_PER_HOUR // minutes),
    ):
        told = eve.get(measure)
        if told is None or told.values.shape[1] != len(starts):
            continue
        row = {name: place for place, name in enumerate(told.entities)}
        for name in names:
            if name in row:
                power_w = (told.values[row[name], places] * factor).tolist()
                numbers = (horizon.first_minute, *power_w)
                yield Event(day, f"forecast:{name}", Kind.FORECAST, name, midnight_us, numbers)


def _telemetry(
    market: OnlineMarket,
    day: dt.date,
    readings: Mapping[str, FedReadings],
    interval: int,
    begin_us: int,
    spread_us: int,
) -> list[Event]:
    """Return what changed as an interval began: all of it in a day's first.

    It is told one by one, at even steps, in an order drawn by the names: told by kind, the grid
    would have all its supply before its demand, and every interval would begin with a price dip.
    """
    per_hour = MINUTES_PER_HOUR // market.model.interval_minutes
    said = [
        (kind, entity, value)
        for kind, measure, factor in (
            (Kind.AVAILABILITY, AVAILABLE, 1),
            (Kind.DEMAND, DEMAND, per_hour),
        )
        for entity, value in _changed(readings[measure], interval, factor)
    ]
    said.sort(key=lambda each: hashlib.sha256(f"{day}/{interval}/{each[1]}".encode()).digest())
    return [
        Event(
            day,
            f"{kind}:{entity}:{interval}",
            kind,
            entity,
            begin_us + spread_us * place // len(said),
            (value,),
        )
        for place, (kind, entity, value) in enumerate(said)
    ]


def _changed(told: FedReadings, interval: int, factor: int) -> Iterator[tuple[str, int]]:
    """Yield each entity whose value is another than in the interval before, and its power in W."""
    now = told.values[:, interval]
    changed = np.ones(len(now), bool) if not interval else now != told.values[:, interval - 1]
    for row in np.flatnonzero(changed).tolist():
        yield told.entities[row], int(now[row]) * factor


def _readings(
    day: dt.date, readings: Mapping[str, FedReadings], interval: int, at_us: int
) -> Iterator[Event]:
    """Yield the readings of an interval, told when it has ended."""
    for measure in (AVAILABLE, DEMAND):
        told = readings[measure]
        for row, entity in enumerate(told.entities):
            revision = told.revisions[row]
            yield Event(
                day,
                f"reading:{measure}:{entity}:{interval}:{revision}",
                Kind.READING,
                entity,
                at_us,
                (interval, revision, int(told.values[row, interval])),
                (measure, told.quality[row][interval]),
            )


@dataclass(frozen=True)
class Due:
    """Events of one moment, and how long after the first of all they are due.

    Attributes:
        after_us: of the clock on the wall.
    """

    after_us: int
    events: tuple[Event, ...]


def due(events: Sequence[Event], speed: int) -> list[Due]:
    """Return events by when they are due where market time passes so many times as fast.

    >>> [due([Event(dt.date.min, "a", Kind.CLOCK, "", at) for at in (5, 5, 305)], 300)[n].after_us
    ...  for n in (0, 1)]
    [0, 1]
    """
    if not events:
        return []
    first_us = events[0].at_us
    return [
        Due((at_us - first_us) // speed, tuple(of_moment))
        for at_us, of_moment in groupby(events, key=lambda event: event.at_us)
    ]
