"""`manage.py export`: the law in force on a day, as files that `publish` accepts."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.console import parse_day, parse_instant, refusals_as_errors, utc_now
from rulebook.service import export


class Command(BaseCommand):
    help = "Write the law of a market in force on a day as YAML files, one a document."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", metavar="MARKET", help="such as gb12")
        parser.add_argument("date", type=parse_day, metavar="DATE", help="day, YYYY-MM-DD")
        parser.add_argument(
            "--known",
            type=parse_instant,
            metavar="INSTANT",
            help="as it was known then, such as 2024-03-01T09:00Z (default: now)",
        )
        parser.add_argument(
            "--out", type=Path, required=True, metavar="FOLDER", help="folder to write into"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["known"] or utc_now()
        try:
            with refusals_as_errors(as_json=options["json"]), transaction() as session:
                files = export(session, options["market"], options["date"], known, options["out"])
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}; name another folder") from None
        if options["json"]:
            self.stdout.write(json.dumps({"files": [str(file) for file in files]}, indent=2))
            return
        for file in files:
            self.stdout.write(str(file))
