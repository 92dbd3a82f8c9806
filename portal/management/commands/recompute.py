"""`manage.py recompute FILE.zip`: check an evidence file, and settle its period again from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from portal.management.arguments import CHECKPOINT, JSON, argument
from portal.management.base import BaseCommand, Options
from settlement.evidence.recompute import report_recomputation
from verifier.command_line import NotUnderstood, check_path
from verifier.report import Report


class Command(BaseCommand[Report]):
    help = (
        "Check an evidence file as verify.py does, then settle the period again from the rules "
        "and readings in it and compare every result. Exit status: 0 everything holds, 1 something "
        "does not, 2 not understood. Needs no database."
    )
    takes = (
        argument(
            "path",
            type=Path,
            metavar="FILE",
            help="the zip, or the folder into which it was unpacked",
        ),
        argument(
            "--key",
            action="append",
            default=[],
            metavar="KEY",
            help="verifier key of the log, or a file with such keys, that you have from elsewhere",
        ),
        CHECKPOINT,
        JSON,
    )

    def run(self, options: Options) -> Report:
        try:
            report = check_path(options.path, options.key, options.checkpoint)
        except NotUnderstood as error:
            raise CommandError(str(error), returncode=2) from None
        report_recomputation(options.path, report)
        return report

    def as_json(self, outcome: Report, options: Options) -> Any:
        return {
            "holds": not outcome.findings,
            "checked": outcome.counts,
            "notes": outcome.notes,
            "findings": [finding._asdict() for finding in outcome.findings],
        }

    def lines(self, outcome: Report, options: Options) -> Iterator[str]:
        yield f"Checked {options.path}:"
        for what, count in outcome.counts.items():
            yield f"{count:>10,} {what}"
        yield from outcome.notes
        if not outcome.findings:
            yield "Everything holds."

    def failure(self, outcome: Report, options: Options) -> str | None:
        if not outcome.findings:
            return None
        findings = [f"  {finding}" for finding in outcome.findings]
        return "\n".join([f"{len(findings)} findings:", *findings])
