"""`manage.py rules_at`: which law is in force on a day, as it was known at an instant."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.management.console import parse_day, parse_instant, refusals_as_errors, utc_now
from rulebook.printing import pinned_as_dict, pinned_line
from rulebook.service import rules_at


class Command(BaseCommand):
    help = "Print the versions of a market's law in force on a day, with digest and validity."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", metavar="MARKET", help="such as gb12")
        parser.add_argument("date", type=parse_day, metavar="DATE", help="day, YYYY-MM-DD")
        parser.add_argument(
            "--known",
            type=parse_instant,
            metavar="INSTANT",
            help="as it was known then, such as 2024-03-01T09:00Z (default: now)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["known"] or utc_now()
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            rules = rules_at(session, options["market"], options["date"], known)
        if options["json"]:
            versions = [pinned_as_dict(version, rules) for version in rules.versions]
            answer = {
                "market": rules.market,
                "date": options["date"].isoformat(),
                "known": known.isoformat(),
                "versions": versions,
            }
            self.stdout.write(json.dumps(answer, indent=2))
            return
        for version in rules.versions:
            self.stdout.write(pinned_line(version, rules))
