"""Verification of people: every row hashed again, and every deed held to who might do it then.

A right holds from its grant to its withdrawal, by the moments that their rows state. The log says
in which order rows came; a moment that was changed makes another digest.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common.damage import damage
from database.metadata import Base
from ledger.people import rows, tables
from ledger.people.roles import DECIDERS, MANAGERS, Kind, Outcome, Role
from ledger.verification import FOREIGN, Findings, changed

UNENTITLED = "deed-unentitled"
DECISION = "decision"

HASHED: dict[type[Base], type[NamedTuple]] = {
    tables.Person: rows.PersonRow,
    tables.UserAccount: rows.AccountRow,
    tables.Founding: rows.FoundingRow,
    tables.Proposal: rows.ProposalRow,
    tables.Approval: rows.ApprovalRow,
    tables.Answer: rows.AnswerRow,
    tables.ProposalEnd: rows.ProposalEndRow,
    tables.AccountGrant: rows.GrantRow,
    tables.Withdrawal: rows.WithdrawalRow,
}


class Deed(NamedTuple):
    """Rows that say who did something: where, by whom, when, and in which role."""

    table: str
    key: str
    actor: str
    moment: str
    roles: frozenset[Role]


OPERATORS = frozenset({Role.OPERATOR})
DEEDS = (
    Deed("people.person", "number", "recorded_by", "recorded_at", MANAGERS),
    Deed("people.account", "id", "recorded_by", "recorded_at", MANAGERS),
    Deed("people.withdrawal", "grant_number", "withdrawn_by", "withdrawn_at", MANAGERS),
    Deed("ledger.bank_file", "market || ' ' || name", "received_by", "received_at", OPERATORS),
    Deed(
        "ledger.allocation",
        "market || '/' || statement_number || '/' || line || ':' || decision",
        "decided_by",
        "decided_at",
        OPERATORS,
    ),
    Deed("ledger.seal", "market || ' ' || settlement_day", "sealed_by", "sealed_at", OPERATORS),
)
"""The deeds of which a role is asked; of a dispute's steps, see `_verify_parties`."""

PARTIES = text(
    "SELECT event.market || '/' || event.number, event.actor, event.taken_at, event.role, "
    "event.market, dispute.participant FROM ledger.dispute_event AS event "
    "JOIN ledger.dispute ON dispute.market = event.market "
    "AND dispute.number = event.dispute_number ORDER BY event.market, event.number"
)


class Span(NamedTuple):
    """A right, from when to before when it held."""

    role: str
    owner: tuple[str | None, str | None]
    granted_at: dt.datetime
    withdrawn_at: dt.datetime | None


class Registry:
    """Whose each account is, and what it might do at each moment."""

    def __init__(
        self, persons: Mapping[str, int | None], spans: Mapping[str, Iterable[Span]]
    ) -> None:
        self.persons = persons
        self.spans = {account: tuple(held) for account, held in spans.items()}

    def might(self, account: str, roles: Iterable[str], at: dt.datetime, owner: Any = None) -> bool:
        """Return whether an account held one of some roles at a moment, for an owner if named."""
        return any(
            span.role in roles
            and (owner is None or span.owner == owner)
            and span.granted_at <= at
            and (span.withdrawn_at is None or at <= span.withdrawn_at)
            for span in self.spans.get(account, ())
        )


def verify_people(session: Session) -> Findings:
    """Yield what is wrong with people, rights and decisions, and deeds that nobody might do."""
    for table, row in HASHED.items():
        yield from _verify_digests(session, table, row)
    registry = read_registry(session)
    yield from _verify_founding(session, registry)
    yield from _verify_decisions(session, registry)
    yield from _verify_answers(session, registry)
    yield from _verify_ends(session, registry)
    yield from _verify_grants(session)
    for deed in DEEDS:
        statement = f"SELECT {deed.key}, {deed.actor}, {deed.moment} FROM {deed.table} ORDER BY 1"
        for key, actor, moment in session.execute(text(statement)):
            if actor is not None and not registry.might(actor, deed.roles, moment):
                held = " or ".join(sorted(deed.roles))
                value = f"{actor} was no {held} then"
                yield damage(UNENTITLED, f"{deed.table} {key} {deed.actor}", value)
    yield from _verify_parties(session, registry)


def read_registry(session: Session) -> Registry:
    """Return every account and right of this database."""
    persons = {
        row.id: row.person
        for row in session.execute(select(tables.UserAccount.id, tables.UserAccount.person))
    }
    grant, end = tables.AccountGrant, tables.Withdrawal
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    statement = select(
        grant.account, grant.role, grant.market, grant.participant, grant.granted_at,
        end.withdrawn_at,
    ).outerjoin(end, end.grant_number == grant.number)  # fmt: skip
    for account, role, market, participant, granted_at, withdrawn_at in session.execute(statement):
        spans[account].append(Span(role, (market, participant), granted_at, withdrawn_at))
    return Registry(persons, spans)


def _verify_digests(session: Session, table: type[Base], row: type[NamedTuple]) -> Findings:
    columns = table.__table__.columns
    seen: set[Any] = set()
    statement = select(*(columns[name] for name in (*row._fields, "digest")))
    for *values, digest in session.execute(statement.order_by(columns[row._fields[0]])):
        key = values[0]
        place = f"people.{table.__tablename__}"
        if key in seen:
            yield damage(FOREIGN, f"{place} {key}", "the row stands twice")
        seen.add(key)
        if row(*values).digest != digest:  # type: ignore[attr-defined]  # each has one
            yield changed(place, str(key))


def _verify_founding(session: Session, registry: Registry) -> Findings:
    foundings = session.scalars(select(tables.Founding).order_by(tables.Founding.once)).all()
    for founding in foundings[:-1]:
        yield damage(FOREIGN, f"people.founding {founding.operator}", "there is one founding")
    if not foundings:
        return
    founding = foundings[-1]
    if not founding.once:
        yield changed("people.founding", founding.operator)
    first = [registry.persons.get(each) for each in (founding.operator, founding.regulator)]
    if None in first or first[0] == first[1]:
        value = f"{founding.operator} and {founding.regulator} are not two people"
        yield damage(DECISION, f"people.founding {founding.operator}", value)
    persons = select(tables.Person.number, tables.Person.recorded_at).where(
        tables.Person.recorded_by.is_(None)
    )
    for number, recorded_at in session.execute(persons):
        if number not in first or recorded_at != founding.founded_at:
            yield damage(DECISION, f"people.person {number}", "nobody recorded it")
    accounts = select(tables.UserAccount.id, tables.UserAccount.recorded_at).where(
        tables.UserAccount.recorded_by.is_(None)
    )
    for account, recorded_at in session.execute(accounts):
        is_first = account in (founding.operator, founding.regulator)
        if not is_first or recorded_at != founding.founded_at:
            yield damage(DECISION, f"people.account {account}", "nobody recorded it")


def _verify_decisions(session: Session, registry: Registry) -> Findings:
    """Hold every proposal to its proposer's role, and every approval to another person's."""
    proposal, approval = tables.Proposal, tables.Approval
    statement = (
        select(
            proposal.number, proposal.kind, proposal.content, proposal.content_digest,
            proposal.proposed_by, proposal.proposed_at, approval.approved_by, approval.approved_at,
        )
        .outerjoin(approval, approval.proposal == proposal.number)
        .order_by(proposal.number)
    )  # fmt: skip
    for (
        number,
        kind,
        content,
        digest,
        proposer,
        proposed_at,
        approver,
        approved_at,
    ) in session.execute(statement):
        if sha256(content.encode()).digest() != digest:
            yield changed("people.proposal", f"{number} content")
        if kind not in DECIDERS:
            yield damage(DECISION, f"people.proposal {number} kind", f"nobody decides a {kind}")
            continue
        deciders = DECIDERS[Kind(kind)]
        if not registry.might(proposer, deciders.propose, proposed_at):
            value = f"{proposer} might not propose a {kind} then"
            yield damage(UNENTITLED, f"people.proposal {number} proposed_by", value)
        if approver is None:
            continue
        place = f"people.approval {number}"
        if not registry.might(approver, deciders.approve, approved_at):
            value = f"{approver} might not approve a {kind} then"
            yield damage(UNENTITLED, f"{place} approved_by", value)
        person = registry.persons.get(approver)
        others = [registry.persons.get(proposer)]
        if kind == Kind.GRANT:
            others.append(registry.persons.get(_grantee(content)))
        if person is None or person in others:
            yield damage(DECISION, place, f"{approver} approves what concerns the same person")
        elif registry.persons.get(proposer) is None:
            yield damage(DECISION, place, f"{approver} approves what no person proposed")


def _verify_answers(session: Session, registry: Registry) -> Findings:
    """Hold every answer to who might give it, and every approval to that nobody objected."""
    answer, approval = tables.Answer, tables.Approval
    statement = (
        select(answer, tables.Proposal.market.label("of_market"), approval.approved_by)
        .outerjoin(tables.Proposal, tables.Proposal.number == answer.proposal)
        .outerjoin(approval, approval.proposal == answer.proposal)
        .order_by(answer.number)
    )
    for row, market, approver in session.execute(statement):
        place = f"people.answer {row.number}"
        owner = (row.market, row.participant)
        is_entitled = registry.might(row.answered_by, (Role.PARTICIPANT,), row.answered_at, owner)
        if not is_entitled or market != row.market:
            value = f"{row.answered_by} did not act for {row.participant} then"
            yield damage(UNENTITLED, f"{place} answered_by", value)
        if registry.persons.get(row.answered_by) is None:
            yield damage(DECISION, place, f"{row.answered_by} is no person")
        if approver is not None and not row.agrees:
            value = f"{approver} approved what {row.participant} objected to"
            yield damage(DECISION, f"people.approval {row.proposal}", value)


def _verify_ends(session: Session, registry: Registry) -> Findings:
    """Hold every proposal that was given up to who might do so, and to that nobody approved it."""
    end, proposal, approval = tables.ProposalEnd, tables.Proposal, tables.Approval
    answered = select(tables.Answer.proposal).where(
        tables.Answer.proposal == end.proposal, tables.Answer.answered_at > end.ended_at
    )
    statement = (
        select(end, proposal.kind, proposal.proposed_by, proposal.proposed_at,
               approval.approved_by, answered.exists().label("is_answered"))
        .outerjoin(proposal, proposal.number == end.proposal)
        .outerjoin(approval, approval.proposal == end.proposal)
        .order_by(end.proposal)
    )  # fmt: skip
    for row, kind, proposer, proposed_at, approver, is_answered in session.execute(statement):
        place = f"people.proposal_end {row.proposal}"
        if kind not in DECIDERS or row.outcome not in set(Outcome):
            yield damage(DECISION, place, f"nobody ends a {kind} so")
            continue
        is_withdrawn = row.outcome == Outcome.WITHDRAWN
        decided = DECIDERS[Kind(kind)]
        roles = decided.propose if is_withdrawn else decided.approve
        if not registry.might(row.ended_by, roles, row.ended_at):
            value = f"{row.ended_by} might not end a {kind} so then"
            yield damage(UNENTITLED, f"{place} ended_by", value)
        person = registry.persons.get(row.ended_by)
        is_own = person == registry.persons.get(proposer)
        if person is None or is_own != is_withdrawn:
            value = f"what {proposer} proposed was not {row.outcome} by {row.ended_by}"
            yield damage(DECISION, place, value)
        if approver is not None or is_answered or row.ended_at < proposed_at:
            value = "it was proposed, answered or approved after it ended"
            yield damage(DECISION, place, value)


def _grantee(content: str) -> str:
    """Return the account that a grant is for, and no account's name where it cannot be read."""
    try:
        return str(json.loads(content)["account"])
    except (ValueError, LookupError, TypeError):
        return ""


def _verify_grants(session: Session) -> Findings:
    """Hold every grant to the approved proposal, or the founding, that says so."""
    statement = text(
        "SELECT held.number, held.account FROM people.account_grant AS held "
        "LEFT JOIN people.approval ON approval.proposal = held.approval "
        "LEFT JOIN people.proposal ON proposal.number = approval.proposal "
        "LEFT JOIN people.founding ON held.approval IS NULL "
        "AND founding.founded_at = held.granted_at AND held.account = CASE held.role "
        "WHEN 'operator' THEN founding.operator WHEN 'regulator' THEN founding.regulator END "
        "WHERE CASE WHEN held.approval IS NULL THEN founding.once IS NULL OR EXISTS ("
        "SELECT FROM people.account_grant AS first WHERE first.approval IS NULL "
        "AND first.role = held.role AND first.number < held.number) ELSE ("
        "proposal.kind = 'grant' AND "
        "CASE WHEN proposal.content IS JSON THEN proposal.content::jsonb END @> jsonb_build_object("
        "'account', held.account, 'role', held.role, 'market', held.market, "
        "'participant', held.participant)) IS NOT TRUE END ORDER BY held.number"
    )
    for number, account in session.execute(statement):
        value = f"no approval says that {account} has this right"
        yield damage(DECISION, f"people.account_grant {number}", value)


def _verify_parties(session: Session, registry: Registry) -> Findings:
    for key, actor, taken_at, role, market, participant in session.execute(PARTIES):
        owner = (market, participant) if role == Role.PARTICIPANT else None
        if not registry.might(actor, (role,), taken_at, owner):
            value = f"{actor} was not the {role} of it then"
            yield damage(UNENTITLED, f"ledger.dispute_event {key} actor", value)
