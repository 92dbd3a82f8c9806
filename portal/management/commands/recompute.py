"""`manage.py recompute FILE.zip`: check an evidence file, and settle its period again from it."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from settlement.evidence.recompute import report_recomputation
from verifier.command_line import NotUnderstood, add_options, check_path, print_outcome


class Command(BaseCommand):
    help = (
        "Check an evidence file as its verify.py does, then settle the period again from the rules "
        "and readings in it and compare every result. Exit status: 0 everything holds, 1 something "
        "does not, 2 not understood. Needs no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path",
            type=Path,
            metavar="FILE",
            help="the zip, or the folder into which it was unpacked",
        )
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["path"]
        try:
            report = check_path(path, options["key"], options["checkpoint"])
        except NotUnderstood as error:
            self.stderr.write(str(error))
            sys.exit(2)
        report_recomputation(path, report)
        print_outcome(report, path, as_json=options["json"])
        if report.findings:
            sys.exit(1)
