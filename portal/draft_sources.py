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
from rulebook.changes import store as change_store
from rulebook.documents import Document
from settlement.enactment.proposed import proposed_documents, revised_draft

PROPOSAL, CHANGE = "proposal", "change"


class Source(NamedTuple):
    """A draft that may be tried: its kind and number, its market, and what it is called.

    `revision` is that of a change: a later one is another text.
    """

    kind: str
    number: int
    market: str
    title: str
    revision: int = 0

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
    return [
        *(
            Source(
                CHANGE,
                life.change.number,
                life.change.market,
                f"Change {life.change.number}: {life.change.title}",
                len(life.revisions),
            )
            for life in changes
        ),
        *(
            Source(PROPOSAL, each.number, each.market, _title(each))
            for each in proposals(session, open_only=True)
            if each.kind is Kind.PUBLICATION and each.market and each.number not in of_changes
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


def _title(proposal: StoredProposal) -> str:
    reason = json.loads(proposal.content)["reason"]
    return f"Proposal {proposal.number} of {proposal.market}" + (f": {reason}" if reason else "")
