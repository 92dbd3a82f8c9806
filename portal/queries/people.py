"""Accounts, what they may do, and what is proposed of them, as pages show it."""

import json
from collections.abc import Iterable, Set
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from common.refusals import Finding
from ledger.people import store
from ledger.people.granting import Wanted
from ledger.people.rights import check_approver
from ledger.people.roles import Kind, Role
from ledger.people.store import Held, Known, StoredProposal
from rulebook.tables import VersionRow


@dataclass(frozen=True)
class ShownAccount:
    """An account with its rights; `sign_in` says how far its person got with the portal."""

    known: Known
    rights: tuple[Held, ...]
    ended: tuple[Held, ...]
    sign_in: str

    @property
    def is_service(self) -> bool:
        """Whether it is of no person."""
        return self.known.person is None

    @property
    def roles(self) -> list[str]:
        """What it may do, for all of the market."""
        return [each.role.value for each in self.rights if each.role is not Role.PARTICIPANT]

    @property
    def links(self) -> list[str]:
        """The participants for which it acts."""
        return [f"{each.market}/{each.participant}" for each in self.rights if each.participant]


@dataclass(frozen=True)
class ShownProposal:
    """A grant that is proposed; `hindrances` say why the reader may not approve it."""

    stored: StoredProposal
    wanted: Wanted
    proposer: str
    grantee: str
    hindrances: tuple[Finding, ...]

    @property
    def digest(self) -> str:
        """The digest that whoever approves it names, in hexadecimal."""
        return self.stored.content_digest.hex()


def shown_accounts(session: Session) -> list[ShownAccount]:
    """Return every account, by name."""
    grants = store.grants(session)
    users = {user.get_username(): user for user in User.objects.all()}
    factors = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    by_two = set(factors.values_list("user_id", flat=True))
    return [
        ShownAccount(
            known,
            tuple(_of(grants, known.id, is_ended=False)),
            tuple(_of(grants, known.id, is_ended=True)),
            _sign_in(known, users.get(known.id), by_two),
        )
        for known in store.accounts(session)
    ]


def shown_account(session: Session, account: str) -> ShownAccount | None:
    """Return an account, or None."""
    return next((each for each in shown_accounts(session) if each.known.id == account), None)


def open_grants(session: Session, reader: str) -> list[ShownProposal]:
    """Return the grants that wait for approval, earliest first."""
    found = store.proposals(session, open_only=True)
    return [_shown(session, each, reader) for each in reversed(found) if each.kind is Kind.GRANT]


def open_law(session: Session) -> int:
    """Return how many proposals of law wait: those stand among the law changes."""
    return sum(each.kind is not Kind.GRANT for each in store.proposals(session, open_only=True))


def shown_proposal(session: Session, number: int, reader: str) -> ShownProposal | None:
    """Return the proposal of a grant, open or approved; None where there is none."""
    found = store.proposal(session, number)
    return None if found is None or found.kind is not Kind.GRANT else _shown(session, found, reader)


def participants(session: Session) -> list[tuple[str, str]]:
    """Return market and name of every participant that was ever registered."""
    version = VersionRow
    rows = session.execute(
        select(version.market, version.instrument)
        .where(version.kind == "registration")
        .distinct()
        .order_by(version.market, version.instrument)
    )
    return [(row.market, row.instrument.rpartition("/")[2]) for row in rows]


def _shown(session: Session, stored: StoredProposal, reader: str) -> ShownProposal:
    wanted = Wanted(**json.loads(stored.content))
    names = store.names_of(session)
    rights = {
        account: store.rights_of(session, account)
        for account in (reader, stored.proposed_by, wanted.account)
    }
    hindrances = check_approver(
        rights[reader], rights[stored.proposed_by], stored.kind, rights[wanted.account]
    )
    return ShownProposal(
        stored,
        wanted,
        names.get(stored.proposed_by, stored.proposed_by),
        names.get(wanted.account, wanted.account),
        tuple(hindrances),
    )


def _of(grants: Iterable[Held], account: str, *, is_ended: bool) -> list[Held]:
    return [
        each
        for each in grants
        if each.account == account and (each.withdrawn_at is not None) == is_ended
    ]


def _sign_in(known: Known, user: User | None, by_two: Set[int]) -> str:
    if known.person is None:
        return "by token"
    if user is None:
        return "not invited"
    if not user.has_usable_password():
        return "invited"
    return "by password and second factor" if user.pk in by_two else "by password"
