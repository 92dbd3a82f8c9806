"""The documents of a proposal that waits, or of a change, to be tried before anybody decides."""

import datetime as dt
import json

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.people import proposals
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal, proposed_beside
from rulebook.changes.records import draft_of_revision
from rulebook.drafting import Draft
from rulebook.publication import Placed
from settlement.enactment.change_law import last_draft
from settlement.enactment.changes import find
from settlement.enactment.content import read_publication


def revised_documents(session: Session, number: int) -> tuple[tuple[Placed, ...], dt.datetime]:
    """Return the documents of the last revision of a change, and the instant they were drawn from.

    Raises:
        Refused: there is no such change, it has no text, or the text was altered.
    """
    revision, draft = last_draft(find(session, number))
    return draft.documents, revision.drawn_from


def revised_draft(session: Session, number: int, revision: int) -> Draft:
    """Return the draft of a revision of a change, by the number of each.

    Raises:
        Refused: there is no such change or revision, or the text was altered.
    """
    life = find(session, number)
    for row in life.revisions:
        if row.number == revision:
            return draft_of_revision(life.change.market, row)
    raise Refused(
        [
            Finding(
                "revision-unknown",
                f"change {number}",
                f"revision {revision}",
                f"the change has {len(life.revisions)}",
                "name one that it has",
            )
        ]
    )


def handover_of(session: Session, ending: StoredProposal) -> StoredProposal | None:
    """Return what was proposed in one act with an end, to be law before it; None where none was."""
    return next(
        (
            each
            for each in proposed_beside(session, ending)
            if each.kind is Kind.PUBLICATION and _hands_over(each, ending)
        ),
        None,
    )


def ending_after(session: Session, handover: StoredProposal) -> StoredProposal | None:
    """Return the end that was proposed in one act with what is handed over before it."""
    return next(
        (
            each
            for each in proposed_beside(session, handover)
            if each.kind is Kind.ENDING and _hands_over(handover, each)
        ),
        None,
    )


def _hands_over(handover: StoredProposal, ending: StoredProposal) -> bool:
    starts, ends = json.loads(handover.content)["valid_from"], json.loads(ending.content)["ends"]
    return handover.number < ending.number and bool(starts == ends)


def proposed_documents(session: Session, number: int) -> tuple[Placed, ...]:
    """Return the documents that an open proposal would publish.

    Raises:
        Refused: there is no such proposal, it was approved, or it publishes nothing.
    """
    stored = proposals.find_open(session, number)
    if stored.kind is not Kind.PUBLICATION:
        raise Refused(
            [
                Finding(
                    "proposal-without-documents",
                    f"proposal {number}",
                    f"a proposal of kind {stored.kind.value}",
                    "what is tried is documents that would become law",
                    "name a proposal of law, or files",
                )
            ]
        )
    return read_publication(stored.number, stored.content, stored.texts).documents
