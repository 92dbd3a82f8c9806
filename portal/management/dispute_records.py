"""What the commands of disputes print: a dispute as JSON, and as one line."""

import datetime as dt
from typing import Any

from ledger.disputes.records import Record
from portal.dispute_words import claim_in_words, waits_for


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
    """Return a dispute on one line: number, state, what is claimed, and what it waits for."""
    waits = waits_for(record.course, now)
    return (
        f"{record.row.number:>4}  {record.course.state(now):<10} {record.row.participant:<22} "
        f"{record.line.document}/{record.row.line}  {claim_in_words(record.row.claim, record)}"
        f"{f'; {waits}' if waits else ''}"
    )
