"""Disputes in PostgreSQL: read whole, append; every function works in the caller's transaction."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or_keep
from sqlalchemy.orm import Session

from ledger.disputes.records import DisputedLine, Record
from ledger.disputes.rules import RULE_OF_CONSTRAINT
from ledger.disputes.sealing import (
    AttachmentRow,
    DisputeRow,
    EventRow,
    attachment_digest,
    dispute_digest,
    event_digest,
)
from ledger.disputes.tables import Attachment, Dispute, DisputeEvent
from ledger.invoice import document_number
from ledger.people.store import persons_of
from ledger.store import constraints_as_refusals
from ledger.tables import Invoice, InvoiceLine

DISPUTE_COLUMNS = [Dispute.__table__.columns[name] for name in (*DisputeRow._fields, "digest")]
EVENT_COLUMNS = [DisputeEvent.__table__.columns[name] for name in (*EventRow._fields, "digest")]
LINE_COLUMNS = (
    Invoice.series,
    Invoice.number,
    Invoice.issued_at,
    Invoice.due_on,
    Invoice.billing_month,
    Invoice.currency,
    Invoice.last_journal_number,
    InvoiceLine.kind,
    InvoiceLine.subject,
    InvoiceLine.description,
    InvoiceLine.quantity,
    InvoiceLine.quantity_unit,
    InvoiceLine.amount_micro,
    InvoiceLine.digest,
)


def records(session: Session, *conditions: ColumnElement[bool]) -> list[Record]:
    """Return the disputes that conditions on `Dispute` and `Invoice` pick, by market and number."""
    statement = (
        select(*DISPUTE_COLUMNS, *LINE_COLUMNS)
        .join(Invoice, Invoice.id == Dispute.invoice_id)
        .join(
            InvoiceLine,
            (InvoiceLine.invoice_id == Dispute.invoice_id) & (InvoiceLine.line == Dispute.line),
        )
        .where(*conditions)
        .order_by(Dispute.market, Dispute.number)
    )
    width = len(DISPUTE_COLUMNS)
    found = [
        (DisputeRow(*row[: width - 1]), row[width - 1], disputed_line(row[width:]))
        for row in session.execute(statement).all()
    ]
    events = _events(session, {(row.market, row.number) for row, _, _ in found})
    actors = {event.actor for of_dispute in events.values() for event, _ in of_dispute}
    persons = persons_of(session, actors)
    return [
        Record(
            row,
            digest,
            line,
            tuple(event for event, _ in events[row.market, row.number]),
            tuple(logged for _, logged in events[row.market, row.number]),
            persons,
        )
        for row, digest, line in found
    ]


def record(session: Session, market: str, number: int) -> Record | None:
    """Return a dispute, or None."""
    found = records(session, Dispute.market == market, Dispute.number == number)
    return found[0] if found else None


def disputed_line(row: Sequence[Any]) -> DisputedLine:
    """Return a line and its document from `LINE_COLUMNS`."""
    series, number, *others = row
    return DisputedLine(document_number(series, number), series, *others)


def stored_event(row: Sequence[Any]) -> EventRow:
    """Return an event as it was sealed from its stored columns, which hold a list."""
    event = EventRow._make(row[: len(EventRow._fields)])
    return event._replace(journal_numbers=tuple(event.journal_numbers))


def _events(
    session: Session, keys: set[tuple[str, int]]
) -> dict[tuple[str, int], list[tuple[EventRow, bytes]]]:
    events: defaultdict[tuple[str, int], list[tuple[EventRow, bytes]]] = defaultdict(list)
    markets = {market for market, _ in keys}
    statement = select(*EVENT_COLUMNS).where(DisputeEvent.market.in_(markets))
    if len(keys) == 1:
        statement = statement.where(DisputeEvent.dispute_number.in_({key[1] for key in keys}))
    for row in session.execute(statement.order_by(DisputeEvent.market, DisputeEvent.number)):
        events[row.market, row.dispute_number].append((stored_event(row), row.digest))
    return events


def next_dispute(session: Session, market: str) -> int:
    """Return the number of the market's next dispute."""
    last = select(func.max(Dispute.number)).where(Dispute.market == market)
    return (session.scalar(last) or 0) + 1


def next_event(session: Session, market: str) -> int:
    """Return the number of the market's next event."""
    last = select(func.max(DisputeEvent.number)).where(DisputeEvent.market == market)
    return (session.scalar(last) or 0) + 1


def insert_dispute(session: Session, row: DisputeRow) -> bytes:
    """Append a dispute, without its opening; return its digest."""
    digest = dispute_digest(row)
    with constraints_as_refusals(RULE_OF_CONSTRAINT):
        session.execute(insert(Dispute), [{**row._asdict(), "digest": digest}])
    return digest


def insert_event(session: Session, row: EventRow) -> None:
    """Append an event."""
    values = {**row._asdict(), "journal_numbers": list(row.journal_numbers)}
    with constraints_as_refusals(RULE_OF_CONSTRAINT):
        session.execute(insert(DisputeEvent), [{**values, "digest": event_digest(row)}])


def keep_attachment(session: Session, row: AttachmentRow, content: bytes) -> None:
    """Store a file under its SHA-256, unless it is stored already."""
    values = {**row._asdict(), "content": content, "digest": attachment_digest(row)}
    session.execute(insert_or_keep(Attachment).values(values).on_conflict_do_nothing())


def attachment(session: Session, sha256: bytes) -> tuple[str, bytes] | None:
    """Return media type and content of a stored file, or None."""
    row = session.execute(
        select(Attachment.media_type, Attachment.content).where(Attachment.sha256 == sha256)
    ).one_or_none()
    return None if row is None else (row.media_type, row.content)


def line_of(session: Session, invoice_id: UUID, line: int) -> DisputedLine | None:
    """Return a line with its document, or None."""
    row = session.execute(
        select(*LINE_COLUMNS)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.line == line)
    ).one_or_none()
    return None if row is None else disputed_line(row)
