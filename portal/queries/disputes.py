"""Disputes as pages show them: whole to those whom they concern, the bare course to the rest."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.disputes import queries
from ledger.disputes.bare import BareDispute, BareEvent, MovingDispute
from ledger.disputes.corrections import Suggestion, suggestions
from ledger.disputes.course import AWAITS_SETTLEMENT, Action, Role
from ledger.disputes.queries import MonthCount
from ledger.disputes.records import Record
from ledger.disputes.sealing import EventRow
from ledger.invoice_queries import document_id
from portal import dispute_words as words
from portal.access import Viewer
from portal.queries.rules import RuleVersion, rule_by_digest
from settlement.billing.disputing import terms_at_issue
from settlement.billing.lines import line_kind


@dataclass(frozen=True)
class _Shown:
    """What any reader sees of a dispute at a moment who sees it at all.

    `is_entitled` says whether reasons, names, amounts and attachments are open to the reader.
    """

    record: Record | MovingDispute
    now: dt.datetime
    is_entitled: ClassVar[bool]

    @property
    def zone(self) -> str:
        """Time zone of the market."""
        return self.record.terms.time_zone

    @property
    def state(self) -> str:
        """Where it stands, in words."""
        return words.STATE_WORDS[self.record.course.state(self.now)]

    @property
    def status(self) -> str:
        """Class of the mark that shows the state."""
        if self.is_overdue:
            return "bad"
        return words.STATUS_OF.get(self.record.course.state(self.now), "plain")

    @property
    def is_open(self) -> bool:
        """Whether anything can still follow."""
        return self.record.course.is_open(self.now)

    @property
    def is_overdue(self) -> bool:
        """Whether an answer or a decision is late."""
        return self.record.course.is_overdue(self.now)

    @property
    def waits_for(self) -> str:
        """What it waits for, and until when."""
        return words.waits_for(self.record.course, self.now)

    @property
    def charge(self) -> str:
        """Name of the charge or payment."""
        return line_kind(self.record.line_kind).title


@dataclass(frozen=True)
class ShownCourse(_Shown):
    """A dispute of others whose settlement moved lines of its reader, who sees its course alone."""

    record: MovingDispute
    is_entitled: ClassVar[bool] = False


@dataclass(frozen=True)
class ShownDispute(_Shown):
    """A dispute as a reader sees it to whom all of it is open."""

    record: Record
    is_entitled: ClassVar[bool] = True

    @property
    def claimed(self) -> str:
        """What is claimed."""
        return words.claim_in_words(self.record.row.claim, self.record)

    @property
    def upheld(self) -> str:
        """What of the claim holds; empty before that is decided."""
        upheld = self.record.upheld
        return words.claim_in_words(upheld, self.record) if upheld else ""


@dataclass(frozen=True)
class ShownEvent:
    """An event of the timeline; what is personal is None for readers who are not entitled.

    `upheld` and `note` are None, too, where the event says nothing of it.
    """

    event: EventRow | BareEvent
    digest: bytes
    title: str
    role: str
    actor: str | None = None
    reason: str | None = None
    upheld: str | None = None
    note: str | None = None
    attachment_name: str | None = None


@dataclass(frozen=True)
class DisputePage:
    """Everything about one dispute that a reader may see."""

    dispute: ShownDispute | ShownCourse
    events: tuple[ShownEvent, ...]
    terms: RuleVersion | None
    due_date_clauses: tuple[str, ...]
    dispute_clauses: tuple[str, ...]
    corrected: str | None
    suggestions: tuple[Suggestion, ...]


def disputes_for(
    session: Session, viewer: Viewer, now: dt.datetime
) -> tuple[list[ShownDispute], list[ShownCourse]]:
    """Return a user's disputes by deadline, and those of others that moved its lines."""
    if viewer.sees_all_disputes:
        found = queries.sort_by_deadline(queries.disputes(session), now)
        return [ShownDispute(record, now) for record in found], []
    own = queries.sort_by_deadline(queries.disputes(session, None, viewer.participants), now)
    others = queries.settled_moving_own(session)
    return (
        [ShownDispute(record, now) for record in own],
        [ShownCourse(bare, now) for bare in others],
    )


def dispute_for(
    session: Session, viewer: Viewer, market: str, number: int, now: dt.datetime
) -> ShownDispute | ShownCourse | None:
    """Return a dispute as a user may see it; None where it may not, or there is none."""
    record = queries.find(session, market, number)
    if record is not None:
        owner = (market, record.row.participant)
        if viewer.sees_all_disputes or owner in (viewer.participants or ()):
            return ShownDispute(record, now)
    moved = {bare.key: bare for bare in queries.settled_moving_own(session)}
    bare = moved.get((market, number))
    return ShownCourse(bare, now) if bare else None


def dispute_page(
    session: Session, shown: ShownDispute | ShownCourse, wants_suggestions: bool
) -> DisputePage:
    """Return the page of a dispute; what would settle it only for those who may settle it."""
    terms = rule_by_digest(session, shown.record.terms.digest)
    document = terms.document if terms else None
    if isinstance(shown, ShownCourse):
        events, corrected, found = _bare_events(shown.record), None, list[Suggestion]()
    else:
        events, corrected = _events(session, shown.record), _corrected(session, shown.record)
        waits = shown.record.course.state(shown.now) in AWAITS_SETTLEMENT
        found = suggestions(session, shown.record) if wants_suggestions and waits else []
    return DisputePage(
        dispute=shown,
        events=tuple(events),
        terms=terms,
        due_date_clauses=document.clauses_governing("payment_term_days") if document else (),
        dispute_clauses=document.clauses_governing("disputes") if document else (),
        corrected=corrected,
        suggestions=tuple(found),
    )


def _corrected(session: Session, record: Record) -> str | None:
    corrected = queries.corrected_micro(session, record)
    return None if corrected is None else words.money_in_words(-corrected, record.line.currency)


def marks_of_document(
    session: Session, invoice_id: uuid.UUID, now: dt.datetime
) -> dict[int, ShownDispute]:
    """Return the latest dispute of each line of a document that has any, by line."""
    found = queries.latest_by_line(session, invoice_id)
    return {line: ShownDispute(record, now) for line, record in found.items()}


def is_disputed(session: Session, number: str, line: int) -> bool:
    """Return whether a line of the document with a number was ever disputed."""
    identity = document_id(session, number)
    return identity is not None and line in queries.latest_by_line(session, identity)


@dataclass(frozen=True)
class TimeToDispute:
    """Until when a line of a document may be disputed, and what the terms say of its due date."""

    by: dt.date
    terms_digest: bytes
    due_date_clauses: tuple[str, ...]


def time_to_dispute(
    session: Session, market: str, issued_at: dt.datetime, now: dt.datetime
) -> TimeToDispute | None:
    """Return until when a line of a document may be disputed; None once that is over."""
    try:
        terms = terms_at_issue(session, market, issued_at)
    except Refused:
        return None
    by = terms.raise_by(issued_at)
    version = rule_by_digest(session, terms.digest)
    if terms.has_passed(by, now) or version is None:
        return None
    clauses = version.document.clauses_governing("payment_term_days")
    return TimeToDispute(by, terms.digest, clauses)


def disputes_of_run(
    session: Session, market: str, run_id: uuid.UUID, now: dt.datetime
) -> list[ShownDispute]:
    """Return the disputes that a run has settled, and those that it could settle."""
    waiting = [record for record, _ in queries.awaiting_settlement(session, now, run_id, market)]
    found = [*waiting, *queries.settled_by(session, run_id)]
    return [ShownDispute(record, now) for record in found]


def counts(session: Session, now: dt.datetime) -> list[MonthCount]:
    """Return the public counts."""
    return queries.month_counts(session, now)


def _bare_events(dispute: BareDispute) -> list[ShownEvent]:
    return [
        ShownEvent(event, event.digest, words.DONE_WORDS[event.action], words.OF_WHOM[event.role])
        for event in dispute.events
    ]


def _events(session: Session, record: Record) -> list[ShownEvent]:
    found = []
    for event, digest in zip(record.events, record.event_digests, strict=True):
        action = Action(event.action)
        upheld = record.upheld if action in (Action.ACCEPT, Action.UPHOLD) else None
        found.append(
            ShownEvent(
                event=event,
                digest=digest,
                title=words.DONE_WORDS[action],
                role=words.OF_WHOM[Role(event.role)],
                actor=event.actor,
                reason=event.reason,
                upheld=words.claim_in_words(upheld, record) if upheld else None,
                note=queries.document_of(session, event.note_id) if event.note_id else None,
                attachment_name=event.attachment_name,
            )
        )
    return found
