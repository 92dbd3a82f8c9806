"""Settlement days and instants: a day of the market begins at local midnight."""

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from common.calendar_years import YEARS
from common.refusals import Finding

Said = TypeVar("Said", bound=Hashable)


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


def check_years(place: str, moment: dt.date | dt.datetime, remedy: str) -> Iterator[Finding]:
    """Find a day or an instant that lies beyond the years of every law."""
    if moment.year not in YEARS:
        yield Finding(
            "validity-out-of-range",
            place,
            str(moment),
            f"it lies in the years {YEARS[0]} to {YEARS[-1]}",
            remedy,
        )


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


def day_ranges(days: Iterable[dt.date]) -> Iterator[tuple[dt.date, dt.date]]:
    """Yield first and last of each range of consecutive days, of days in order.

    >>> days = [dt.date(2024, 1, day) for day in (1, 2, 3, 8)]
    >>> [(first.day, last.day) for first, last in day_ranges(days)]
    [(1, 3), (8, 8)]
    """
    first = last = None
    for day in days:
        if first is None or last is None or day != last + dt.timedelta(days=1):
            if first is not None and last is not None:
                yield first, last
            first = day
        last = day
    if first is not None and last is not None:
        yield first, last


def ranges_alike(said: Iterable[tuple[dt.date, Said]]) -> list[tuple[dt.date, dt.date, Said]]:
    """Return first and last of each range of consecutive days of which the same is said, and what.

    So that who asks for a year is told once what holds for all its days.

    Args:
        said: days in order, each with what is said of it; of a day more than one thing may be.
    """
    days_of: defaultdict[Said, list[dt.date]] = defaultdict(list)
    for day, what in said:
        days_of[what].append(day)
    found = [
        (first, last, what) for what, days in days_of.items() for first, last in day_ranges(days)
    ]
    return sorted(found, key=lambda each: each[:2])


def range_words(first: dt.date, last: dt.date) -> str:
    """Return a range of days as findings name it.

    >>> range_words(dt.date(2024, 1, 1), dt.date(2024, 1, 1))
    '2024-01-01'
    >>> range_words(dt.date(2024, 1, 1), dt.date(2024, 1, 3))
    '2024-01-01 to 2024-01-03'
    """
    return f"{first}" if first == last else f"{first} to {last}"
