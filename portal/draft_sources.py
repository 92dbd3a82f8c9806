"""Where a draft of law comes from that a page tries: how it is named, listed, and read.

A source names what cannot change any more, so that a trial that waits tries what was chosen.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from ledger.people.roles import Kind
from ledger.people.store import StoredProposal, proposals
from rulebook.publication import Placed
from settlement.enactment.proposed import proposed_documents

PROPOSAL = "proposal"


class Source(NamedTuple):
    """A draft that may be tried: its kind and number, its market, and what it is called."""

    kind: str
    number: int
    market: str
    title: str

    @property
    def key(self) -> str:
        """What a form names it by."""
        return f"{self.kind}-{self.number}"


def list_sources(session: Session) -> list[Source]:
    """Return every draft that waits for a decision, latest first."""
    return [
        Source(PROPOSAL, each.number, each.market, _title(each))
        for each in proposals(session, open_only=True)
        if each.kind is Kind.PUBLICATION and each.market is not None
    ]


def read_source(session: Session, source: Mapping[str, Any]) -> Sequence[Placed]:
    """Return the documents of a draft, as a request stores which it is.

    Raises:
        Refused: it does not wait any more.
    """
    return proposed_documents(session, source["number"])


def _title(proposal: StoredProposal) -> str:
    reason = json.loads(proposal.content)["reason"]
    return f"Proposal {proposal.number} of {proposal.market}" + (f": {reason}" if reason else "")
