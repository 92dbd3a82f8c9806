"""Questions about disputes; every function reads in the caller's transaction."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ledger.disputes import store
from ledger.disputes.bare import MovingDispute, bare_disputes
from ledger.disputes.corrections import Suggestion, suggestions
from ledger.disputes.course import ANSWERS, AWAITS_SETTLEMENT, DECISIONS, Action, State
from ledger.disputes.records import Record
from ledger.disputes.tables import Dispute, DisputeEvent
from ledger.invoice import document_number
from ledger.tables import Invoice, InvoiceLine

WORD_OF = {
    Action.OPEN: "opened",
    **dict.fromkeys(ANSWERS, "answered"),
    Action.ESCALATE: "escalated",
    **dict.fromkeys(DECISIONS, "decided"),
    Action.SETTLE: "settled",
    Action.WITHDRAW: "withdrawn",
}
"""What a notice calls a step."""


@dataclass(frozen=True)
class MonthCount:
    """How many lines of a market's documents for a month were disputed, and how it stands."""

    market: str
    billing_month: date
    states: tuple[tuple[State, int], ...]

    @property
    def opened(self) -> int:
        """All that were ever opened."""
        return sum(count for _, count in self.states)

    def of(self, state: State) -> int:
        """Return how many are in a state."""
        return dict(self.states).get(state, 0)


def find(session: Session, market: str, number: int) -> Record | None:
    """Return a dispute, or None."""
    return store.record(session, market, number)


def disputes(
    session: Session,
    market: str | None = None,
    participants: Collection[tuple[str, str]] | None = None,
) -> list[Record]:
    """Return disputes of a market, or of all; of participants (market, name), or of all."""
    conditions = [] if market is None else [Dispute.market == market]
    if participants is not None:
        owner = tuple_(Dispute.market, Dispute.participant)
        conditions.append(owner.in_(list(participants)))
    return store.records(session, *conditions)


def sort_by_deadline(found: Collection[Record], now: datetime) -> list[Record]:
    """Return disputes in the order in which they want attention.

    First what is overdue, the longest first; then what is due, the soonest first; then what waits
    for a correction; then what is over, latest first.
    """

    def place(record: Record) -> tuple[int, date, int]:
        missed, due = record.course.missed(now), record.course.due(now)
        latest = -record.events[-1].number
        if missed is not None:
            return 0, missed, latest
        if due is not None:
            return 1, due.day, latest
        return (2 if record.course.is_open(now) else 3), date.max, latest

    return sorted(found, key=place)


def latest_by_line(session: Session, invoice_id: UUID) -> dict[int, Record]:
    """Return the latest dispute of each line of a document that has any, by line."""
    found = store.records(session, Dispute.invoice_id == invoice_id)
    return {record.row.line: record for record in found}


def settled_moving_own(session: Session) -> list[MovingDispute]:
    """Return the disputes of others whose resettlement moved lines of who acts.

    A resettlement moves everyone who shares a pot with the disputed line.
    """
    return [each for each in bare_disputes(session) if isinstance(each, MovingDispute)]


def corrected_micro(session: Session, record: Record) -> int | None:
    """Return what the note that settled a dispute changed on its line, + the participant pays more.

    0 where no money moved; None while it is not settled.
    """
    settlement = record.settlement
    if settlement is None:
        return None
    line = select(InvoiceLine.amount_micro).where(
        InvoiceLine.invoice_id == settlement.note_id, InvoiceLine.line == settlement.note_line
    )
    return session.scalar(line) or 0


def document_of(session: Session, invoice_id: UUID) -> str | None:
    """Return the printed number of a document, or None."""
    row = session.execute(
        select(Invoice.series, Invoice.number).where(Invoice.id == invoice_id)
    ).one_or_none()
    return None if row is None else document_number(row.series, row.number)


def awaiting_settlement(
    session: Session, now: datetime, run_id: UUID, market: str
) -> list[tuple[Record, Suggestion]]:
    """Return the disputes of a market that a posted run has corrected and nobody has settled."""
    found = []
    for record in disputes(session, market):
        if record.course.state(now) in AWAITS_SETTLEMENT:
            of_run = [
                each for each in suggestions(session, record) if each.correction.run_id == run_id
            ]
            found += [(record, each) for each in of_run]
    return found


def settled_by(session: Session, run_id: UUID) -> list[Record]:
    """Return the disputes that a run has settled."""
    keys = select(DisputeEvent.market, DisputeEvent.dispute_number).where(
        DisputeEvent.run_id == run_id
    )
    return store.records(session, tuple_(Dispute.market, Dispute.number).in_(keys))


def attachment(session: Session, record: Record, step: int) -> tuple[str, str, bytes] | None:
    """Return name, media type and content of what was attached in a step, or None."""
    for event in record.events:
        if event.step == step and event.attachment_name and event.attachment_sha256:
            found = store.attachment(session, event.attachment_sha256)
            return None if found is None else (event.attachment_name, *found)
    return None


def month_counts(session: Session, now: datetime) -> list[MonthCount]:
    """Return the counts that are public: by market and month, latest month first."""
    counted: Counter[tuple[str, date, State]] = Counter(
        (dispute.market, dispute.billing_month, dispute.course.state(now))
        for dispute in bare_disputes(session)
    )
    months = {(market, month) for market, month, _ in counted}
    return [
        MonthCount(
            market,
            month,
            tuple((state, count) for state in State if (count := counted[market, month, state])),
        )
        for market, month in sorted(months, key=lambda each: (each[0], -each[1].toordinal()))
    ]
