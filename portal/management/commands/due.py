"""`manage.py due MARKET`: which runs of the calendar are due, and what stands in their way."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from database.session import transaction
from portal.calendar_words import range_line, settle_command
from portal.management.arguments import JSON, MARKET, ON
from portal.management.base import BaseCommand, Options
from settlement.calendar.due import DueRange, blocked_ranges, due_ranges, next_due
from settlement.calendar.market_calendar import MarketCalendar, market_calendar


class Command(BaseCommand[MarketCalendar]):
    help = (
        "List the runs of the settlement calendar that are due, as ranges of days that one command "
        "settles, in the order to settle them; and what is due and blocked, and by what."
    )
    takes = (MARKET, ON, JSON)

    def run(self, options: Options) -> MarketCalendar:
        with transaction() as session:
            return market_calendar(session, options.market, known=options.now, on=options.on)

    def as_json(self, outcome: MarketCalendar, options: Options) -> Any:
        following = next_due(outcome.entries)
        return {
            "market": outcome.market,
            "on": outcome.on,
            "time_zone": outcome.zone,
            "due": [asdict(due_range) for due_range in due_ranges(outcome.entries)],
            "blocked": [
                asdict(blocked) | {"findings": _findings(outcome, blocked)}
                for blocked in blocked_ranges(outcome.entries)
            ],
            "next": asdict(following) if following else None,
        }

    def lines(self, outcome: MarketCalendar, options: Options) -> Iterator[str]:
        due, blocked = due_ranges(outcome.entries), blocked_ranges(outcome.entries)
        yield f"{outcome.market} on {outcome.on} ({outcome.zone})"
        for due_range in due:
            yield range_line(due_range)
            yield f"      {settle_command(outcome.market, due_range)}"
        for blocked_range in blocked:
            yield f"{range_line(blocked_range)}; blocked: {blocked_range.why}"
        if not (due or blocked):
            yield "  nothing is due"
        following = next_due(outcome.entries)
        if following:
            yield f"  next: {following.kind} of {following.day}, due {following.due_on}"


def _findings(calendar: MarketCalendar, blocked: DueRange) -> list[Any]:
    return [
        finding.as_dict()
        for day in calendar.days
        if blocked.first_day <= day.day <= blocked.last_day
        for finding in day.lacks
    ]
