"""Settlement days and instants: a day of the market begins at local midnight."""

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def is_zone(name: str) -> bool:
    """Return whether the IANA database has a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def day_start(day: dt.date, zone: str) -> dt.datetime:
    """Return the instant, in UTC, at which `day` begins in time zone `zone`.

    >>> day_start(dt.date(2024, 7, 1), "Europe/London").isoformat()
    '2024-06-30T23:00:00+00:00'
    """
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)


def day_of(instant: dt.datetime, zone: str) -> dt.date:
    """Return the day of time zone `zone` that `instant` falls in."""
    return instant.astimezone(ZoneInfo(zone)).date()


def begins_a_day(instant: dt.datetime, zone: str) -> bool:
    """Return whether a day of time zone `zone` begins at `instant`."""
    return day_start(day_of(instant, zone), zone) == instant
