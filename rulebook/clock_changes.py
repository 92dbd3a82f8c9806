"""When the clocks of a time zone change, and by how much: pure, from the pinned time zones."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
LAST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
"""The data names years up to 2087; what holds after them is a rule that goes on unchanged."""

_AFTER_LAST = dt.timedelta(days=800)
"""Two years of that rule, for what begins later still."""


@dataclass(frozen=True)
class ClockChange:
    """Clocks are put on or back.

    Attributes:
        at: the instant.
        day: the local day that it falls in, or ends.
        by: how far; + on, - back.
        breaks_a_day: whether they go back into the day before, so that its end comes again after
            the next has begun, or on by a whole day, which then has no instant.
    """

    at: dt.datetime
    day: dt.date
    by: dt.timedelta
    breaks_a_day: bool

    @property
    def shown(self) -> str:
        """Return by how much, in words.

        >>> noon = dt.datetime(2024, 4, 6, 15, tzinfo=dt.UTC)
        >>> ClockChange(noon, dt.date(2024, 4, 7), dt.timedelta(minutes=-30), False).shown
        '30 minutes back'
        """
        minutes, seconds = divmod(int(abs(self.by).total_seconds()), 60)
        rest = f" {seconds} seconds" if seconds else ""
        return f"{minutes} minutes{rest} {'on' if self.by > dt.timedelta() else 'back'}"


@lru_cache(maxsize=256)  # each asks for the offsets of some 30,000 days, and each publication asks
def clock_changes(
    name: str, start: dt.datetime, end: dt.datetime | None
) -> tuple[ClockChange, ...]:
    """Return every change of the clocks of zone `name` in (start, end], earliest first.

    One at a midnight is of the day that it ends. Without an end, changes are looked for until the
    data holds no more of another kind. Those before `start` are left out: local mean times of old
    bother nobody.
    """
    last = max(LAST, start + _AFTER_LAST)
    return tuple(_changes(ZoneInfo(name), start, last if end is None else min(end, last)))


def _changes(zone: ZoneInfo, start: dt.datetime, until: dt.datetime) -> Iterator[ClockChange]:
    offset = _offset(start, zone)
    while start < until:
        following = min(start + _DAY, until)
        old, offset = offset, _offset(following, zone)
        if old != offset:
            yield _change_between(start, following, zone)
        start = following


def _change_between(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> ClockChange:
    """Return the change between two instants that are a day apart at most."""
    old, new = _offset(before, zone), _offset(after, zone)
    # Halve the stretch until it is the second of the change; `after` has the new offset.
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    day = after.astimezone(zone).date()
    days = (day - (after - _SECOND + old).date()).days
    return ClockChange(after, day, new - old, not 0 <= days <= 1)


def _offset(instant: dt.datetime, zone: ZoneInfo) -> dt.timedelta:
    offset = instant.astimezone(zone).utcoffset()
    if offset is None:
        raise ValueError(f"{zone.key} has no offset at {instant}")
    return offset
