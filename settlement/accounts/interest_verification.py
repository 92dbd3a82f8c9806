"""Hold all interest to the documents, payments and terms that it was computed from."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.currencies import minor_unit_micro
from common.damage import damage
from common.refusals import Finding, Refused
from ledger.cause_verification import JOURNAL_CAUSE, hold_to_causes
from ledger.causes import CauseSource
from ledger.journal import JournalDraft
from ledger.payments import queries
from ledger.payments.interest import InterestRow
from ledger.payments.interest_queries import billed_interest
from ledger.payments.matching import OpenDocument
from ledger.payments.paid_spans import PaidSpan, paid_spans
from ledger.payments.store import decisions_by_value, stored_interest
from ledger.tables import Journal
from ledger.verification import CHAIN, changed
from rulebook.law import rules_at
from settlement.accounts.interest import (
    INTEREST_KINDS,
    DraftedInterest,
    LateDocument,
    Rate,
    draft_interest,
    rate_of,
)
from settlement.accounts.law import terms_of

INTEREST = "ledger.interest"


def verify_interest(session: Session) -> Iterator[Finding]:
    """Hash all interest again, compute it anew, and hold its journals to it."""
    books: dict[str, _Books] = {}
    rates = _Rates(session)
    drafts: dict[int, JournalDraft] = {}
    last: dict[tuple[str, str], InterestRow] = {}
    for row, digest in stored_interest(session):
        place = f"{INTEREST} {row.name}"
        if row.digest != digest:
            yield changed(INTEREST, row.name)
        before = last.get((row.market, row.document))
        last[row.market, row.document] = row
        if row.number != (before.number if before else 0) + 1:
            yield damage(CHAIN, place, "it does not follow the interest posted before it")
        if row.market not in books:
            books[row.market] = _read_books(session, row.market)
        document = books[row.market].late_document(row, before)
        rate = rates.of(row, document) if document else None
        drafted = _draft(document, row, rate)
        if drafted is None or drafted.row != row:
            value = "its document, payments and terms, as they were known then, do not come to it"
            yield damage(JOURNAL_CAUSE, place, value)
        else:
            drafts[row.journal_number] = drafted.journal
    yield from hold_to_causes(session, CauseSource.INTEREST, drafts)


def _draft(
    document: LateDocument | None, row: InterestRow, rate: Rate | None
) -> DraftedInterest | None:
    if document is None or rate is None:
        return None
    return draft_interest(document, row.until, rate, row.journal_number)


@dataclass
class _Books:
    """What a market's interest rests on: its documents, the interest in them, and payments."""

    documents: dict[str, OpenDocument]
    billed: dict[str, int]
    paid: dict[str, list[PaidSpan]]

    def late_document(self, row: InterestRow, before: InterestRow | None) -> LateDocument | None:
        """Return a document as it was known when interest on it was posted; None where it is not.

        Args:
            row: the interest.
            before: what was posted of the document before it.
        """
        document = self.documents.get(row.document)
        if document is None or document.due_on >= row.until:
            return None
        try:
            unit = minor_unit_micro(document.currency)
        except LookupError:  # of a document that was changed
            return None
        return LateDocument(
            market=row.market,
            name=document.name,
            participant=document.participant,
            currency=document.currency,
            due_on=document.due_on,
            # Interest that a document bills bears none itself.
            principal_micro=document.due_minor * unit - self.billed.get(document.name, 0),
            paid=tuple(
                (span.value_on, span.amount_minor * unit)
                for span in self.paid.get(document.name, ())
                if span.is_known_to(row.journal_number)
            ),
            posted_micro=before.borne_micro if before else 0,
            posted_count=before.number if before else 0,
            posted_until=before.until if before else None,
        )


def _read_books(session: Session, market: str) -> _Books:
    return _Books(
        {document.name: document for document in queries.documents(session, market)},
        billed_interest(session, market, INTEREST_KINDS),
        paid_spans(decisions_by_value(session, market)),
    )


@dataclass
class _Rates:
    """The rates of the law in force on due days, as known when journals were posted."""

    session: Session
    found: dict[tuple[str, dt.date, dt.datetime], Rate | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        of_interest = Journal.cause_source == CauseSource.INTEREST
        statement = select(Journal.number, Journal.posted_at).where(of_interest)
        self.posted_at = dict(iter(self.session.execute(statement)))

    def of(self, row: InterestRow, document: LateDocument) -> Rate | None:
        """Return the rate that a document bore; None where no law or no journal tells it."""
        known = self.posted_at.get(row.journal_number)
        if known is None:
            return None
        key = (row.market, document.due_on, known)
        if key not in self.found:
            try:
                law = rules_at(self.session, row.market, document.due_on, known)
                self.found[key] = rate_of(terms_of(law))
            except Refused:
                self.found[key] = None
        return self.found[key]
