"""Issued documents by their number: stated, and rendered in a format."""

import datetime as dt
import uuid

from sqlalchemy.orm import Session

import ledger.invoice_queries
from common.refusals import Finding, Refused
from ledger.billing import SealedInvoice
from ledger.invoice import document_number
from rulebook.store import instruments_of_digests
from settlement.documents.formats import Format
from settlement.documents.intervals import as_csv, interval_rows
from settlement.documents.issued_document import IssuedDocument, Reference, RunReference
from settlement.documents.sealed_rows import document_of_rows
from settlement.runs.store import find_run


def find_document(session: Session, number: str) -> IssuedDocument:
    """Return the document of a number as it is stated.

    Raises:
        Refused: there is none.
    """
    sealed = ledger.invoice_queries.invoice_of_number(session, number)
    if sealed is None:
        raise Refused(
            [
                Finding(
                    "no-such-document",
                    f"document {number}",
                    "not issued",
                    "a document has the number that is printed on it, such as gb12-invoice-000042",
                    "look the number up in the list of invoices",
                )
            ]
        )
    return _document(session, sealed)


def issued_documents_of_month(
    session: Session, market: str, billing_month: dt.date
) -> list[IssuedDocument]:
    """Return every document of a month as it is stated, by series and number."""
    found = ledger.invoice_queries.invoices_of_month(session, market, billing_month)
    return [find_document(session, document_number(series, number)) for series, number, _ in found]


def render_document(session: Session, document: IssuedDocument, of_format: Format) -> bytes:
    """Return a document in a format."""
    if of_format.render is None:
        return as_csv(interval_rows(session, document))
    return of_format.render(document)


def _document(session: Session, sealed: SealedInvoice) -> IssuedDocument:
    row = sealed.row
    digests = {digest for line in sealed.lines for digest in line.rule_digests}
    return document_of_rows(
        sealed,
        ledger.invoice_queries.billed_before(session, row),
        _reference(session, row.original),
        _run(session, row.run_id),
        instruments_of_digests(session, digests),
    )


def _reference(session: Session, original: uuid.UUID | None) -> Reference | None:
    found = ledger.invoice_queries.invoice(session, original) if original else None
    if found is None:
        return None
    issued_on = found.row.issued_at.astimezone(dt.UTC).date()
    return Reference(document_number(found.row.series, found.row.number), issued_on)


def _run(session: Session, run_id: uuid.UUID | None) -> RunReference | None:
    run = find_run(session, run_id) if run_id else None
    return RunReference(run.id, run.kind, run.result_digest) if run else None
