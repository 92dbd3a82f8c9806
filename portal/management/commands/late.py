"""`manage.py late MARKET`: readings that came after the last run of their day."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from database.session import transaction
from portal.calendar_words import late_words
from portal.management.arguments import JSON, MARKET
from portal.management.base import BaseCommand, Options
from settlement.calendar.late import LateReadings
from settlement.calendar.market_calendar import list_late_readings


class Command(BaseCommand[list[LateReadings]]):
    help = (
        "List the readings that came after the last posted run of their day: late ones, and "
        "corrections of what was known; and the run of the calendar that takes them up."
    )
    takes = (MARKET, JSON)

    def run(self, options: Options) -> list[LateReadings]:
        with transaction() as session:
            return list_late_readings(session, options.market, known=options.now)

    def as_json(self, outcome: list[LateReadings], options: Options) -> Any:
        return {
            "market": options.market,
            "readings": [
                {
                    **readings.arrival._asdict(),
                    **{k: v for k, v in asdict(readings).items() if k != "arrival"},
                    "is_late": readings.is_late,
                }
                for readings in outcome
            ],
        }

    def lines(self, outcome: list[LateReadings], options: Options) -> Iterator[str]:
        for readings in outcome:
            yield f"  {readings.arrival.day}  {late_words(readings)}"
        if not outcome:
            yield "No reading came after the last posted run of its day."
