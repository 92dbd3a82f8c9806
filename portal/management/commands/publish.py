"""`manage.py publish`: documents become law, all or none."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from ledger.sealing import sealed_spans
from portal.management.console import parse_day, refusals_as_errors, utc_now
from rulebook.printing import published_as_dict, published_line
from rulebook.service import publish


class Command(BaseCommand):
    help = (
        "Publish documents of one market: market rules, grid model, allocation policy, "
        "registrations. All or none become law; a document that already stands so is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files", nargs="+", type=Path, metavar="FILE", help="YAML file, or a folder of them"
        )
        parser.add_argument(
            "--valid-from",
            type=parse_day,
            required=True,
            metavar="DAY",
            help="first day, YYYY-MM-DD",
        )
        parser.add_argument(
            "--valid-to",
            type=parse_day,
            metavar="DAY",
            help="first day on which they no longer apply (default: no end)",
        )
        parser.add_argument("--author", required=True, help="who wrote the documents")
        parser.add_argument("--approver", required=True, help="who approved them; never the author")
        parser.add_argument(
            "--reason", default="", help="why; needed where the validity begins in the past"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            published = publish(
                session,
                options["files"],
                valid_from=options["valid_from"],
                valid_to=options["valid_to"],
                known=utc_now(),
                author=options["author"],
                approver=options["approver"],
                reason=options["reason"],
                sealed=sealed_spans(session),
            )
        if options["json"]:
            versions = [published_as_dict(version) for version in published]
            self.stdout.write(json.dumps({"published": versions}, indent=2))
            return
        for version in published:
            self.stdout.write(published_line(version))
