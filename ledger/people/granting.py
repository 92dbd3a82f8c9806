"""Grants: a role for an account, proposed by one person and approved by another."""

import datetime as dt
import json
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.refusals import Finding, refuse_any, shown
from ledger.people import proposals, store
from ledger.people.roles import Kind, Role
from ledger.people.rows import GrantRow
from ledger.people.store import StoredProposal
from ledger.people.tables import AccountGrant


class Wanted(NamedTuple):
    """A right that somebody is to have."""

    account: str
    role: Role
    market: str | None = None
    participant: str | None = None


def propose_grant(session: Session, wanted: Wanted, now: dt.datetime) -> StoredProposal:
    """Propose a grant in the name of whoever acts.

    Raises:
        Refused: with every finding.
    """
    refuse_any(_check(session, wanted))
    return proposals.propose(session, Kind.GRANT, None, wanted._asdict(), now)


def approve_grant(session: Session, number: int, digest: str, now: dt.datetime) -> GrantRow:
    """Approve a grant in the name of whoever acts, and make it.

    Raises:
        Refused: with every finding.
    """
    approved = proposals.approve(session, number, digest, now)
    wanted = Wanted(**json.loads(approved.content))
    refuse_any(_check(session, wanted))
    row = GrantRow(
        store.next_number(session, AccountGrant),
        wanted.account,
        str(wanted.role),
        wanted.market,
        wanted.participant,
        number,
        now,
    )
    store.append(session, AccountGrant, [row])
    return row


def _check(session: Session, wanted: Wanted) -> list[Finding]:
    findings = []
    rights = store.rights_of(session, wanted.account)
    place = f"grant to {shown(wanted.account)}"
    if not rights.account:
        findings.append(
            Finding(
                "account-unknown",
                place,
                "no such account",
                "an account that there is",
                "`manage.py people add` makes one",
            )
        )
    is_participant = wanted.role == Role.PARTICIPANT
    owner = (wanted.market, wanted.participant)
    if is_participant != all(owner) or is_participant != any(owner):
        findings.append(
            Finding(
                "participant-missing" if is_participant else "participant-named",
                place,
                f"{wanted.role} of {wanted.market or 'no market'}/"
                f"{wanted.participant or 'no participant'}",
                "the role of a participant is for one participant of one market; others for all",
                "name both --market and --participant"
                if is_participant
                else "leave --market and --participant out",
            )
        )
    elif owner in rights.participants if is_participant else wanted.role in rights.roles:
        findings.append(
            Finding(
                "role-held", place, wanted.role, "a right is granted once", "leave it as it stands"
            )
        )
    return findings
