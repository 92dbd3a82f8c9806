"""Disputes as everybody may know them: their course, and no name, reason, amount or document.

Row security hides the disputes of others. That there are some is public, as are their deadlines;
and whoever shares a pot with a line that a run corrected learns by which run. Both come by one
function of the database, `ledger.bare_disputes`, which returns no other's row.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.disputes.course import Action, Course, Role, Step
from ledger.disputes.terms import DisputeTerms

QUERY = text(
    "SELECT market, number, kind, billing_month, terms_digest, time_zone, raise_within_days, "
    "answer_within_days, escalate_within_days, decide_within_days, events, moved_own "
    "FROM ledger.bare_disputes() ORDER BY market, number"
)


class BareEvent(NamedTuple):
    """What everybody may know of a step: what was done, for which side, when, and by which run."""

    number: int
    step: int
    action: Action
    role: Role
    taken_at: dt.datetime
    run_id: uuid.UUID | None
    journal_numbers: tuple[int, ...]
    digest: bytes

    @property
    def as_step(self) -> Step:
        """The event as the machine sees it."""
        return Step(self.action, None, self.taken_at)


@dataclass(frozen=True)
class BareDispute:
    """What everybody may know of a dispute; its parties read a `Record`."""

    market: str
    number: int
    billing_month: dt.date
    terms: DisputeTerms
    events: tuple[BareEvent, ...]

    @property
    def key(self) -> tuple[str, int]:
        """Market and number."""
        return self.market, self.number

    @property
    def course(self) -> Course:
        """Its steps under its terms."""
        return Course(self.terms, tuple(event.as_step for event in self.events))


@dataclass(frozen=True)
class MovingDispute(BareDispute):
    """A dispute of another; what settled it moved lines of participants for whom who asks acts.

    Such a reader, and no other, is told the kind of the disputed line.
    """

    line_kind: str


def bare_disputes(session: Session) -> list[BareDispute]:
    """Return every dispute."""
    return [_bare(dict(row._mapping)) for row in session.execute(QUERY)]


def _bare(of: Mapping[str, Any]) -> BareDispute:
    terms = DisputeTerms(
        bytes(of["terms_digest"]), of["time_zone"], of["raise_within_days"],
        of["answer_within_days"], of["escalate_within_days"], of["decide_within_days"],
    )  # fmt: skip
    events = tuple(_event(event) for event in of["events"])
    known = of["market"], of["number"], of["billing_month"], terms, events
    return MovingDispute(*known, of["kind"]) if of["moved_own"] else BareDispute(*known)


def _event(of: Mapping[str, Any]) -> BareEvent:
    return BareEvent(
        of["number"], of["step"], Action(of["action"]), Role(of["role"]),
        dt.datetime.fromisoformat(of["taken_at"]),
        uuid.UUID(of["run_id"]) if of["run_id"] else None, tuple(of["journal_numbers"]),
        bytes.fromhex(of["digest"]),
    )  # fmt: skip
