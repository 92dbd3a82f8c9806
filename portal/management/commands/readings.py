"""`manage.py readings MARKET --month 2024-01`: how good the readings are, before a run."""

from collections.abc import Iterator
from typing import Any

from database.session import transaction
from portal.management.arguments import JSON, KNOWN_AT, MARKET, PERIOD
from portal.management.base import BaseCommand, Options
from portal.management.console import SHOWN_FINDINGS
from settlement.runs.reading_quality import QualityCounts, QualityReport, reading_quality


class Command(BaseCommand[QualityReport]):
    help = (
        "Count the readings of some days by quality: measured, estimated by the meter operator, "
        "flagged, missing, and estimated by which method of the rules; then say what a run would "
        "be refused with. Nothing is stored."
    )
    takes = (MARKET, PERIOD, KNOWN_AT, JSON)

    def run(self, options: Options) -> QualityReport:
        days = options.first_day, options.last_day
        with transaction() as session:
            return reading_quality(session, options.market, *days, known=options.known_at)

    def as_json(self, outcome: QualityReport, options: Options) -> Any:
        return {
            "market": outcome.market,
            "first_day": outcome.first_day,
            "last_day": outcome.last_day,
            "known_at": outcome.known,
            "measures": [
                {"measure": counts.measure, "intervals": counts.intervals}
                for counts in outcome.measures
            ],
            "entities": [
                {
                    "measure": counts.measure,
                    "entity": counts.entity,
                    "intervals": counts.intervals,
                }
                for counts in outcome.entities
            ],
            "would_refuse": [finding.as_dict() for finding in outcome.findings],
        }

    def lines(self, outcome: QualityReport, options: Options) -> Iterator[str]:
        yield f"{outcome.market}, {outcome.first_day} to {outcome.last_day}, intervals by quality"
        for counts in outcome.measures:
            yield f"  {counts.title}: {_counts_in_words(counts)}"
        incomplete = [counts for counts in outcome.entities if not counts.is_measured]
        if incomplete:
            yield "Not measured throughout:"
            for counts in incomplete:
                yield f"  {counts.title} of {counts.entity}: {_counts_in_words(counts)}"
        if not outcome.findings:
            yield "A run would settle these days."
            return
        yield "A run would be refused:"
        for finding in outcome.findings[:SHOWN_FINDINGS]:
            yield f"  {finding}"
        more = len(outcome.findings) - SHOWN_FINDINGS
        if more > 0:
            yield f"  ... and {more} more; --json prints them all"


def _counts_in_words(counts: QualityCounts) -> str:
    return ", ".join(f"{count:,} {words}" for words, count in counts.intervals.items())
