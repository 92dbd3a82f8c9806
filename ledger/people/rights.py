"""What an account may do, as far as grants say; pure."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from common.people import name_key
from common.refusals import Finding, shown
from ledger.people.roles import DECIDERS, MANAGERS, Kind, Outcome, Role

ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*")
ACCOUNT_NAME_LENGTH = 48
SIGN_IN = "sign in: `manage.py login ACCOUNT`"


@dataclass(frozen=True)
class Rights:
    """An account, whose it is, and what it may do.

    Attributes:
        account: its name; empty for nobody.
        person: number of the person it is of; None for a service.
        roles: that it holds.
        participants: (market, participant) for which it acts.
    """

    account: str
    person: int | None
    roles: frozenset[Role]
    participants: frozenset[tuple[str, str]] = frozenset()

    def holds_any(self, roles: frozenset[Role]) -> bool:
        """Return whether it holds one of some roles."""
        return bool(self.roles & roles)


class Answered(NamedTuple):
    """The word of a participant on a proposal, and whose account gave it."""

    participant: str
    agrees: bool
    account: str
    person: int | None
    at: dt.datetime


NOBODY = Rights("", None, frozenset())


def check_acting(rights: Rights, roles: frozenset[Role], deed: str) -> Iterator[Finding]:
    """Find that nobody is signed in, or that who is holds none of the roles that a deed needs."""
    wanted = " or ".join(sorted(roles))
    if not rights.account:
        yield Finding("nobody-acts", "account", "nobody is signed in", f"the {wanted} may {deed}",
                      SIGN_IN)  # fmt: skip
    elif not rights.holds_any(roles):
        held = ", ".join(sorted(rights.roles)) or "no role"
        yield Finding(
            "role-missing",
            f"account {rights.account}",
            held,
            f"the {wanted} may {deed}",
            "let somebody who may do it, or have the role granted: `manage.py propose grant`",
        )


def check_proposer(rights: Rights, kind: Kind) -> Iterator[Finding]:
    """Find why an account may not propose something of a kind."""
    yield from check_acting(rights, DECIDERS[kind].propose, f"propose a {kind}")
    # Whoever holds the token of a service may approve by an account of their own.
    if rights.account and rights.person is None:
        yield Finding("service-proposes", f"account {rights.account}", "a service",
                      "a person proposes, and another approves",
                      "let a person sign in and propose it")  # fmt: skip


def check_approver(
    rights: Rights, proposer: Rights, kind: Kind, grantee: Rights = NOBODY
) -> Iterator[Finding]:
    """Find why an account may not approve what another proposed, for a third perhaps."""
    yield from check_acting(rights, DECIDERS[kind].approve, f"approve a {kind}")
    if not rights.account:
        return
    place = f"account {rights.account}"
    if rights.person is None:
        yield Finding("service-approves", place, "a service", "a person approves",
                      "let a person sign in and approve it")  # fmt: skip
    elif rights.person in (proposer.person, grantee.person):
        other = proposer if rights.person == proposer.person else grantee
        deed = "it was proposed by" if other is proposer else "it grants a right to"
        yield Finding(
            "two-people",
            place,
            f"{deed} {other.account}, who is the same person",
            "two people decide, and nobody for themselves",
            "have somebody else approve it",
        )


def check_ending(
    rights: Rights, proposer: Rights, kind: Kind, outcome: Outcome
) -> Iterator[Finding]:
    """Find why an account may not give up a proposal: its own, or as another person another's."""
    decided = DECIDERS[kind]
    roles = decided.propose if outcome is Outcome.WITHDRAWN else decided.approve
    deed = "withdraw" if outcome is Outcome.WITHDRAWN else "reject"
    yield from check_acting(rights, roles, f"{deed} a {kind}")
    if not rights.account:
        return
    place = f"account {rights.account}"
    if rights.person is None:
        yield Finding("service-ends-proposal", place, "a service", f"a person may {deed} it",
                      f"let a person sign in and {deed} it")  # fmt: skip
    elif outcome is Outcome.WITHDRAWN and rights.person != proposer.person:
        yield Finding(
            "proposal-of-another",
            place,
            f"it was proposed by {proposer.account}, who is another person",
            "who proposed it withdraws it",
            "let them withdraw it, or reject it",
        )
    elif outcome is Outcome.REJECTED and rights.person == proposer.person:
        yield Finding(
            "two-people",
            place,
            f"it was proposed by {proposer.account}, who is the same person",
            "another person rejects it",
            "withdraw it, or have somebody else reject it",
        )


def check_manager(rights: Rights, deed: str) -> Iterator[Finding]:
    """Find why an account may not look after accounts."""
    yield from check_acting(rights, MANAGERS, deed)


def check_new_account(account: str, place: str = "account") -> Iterator[Finding]:
    """Find what keeps a text from being the name of an account, for good."""
    if len(account) > ACCOUNT_NAME_LENGTH or not ACCOUNT_NAME.fullmatch(account):
        yield Finding(
            "account-name",
            place,
            shown(account),
            f"small letters a to z and digits, parted by . _ or -, at most {ACCOUNT_NAME_LENGTH}",
            "choose such a name; it is never given to another",
        )


def check_name(name: str, place: str = "name") -> Iterator[Finding]:
    """Find that the name of a person says nothing."""
    if not name_key(name):
        yield Finding("name-missing", place, shown(name), "a person has a name",
                      "write it as others know it")  # fmt: skip
