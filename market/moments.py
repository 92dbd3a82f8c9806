"""Moments in microseconds since 1970, as events have them, and in words of the calendar."""

import datetime as dt

from common.calendar_years import EARLIEST_DAY, LATEST_DAY
from rulebook.days import day_of, day_start

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def moment_of(at_us: int) -> dt.datetime:
    """Return microseconds since 1970-01-01T00:00Z as a moment.

    Raises:
        OverflowError: it lies outside the years that are counted.
    """
    return _EPOCH + dt.timedelta(microseconds=at_us)


def microseconds_of(moment: dt.datetime) -> int:
    """Return a moment as microseconds since 1970-01-01T00:00Z, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


EARLIEST_US = microseconds_of(dt.datetime.combine(EARLIEST_DAY, dt.time(), dt.UTC))
LATEST_US = microseconds_of(dt.datetime.combine(LATEST_DAY, dt.time(), dt.UTC))
"""Between them lies every moment that an event may state."""


def local_day(at_us: int, zone: str) -> dt.date:
    """Return the day on which a moment lies where a market is."""
    return day_of(moment_of(at_us), zone)


def midnight_us(day: dt.date, zone: str, *, days: int = 0) -> int:
    """Return the moment at which a day begins where a market is, or one that many days later."""
    return microseconds_of(day_start(day + dt.timedelta(days=days), zone))
