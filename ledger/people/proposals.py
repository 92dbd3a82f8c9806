"""Propose, and approve: two rows, each under its own token, both naming one digest; or give up."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any, shown
from ledger import store as ledger_store
from ledger.people import store
from ledger.people.rights import NOBODY, check_approver, check_ending, check_proposer
from ledger.people.roles import Kind, Outcome
from ledger.people.rows import ApprovalRow, ProposalEndRow, ProposalRow
from ledger.people.store import StoredProposal
from ledger.people.tables import Approval, Proposal, ProposalEnd

SHORTEST_DIGEST = 8
"""Hexadecimal digits of a digest by which an approver names what was read."""


def canonical_text(content: Mapping[str, Any]) -> str:
    """Return the one writing of a content: JSON of texts and mappings, keys in order."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def propose(
    session: Session,
    kind: Kind,
    market: str | None,
    content: Mapping[str, Any],
    now: dt.datetime,
    texts: str = "",
) -> StoredProposal:
    """Append a proposal in the name of whoever acts.

    Args:
        session: acts as whoever proposes.
        kind: what it is.
        market: whose law it would change; None of a grant.
        content: all that is decided, in texts and mappings of them.
        now: when.
        texts: what the content names by digest; whoever reads it holds the two together.

    Raises:
        Refused: nobody acts, or who does may not propose it.
    """
    ledger_store.lock(session)
    rights = store.acting(session)
    refuse_any(check_proposer(rights, kind))
    written = canonical_text(content)
    row = ProposalRow(
        store.next_number(session, Proposal),
        kind.value,
        market,
        sha256(written.encode()).digest(),
        texts,
        rights.account,
        now,
    )
    store.append(session, Proposal, [row], content=written)
    return StoredProposal(
        row.number, kind, market, written, row.content_digest, texts, rights.account, now, None,
        None,
    )  # fmt: skip


def approve(
    session: Session, number: int, digest: str, now: dt.datetime, found: Iterable[Finding] = ()
) -> StoredProposal:
    """Append the approval of a proposal, in the name of whoever acts.

    What was approved is then done, in the same transaction, by whoever called.

    Args:
        session: acts as whoever approves.
        number: of the proposal.
        digest: of its content, in hexadecimal, or how it begins: what the approver has read.
        now: when.
        found: what already forbids it, to be said with the rest.

    Raises:
        Refused: with every finding.
    """
    ledger_store.lock(session)
    stored = find_open(session, number)
    findings = [*found, *check_digest(stored, digest)]
    rights = store.acting(session)
    grantee = NOBODY
    if stored.kind is Kind.GRANT:
        grantee = store.rights_of(session, json.loads(stored.content)["account"])
    proposer = store.rights_of(session, stored.proposed_by)
    findings += check_approver(rights, proposer, stored.kind, grantee)
    refuse_any(findings)
    row = ApprovalRow(number, stored.content_digest, rights.account, now)
    store.append(session, Approval, [row])
    return stored._replace(approved_by=rights.account, approved_at=now)


def give_up(
    session: Session,
    number: int,
    outcome: Outcome,
    reason: str,
    now: dt.datetime,
    found: Iterable[Finding] = (),
) -> StoredProposal:
    """Append that a proposal is given up, in the name of whoever acts: nobody approves it then.

    Args:
        session: acts as whoever proposed it, or to reject it as another person.
        number: of the proposal.
        outcome: whether it is withdrawn or rejected.
        reason: why, in words.
        now: when.
        found: what already forbids it, to be said with the rest.

    Raises:
        Refused: with every finding; nothing is written.
    """
    ledger_store.lock(session)
    stored = find_open(session, number)
    rights = store.acting(session)
    proposer = store.rights_of(session, stored.proposed_by)
    refuse_any([*found, *check_ending(rights, proposer, stored.kind, outcome)])
    row = ProposalEndRow(number, outcome.value, rights.account, now, reason.strip())
    store.append(session, ProposalEnd, [row])
    return stored._replace(
        outcome=outcome, ended_by=row.ended_by, ended_at=now, end_reason=row.reason
    )


def check_digest(stored: StoredProposal, digest: str) -> Iterator[Finding]:
    """Find that somebody names another digest than that of a proposal, or too little of it."""
    hexadecimal = stored.content_digest.hex()
    if len(digest) < SHORTEST_DIGEST or not hexadecimal.startswith(digest.lower()):
        yield Finding(
            "digest-differs",
            f"proposal {stored.number}",
            shown(digest),
            f"the digest of what was read, at least {SHORTEST_DIGEST} digits of it; that of "
            f"proposal {stored.number} begins {hexadecimal[:SHORTEST_DIGEST]}",
            f"read it, `manage.py proposals {stored.number}`, and name its digest",
        )


def find_open(session: Session, number: int) -> StoredProposal:
    """Return a proposal that waits: nobody has approved it or given it up.

    Raises:
        Refused: there is none of the number, or it waits no more.
    """
    stored = store.proposal(session, number)
    if stored is None or not stored.is_open:
        raise Refused(
            [
                Finding(
                    "proposal-not-open",
                    f"proposal {number}",
                    "no such proposal" if stored is None else state_words(stored),
                    "a proposal is approved once, and not after it was given up",
                    "`manage.py proposals` lists those that wait",
                )
            ]
        )
    return stored


def state_words(stored: StoredProposal) -> str:
    """Return how a proposal stands: waits, or what became of it, by whom and when, in UTC."""
    if stored.approved_at is not None:
        return f"approved by {stored.approved_by} at {stored.approved_at:%Y-%m-%d %H:%M}Z"
    if stored.ended_at is not None:
        return f"{stored.outcome} by {stored.ended_by} at {stored.ended_at:%Y-%m-%d %H:%M}Z"
    return "waits"
