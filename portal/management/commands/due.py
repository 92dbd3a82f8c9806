"""`manage.py due MARKET`: which runs of the calendar are due, and what stands in their way."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import parse_day, print_json, refusals_as_errors, utc_now
from settlement.calendar.due import DueRange, blocked_ranges, due_ranges, next_due
from settlement.calendar.service import market_calendar


class Command(BaseCommand):
    help = (
        "List the runs of the settlement calendar that are due, as ranges of days that one command "
        "settles, in the order to settle them; and what is due and blocked, and by what."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", help="such as gb12")
        parser.add_argument(
            "--on", type=parse_day, help="YYYY-MM-DD, day of the market; default: today"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            found = market_calendar(session, options["market"], known=utc_now(), on=options["on"])
        due, blocked = due_ranges(found.entries), blocked_ranges(found.entries)
        following = next_due(found.entries)
        if options["json"]:
            print_json(
                {
                    "market": found.market,
                    "on": found.on,
                    "time_zone": found.zone,
                    "due": [asdict(one) for one in due],
                    "blocked": [
                        asdict(one)
                        | {
                            "findings": [
                                finding.as_dict()
                                for day in found.days
                                if one.first_day <= day.day <= one.last_day
                                for finding in day.lacks
                            ]
                        }
                        for one in blocked
                    ],
                    "next": asdict(following) if following else None,
                }
            )
            return
        self.stdout.write(f"{found.market} on {found.on} ({found.zone})")
        for one in due:
            self.stdout.write(range_line(one))
            self.stdout.write(f"      {settle_command(found.market, one)}")
        for one in blocked:
            self.stdout.write(f"{range_line(one)}; blocked: {one.why}")
        if not (due or blocked):
            self.stdout.write("  nothing is due")
        if following:
            self.stdout.write(
                f"  next: {following.kind} of {following.day}, due {following.due_on}"
            )


def range_line(one: DueRange) -> str:
    """Return a range as a line of the list."""
    days = f"{one.first_day}..{one.last_day}" if one.day_count > 1 else f"{one.first_day}"
    due = f"{one.due_from}..{one.due_to}" if one.due_from != one.due_to else f"{one.due_from}"
    overdue = f", {one.overdue_days} overdue" if one.overdue_days else ""
    plural = "s" if one.day_count > 1 else ""
    return f"  {one.kind:<4}{days}: {one.day_count} day{plural}, due {due}{overdue}"


def settle_command(market: str, one: DueRange) -> str:
    """Return the command that settles and posts a range."""
    days = f"--first-day {one.first_day} --last-day {one.last_day}"
    return f"manage.py settle {market} {one.kind} {days}"
