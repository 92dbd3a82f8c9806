"""The dispute of the demonstration: a line is disputed before the correction, and settled by it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.disputes.attachments import Attachment
from ledger.disputes.claims import Claim
from ledger.disputes.corrections import suggestions
from ledger.disputes.course import AWAITS_SETTLEMENT, Action, Role
from ledger.disputes.queries import disputes
from ledger.disputes.records import Actor
from ledger.disputes.steps import StepRequest, take_step
from ledger.invoice import document_number
from ledger.tables import Invoice, InvoiceLine
from portal.demo_people import OPERATOR, REGULATOR, DemoPeople
from settlement.billing.disputing import dispute_line, terms_at_issue
from settlement.billing.lines import CATALOGUE, Subject

METERED_KINDS = [
    kind.code for kind in CATALOGUE if kind.subject is Subject.SUPPLY_POINT and kind.rests_on
]
BY_OPERATOR = Actor(OPERATOR.account, Role.OPERATOR)
BY_REGULATOR = Actor(REGULATOR.account, Role.REGULATOR)
READINGS = Attachment(
    "check-meter.csv",
    b"day,billed_mwh,check_meter_mwh\nfirst,118.204,117.021\nsecond,121.377,120.160\n",
)


def dispute_largest_line(
    session: Session, market: str, clock: Callable[[], dt.datetime], people: DemoPeople
) -> None:
    """Dispute the largest line of the largest invoice, up to the regulator, who upholds half.

    It is a line about a supply point, whose meter can be read again and so settle the dispute.
    Does nothing where the market has a dispute already, or where it is too late for one.
    """
    if disputes(session, market):
        return
    largest = _largest_line(session, market)
    if largest is None:
        return
    series, number, issued_at, participant, line = largest
    terms = terms_at_issue(session, market, issued_at)
    if terms.has_passed(terms.raise_by(issued_at), clock()):
        return
    people.ensure_participants(session, market, [participant])
    owner = Actor(participant, Role.PARTICIPANT, participant)
    people.act(session, participant)
    # A hundredth, to the penny; at least 2 micro, so that the half that is upheld is a claim too.
    claimed = Claim(amount_micro=max(line.amount_micro // 1_000_000 * 10_000, 2))
    opened = dispute_line(
        session,
        document_number(series, number),
        line.line,
        claimed,
        owner,
        "Our check meter disagrees with what was billed: a hundredth of it seems to be wrong.",
        clock(),
        READINGS,
    )
    half = Claim(amount_micro=(claimed.amount_micro or 0) // 2)
    for request in (
        StepRequest(
            Action.REJECT,
            BY_OPERATOR,
            "The readings are the meter operator's, and accepted.",
        ),
        StepRequest(
            Action.ESCALATE, owner, "The answer does not say how the check meter was weighed."
        ),
        StepRequest(
            Action.UPHOLD,
            BY_REGULATOR,
            "The check meter is in its class of accuracy; the meter operator is to read again.",
            half,
        ),
    ):
        people.act(session, request.actor.account)
        take_step(session, market, opened.row.number, request, clock())


def _largest_line(session: Session, market: str) -> Any:
    """Return series, number, issue, participant and the line, or None where nothing was billed."""
    return session.execute(
        select(Invoice.series, Invoice.number, Invoice.issued_at, Invoice.participant, InvoiceLine)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(
            Invoice.market == market,
            Invoice.kind == "invoice",
            InvoiceLine.quantity > 0,
            InvoiceLine.kind.in_(METERED_KINDS),
        )
        .order_by(Invoice.due_minor.desc(), InvoiceLine.amount_micro.desc(), InvoiceLine.line)
        .limit(1)
    ).one_or_none()


def disputed_subjects(session: Session, market: str) -> list[str]:
    """Return what disputed lines are about: the regulator had the meter operator read it again."""
    return [record.line.subject for record in disputes(session, market)]


def settle_corrected(session: Session, market: str, now: dt.datetime) -> None:
    """Settle every upheld dispute that a posted run and its note have corrected."""
    for record in disputes(session, market):
        if record.course.state(now) not in AWAITS_SETTLEMENT:
            continue
        for found in suggestions(session, record)[:1]:
            request = StepRequest(
                Action.SETTLE,
                BY_OPERATOR,
                "Settled again with the readings that were corrected.",
                run_id=found.correction.run_id,
                note_id=found.note.id if found.note else None,
            )
            take_step(session, market, record.row.number, request, now)
