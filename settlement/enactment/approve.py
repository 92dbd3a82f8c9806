"""Approve what another person proposed, and let it become law in the same transaction."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger import store as ledger_store
from ledger.invoice_queries import last_issue
from ledger.payments.interest_queries import last_interest_posted
from ledger.people import proposals
from ledger.people.granting import approve_grant
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from ledger.sealing import sealed_spans
from rulebook.ending import end, plan_end
from rulebook.publication import Decision
from rulebook.publishing import PublishedVersion, plan, publish
from rulebook.versions import instant_shown
from settlement.enactment.change_law import check_of_change, tell_approval
from settlement.enactment.content import (
    ending_content,
    publication_content,
    read_ending,
    read_publication,
)
from settlement.enactment.end_checks import check_handed_over, check_handover, check_left
from settlement.enactment.moved_law import check_moved
from settlement.enactment.payees import check_approved
from settlement.meters.store import last_look


def approve(
    session: Session, number: int, digest: str, now: dt.datetime, reason: str = ""
) -> list[PublishedVersion]:
    """Approve a proposal in the name of whoever acts, and do what it says.

    Everything is checked again: what was lawful to propose may be so no more.

    Args:
        session: acts as whoever approves.
        number: of the proposal.
        digest: of its content, in hexadecimal, or how it begins: what the approver has read.
        now: when.
        reason: why, in the record of the change that proposed it, where one did.

    Returns:
        How each document now stands; nothing of a grant.

    Raises:
        Refused: with every finding; nothing is written.
    """
    stored = proposals.find_open(session, number)
    if stored.kind is Kind.GRANT:
        approve_grant(session, number, digest, now)
        return []
    if stored.kind is Kind.ENDING:
        return _end(session, stored, digest, now)
    return _publish(session, stored, digest, now, reason)


def _publish(
    session: Session, stored: StoredProposal, digest: str, now: dt.datetime, reason: str
) -> list[PublishedVersion]:
    wanted = read_publication(stored.number, stored.content, stored.texts)
    # The law's lock before the ledger's, which to approve takes: every command has this order.
    planned = plan(
        session, wanted.documents, valid_from=wanted.valid_from, valid_to=wanted.valid_to,
        known=now, reason=wanted.reason, sealed=sealed_spans(session),
    )  # fmt: skip
    content = publication_content(planned.request, planned.start, planned.end)
    moved = list(check_moved(session, stored))
    _refuse_other(stored, content, moved)
    found = [
        *moved,
        *_check_moment(session, stored, now),
        *check_handover(session, stored, now),
        *check_approved(session, planned, stored),
        *check_of_change(session, stored),
    ]
    approved = proposals.approve(session, stored.number, digest, now, found)
    tell_approval(session, approved, now, reason)
    return publish(session, planned, _decision(approved))


def _end(
    session: Session, stored: StoredProposal, digest: str, now: dt.datetime
) -> list[PublishedVersion]:
    # Before that is law, whatever is found is of law that it makes other.
    refuse_any(check_handed_over(session, stored))
    wanted = read_ending(stored.content)
    planned = plan_end(
        session, stored.market or "", wanted.instrument, wanted.day,
        known=now, reason=wanted.reason, sealed=sealed_spans(session),
    )  # fmt: skip
    content = ending_content(planned.instrument, planned.request, planned.end)
    moved = list(check_moved(session, stored))
    _refuse_other(stored, content, moved)
    found = [*moved, *_check_moment(session, stored, now), *check_left(session, stored, now)]
    approved = proposals.approve(session, stored.number, digest, now, found)
    return [end(session, planned, _decision(approved))]


def _decision(approved: StoredProposal) -> Decision:
    return Decision(approved.number, approved.proposed_by, approved.approved_by or "")


def _check_moment(session: Session, stored: StoredProposal, now: dt.datetime) -> list[Finding]:
    """Find what was done by the law as it was known, since the approval began and while it waited.

    What is recorded now, at the moment it began, would say that other law was known by then.
    """
    ledger_store.lock(session)  # nothing more is done by the law from here on
    market = stored.market or ""
    acts = {
        "a run settled, or a draft was tried,": last_look(session, market),
        "interest was posted": last_interest_posted(session, market),
        "documents were issued": last_issue(session, market),
    }
    return [
        Finding(
            "law-relied-on-since",
            f"proposal {stored.number}",
            f"approved at {instant_shown(now)}",
            f"{act} in {market} by the law as it was known at {instant_shown(known)}",
            "approve it again",
        )
        for act, known in acts.items()
        if known is not None and known >= now
    ]


def _refuse_other(
    stored: StoredProposal, content: Mapping[str, Any], moved: Sequence[Finding]
) -> None:
    """Refuse what would say something else by now than it did when it was proposed.

    Args:
        stored: what was proposed.
        content: what it would say.
        moved: the documents whose law became another, which is why, where there are any.
    """
    if proposals.canonical_text(content) != stored.content:
        raise Refused(
            moved
            or [
                Finding(
                    "law-has-moved",
                    f"proposal {stored.number}",
                    "it would do something else by now",
                    "what is approved is what was proposed",
                    "propose it again",
                )
            ]
        )
