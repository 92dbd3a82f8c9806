"""`manage.py merit_order MARKET 2024-01-15`: what ran out of merit, and why."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from database.session import transaction
from portal.management.arguments import DAY, JSON, KNOWN_AT, MARKET
from portal.management.base import BaseCommand, Options
from settlement.dispatch.merit_order_of_day import check_merit_order_of_day
from settlement.dispatch.report import MeritOrderReport, format_report


class Command(BaseCommand[MeritOrderReport]):
    help = (
        "Hold a day's metered generation against least-cost dispatch: energy that ran before "
        "cheaper energy, with the line, reserve or storage that explains it, or unexplained. "
        "The check informs; nothing is stored or settled by it."
    )
    takes = (MARKET, DAY, KNOWN_AT, JSON)

    def run(self, options: Options) -> MeritOrderReport:
        with transaction() as session:
            return check_merit_order_of_day(
                session, options.market, options.day, known=options.known_at
            )

    def as_json(self, outcome: MeritOrderReport, options: Options) -> Any:
        checked = outcome.merit_order
        return {
            "market": outcome.market,
            "day": outcome.day,
            "currency": outcome.currency,
            "generated_wh": checked.generated_wh,
            "out_of_merit_wh": {reason.value: wh for reason, wh in checked.energy_wh.items()},
            "fuel_micro": checked.fuel_micro,
            "least_fuel_micro": checked.least_fuel_micro,
            "unserved_by_power_flow_kw": outcome.unserved_by_power_flow_kw.tolist(),
            "entries": [
                {"interval_start": outcome.starts[entry.interval], **dataclasses.asdict(entry)}
                for entry in checked.entries
            ],
        }

    def lines(self, outcome: MeritOrderReport, options: Options) -> Iterator[str]:
        return format_report(outcome)
