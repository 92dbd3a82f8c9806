"""Settlement days and instants: a day of the market begins at local midnight."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo


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


Span = tuple[dt.date, dt.date | None]
"""Days from the first to the one before the end; None where there is no end."""


def shared_days(first: Span, second: Span) -> Span | None:
    """Return the days that two spans share, or None."""
    start = max(first[0], second[0])
    ends = [end for end in (first[1], second[1]) if end is not None]
    end = min(ends) if ends else None
    return (start, end) if end is None or start < end else None


def overlapping(first: Span, second: Span) -> bool:
    """Return whether two spans share a day."""
    return shared_days(first, second) is not None


def first_uncovered(days: Span, covers: Iterable[Span]) -> dt.date | None:
    """Return the first of `days` that no span covers, or None.

    >>> first = dt.date(2024, 1, 1)
    >>> first_uncovered((first, None), [(first, dt.date(2024, 2, 1))])
    datetime.date(2024, 2, 1)
    """
    reached, end = days
    for first, cover_end in sorted(covers, key=lambda span: span[0]):
        if first > reached:
            break
        if cover_end is None:
            return None
        reached = max(reached, cover_end)
    return reached if end is None or reached < end else None
