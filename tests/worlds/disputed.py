"""Disputes on the tiny market's documents, taken as far as a test wants them."""

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ledger.disputes.attachments import Attachment
from ledger.disputes.claims import Claim
from ledger.disputes.course import Action, Role
from ledger.disputes.records import Actor, Record
from ledger.disputes.steps import StepRequest, take_step
from ledger.invoice import document_number
from ledger.tables import Invoice, InvoiceLine
from settlement.billing.disputing import dispute_line
from tests.worlds.people import acting_as

OPERATOR = Actor("olga", Role.OPERATOR)
REGULATOR = Actor("rufus", Role.REGULATOR)
MINUTE = dt.timedelta(minutes=1)
READINGS = Attachment("Our readings.csv", b"interval,kWh\n1,20\n2,21\n")


def actor_of(participant: str, name: str = "") -> Actor:
    return Actor(name or f"desk-of-{participant}", Role.PARTICIPANT, participant)


def line_of(session: Session, participant: str, kind: str) -> tuple[str, int]:
    """Return a line of a kind on the first document of a participant, by its number."""
    row = session.execute(
        select(Invoice.series, Invoice.number, InvoiceLine.line)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(Invoice.participant == participant, InvoiceLine.kind == kind)
        .where(Invoice.original.is_(None))
        .order_by(Invoice.number, InvoiceLine.line)
    ).first()
    return document_number(row.series, row.number), row.line


def opened(
    session: Session,
    participant: str,
    kind: str,
    now: dt.datetime,
    claim: Claim | None = None,
    attachment: Attachment | None = None,
) -> Record:
    document, line = line_of(session, participant, kind)
    actor = actor_of(participant)
    with acting_as(session, actor.account):
        return dispute_line(
            session,
            document,
            line,
            claim or Claim(amount_micro=1_000_000),
            actor,
            "The meter counted twice.",
            now,
            attachment,
        )


def step(
    session: Session, record: Record, action: Action, actor: Actor, now: dt.datetime, **more
) -> Record:
    request = StepRequest(action, actor, more.pop("reason", f"We {action} it."), **more)
    with acting_as(session, actor.account):
        return take_step(session, record.row.market, record.row.number, request, now)


def upheld(session: Session, record: Record, now: dt.datetime, award: Claim | None = None):
    """Reject, escalate and uphold a dispute, a minute each."""
    owner = actor_of(record.row.participant)
    step(session, record, Action.REJECT, OPERATOR, now + MINUTE, attachment=READINGS)
    step(session, record, Action.ESCALATE, owner, now + 2 * MINUTE)
    return step(session, record, Action.UPHOLD, REGULATOR, now + 3 * MINUTE, award=award)


def note_of(session: Session, record: Record) -> uuid.UUID:
    """Return the latest note on the disputed document."""
    note = aliased(Invoice)
    return session.scalars(
        select(note.id).where(note.original == record.row.invoice_id).order_by(note.number.desc())
    ).first()


def dispute_tiny(session: Session, now: dt.datetime) -> tuple[Record, Record, Record]:
    """Open three disputes: one upheld in part, one by quantity and upheld, one withdrawn."""
    by_amount = opened(session, "cedar", "charge.fuel", now, attachment=READINGS)
    by_amount = upheld(session, by_amount, now, Claim(amount_micro=400_000))
    by_quantity = opened(session, "doric", "charge.dynamic", now, Claim(quantity=2_000))
    by_quantity = upheld(session, by_quantity, now + 4 * MINUTE)
    withdrawn = opened(session, "cedar", "charge.adequacy", now)
    owner = actor_of("cedar")
    withdrawn = step(session, withdrawn, Action.WITHDRAW, owner, now + MINUTE)
    return by_amount, by_quantity, withdrawn


def settled(session: Session, record: Record, run_id: uuid.UUID, now: dt.datetime) -> Record:
    note = note_of(session, record)
    return step(session, record, Action.SETTLE, OPERATOR, now, run_id=run_id, note_id=note)
