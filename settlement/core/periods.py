"""Settlement days and their intervals. A settlement day is a local day: 46, 48 or 50 half-hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_PER_HOUR = 60


def interval_starts(day: date, zone: str, minutes: int) -> tuple[datetime, ...]:
    """Return the UTC start of every interval of a local day, earliest first.

    On the days when clocks change the day is an hour shorter or longer, so a half-hourly market
    in ``Europe/London`` has 46 intervals on 2024-03-31 and 50 on 2024-10-27.

    Raises:
        ValueError: minutes does not divide an hour, or the day, of which a part would be in none.
        zoneinfo.ZoneInfoNotFoundError: no such time zone.
    """
    start, step = day_start(day, zone), timedelta(minutes=minutes)
    return tuple(start + number * step for number in range(interval_count(day, zone, minutes)))


def interval_count(day: date, zone: str, minutes: int) -> int:
    """Return how many intervals a local day has; raises as `interval_starts`."""
    if minutes < 1 or 60 % minutes:
        raise ValueError(f"interval of {minutes} minutes: it must divide 60; use 5, 15, 30 or 60")
    length = day_start(day + timedelta(days=1), zone) - day_start(day, zone)
    if length % timedelta(minutes=minutes):
        raise ValueError(f"{day} of {zone}: {length} is no whole number of {minutes} minutes")
    return length // timedelta(minutes=minutes)


def settlement_day(instant: datetime, zone: str) -> date:
    """Return the local day that holds an instant.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()}: no time zone; give it an offset")
    return instant.astimezone(ZoneInfo(zone)).date()


def day_start(day: date, zone: str) -> datetime:
    """Return the UTC start of a local day."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
