"""Checks of the resolutions that meters are registered with, against interval and clocks."""

import datetime as dt
from collections.abc import Iterator

from common.refusals import Finding
from common.time_zones import is_zone
from rulebook.checks.in_force import InForce
from rulebook.clock_changes import clock_changes
from rulebook.days import Span, day_start
from rulebook.documents.registration import SubMeter, SupplyPoint, Unit


def resolutions_fit_interval(law: InForce) -> Iterator[Finding]:
    """Readings of a meter are spread over whole intervals, or summed to them, on every day."""
    if law.market_rules is None:
        return
    interval = law.market_rules.interval_minutes
    zone = law.market_rules.time_zone
    uneven: dict[int, dt.date | None] = {}
    for registration in law.registrations:
        stated: list[tuple[str, Unit | SupplyPoint | SubMeter]] = [
            (f"units[{i}]", unit) for i, unit in enumerate(registration.units)
        ]
        stated += [(f"supply_points[{i}]", p) for i, p in enumerate(registration.supply_points)]
        stated += [(f"sub_meters[{i}]", m) for i, m in enumerate(registration.sub_meters)]
        for field, entity in stated:
            minutes = entity.resolution_minutes
            if minutes is None or minutes == interval:
                continue
            place = f"{law.place(registration)}: {field}.resolution_minutes"
            if 60 % minutes or max(minutes, interval) % min(minutes, interval):
                yield Finding(
                    "resolution-does-not-fit-interval",
                    place,
                    f"{minutes} minutes",
                    f"it divides 60, and it or the interval ({interval} minutes) divides the other",
                    "state what one reading covers, or leave it out where that is the interval",
                )
                continue
            if minutes not in uneven:
                uneven[minutes] = _first_uneven_day(law.days, zone, minutes)
            if uneven[minutes] is not None:
                yield Finding(
                    "resolution-does-not-fit-day",
                    place,
                    f"{minutes} minutes",
                    f"every day is a whole number of readings, and {uneven[minutes]} is not, as "
                    "clocks change on it",
                    "have the meter read at the interval of the market",
                )


def _first_uneven_day(days: Span, zone: str, minutes: int) -> dt.date | None:
    """Return the first day that is no whole number of so many minutes, or None."""
    # A zone that is no such thing has a finding of its own.
    if not is_zone(zone):
        return None
    first, end = days
    changes = clock_changes(zone, day_start(first, zone), day_start(end, zone) if end else None)
    step = dt.timedelta(minutes=minutes)
    return next((change.day for change in changes if change.by % step), None)
