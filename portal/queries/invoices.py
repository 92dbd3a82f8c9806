"""Invoices and their notes as pages show them.

Amounts of the list keep the ledger's sign: + the participant pays the market. A page has the sign
of its document, as `settlement.documents.issued_document` states it.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session, aliased

from database.paged import PagedRows
from ledger.invoice import document_number, parsed_number
from ledger.tables import Invoice
from portal.queries.cited import CitedText, cite_once, first_recorded
from portal.queries.rules import RuleVersion, rule_by_digest, rule_on, zone_by_market
from rulebook.clause_text import fill_clause
from settlement.billing.lines import RETURNED
from settlement.billing.posted_month import obeyed_versions
from settlement.documents.issued_document import IssuedDocument, IssuedLine
from settlement.documents.render import find_document
from settlement.explanations.tree import CitedClause
from settlement.tables import RunRow

SummaryRow = tuple[Invoice, str | None, Invoice | None]
"""A document, the kind of its run and the document that it corrects; None where it has none."""


@dataclass(frozen=True)
class InvoiceSummary:
    """One row of the list of invoices."""

    id: uuid.UUID
    number: str
    kind: str
    market: str
    participant: str
    billing_month: dt.date
    currency: str
    due_minor: int
    issued_at: dt.datetime
    due_on: dt.date
    run_kind: str | None
    run_id: uuid.UUID | None
    corrects: str | None
    corrected_by: tuple[str, ...]
    zone: str

    @property
    def is_self_billed(self) -> bool:
        """Whether the market writes this in the participant's name."""
        return self.kind.startswith("self-billed")

    @property
    def issued_day(self) -> dt.date:
        """Local day of issue."""
        return self.issued_at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def received_minor(self) -> int:
        """What the market pays, where it is the one that pays."""
        return -self.due_minor


@dataclass(frozen=True)
class InvoicePage:
    """An issued document, the clauses that each of its lines cites, and the law around it.

    Attributes:
        registration: that of its participant, from which the printed party is.
        market_rules: each version that days settled until then were settled by, earliest first.
    """

    summary: InvoiceSummary
    registration: RuleVersion | None
    market_rules: tuple[RuleVersion, ...]
    document: IssuedDocument
    clauses: Mapping[int, tuple[CitedText, ...]]

    @property
    def lines(self) -> tuple[IssuedLine, ...]:
        """All lines, in the order of the document."""
        return self.document.lines

    def line(self, number: int) -> IssuedLine | None:
        """Return a line by its number, or None where the document has none."""
        return next((line for line in self.lines if line.number == number), None)


class CorrectedLine(NamedTuple):
    """What a line of a note changes: a line of the document that the note corrects.

    Attributes:
        number: of that line; 0 where that document has none of the kind.
        words: whether all of it is taken back, or how it changes.
    """

    number: int
    words: str


def invoices_of(
    session: Session, participants: Collection[tuple[str, str]] | None
) -> PagedRows[InvoiceSummary]:
    """Return the documents of participants (market, participant), or of all, latest first."""
    query = _summaries()
    if participants is not None:
        pair = tuple_(Invoice.market, Invoice.participant)
        query = query.where(pair.in_(list(participants)))
    latest_first = query.order_by(
        Invoice.billing_month.desc(),
        Invoice.issued_at.desc(),
        Invoice.participant,
        Invoice.number.desc(),
        Invoice.series,
    )
    return PagedRows(session, latest_first, lambda rows: _summarised(session, rows))


def invoice_owner(session: Session, number: str) -> tuple[str, str] | None:
    """Return (market, participant) of a document, or None when there is none of that number."""
    found = parsed_number(number)
    if found is None:
        return None
    row = session.get(Invoice, found)
    return None if row is None else (row.market, row.participant)


def invoice_page(session: Session, number: str) -> InvoicePage:
    """Return a document with its lines and parties.

    Raises:
        LookupError: there is no document of that number.
    """
    found = parsed_number(number)
    row = session.get(Invoice, found) if found else None
    if row is None:
        raise LookupError(number)
    query = _summaries().where(Invoice.id == row.id)
    summary = _summarised(session, session.execute(query).all())[0]
    document = find_document(session, number)
    # As the document was issued: a later correction of the law changes none.
    rules = f"{row.market}/market-rules"
    settled = obeyed_versions(
        session, row.market, row.billing_month, row.last_journal_number, rules
    )
    registration = f"{row.market}/registration/{row.participant}"
    versions = (rule_by_digest(session, digest) for digest in dict.fromkeys(settled.values()))
    return InvoicePage(
        summary=summary,
        registration=(
            rule_on(session, registration, max(settled), row.issued_at) if settled else None
        ),
        market_rules=tuple(version for version in versions if version is not None),
        document=document,
        clauses=_clauses(session, document),
    )


def corrected_lines(session: Session, page: InvoicePage) -> dict[int, CorrectedLine]:
    """Return what each line of a note changes, by its number; nothing of a first document."""
    note = page.document
    if page.summary.corrects is None:
        return {}
    before = find_document(session, page.summary.corrects)
    # Both have the sign of their documents; what a credit note states is taken back.
    sign = note.sign * before.sign
    original = {_told_apart(line): line for line in before.lines}
    return {line.number: _corrected(line, original, sign) for line in note.lines}


def _told_apart(line: IssuedLine) -> tuple[str, str, str, int]:
    return line.kind, line.subject, line.tax_category, line.tax_rate_ppm


def _corrected(
    line: IssuedLine, original: Mapping[tuple[str, str, str, int], IssuedLine], sign: int
) -> CorrectedLine:
    before = original.get(_told_apart(line))
    if before is None:
        return CorrectedLine(0, "new: it has no line of the kind")
    if (line.quantity or 0) * sign == -(before.quantity or 0) and (
        line.exact_micro * sign == -before.exact_micro
    ):
        return CorrectedLine(before.number, "takes all of it back")
    if line.quantity == 0 and before.quantity:
        words = "the same quantity at another price"
        if line.kind == RETURNED:
            words = "the same energy; the account returned another sum"
        return CorrectedLine(before.number, words)
    return CorrectedLine(before.number, "what changed of it since")


def _summaries() -> Select[Invoice, str, Invoice]:
    original = aliased(Invoice)
    return (
        select(Invoice, RunRow.kind, original)
        .outerjoin(RunRow, RunRow.id == Invoice.run_id)
        .outerjoin(original, original.id == Invoice.original)
    )


def _summarised(session: Session, rows: Sequence[SummaryRow]) -> list[InvoiceSummary]:
    identifiers = [row.id for row, _, _ in rows]
    notes: dict[uuid.UUID, list[str]] = {}
    corrections = select(Invoice).where(Invoice.original.in_(identifiers))
    for note in session.scalars(corrections.order_by(Invoice.number)):
        if note.original is not None:
            notes.setdefault(note.original, []).append(_number(note))
    zones = zone_by_market(session, (row.market for row, _, _ in rows))
    return [
        InvoiceSummary(
            id=row.id,
            number=_number(row),
            kind=row.kind,
            market=row.market,
            participant=row.participant,
            billing_month=row.billing_month,
            currency=row.currency,
            due_minor=row.due_minor,
            issued_at=row.issued_at,
            due_on=row.due_on,
            run_kind=run_kind,
            run_id=row.run_id,
            corrects=_number(original) if original else None,
            corrected_by=tuple(notes.get(row.id, ())),
            zone=zones[row.market],
        )
        for row, run_kind, original in rows
    ]


def _clauses(session: Session, document: IssuedDocument) -> dict[int, tuple[CitedText, ...]]:
    """Return the clauses that each line cites, by its number, in the versions that it obeyed."""
    versions = {digest: rule_by_digest(session, digest) for digest in document.laws}
    cited = {
        line.number: [
            CitedClause(
                clause.anchor,
                fill_clause(version.document, clause.text, document.currency),
                version.instrument,
                digest,
            )
            for anchor in line.clauses
            for digest in line.rule_digests
            if (version := versions.get(digest)) is not None
            for clause in version.document.clauses
            if clause.anchor == anchor
        ]
        for line in document.lines
    }
    recorded = first_recorded(session, document.laws)
    return {number: cite_once(clauses, recorded) for number, clauses in cited.items()}


def _number(row: Invoice) -> str:
    return document_number(row.series, row.number)
