"""Propose law: a publication, or the end of a document, in the name of whoever acts."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from common.refusals import refuse_any
from ledger.people import proposals
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from ledger.sealing import sealed_spans
from rulebook.documents import Document
from rulebook.ending import EndingPlan, plan_end
from rulebook.publication import Placed
from rulebook.publishing import Plan, plan
from settlement.enactment.content import (
    ending_content,
    publication_content,
    publication_texts,
)
from settlement.enactment.leaving import ONE_DAY, Choice, Leaving, leaving, plan_leave
from settlement.enactment.payees import check_proposed


def propose_publication(
    session: Session,
    files_or_documents: Sequence[Path | Document | Placed],
    *,
    valid_from: dt.date | dt.datetime,
    valid_to: dt.date | dt.datetime | None = None,
    now: dt.datetime,
    reason: str = "",
) -> tuple[Plan, StoredProposal | None]:
    """Propose documents of one market; all that forbids publishing them now is found now.

    Args:
        session: acts as whoever proposes.
        files_or_documents: files, folders, or documents.
        valid_from: first day of validity, or the instant at which that day begins.
        valid_to: first day on which the documents no longer apply; None for no end.
        now: when.
        reason: why; must be stated where validity begins before `now`.

    Returns:
        What it would do, and the proposal; None where every document stands so already.

    Raises:
        Refused: with every finding; nothing is written.
    """
    planned = plan(
        session, files_or_documents, valid_from=valid_from, valid_to=valid_to, known=now,
        reason=reason, sealed=sealed_spans(session),
    )  # fmt: skip
    if not planned.is_needed:
        return planned, None
    refuse_any(check_proposed(session, planned, now))
    return planned, _propose_plan(session, planned, now)


def _propose_plan(session: Session, planned: Plan, now: dt.datetime) -> StoredProposal:
    content = publication_content(planned.request, planned.start, planned.end)
    written = proposals.canonical_text(publication_texts(planned.request))
    return proposals.propose(session, Kind.PUBLICATION, planned.market, content, now, written)


def propose_ending(
    session: Session, market: str, name: str, day: dt.date, *, now: dt.datetime, reason: str
) -> tuple[EndingPlan, StoredProposal | None]:
    """Propose the end of a document, on the first day on which it no longer applies.

    Returns:
        What it would do, and the proposal; None where it ends on that day already.

    Raises:
        Refused: with every finding; nothing is written.
    """
    planned = plan_end(
        session, market, name, day, known=now, reason=reason, sealed=sealed_spans(session)
    )
    if not planned.is_needed:
        return planned, None
    return planned, _propose_end(session, market, planned, now)


def _propose_end(
    session: Session, market: str, planned: EndingPlan, now: dt.datetime
) -> StoredProposal:
    content = ending_content(planned.instrument, planned.request, planned.end)
    return proposals.propose(session, Kind.ENDING, market, content, now)


def propose_leaving(
    session: Session,
    market: str,
    participant: str,
    last_day: dt.date,
    choice: Choice,
    *,
    now: dt.datetime,
    reason: str,
) -> list[StoredProposal]:
    """Propose that a participant leaves after its last day, as `propose_leave`.

    Raises:
        Refused: with every finding, that it never was one among them; nothing is written.
    """
    found = leaving(session, market, participant, last_day, now)
    if found is not None:
        return propose_leave(session, found, last_day, choice, now, reason)
    ends = last_day + ONE_DAY
    _, proposal = propose_ending(
        session, market, f"registration/{participant}", ends, now=now, reason=reason
    )
    return [proposal] if proposal else []


def propose_leave(
    session: Session,
    found: Leaving,
    last_day: dt.date,
    choice: Choice,
    now: dt.datetime,
    reason: str,
) -> list[StoredProposal]:
    """Propose that a participant leaves: what it hands over, where it does, and then its end.

    Returns:
        The proposals, in the order in which they are approved; none where it leaves so already.

    Raises:
        Refused: with every finding; nothing is written.
    """
    planned, findings = plan_leave(session, found, last_day, choice, now, reason)
    handover, ending = planned
    if handover is not None:
        findings += check_proposed(session, handover, now)
    refuse_any(findings)
    proposed = []
    if handover is not None and handover.is_needed:
        proposed.append(_propose_plan(session, handover, now))
    if ending is not None and ending.is_needed:
        proposed.append(_propose_end(session, found.registration.market, ending, now))
    return proposed
