"""`manage.py export`: the law in force on a day, as files that `publish` accepts."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from rulebook.findings import Refused
from rulebook.service import export
from rulebook.show import day, instant


class Command(BaseCommand):
    help = "Write the law of a market in force on a day as YAML files, one a document."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", metavar="MARKET", help="such as gb12")
        parser.add_argument("date", type=day, metavar="DATE", help="day, YYYY-MM-DD")
        parser.add_argument(
            "--known",
            type=instant,
            metavar="INSTANT",
            help="as it was known then, such as 2024-03-01T09:00Z (default: now)",
        )
        parser.add_argument(
            "--out", type=Path, required=True, metavar="FOLDER", help="folder to write into"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["known"] or dt.datetime.now(dt.UTC)
        try:
            with transaction() as session:
                files = export(session, options["market"], options["date"], known, options["out"])
        except Refused as refused:
            for finding in refused.findings:
                self.stderr.write(str(finding))
            raise CommandError(
                f"nothing was exported; findings above: {len(refused.findings)}"
            ) from None
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}; name another folder") from None
        if options["json"]:
            self.stdout.write(json.dumps({"files": [str(file) for file in files]}, indent=2))
            return
        for file in files:
            self.stdout.write(str(file))
