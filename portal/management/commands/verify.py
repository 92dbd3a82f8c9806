"""`manage.py verify`: re-hash every row of rules, readings, results, journals and invoices."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from database.session import transaction
from ledger.log.note import MalformedNote, Note, parse_note
from portal.management.console import SHOWN_FINDINGS, print_json
from settlement.verification import checks


class Command(BaseCommand):
    help = (
        "Prove every stored row from the facts alone. Exit status 1 when anything does not hold, "
        "with every row that does not named."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

        parser.add_argument(
            "--checkpoint",
            type=Path,
            metavar="FILE",
            help="also hold the log to a checkpoint that was kept elsewhere: this finds a cut-off "
            "end, which nothing in the database can show",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kept = _kept_note(options["checkpoint"]) if options["checkpoint"] else None
        console = Console(stderr=True, quiet=options["json"])
        found = {}
        with transaction() as session:
            for check in checks(kept):
                with console.status(f"Verifying {check.name}"):
                    found[check.name] = check.run(session)
                count = len(found[check.name])
                console.print(f"{check.name}: {'holds' if not count else f'{count} findings'}")
        findings = [finding for of_check in found.values() for finding in of_check]
        if options["json"]:
            print_json(
                {
                    "holds": not findings,
                    "checks": {
                        name: [finding.as_dict() for finding in of_check]
                        for name, of_check in found.items()
                    },
                }
            )
        if findings:
            shown = [str(finding) for finding in findings[:SHOWN_FINDINGS]]
            if len(findings) > len(shown):
                shown.append(f"... and {len(findings) - len(shown)} more; --json prints them all")
            raise CommandError("\n".join(["Verification failed:", *shown]))
        if not options["json"]:
            self.stdout.write("Every row gives the digest that it was published with.")


def _kept_note(path: Path) -> Note:
    try:
        return parse_note(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, MalformedNote) as error:
        raise CommandError(f"{path} is no checkpoint: {error}") from None
