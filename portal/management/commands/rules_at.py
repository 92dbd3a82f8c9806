"""`manage.py rules_at`: which law is in force on a day, as it was known at an instant."""

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from rulebook.findings import Refused
from rulebook.service import rules_at
from rulebook.show import day, instant, pinned_as_dict, pinned_line


class Command(BaseCommand):
    help = "Print the versions of a market's law in force on a day, with digest and validity."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", metavar="MARKET", help="such as gb12")
        parser.add_argument("date", type=day, metavar="DATE", help="day, YYYY-MM-DD")
        parser.add_argument(
            "--known",
            type=instant,
            metavar="INSTANT",
            help="as it was known then, such as 2024-03-01T09:00Z (default: now)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["known"] or dt.datetime.now(dt.UTC)
        try:
            with transaction() as session:
                rules = rules_at(session, options["market"], options["date"], known)
        except Refused as refused:
            for finding in refused.findings:
                self.stderr.write(str(finding))
            raise CommandError(f"no law to show; findings above: {len(refused.findings)}") from None
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
