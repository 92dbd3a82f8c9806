"""`manage.py settle_due MARKET`: settle and post every run that is due, in order."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from common.quantities import plural
from common.refusals import Finding, Refused
from database.session import transaction
from market.settling import settle_with_market
from portal.calendar_words import range_line, settle_command
from portal.management.arguments import DRY_RUN, JSON, MARKET, ON, THREADS
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar, refusal_text
from settlement.calendar.due import DueRange, blocked_ranges, due_ranges
from settlement.calendar.market_calendar import market_calendar, settle_range

OPENING = "Refused; of these days nothing was written:"


@dataclass
class SettlingOutcome:
    """What is due and blocked, and what came of settling it."""

    market: str
    due: list[DueRange]
    blocked: list[DueRange]
    settled: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    is_stopped: bool = False


class Command(BaseCommand[SettlingOutcome]):
    help = (
        "Settle and post all runs of the calendar that are due, in the order of the calendar. Each "
        "range of days is posted by itself: what was done before a stop stands, and the command "
        "may be repeated. What is blocked is named and left."
    )
    appends_facts = True
    takes = (MARKET, ON, DRY_RUN, THREADS, JSON)

    def run(self, options: Options) -> SettlingOutcome:
        with transaction() as session:
            found = market_calendar(session, options.market, known=options.now, on=options.on)
        outcome = SettlingOutcome(
            found.market, due_ranges(found.entries), blocked_ranges(found.entries)
        )
        if options.dry_run:
            return outcome
        refused: list[DueRange] = []
        try:
            for due_range in outcome.due:
                if any(_share_a_day(due_range, other) for other in refused):
                    continue  # its earlier run was refused, and so would this one be
                try:
                    outcome.settled.append(self._settle(found.market, due_range, options))
                except Refused as refusal:
                    refused.append(due_range)
                    outcome.findings += refusal.findings
        except KeyboardInterrupt:
            # Each range was committed by itself: what was done before the stop stands, and is told.
            outcome.is_stopped = True
        return outcome

    def as_json(self, outcome: SettlingOutcome, options: Options) -> Any:
        return {
            "market": outcome.market,
            "due": [asdict(due_range) for due_range in outcome.due],
            "settled": outcome.settled,
            "blocked": [asdict(due_range) for due_range in outcome.blocked],
        }

    def lines(self, outcome: SettlingOutcome, options: Options) -> Iterator[str]:
        for due_range in outcome.due if options.dry_run else ():
            yield range_line(due_range)
            yield f"      {settle_command(outcome.market, due_range)}"
        for settled in outcome.settled:
            yield (
                f"  {settled['kind']:<4}{settled['first_day']}..{settled['last_day']}: run "
                f"{settled['run']}, {plural(settled['journals_posted'], 'journal')} posted"
            )
        for due_range in outcome.blocked:
            yield f"{range_line(due_range)}; blocked: {due_range.why}"
        if not (outcome.due or outcome.blocked):
            yield "Nothing is due."

    def failure(self, outcome: SettlingOutcome, options: Options) -> str | None:
        if outcome.is_stopped:
            return (
                f"Stopped after {len(outcome.settled)} of {len(outcome.due)} ranges; those are "
                "posted. Repeat the command for the rest."
            )
        return refusal_text(outcome.findings, OPENING) if outcome.findings else None

    def _settle(self, market: str, due_range: DueRange, options: Options) -> dict[str, Any]:
        title = f"Settling {due_range.kind}, {due_range.first_day} to {due_range.last_day}"
        with transaction() as session, progress_bar(title, quiet=options.json) as progress:
            settled, posted = settle_range(
                session,
                market,
                due_range,
                now=self.now(),
                threads=options.threads,
                progress=progress,
                settle_days=settle_with_market,
            )
        return asdict(due_range) | {
            "run": settled.run.id,
            "result_digest": settled.run.result_digest,
            "journals_posted": sum(not journal.is_repeat for journal in posted),
        }


def _share_a_day(due_range: DueRange, other: DueRange) -> bool:
    return due_range.first_day <= other.last_day and other.first_day <= due_range.last_day
