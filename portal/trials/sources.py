"""Where a draft of law comes from that a page tries: how it is named, listed, and read.

A source names what cannot change any more, so that a trial that waits tries what was chosen.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from ledger.people.roles import Kind
from ledger.people.store import StoredProposal, proposals
from portal.queries.rules import zone_by_market
from rulebook.changes import store as change_store
from rulebook.days import day_of
from rulebook.documents import Document
from settlement.enactment.proposed import proposed_documents, revised_draft

PROPOSAL, CHANGE = "proposal", "change"


class Source(NamedTuple):
    """A draft that may be tried: its kind and number, its market, and what it is called.

    `revision` is that of a change: a later one is another text. `wanted_from` is the first local
    day, written as in addresses.
    """

    kind: str
    number: int
    market: str
    title: str
    revision: int = 0
    wanted_from: str = ""

    @property
    def wanted_day(self) -> dt.date | None:
        """The first day for which it is wanted."""
        return dt.date.fromisoformat(self.wanted_from) if self.wanted_from else None

    @property
    def key(self) -> str:
        """What a form names it by."""
        return f"{self.kind}-{self.number}"


class ReadSource(NamedTuple):
    """The documents of a draft, and the instant that they were drawn from; None for the present."""

    documents: Sequence[tuple[str, Document]]
    drawn_from: dt.datetime | None


def list_sources(session: Session) -> list[Source]:
    """Return every draft that is under way or waits for a decision, latest first."""
    lives = reversed(list(change_store.lives(session, with_texts=False).values()))
    changes = [life for life in lives if life.is_open and life.revisions]
    of_changes = {life.proposal for life in changes}
    waiting = [
        (each, json.loads(each.content))
        for each in proposals(session, open_only=True)
        if each.kind is Kind.PUBLICATION and each.market and each.number not in of_changes
    ]
    named = [*(life.change.market for life in changes), *(str(p.market) for p, _ in waiting)]
    zones = zone_by_market(session, named)
    return [
        *(
            Source(
                CHANGE,
                life.change.number,
                life.change.market,
                f"Change {life.change.number}: {life.change.title}",
                len(life.revisions),
                str(day_of(life.revisions[-1].valid_from, zones[life.change.market])),
            )
            for life in changes
        ),
        *(
            Source(
                PROPOSAL,
                each.number,
                str(each.market),
                _title(each, decided["reason"]),
                wanted_from=_day_text(decided["valid_from"], zones[str(each.market)]),
            )
            for each, decided in waiting
        ),
    ]


def read_source(session: Session, source: Mapping[str, Any]) -> ReadSource:
    """Return the documents of a draft, as a request stores which it is.

    Raises:
        Refused: it is not there as it was.
    """
    if source["kind"] == PROPOSAL:
        return ReadSource(proposed_documents(session, source["number"]), None)
    draft = revised_draft(session, source["number"], source["revision"])
    return ReadSource(draft.documents, draft.drawn_from)


def _day_text(instant: str, zone: str) -> str:
    return str(day_of(dt.datetime.fromisoformat(instant), zone))


def _title(proposal: StoredProposal, reason: str) -> str:
    return f"Proposal {proposal.number} of {proposal.market}" + (f": {reason}" if reason else "")
