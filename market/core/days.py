"""Local days by their first and last moment: by whose days the log of a market is kept."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from settlement.core.periods import day_start, settlement_day

YEARS = range(1900, 9000)
"""Of days whose midnights, and those of the days until it is late, can be computed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=256)
def day_start_us(day: date, zone: str) -> int:
    """Return the moment at which a local day begins, in microseconds since 1970."""
    return (day_start(day, zone) - _EPOCH) // _US


def day_ends_us(day: date, zone: str) -> int:
    """Return the moment at which the next day begins."""
    return day_start_us(day + _ONE_DAY, zone)


def last_minute_before(at_us: int, zone: str) -> int:
    """Return the last minute before the local day of a moment began, in minutes since 1970."""
    day = settlement_day(_EPOCH + timedelta(microseconds=at_us), zone)
    return -(-day_start_us(day, zone) // 60_000_000) - 1


def is_of_day(at_us: int, day: date, zone: str) -> bool:
    """Whether a moment lies on a local day; whatever moment, and whatever day."""
    return day.year in YEARS and day_start_us(day, zone) <= at_us < day_ends_us(day, zone)
