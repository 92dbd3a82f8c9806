"""`manage.py late MARKET`: readings that came after the last run of their day."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

from database.session import transaction
from portal.calendar_words import following_words, late_words
from portal.management.arguments import JSON, MARKET
from portal.management.base import BaseCommand, Options
from settlement.calendar.following import FollowingDays
from settlement.calendar.late import LateReadings
from settlement.calendar.market_calendar import list_following_days, list_late_readings


class Late(NamedTuple):
    """What came late, and the posted days that begin otherwise by it."""

    readings: list[LateReadings]
    following: list[FollowingDays]


class Command(BaseCommand[Late]):
    help = (
        "List the readings that came after the last posted run of their day: late ones, and "
        "corrections of what was known; then the posted days after them that begin otherwise "
        "since, as contracts carry from day to day. Each with the run of the calendar that takes "
        "it up."
    )
    takes = (MARKET, JSON)

    def run(self, options: Options) -> Late:
        with transaction() as session:
            return Late(
                list_late_readings(session, options.market, known=options.now),
                list_following_days(session, options.market, known=options.now),
            )

    def as_json(self, outcome: Late, options: Options) -> Any:
        return {
            "market": options.market,
            "readings": [
                {
                    **readings.arrival._asdict(),
                    **{k: v for k, v in asdict(readings).items() if k != "arrival"},
                    "is_late": readings.is_late,
                }
                for readings in outcome.readings
            ],
            "following": [asdict(days) for days in outcome.following],
        }

    def lines(self, outcome: Late, options: Options) -> Iterator[str]:
        for readings in outcome.readings:
            yield f"  {readings.arrival.day}  {late_words(readings)}"
        if not outcome.readings:
            yield "No reading came after the last posted run of its day."
        for days in outcome.following:
            span = f"{days.first_day} to {days.last_day}"
            yield (
                f"  {span if days.first_day != days.last_day else days.first_day}  "
                f"{following_words(days)}"
            )
