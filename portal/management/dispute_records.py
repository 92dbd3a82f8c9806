"""What the commands of disputes print: a dispute as JSON, and as one line."""

import datetime as dt
from typing import Any

from ledger.disputes.claims import Claim
from ledger.disputes.records import Record
from portal.amounts import money_parts, with_unit


def as_json(record: Record, now: dt.datetime) -> dict[str, Any]:
    """Return a dispute with its state, what is due, and every event."""
    due = record.course.due(now)
    line = record.line
    return {
        "market": record.row.market,
        "number": record.row.number,
        "participant": record.row.participant,
        "document": line.document,
        "line": record.row.line,
        "kind": line.kind,
        "subject": line.subject,
        "claimed_micro": record.row.claimed_micro,
        "claimed_quantity": record.row.claimed_quantity,
        "state": record.course.state(now).value,
        "is_open": record.course.is_open(now),
        "is_overdue": record.course.is_overdue(now),
        "due": {"what": due.what, "role": due.role.value, "day": due.day} if due else None,
        "terms_digest": record.row.terms_digest,
        "digest": record.digest,
        "events": [
            {**event._asdict(), "digest": digest}
            for event, digest in zip(record.events, record.event_digests, strict=True)
        ],
    }


def as_line(record: Record, now: dt.datetime) -> str:
    """Return a dispute on one line: number, state, what is due, and what is claimed."""
    due = record.course.due(now)
    late = "overdue since" if record.course.is_overdue(now) else "due"
    course = record.course
    if due is None:
        waits = ""
    elif course.is_unanswered(now):
        answer = record.row.terms.answer_by(course.opened_at)
        waits = f"answer overdue since {answer}, may be escalated until {due.day}"
    else:
        waits = f"{due.what} {late} {due.day}"
    claim = claimed(record.row.claim, record)
    return (
        f"{record.row.number:>4}  {course.state(now):<10} {record.row.participant:<22} "
        f"{record.line.document}/{record.row.line}  {claim}{f'; {waits}' if waits else ''}"
    )


def claimed(claim: Claim, record: Record) -> str:
    """Return an amount or a quantity of a dispute as people read it."""
    if claim.amount_micro is not None:
        shown, below = money_parts(claim.amount_micro, record.line.currency)
        return f"{shown}{below}".rstrip("0").rstrip(".") if below.strip("0") else shown
    return with_unit(claim.quantity or 0, record.line.quantity_unit or "")
