"""People in PostgreSQL; every function works in the caller's transaction."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from database.metadata import Base
from ledger.people.rights import NOBODY, Answered, Rights
from ledger.people.roles import Kind, Outcome, Role
from ledger.people.tables import (
    AccountGrant,
    Answer,
    Approval,
    Deed,
    Founding,
    Person,
    Proposal,
    ProposalEnd,
    UserAccount,
    Withdrawal,
)
from ledger.store import constraints_as_refusals


class SealedRow(Protocol):
    """A row that knows its digest, such as those of `ledger.people.rows`."""

    @property
    def digest(self) -> bytes:
        """The digest over every column."""

    def _asdict(self) -> dict[str, Any]:
        """Return the columns by name."""


class StoredProposal(NamedTuple):
    """A proposal, and its approval where it has one, or how it was given up."""

    number: int
    kind: Kind
    market: str | None
    content: str
    content_digest: bytes
    texts: str
    proposed_by: str
    proposed_at: dt.datetime
    approved_by: str | None
    approved_at: dt.datetime | None
    outcome: Outcome | None = None
    ended_by: str | None = None
    ended_at: dt.datetime | None = None
    end_reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for another person."""
        return self.approved_by is None and self.outcome is None


class Known(NamedTuple):
    """An account as lists show it."""

    id: str
    person: int | None
    name: str
    recorded_at: dt.datetime
    recorded_by: str | None


class Held(NamedTuple):
    """A grant, and its end where it has one."""

    number: int
    account: str
    role: Role
    market: str | None
    participant: str | None
    granted_at: dt.datetime
    proposed_by: str | None
    approved_by: str | None
    withdrawn_at: dt.datetime | None
    withdrawn_by: str | None
    reason: str | None


def append(session: Session, table: type[Base], rows: Sequence[SealedRow], **more: object) -> None:
    """Append rows with their digests; `more` holds what the digest does not cover."""
    stored = [{**row._asdict(), "digest": row.digest, **more} for row in rows]
    with constraints_as_refusals():
        session.execute(insert(table), stored)


def next_number(session: Session, table: type[Base], column: str = "number") -> int:
    """Return the number after the last; under the ledger's lock, so that nobody else takes it."""
    latest = session.scalar(select(func.max(table.__table__.columns[column])))
    return int(latest or 0) + 1


def record_deed(session: Session, account: str, command: str, words: str, at: dt.datetime) -> None:
    """Append what an account did by a command to the audit trail."""
    session.execute(
        insert(Deed), [{"at": at, "account": account, "command": command, "words": words}]
    )


def founding(session: Session) -> Founding | None:
    """Return who began, or None before that."""
    return session.scalar(select(Founding))


def acting(session: Session) -> Rights:
    """Return the rights of the account under whose token this transaction acts."""
    account = session.scalar(select(func.people.acting()))
    return rights_of(session, account) if account else NOBODY


def rights_of(session: Session, account: str) -> Rights:
    """Return what an account may do; of an unknown one, nothing."""
    grant = AccountGrant
    statement = (
        select(UserAccount.person, grant.role, grant.market, grant.participant)
        .outerjoin(grant, (grant.account == UserAccount.id) & ~_is_withdrawn())
        .where(UserAccount.id == account)
    )
    rows = session.execute(statement).all()  # in one question: every page asks
    if not rows:
        return NOBODY
    held = [row for row in rows if row.role is not None]
    participants = {(row.market, row.participant) for row in held if row.role == Role.PARTICIPANT}
    roles = frozenset(Role(row.role) for row in held)
    return Rights(account, rows[0].person, roles, frozenset(participants))


def persons_of(session: Session, accounts: Iterable[str]) -> dict[str, int | None]:
    """Return the person of each account that there is."""
    wanted = select(UserAccount.id, UserAccount.person).where(UserAccount.id.in_(list(accounts)))
    return {row.id: row.person for row in session.execute(wanted)}


def names_of(session: Session) -> dict[str, str]:
    """Return the name of whoever each account is of; that of a service is its own."""
    return {known.id: known.name for known in accounts(session)}


def accounts(session: Session) -> list[Known]:
    """Return every account, by name."""
    statement = (
        select(
            UserAccount.id,
            UserAccount.person,
            func.coalesce(Person.name, UserAccount.id),
            UserAccount.recorded_at,
            UserAccount.recorded_by,
        )
        .outerjoin(Person, Person.number == UserAccount.person)
        .order_by(UserAccount.id)
    )
    return [Known(*row) for row in session.execute(statement)]


def people(session: Session) -> dict[int, str]:
    """Return the name of every person, by number."""
    rows = session.execute(select(Person.number, Person.name).order_by(Person.number))
    return {row.number: row.name for row in rows}


def grants(session: Session) -> list[Held]:
    """Return every grant that was ever made, in order."""
    grant = AccountGrant
    statement = (
        select(
            grant.number,
            grant.account,
            grant.role,
            grant.market,
            grant.participant,
            grant.granted_at,
            Proposal.proposed_by,
            Approval.approved_by,
            Withdrawal.withdrawn_at,
            Withdrawal.withdrawn_by,
            Withdrawal.reason,
        )
        .outerjoin(Approval, Approval.proposal == grant.approval)
        .outerjoin(Proposal, Proposal.number == grant.approval)
        .outerjoin(Withdrawal, Withdrawal.grant_number == grant.number)
        .order_by(grant.number)
    )
    rows: Iterable[Any] = session.execute(statement)
    return [Held(*row)._replace(role=Role(row.role)) for row in rows]


def proposals(
    session: Session, *, open_only: bool = False, kinds: Iterable[Kind] = tuple(Kind)
) -> list[StoredProposal]:
    """Return proposals, latest first; `open_only` leaves out what was approved or given up."""
    named = Proposal.kind.in_([kind.value for kind in kinds])
    statement = _proposals().where(named).order_by(Proposal.number.desc())
    if open_only:
        statement = statement.where(Approval.proposal.is_(None), ProposalEnd.proposal.is_(None))
    return [_stored(row) for row in session.execute(statement)]


def proposal(session: Session, number: int) -> StoredProposal | None:
    """Return a proposal, or None."""
    row = session.execute(_proposals().where(Proposal.number == number)).one_or_none()
    return _stored(row) if row else None


def proposed_beside(session: Session, stored: StoredProposal) -> list[StoredProposal]:
    """Return what was proposed in the same act, of the same market: by one account, at one moment.

    In the order of their numbers, without the one asked about.
    """
    statement = _proposals().where(
        Proposal.proposed_at == stored.proposed_at,
        Proposal.proposed_by == stored.proposed_by,
        Proposal.market == stored.market,
        Proposal.number != stored.number,
    )
    return [_stored(row) for row in session.execute(statement.order_by(Proposal.number))]


def answers(session: Session, number: int) -> list[Answered]:
    """Return what participants said of a proposal, in order."""
    statement = (
        select(
            Answer.participant,
            Answer.agrees,
            Answer.answered_by,
            UserAccount.person,
            Answer.answered_at,
        )
        .join(UserAccount, UserAccount.id == Answer.answered_by)
        .where(Answer.proposal == number)
        .order_by(Answer.number)
    )
    return [Answered(*row) for row in session.execute(statement)]


def _proposals() -> Any:
    columns = (
        Proposal.number,
        Proposal.kind,
        Proposal.market,
        Proposal.content,
        Proposal.content_digest,
        Proposal.texts,
        Proposal.proposed_by,
        Proposal.proposed_at,
        Approval.approved_by,
        Approval.approved_at,
        ProposalEnd.outcome,
        ProposalEnd.ended_by,
        ProposalEnd.ended_at,
        ProposalEnd.reason,
    )
    return (
        select(*columns)
        .outerjoin(Approval, Approval.proposal == Proposal.number)
        .outerjoin(ProposalEnd, ProposalEnd.proposal == Proposal.number)
    )


def _stored(row: Any) -> StoredProposal:
    outcome = Outcome(row.outcome) if row.outcome else None
    return StoredProposal(*row)._replace(kind=Kind(row.kind), outcome=outcome)


def _is_withdrawn() -> Any:
    return exists().where(Withdrawal.grant_number == AccountGrant.number)
