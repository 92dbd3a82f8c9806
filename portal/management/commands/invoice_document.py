"""`manage.py invoice_document`: an issued document, or those of a month, in a format."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from sqlalchemy.orm import Session

from database.session import transaction
from portal.management.console import (
    at_least,
    month_days,
    print_json,
    progress_bar,
    refusals_as_errors,
)
from settlement.documents.bulk import render_all
from settlement.documents.issued_document import IssuedDocument
from settlement.documents.service import (
    FORMATS,
    Format,
    find_document,
    issued_documents_of_month,
    refuse_without_parties,
    render_document,
)


class Command(BaseCommand):
    help = (
        "Write an issued document as PDF (PDF/A-3b with Factur-X inside), Factur-X XML, UBL, JSON, "
        "or as CSV of the intervals behind it; or all documents of a month, a process a core."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", nargs="?", help="such as gb12-invoice-000042")
        parser.add_argument("--market", help="with --month: all its documents of the month")
        parser.add_argument("--month", type=month_days, metavar="YYYY-MM")
        parser.add_argument("--format", choices=sorted(FORMATS), default="pdf", help="default pdf")
        parser.add_argument(
            "--out",
            type=Path,
            required=True,
            metavar="PATH",
            help="file to write; a folder for the documents of a month",
        )
        parser.add_argument(
            "--processes", type=at_least(1), help="at once, for a month (default: one a core)"
        )
        parser.add_argument("--json", action="store_true", help="print the files as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        number, market, month = options["number"], options["market"], options["month"]
        if (number is None) != (market is not None and month is not None) or (number and month):
            raise CommandError("name a document, or --market and --month")
        out: Path = options["out"]
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            try:
                files = list(self._write(session, FORMATS[options["format"]], out, options))
            except OSError as error:
                raise CommandError(f"{out}: {error.strerror}; name another path") from None
        if options["json"]:
            print_json({"files": [str(file) for file in files]})
        elif number is None:
            self.stdout.write(f"{len(files)} documents written to {out}")
        else:
            self.stdout.write(str(files[0]))

    def _write(
        self, session: Session, of_format: Format, out: Path, options: dict[str, Any]
    ) -> Iterator[Path]:
        if options["number"] is not None:
            content = render_document(session, find_document(session, options["number"]), of_format)
            out.write_bytes(content)
            yield out
            return
        found = issued_documents_of_month(session, options["market"], options["month"][0])
        if not found:
            raise CommandError(
                f"{options['market']} has no document of {options['month'][0]:%Y-%m}; issue them "
                "with the command invoice"
            )
        refuse_without_parties(found, of_format)
        out.mkdir(parents=True, exist_ok=True)
        with progress_bar("Writing documents", quiet=options["json"]) as bar:
            for document, content in self._rendered(session, found, of_format, options, bar):
                file = out / f"{document.number}.{of_format.ending}"
                file.write_bytes(content)
                yield file

    def _rendered(
        self,
        session: Session,
        found: Sequence[IssuedDocument],
        of_format: Format,
        options: dict[str, Any],
        bar: Any,
    ) -> Iterator[tuple[IssuedDocument, bytes]]:
        if of_format.render is not None:
            yield from render_all(found, of_format.name, options["processes"], bar)
            return
        for done, document in enumerate(found, start=1):
            yield document, render_document(session, document, of_format)
            bar(done, len(found))
