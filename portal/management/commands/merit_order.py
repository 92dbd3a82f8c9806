"""`manage.py merit_order MARKET --day 2024-01-15`: what ran out of merit, and why."""

import dataclasses
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import (
    parse_day,
    parse_instant,
    print_json,
    refusals_as_errors,
    utc_now,
)
from settlement.dispatch.report import MeritOrderReport, report_lines
from settlement.dispatch.service import merit_order


class Command(BaseCommand):
    help = (
        "Hold a day's metered generation against least-cost dispatch: energy that ran before "
        "cheaper energy, with the line, reserve or storage that explains it, or unexplained. "
        "The check informs; nothing is stored or settled by it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--day", type=parse_day, required=True, help="YYYY-MM-DD")
        parser.add_argument(
            "--known-at", type=parse_instant, help="use what was known then; default: now"
        )
        parser.add_argument("--json", action="store_true", help="print every entry as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["known_at"] or utc_now()
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            report = merit_order(session, options["market"], options["day"], known=known)
        if options["json"]:
            print_json(_as_json(report))
            return
        self.stdout.write("\n".join(report_lines(report)))


def _as_json(report: MeritOrderReport) -> dict[str, Any]:
    checked = report.merit_order
    return {
        "market": report.market,
        "day": report.day,
        "currency": report.currency,
        "generated_wh": checked.generated_wh,
        "out_of_merit_wh": {reason.value: wh for reason, wh in checked.energy_wh.items()},
        "fuel_micro": checked.fuel_micro,
        "least_fuel_micro": checked.least_fuel_micro,
        "unserved_by_power_flow_kw": report.unserved_by_power_flow_kw.tolist(),
        "entries": [
            {"interval_start": report.starts[entry.interval], **dataclasses.asdict(entry)}
            for entry in checked.entries
        ],
    }
