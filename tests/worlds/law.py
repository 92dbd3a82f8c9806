"""Law as most tests want it: proposed by one person and approved by another, in one breath.

What changes who a participant is or where it is paid, an account of it confirms in between.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from ledger.people.roles import Role
from ledger.people.store import StoredProposal
from rulebook.documents import Document
from rulebook.publishing import PublishedVersion
from settlement.enactment.approve import approve
from settlement.enactment.payees import answer, proposed_payees
from settlement.enactment.propose import propose_ending, propose_publication
from tests.worlds.people import acting_as, add


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
    proposed: dt.datetime | None = None,
) -> list[PublishedVersion]:
    """Publish documents, at one moment, or where it is given proposed earlier."""
    with acting_as(session, author):
        planned, proposal = propose_publication(
            session,
            files_or_documents,
            valid_from=valid_from,
            valid_to=valid_to,
            now=proposed or known,
            reason=reason,
        )
    if proposal is None:
        return planned.as_standing()
    confirm(session, proposal, known)
    with acting_as(session, approver):
        return approve(session, proposal.number, proposal.content_digest.hex(), known)


def confirm(session: Session, proposal: StoredProposal, known: dt.datetime) -> None:
    """Let every participant confirm a proposal whom it concerns."""
    changes = [each for each in proposed_payees(session, [proposal.number]) if each.delay.is_bound]
    for name in sorted({each.change.participant for each in changes}):
        account = f"desk-of-{name}"
        add(session, account, Role.PARTICIPANT, proposal.market, name)
        with acting_as(session, account):
            digest = proposal.content_digest.hex()
            answer(session, proposal.number, digest, known, agrees=True)


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
