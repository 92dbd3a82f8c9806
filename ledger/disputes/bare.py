"""Disputes as everybody may know them: their course, and no name, reason, amount or document.

Row security hides the disputes of others. That there are some is public, as are their deadlines;
and whoever shares a pot with a line that a run corrected learns by which run. Both come by one
function of the database, `ledger.bare_disputes`, which returns no other's row.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.disputes.records import DisputedLine, Record
from ledger.disputes.sealing import DisputeRow, EventRow

QUERY = text(
    "SELECT market, number, kind, billing_month, terms_digest, time_zone, raise_within_days, "
    "answer_within_days, escalate_within_days, decide_within_days, events, moved_own "
    "FROM ledger.bare_disputes() ORDER BY market, number"
)
NOBODY = uuid.UUID(int=0)


class Bare(NamedTuple):
    """A dispute, of which the record holds empty texts for what only its parties may read.

    `has_moved_own` says whether it is of another, and what settled it moved lines of participants
    for whom who asks acts. Only then is the kind of the line told.
    """

    record: Record
    has_moved_own: bool


def bare_disputes(session: Session) -> list[Bare]:
    """Return every dispute."""
    return [_bare(dict(row._mapping)) for row in session.execute(QUERY)]


def _bare(of: Mapping[str, Any]) -> Bare:
    row = DisputeRow(
        of["market"], of["number"], "", NOBODY, 0, b"", None, None, bytes(of["terms_digest"]),
        of["time_zone"], of["raise_within_days"], of["answer_within_days"],
        of["escalate_within_days"], of["decide_within_days"],
    )  # fmt: skip
    line = DisputedLine(
        document="",
        series="",
        issued_at=dt.datetime.min.replace(tzinfo=dt.UTC),
        due_on=dt.date.min,
        billing_month=of["billing_month"],
        currency="",
        last_journal_number=0,
        kind=of["kind"] or "",
        subject="",
        description="",
        quantity=None,
        quantity_unit=None,
        amount_micro=0,
        digest=b"",
    )
    events = tuple(_event(of["market"], of["number"], event) for event in of["events"])
    digests = tuple(bytes.fromhex(event["digest"]) for event in of["events"])
    return Bare(Record(row, b"", line, events, digests), of["moved_own"])


def _event(market: str, dispute: int, of: Mapping[str, Any]) -> EventRow:
    return EventRow(
        market, of["number"], dispute, of["step"], of["action"], "", of["role"],
        dt.datetime.fromisoformat(of["taken_at"]), "", None, None,
        uuid.UUID(of["run_id"]) if of["run_id"] else None, tuple(of["journal_numbers"]),
        None, None, None, None, b"",
    )  # fmt: skip
