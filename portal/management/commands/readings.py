"""`manage.py readings MARKET --month 2024-01`: how good the readings are, before a run."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.commands.settle import chosen_days
from portal.management.console import (
    SHOWN_FINDINGS,
    month_days,
    parse_day,
    parse_instant,
    print_json,
    refusals_as_errors,
    utc_now,
)
from settlement.runs.reading_quality import QualityCounts, QualityReport, reading_quality


class Command(BaseCommand):
    help = (
        "Count the readings of some days by quality: measured, estimated by the meter operator, "
        "flagged, missing, and estimated by which method of the rules; then say what a run would "
        "be refused with. Nothing is stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument("--month", type=month_days, help="YYYY-MM; or give both days")
        parser.add_argument("--first-day", type=parse_day, help="YYYY-MM-DD, settlement day")
        parser.add_argument("--last-day", type=parse_day, help="YYYY-MM-DD, included")
        parser.add_argument(
            "--known-at", type=parse_instant, help="look at what was known then; default: now"
        )
        parser.add_argument("--json", action="store_true", help="print every count as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        first_day, last_day = chosen_days(options)
        known = options["known_at"] or utc_now()
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            report = reading_quality(session, options["market"], first_day, last_day, known=known)
        if options["json"]:
            print_json(_as_json(report))
            return
        self.stdout.write("\n".join(_lines(report)))


def _as_json(report: QualityReport) -> dict[str, Any]:
    return {
        "market": report.market,
        "first_day": report.first_day,
        "last_day": report.last_day,
        "known_at": report.known,
        "measures": [
            {"measure": one.measure, "intervals": one.intervals} for one in report.measures
        ],
        "entities": [
            {"measure": one.measure, "entity": one.entity, "intervals": one.intervals}
            for one in report.entities
        ],
        "would_refuse": [finding.as_dict() for finding in report.findings],
    }


def _lines(report: QualityReport) -> list[str]:
    lines = [f"{report.market}, {report.first_day} to {report.last_day}, intervals by quality"]
    lines += [f"  {one.measure}: {_counted(one)}" for one in report.measures]
    told = [one for one in report.entities if not one.is_measured]
    if told:
        lines.append("Not measured throughout:")
        lines += [f"  {one.measure} of {one.entity}: {_counted(one)}" for one in told]
    if not report.findings:
        return [*lines, "A run would settle these days."]
    lines.append("A run would be refused:")
    lines += [f"  {finding}" for finding in report.findings[:SHOWN_FINDINGS]]
    more = len(report.findings) - SHOWN_FINDINGS
    return [*lines, f"  ... and {more} more; --json prints them all"] if more > 0 else lines


def _counted(one: QualityCounts) -> str:
    return ", ".join(f"{count:,} {words}" for words, count in one.intervals.items())
