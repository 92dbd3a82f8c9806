"""`manage.py invoice_document`: an issued document, or those of a month, in a format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from common.refusals import Finding
from database.session import transaction
from portal.addresses import with_address
from portal.management.arguments import FORCE, IN_MARKET, JSON, MONTH, OUT, argument, at_least
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar, refusal_text
from portal.management.output import refuse_other_file, write_file
from settlement.documents.bulk import NotRendered, render_all, render_or_say
from settlement.documents.formats import CSV, FORMATS, Format
from settlement.documents.issued_document import IssuedDocument
from settlement.documents.render import (
    find_document,
    issued_documents_of_month,
    render_document,
)


@dataclass
class Written:
    """The files that were written, and why others were not."""

    files: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Command(BaseCommand[Written]):
    help = (
        "Write an issued document as PDF (PDF/A-3b with Factur-X inside), Factur-X XML, UBL, JSON, "
        "or as CSV of the intervals behind it; or all documents of a month, a process a core."
    )
    takes = (
        argument("number", nargs="?", metavar="NUMBER", help="such as gb12-invoice-000042"),
        IN_MARKET.with_settings(help="with --month: all its documents of the month"),
        MONTH,
        argument("--format", choices=sorted(FORMATS), default="pdf", help="default: %(default)s"),
        OUT.with_settings(
            required=True, help="file to write; a folder for the documents of a month"
        ),
        argument(
            "--processes",
            type=at_least(1),
            metavar="COUNT",
            help="at once, for a month; default: one a core",
        ),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> Written:
        number, market, month = options.number, options.market, options.month
        if (number is None) != (market is not None and month is not None) or (number and month):
            raise CommandError("name a document, or --market and --month")
        with transaction() as session:
            try:
                return _write_documents(session, FORMATS[options.format], options)
            except OSError as error:
                raise CommandError(f"{options.out}: {error.strerror}; name another path") from None

    def as_json(self, outcome: Written, options: Options) -> Any:
        refused = [finding.as_dict() for finding in outcome.findings]
        return {"files": [str(file) for file in outcome.files]} | (
            {"refused": refused} if refused else {}
        )

    def lines(self, outcome: Written, options: Options) -> list[str]:
        if options.number is None:
            return [f"{len(outcome.files)} documents written to {options.out}"]
        return [str(outcome.files[0])]

    def failure(self, outcome: Written, options: Options) -> str | None:
        if not outcome.findings:
            return None
        return refusal_text(outcome.findings, "Not written, though all others of the month were:")


def _write_documents(session: Session, of_format: Format, options: Options) -> Written:
    out: Path = options.out
    if options.number is not None:
        document = with_address(find_document(session, options.number))
        content = render_document(session, document, of_format)
        write_file(out, content, force=options.force)
        return Written([out])
    found = [
        with_address(document)
        for document in issued_documents_of_month(session, options.market, options.month[0])
    ]
    if not found:
        raise CommandError(
            f"{options.market} has no document of {options.month[0]:%Y-%m}; issue them "
            "with the command invoice"
        )
    files = [out / f"{document.number}.{of_format.ending}" for document in found]
    for file in files:
        refuse_other_file(file, force=options.force)  # before any is written
    out.mkdir(parents=True, exist_ok=True)
    written = Written()
    with progress_bar("Writing documents", quiet=options.json) as progress:
        rendered = _render_documents(session, found, of_format, options, progress)
        for file, (_, outcome) in zip(files, rendered, strict=True):
            if isinstance(outcome, NotRendered):
                written.findings += outcome.findings
            else:
                write_file(file, outcome, force=options.force)
                written.files.append(file)
    return written


def _render_documents(
    session: Session,
    found: Sequence[IssuedDocument],
    of_format: Format,
    options: Options,
    progress: Callable[[int, int], None],
) -> Iterator[tuple[IssuedDocument, bytes | NotRendered]]:
    if of_format.render is not None:
        yield from render_all(found, of_format.name, options.processes, progress)
        return
    for done, document in enumerate(found, start=1):
        yield (
            document,
            render_or_say(document, CSV, partial(render_document, session, document, of_format)),
        )
        progress(done, len(found))
