"""`manage.py settle_due MARKET`: settle and post every run that is due, in order."""

import os
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.refusals import Refused
from database.session import transaction
from ledger.refusals import LedgerRefused
from portal.management.commands.due import range_line, settle_command
from portal.management.console import (
    at_least,
    parse_day,
    print_json,
    progress_bar,
    refusal_text,
    refusals_as_errors,
    utc_now,
)
from settlement.calendar.due import DueRange, blocked_ranges, due_ranges
from settlement.calendar.service import market_calendar, settle_range

OPENING = "Refused; of these days nothing was written:"


class Command(BaseCommand):
    help = (
        "Settle and post all runs of the calendar that are due, in the order of the calendar. Each "
        "range of days is posted by itself: what was done before a stop stands, and the command "
        "may be repeated. What is blocked is named and left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument(
            "--on", type=parse_day, help="YYYY-MM-DD, day of the market; default: today"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be settled")
        parser.add_argument(
            "--threads",
            type=at_least(1),
            default=os.cpu_count() or 1,
            help="default: one a processor",
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            found = market_calendar(session, options["market"], known=utc_now(), on=options["on"])
        due, blocked = due_ranges(found.entries), blocked_ranges(found.entries)
        if options["dry_run"]:
            self._show(found.market, due, blocked, [], options)
            return
        done: list[dict[str, Any]] = []
        findings: list[Any] = []
        refused: list[DueRange] = []
        try:
            for one in due:
                if any(_share_a_day(one, other) for other in refused):
                    continue  # its earlier run was refused, and so would this one be
                try:
                    done.append(self._settle(found.market, one, options))
                except (Refused, LedgerRefused) as refusal:
                    refused.append(one)
                    is_of_rules = isinstance(refusal, Refused)
                    findings += refusal.findings if is_of_rules else refusal.refusals
        except KeyboardInterrupt:
            self._show(found.market, due, blocked, done, options)
            raise CommandError(
                f"Stopped after {len(done)} of {len(due)} ranges; those are posted. Repeat the "
                "command for the rest."
            ) from None
        self._show(found.market, due, blocked, done, options)
        if findings:
            raise CommandError(refusal_text(findings, OPENING))

    def _settle(self, market: str, one: DueRange, options: dict[str, Any]) -> dict[str, Any]:
        title = f"Settling {one.kind}, {one.first_day} to {one.last_day}"
        with transaction() as session, progress_bar(title, quiet=options["json"]) as progress:
            settled, posted = settle_range(
                session, market, one, now=utc_now(), threads=options["threads"], progress=progress
            )
        return asdict(one) | {
            "run": settled.run.id,
            "result_digest": settled.run.result_digest,
            "journals_posted": sum(not journal.is_repeat for journal in posted),
        }

    def _show(
        self,
        market: str,
        due: list[DueRange],
        blocked: list[DueRange],
        done: list[dict[str, Any]],
        options: dict[str, Any],
    ) -> None:
        if options["json"]:
            print_json(
                {
                    "market": market,
                    "due": [asdict(one) for one in due],
                    "settled": done,
                    "blocked": [asdict(one) for one in blocked],
                }
            )
            return
        for one in due if options["dry_run"] else ():
            self.stdout.write(range_line(one))
            self.stdout.write(f"      {settle_command(market, one)}")
        for each in done:
            self.stdout.write(
                f"  {each['kind']:<4}{each['first_day']}..{each['last_day']}: run {each['run']}, "
                f"{each['journals_posted']} journals posted"
            )
        for one in blocked:
            self.stdout.write(f"{range_line(one)}; blocked: {one.why}")
        if not (due or blocked):
            self.stdout.write("Nothing is due.")


def _share_a_day(one: DueRange, other: DueRange) -> bool:
    return one.first_day <= other.last_day and other.first_day <= one.last_day
