"""Take steps in disputes: checked, numbered and sealed under the ledger's lock.

Every function works in the caller's transaction and writes one event or none; a refusal carries
every reason. The same step by the same person once more returns the dispute as it is, so that a
form sent twice does no harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

import ledger.store
from common.refusals import Refused, refuse_any
from ledger.disputes import corrections, store
from ledger.disputes.attached import room_breaches
from ledger.disputes.attachments import (
    Attachment,
    attachment_breaches,
    media_type,
    safe_name,
)
from ledger.disputes.claims import Claim, award_breaches, claim_breaches, reason_breaches
from ledger.disputes.course import ROLE_OF, Action, Role
from ledger.disputes.records import Actor, DisputedLine, Record, name_of
from ledger.disputes.rules import DisputeRule
from ledger.disputes.sealing import AttachmentRow, DisputeRow, EventRow
from ledger.disputes.settling import Correction, settling_breaches
from ledger.disputes.tables import Dispute
from ledger.disputes.terms import DisputeTerms
from ledger.people.store import persons_of
from ledger.posting import require_zone


@dataclass(frozen=True)
class StepRequest:
    """A step that somebody wants to take.

    Args:
        award: what is upheld; None upholds the whole claim. Only upholding has one.
        run_id: the run that corrected the line; only settling has one.
        note_id: the document that bills the difference, where money moved.
    """

    action: Action
    actor: Actor
    reason: str
    award: Claim | None = None
    run_id: UUID | None = None
    note_id: UUID | None = None
    attachment: Attachment | None = None


def open_dispute(
    session: Session,
    market: str,
    participant: str,
    place: tuple[UUID, int],
    claim: Claim,
    terms: DisputeTerms,
    request: StepRequest,
    now: datetime,
) -> Record:
    """Open a dispute on a line of an issued document.

    Args:
        session: the caller's session.
        market, participant: of the document.
        place: the document's id and the number of the line.
        claim: how much of the line is wrong.
        terms: the rule in force when the document was issued.
        request: who opens it and why, and what is attached.
        now: the moment of opening, with its zone.

    Raises:
        Refused: a rule is broken; nothing is written.
    """
    require_zone(now)
    ledger.store.lock(session)
    line = store.line_of(session, *place)
    if line is None:
        raise Refused([DisputeRule.LINE_IS_UNKNOWN.finding("a dispute", str(place[1]))])
    subject = f"line {place[1]} of {line.document}"
    # A form that was sent twice is answered with what its first sending did. The rules come after:
    # the line is in dispute now, and they would refuse the second sending for the first.
    earlier = [
        each
        for each in store.records(session, Dispute.invoice_id == place[0], Dispute.line == place[1])
        if each.course.is_open(now)
    ]
    for each in earlier:
        if each.row.claim == claim and _is_repeat(each.events[0], request):
            return each
    refuse_any(
        rule.finding(subject, value)
        for rule, value in (
            *_opening_breaches(line, participant, terms, request.actor, now),
            *((DisputeRule.LINE_IS_IN_DISPUTE, each.name) for each in earlier),
            *claim_breaches(
                claim, line.amount_micro, line.quantity, line.currency, line.quantity_unit
            ),
            *_common_breaches(request),
            *room_breaches(session, market, None, request.actor.account, request.attachment, now),
        )
    )
    row = DisputeRow(
        market=market,
        number=store.next_dispute(session, market),
        participant=participant,
        invoice_id=place[0],
        line=place[1],
        line_digest=line.digest,
        claimed_micro=claim.amount_micro,
        claimed_quantity=claim.quantity,
        terms_digest=terms.digest,
        time_zone=terms.time_zone,
        raise_within_days=terms.raise_within_days,
        answer_within_days=terms.answer_within_days,
        escalate_within_days=terms.escalate_within_days,
        decide_within_days=terms.decide_within_days,
    )
    digest = store.insert_dispute(session, row)
    _append_event(session, row, 1, request, None, None, digest, now)
    return _find_stored(session, row.market, row.number)


def take_step(
    session: Session, market: str, number: int, request: StepRequest, now: datetime
) -> Record:
    """Take the next step of a dispute.

    Raises:
        Refused: there is no such dispute, or a rule is broken; nothing is written.
    """
    require_zone(now)
    ledger.store.lock(session)
    record = store.record(session, market, number)
    if record is None:
        unknown = DisputeRule.DISPUTE_IS_UNKNOWN.finding(name_of(market, number), "no such")
        raise Refused([unknown])
    # Filled in before the comparison with the last event, which holds the award it was stored with.
    if request.action is Action.UPHOLD and request.award is None:
        request = replace(request, award=record.row.claim)
    # The first event is the opening, which `open_dispute` compares.
    if len(record.events) > 1 and _is_repeat(record.events[-1], request):
        return record
    actor = request.actor
    persons = {**record.persons, **persons_of(session, [actor.account])}
    course = replace(record, persons=persons).course
    breaches = [
        *course.breaches(request.action, actor.account, actor.role, now),
        *_party_breaches(actor, record.row.participant),
        *_common_breaches(request),
        *room_breaches(session, market, number, actor.account, request.attachment, now),
    ]
    if request.award is not None:
        of = record.line
        breaches += award_breaches(request.award, record.row.claim, of.currency, of.quantity_unit)
    correction, line = None, None
    if request.action is Action.SETTLE:
        if request.run_id is None:
            raise ValueError("settling names the run that corrected the line")
        correction, line, of_settling = _check_settling(
            session, record, request.run_id, request.note_id
        )
        breaches += of_settling
    refuse_any(rule.finding(record.name, value) for rule, value in breaches)
    last_step, digest = record.events[-1].step, record.event_digests[-1]
    _append_event(session, record.row, last_step + 1, request, correction, line, digest, now)
    return _find_stored(session, market, number)


def _append_event(
    session: Session,
    row: DisputeRow,
    step: int,
    request: StepRequest,
    correction: Correction | None,
    note_line: int | None,
    previous_digest: bytes,
    now: datetime,
) -> None:
    """Store the attachment, if any, and the event."""
    attachment = request.attachment
    if attachment is not None:
        kept = AttachmentRow(attachment.sha256, media_type(attachment) or "")
        store.keep_attachment(session, kept, attachment.content)
    event = EventRow(
        market=row.market,
        number=store.next_event(session, row.market),
        dispute_number=row.number,
        step=step,
        action=request.action.value,
        actor=request.actor.account,
        role=request.actor.role.value,
        taken_at=now,
        reason=request.reason.strip(),
        upheld_micro=request.award.amount_micro if request.award else None,
        upheld_quantity=request.award.quantity if request.award else None,
        run_id=request.run_id,
        journal_numbers=correction.journal_numbers if correction else (),
        note_id=request.note_id,
        note_line=note_line,
        attachment_name=safe_name(attachment.name) if attachment else None,
        attachment_sha256=attachment.sha256 if attachment else None,
        previous_digest=previous_digest,
    )
    store.insert_event(session, event)


def _check_settling(
    session: Session, record: Record, run_id: UUID, note_id: UUID | None
) -> tuple[Correction, int | None, list[tuple[DisputeRule, str]]]:
    """Return what a run corrected, the note's line, and the rules of settling that they break."""
    disputed = corrections.billed(session, record.row.invoice_id)
    if disputed is None:
        raise LookupError(record.line.document)
    correction = corrections.correction_by(session, record, disputed, run_id)
    note = corrections.billed(session, note_id) if note_id else None
    if note_id and note is None:
        return correction, None, [(DisputeRule.NOTE_IS_OF_ANOTHER, f"no document {note_id}")]
    line = corrections.note_line(session, record, note) if note else None
    is_of_money = record.row.claim.amount_micro is not None
    breaches = list(settling_breaches(disputed, correction, note, line, is_of_money=is_of_money))
    return correction, line.line if line else None, breaches


def _opening_breaches(
    line: DisputedLine, participant: str, terms: DisputeTerms, actor: Actor, now: datetime
) -> Iterator[tuple[DisputeRule, str]]:
    if actor.role is not ROLE_OF[Action.OPEN]:
        yield DisputeRule.PARTY_IS_WRONG, f"the {actor.role} wants to open"
    yield from _party_breaches(actor, participant)
    if now < line.issued_at:
        yield DisputeRule.MOMENT_IS_EARLIER, f"{now} before its issue at {line.issued_at}"
    by = terms.raise_by(line.issued_at)
    if terms.has_passed(by, now):
        yield DisputeRule.RAISED_TOO_LATE, f"it could be disputed until {by}"


def _party_breaches(actor: Actor, participant: str) -> Iterator[tuple[DisputeRule, str]]:
    if actor.role is Role.PARTICIPANT and actor.participant != participant:
        value = f"{actor.account} acts for {actor.participant}, the line is {participant}'s"
        yield DisputeRule.PARTY_IS_WRONG, value


def _common_breaches(request: StepRequest) -> Iterator[tuple[DisputeRule, str]]:
    yield from reason_breaches(request.reason)
    if request.attachment is not None:
        yield from attachment_breaches(request.attachment)


def _is_repeat(event: EventRow, request: StepRequest) -> bool:
    """Return whether an event is what a request asks for: a form sent twice."""
    award = request.award or Claim()
    attached = request.attachment.sha256 if request.attachment else None
    return (
        event.action,
        event.actor,
        event.role,
        event.reason,
        event.upheld_micro,
        event.upheld_quantity,
        event.run_id,
        event.note_id,
        event.attachment_sha256,
    ) == (
        request.action.value,
        request.actor.account,
        request.actor.role.value,
        request.reason.strip(),
        award.amount_micro,
        award.quantity,
        request.run_id,
        request.note_id,
        attached,
    )


def _find_stored(session: Session, market: str, number: int) -> Record:
    record = store.record(session, market, number)
    if record is None:
        raise LookupError(name_of(market, number))
    return record
