"""Checks of settlement days against the clocks of their time zone, over a validity."""

import datetime as dt
from collections.abc import Iterator, Sequence

from common.refusals import Finding
from common.time_zones import is_zone
from rulebook.clock_changes import LAST, ClockChange, clock_changes
from rulebook.documents import MarketRules

_MINUTE = dt.timedelta(minutes=1)
_TWO_YEARS = dt.timedelta(days=2 * 366)


def days_are_whole(
    rules: MarketRules, place: str, start: dt.datetime, end: dt.datetime | None
) -> Iterator[Finding]:
    """Every day of [start, end) is one piece of whole intervals, on which clocks change too."""
    # With a zone or an interval that is no such thing, every day would be wrong, and for nothing.
    if not is_zone(rules.time_zone) or 60 % rules.interval_minutes:
        return
    changes = clock_changes(rules.time_zone, start, end)
    uneven = [each for each in changes if each.by % (rules.interval_minutes * _MINUTE)]
    if uneven:
        yield Finding(
            "clock-change-splits-interval",
            f"{place}: interval_minutes",
            f"{rules.interval_minutes} minutes, and clocks of {rules.time_zone} that go "
            f"{_shown(uneven)}",
            "intervals divide every change of the clocks, or a part of a day would be in none",
            f"{_choice(changes)}publish for {_later_or_shorter(uneven)}",
        )
    broken = [each for each in changes if each.breaks_a_day]
    if broken:
        yield Finding(
            "clock-change-breaks-day",
            f"{place}: time_zone",
            f"clocks of {rules.time_zone} that go {_shown(broken)}, over midnight",
            "a settlement day is one piece, from its midnight to the next",
            f"publish for {_later_or_shorter(broken)}",
        )


def _shown(changes: Sequence[ClockChange]) -> str:
    first, *others = changes
    more = " and years after it" if _go_on(changes) else f" and {len(others)} times after it"
    return f"{first.shown} on {first.day}{more if others else ''}"


def _choice(changes: Sequence[ClockChange]) -> str:
    """Return the longest interval that fits all changes, as the opening of a remedy."""
    for minutes in (30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1):
        if not any(each.by % (minutes * _MINUTE) for each in changes):
            return f"choose intervals of {minutes} minutes, or "
    return ""


def _later_or_shorter(changes: Sequence[ClockChange]) -> str:
    before = f"days before {changes[0].day} alone"
    return before if _go_on(changes) else f"{before}, or for days after {changes[-1].day}"


def _go_on(changes: Sequence[ClockChange]) -> bool:
    """Return whether changes go on as far as was looked, so that none is the last."""
    return changes[-1].at > LAST - _TWO_YEARS
