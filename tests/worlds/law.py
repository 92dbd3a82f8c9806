"""Law as most tests want it: proposed by one person and approved by another, in one breath."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from rulebook.documents import Document
from rulebook.publishing import PublishedVersion
from settlement.enactment.approve import approve
from settlement.enactment.propose import propose_ending, propose_publication
from tests.worlds.people import acting_as


def publish(
    session: Session,
    files_or_documents: Sequence[Path | Document],
    *,
    valid_from: dt.date | dt.datetime,
    valid_to: dt.date | dt.datetime | None = None,
    known: dt.datetime,
    reason: str = "",
    author: str = "ada",
    approver: str = "grace",
) -> list[PublishedVersion]:
    """Publish documents, at one moment."""
    with acting_as(session, author):
        planned, proposal = propose_publication(
            session,
            files_or_documents,
            valid_from=valid_from,
            valid_to=valid_to,
            now=known,
            reason=reason,
        )
    if proposal is None:
        return planned.as_standing()
    with acting_as(session, approver):
        return approve(session, proposal.number, proposal.content_digest.hex(), known)


def end(
    session: Session,
    market: str,
    name: str,
    day: dt.date,
    *,
    known: dt.datetime,
    reason: str,
    author: str = "ada",
    approver: str = "grace",
) -> PublishedVersion:
    """End a document, at one moment; one that ends on that day already is not appended."""
    with acting_as(session, author):
        planned, proposal = propose_ending(session, market, name, day, now=known, reason=reason)
    if proposal is None:
        return planned.as_standing()
    with acting_as(session, approver):
        return approve(session, proposal.number, proposal.content_digest.hex(), known)[0]
