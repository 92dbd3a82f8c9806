"""`manage.py seal MARKET --month 2024-01 --reason WHY`: close settlement days."""

from typing import Any

from database.session import transaction
from ledger.people.store import acting
from ledger.seal import Seal
from portal.management.arguments import JSON, MARKET, PERIOD, REASON
from portal.management.base import BaseCommand, Options
from settlement.calendar.market_calendar import seal


class Command(BaseCommand[list[Seal]]):
    help = (
        "Seal settlement days: nothing more is posted to them, and no reading or rule is accepted "
        "for them. The settlement terms say from when a day may be sealed; the last run of the "
        "calendar is posted before. A day that is sealed already keeps its seal."
    )
    appends_facts = True
    takes = (MARKET, PERIOD, REASON, JSON)

    def run(self, options: Options) -> list[Seal]:
        with transaction() as session:
            return seal(
                session,
                options.market,
                options.first_day,
                options.last_day,
                sealed_by=acting(session).account,
                reason=options.reason,
                now=options.now,
            )

    def as_json(self, outcome: list[Seal], options: Options) -> Any:
        return {
            "seals": [
                {**of_day.row._asdict(), "digest": of_day.digest, "is_new": not of_day.is_repeat}
                for of_day in outcome
            ]
        }

    def lines(self, outcome: list[Seal], options: Options) -> list[str]:
        new = sum(not of_day.is_repeat for of_day in outcome)
        return [
            f"{options.market}, {options.first_day} to {options.last_day}: {new} days sealed now, "
            f"{len(outcome) - new} were sealed before"
        ]
