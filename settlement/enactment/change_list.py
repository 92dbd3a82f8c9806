"""Changes as lists show them, beside the proposals of law that were made without one."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy.orm import Session

from ledger.people import store as people_store
from ledger.people.roles import Kind as ProposalKind
from ledger.people.roles import Outcome
from ledger.people.store import StoredProposal
from rulebook import store as rulebook_store
from rulebook.changes import store
from rulebook.changes.life import Life
from rulebook.changes.standing import state_of_law
from rulebook.changes.steps import Kind, State
from rulebook.standing import Record

ENDED: Mapping[Outcome, State] = MappingProxyType(
    {Outcome.WITHDRAWN: State.WITHDRAWN, Outcome.REJECTED: State.REJECTED}
)
"""How a proposal stands that was given up, in the words of changes."""


class ListedChange(NamedTuple):
    """A change, or a proposal that was made without one, which has no number of a change.

    Attributes:
        by: the account that opened it, or proposed.
        participant: for which it did.
        at: when the last step was taken.
    """

    number: int | None
    proposal: int | None
    market: str
    title: str
    state: State
    is_urgent: bool
    by: str
    participant: str | None
    opened_at: dt.datetime
    at: dt.datetime


def list_changes(
    session: Session, now: dt.datetime, market: str | None = None
) -> list[ListedChange]:
    """Return changes and proposals of law, of one market or of all: what moved last stands first.

    Of proposals those that whoever reads may see.
    """
    lives = list(store.lives(session, with_texts=False).values())
    of_changes = {event.proposal for life in lives for event in life.events if event.proposal}
    alone = [
        proposal
        for proposal in people_store.proposals(session)
        if proposal.kind is not ProposalKind.GRANT and proposal.number not in of_changes
    ]
    named = [life.proposal for life in lives if life.proposal] + [each.number for each in alone]
    versions = rulebook_store.records_of_approvals(session, named)
    listed = [
        *(_of_change(life, _state(life, versions, now)) for life in lives),
        *(_of_proposal(each, versions[each.number], now) for each in alone),
    ]
    wanted = [each for each in listed if market in (None, each.market)]
    return sorted(wanted, key=lambda each: (each.at, each.number or 0), reverse=True)


def void_proposals(session: Session) -> dict[int, int]:
    """Return the proposals that nobody may approve any more, each with the change that went on."""
    lives = store.lives(session, with_texts=False).values()
    return {
        event.proposal: life.change.number
        for life in lives
        for event in life.events
        if event.kind == Kind.PROPOSE and event.proposal and event.proposal != life.proposal
    }


def state_of(session: Session, life: Life, now: dt.datetime) -> State:
    """Return where a change stands at a moment, once it is law as the law says."""
    numbers = [life.proposal] if life.proposal else []
    return _state(life, rulebook_store.records_of_approvals(session, numbers), now)


def _state(life: Life, versions: dict[int, list[Record]], now: dt.datetime) -> State:
    if life.state is State.APPROVED and life.proposal:
        return state_of_law(versions[life.proposal], now)
    return life.state or State.DRAFT


def _of_change(life: Life, state: State) -> ListedChange:
    change = life.change
    return ListedChange(
        change.number, life.proposal, change.market, change.title, state, change.is_urgent,
        change.opened_by, change.participant, change.opened_at, life.events[-1].at,
    )  # fmt: skip


def _of_proposal(
    proposal: StoredProposal, versions: Iterable[Record], now: dt.datetime
) -> ListedChange:
    decided = json.loads(proposal.content)
    if proposal.kind is ProposalKind.ENDING:
        title = f"End of {decided['instrument']}"
    else:
        title = decided["reason"] or ", ".join(sorted(decided["documents"]))
    state = ENDED.get(proposal.outcome) if proposal.outcome else None
    if proposal.approved_at is not None:
        state = state_of_law(versions, now)
    return ListedChange(
        None,
        proposal.number,
        proposal.market or "",
        title,
        state or State.WAITING,
        False,
        proposal.proposed_by,
        None,
        proposal.proposed_at,
        proposal.approved_at or proposal.ended_at or proposal.proposed_at,
    )
