"""Prove the disputes from their rows alone: digests, chains, numbers, attachments and courses.

Every dispute is played again: each event must be a step that its terms, state and parties allowed
at its moment, and each settlement must rest on journals of the run that it names.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from common.damage import damage
from ledger.disputes.course import Course, Role
from ledger.disputes.sealing import (
    AttachmentRow,
    DisputeRow,
    EventRow,
    attachment_digest,
    dispute_digest,
    event_digest,
)
from ledger.disputes.store import DISPUTE_COLUMNS, EVENT_COLUMNS, stored_event
from ledger.disputes.tables import Attachment, Dispute, DisputeEvent
from ledger.people.store import persons_of
from ledger.tables import InvoiceLine, Journal
from ledger.verification import CHAIN, FOREIGN, MISSING, Findings, changed

STEP = "dispute-step"
FILES_AT_A_TIME = 4


def verify_disputes(session: Session) -> Findings:
    """Yield everything that is wrong with disputes, events and attachments."""
    events: defaultdict[tuple[str, int], list[tuple[EventRow, bytes]]] = defaultdict(list)
    yield from _verify_events(session, events)
    actors = {event.actor for of_dispute in events.values() for event, _ in of_dispute}
    persons = persons_of(session, actors)
    numbers: dict[str, int] = {}
    statement = select(*DISPUTE_COLUMNS).order_by(Dispute.market, Dispute.number)
    for stored in session.execute(statement):
        row, digest = DisputeRow(*stored[:-1]), stored[-1]
        key = f"{row.market}/{row.number}"
        yield from _verify_number(numbers, "ledger.dispute", row.market, row.number)
        if dispute_digest(row) != digest:
            yield changed("ledger.dispute", key)
        of_row = events.pop((row.market, row.number), [])
        yield from _verify_course(row, digest, of_row, persons)
    for of_none in events.values():
        for event, _ in of_none:
            value = f"its dispute {event.dispute_number} does not exist"
            yield damage(FOREIGN, f"ledger.dispute_event {_key(event)}", value)
    yield from _verify_lines(session)
    yield from _verify_journals(session)
    yield from _verify_attachments(session)


def _verify_events(
    session: Session, events: defaultdict[tuple[str, int], list[tuple[EventRow, bytes]]]
) -> Findings:
    numbers: dict[str, int] = {}
    statement = select(*EVENT_COLUMNS).order_by(DisputeEvent.market, DisputeEvent.number)
    for stored in session.execute(statement):
        event, digest = stored_event(stored), stored[-1]
        yield from _verify_number(numbers, "ledger.dispute_event", event.market, event.number)
        if event_digest(event) != digest:
            yield changed("ledger.dispute_event", _key(event))
        events[event.market, event.dispute_number].append((event, digest))


def _verify_course(
    row: DisputeRow,
    digest: bytes,
    events: Sequence[tuple[EventRow, bytes]],
    persons: Mapping[str, int | None],
) -> Findings:
    """Play a dispute again: chained, and every step allowed when it was taken."""
    if not events:
        value = "its opening is not there"
        yield damage(MISSING, f"ledger.dispute {row.market}/{row.number}", value)
    before: list[EventRow] = []
    for step, (event, of_event) in enumerate(events, start=1):
        if (event.step, event.previous_digest) != (step, digest):
            value = "it does not name the digest before it in its dispute"
            yield damage(CHAIN, f"ledger.dispute_event {_key(event)}", value)
        for value in _not_allowed(row, before, event, persons):
            yield damage(STEP, f"ledger.dispute_event {_key(event)}", value)
        before.append(event)
        digest = of_event


def _not_allowed(
    row: DisputeRow,
    before: Sequence[EventRow],
    event: EventRow,
    persons: Mapping[str, int | None],
) -> list[str]:
    """Return why an event could not follow those before it."""
    try:
        step, role = event.as_step, Role(event.role)
        steps = tuple(earlier.as_step for earlier in before)
        if not steps:
            return []
        course = Course(row.terms, steps, persons)
        breaches = course.breaches(step.action, event.actor, role, step.at)
        return [f"{rule.limit}: {value}" for rule, value in breaches]
    except (ValueError, KeyError, OverflowError) as unreadable:  # no such action, role or zone
        return [f"it cannot be read: {unreadable}"]


def _verify_number(numbers: dict[str, int], table: str, market: str, number: int) -> Findings:
    """Hold a number to the one before it in its market."""
    expected = numbers.get(market, 0) + 1
    if number > expected:
        value = f"the numbers have a gap before {number}"
        yield damage(MISSING, f"{table} {market}/{expected}", value)
    elif number < expected:
        yield damage(FOREIGN, f"{table} {market}/{number}", "the row stands twice")
    numbers[market] = number


def _verify_lines(session: Session) -> Findings:
    """Hold every dispute to the line that it was opened on."""
    statement = select(Dispute.market, Dispute.number).where(
        ~exists().where(
            InvoiceLine.invoice_id == Dispute.invoice_id,
            InvoiceLine.line == Dispute.line,
            InvoiceLine.digest == Dispute.line_digest,
        )
    )
    for market, number in session.execute(statement):
        value = "the disputed line is not there as it was"
        yield damage(MISSING, f"ledger.dispute {market}/{number}", value)


def _verify_journals(session: Session) -> Findings:
    """Hold every settlement to journals of the run that it names."""
    settled = select(*EVENT_COLUMNS).where(DisputeEvent.run_id.is_not(None))
    for stored in session.execute(settled).all():
        event = stored_event(stored)
        theirs = select(Journal.number).where(
            Journal.run_id == event.run_id, Journal.number.in_(event.journal_numbers)
        )
        absent = set(event.journal_numbers) - set(session.scalars(theirs))
        if absent:
            value = f"journals {sorted(absent)} are not of run {event.run_id}"
            yield damage(FOREIGN, f"ledger.dispute_event {_key(event)}", value)


def _verify_attachments(session: Session) -> Findings:
    """Hash every file again; each was brought by an event, and each that one names is there."""
    seen: set[bytes] = set()
    named = set(
        session.scalars(
            select(DisputeEvent.attachment_sha256).where(
                DisputeEvent.attachment_sha256.is_not(None)
            )
        )
    )
    statement = select(
        Attachment.sha256, Attachment.media_type, Attachment.content, Attachment.digest
    ).order_by(Attachment.sha256)
    options = {"yield_per": FILES_AT_A_TIME}
    for sealed, media_type, content, digest in session.execute(
        statement, execution_options=options
    ):
        key = sealed.hex()
        if sealed in seen:
            yield damage(FOREIGN, f"ledger.attachment {key}", "the row stands twice")
        seen.add(sealed)
        is_sealed = attachment_digest(AttachmentRow(sealed, media_type)) == digest
        if not is_sealed or sha256(content).digest() != sealed:
            yield changed("ledger.attachment", key)
        if sealed not in named:
            yield damage(FOREIGN, f"ledger.attachment {key}", "no event names it")
    for absent in named - seen:
        value = "an event names it and it is missing"
        yield damage(MISSING, f"ledger.attachment {(absent or b'').hex()}", value)


def _key(event: EventRow) -> str:
    return f"{event.market}/{event.number}"
