"""How a change stands, from what happened; pure. An event takes the last state to the next.

A moment, who acts and what else there is are given; so `verify` asks of each stored event what was
asked before it was stored.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rulebook.changes.records import ChangeRow, EventRow, RevisionRow
from rulebook.changes.steps import (
    ANSWERED_BY,
    OPEN_STATES,
    SHORTEST_CONSULTATION_DAYS,
    STEPS,
    Kind,
    Party,
    State,
    Step,
)


class Actor(NamedTuple):
    """Who acts: an account, whose it is (None of a service), and what it may do.

    `participants` are those for which it acts, each by market and name.
    """

    account: str
    person: int | None
    roles: frozenset[str]
    participants: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Wanted:
    """A step that somebody wants to take.

    Attributes:
        saw: sequence number of the last event that they saw; None where they take it as it is now.
    """

    kind: Kind
    reason: str
    participant: str | None = None
    answers: int | None = None
    proposal: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    saw: int | None = None

    @property
    def step(self) -> Step:
        """Its row in the table of steps."""
        return STEPS[self.kind]


@dataclass(frozen=True)
class Life:
    """A change, its revisions and its events so far, each in order.

    Attributes:
        persons: the person of each account that acted; None of a service.
        consultation_days: the least that a consultation is open, by the market rules.
    """

    change: ChangeRow
    revisions: tuple[RevisionRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    persons: Mapping[str, int | None] = field(default_factory=dict)
    consultation_days: int = SHORTEST_CONSULTATION_DAYS

    @property
    def state(self) -> State | None:
        """Where it stands, as its last event says; None before it was opened."""
        return State(self.events[-1].state) if self.events else None

    @property
    def is_open(self) -> bool:
        """Whether it may still become another text."""
        return self.state in OPEN_STATES

    @property
    def sequence(self) -> int:
        """The number of the last event; 0 before the first."""
        return self.events[-1].sequence if self.events else 0

    @property
    def revision(self) -> RevisionRow | None:
        """The last revision."""
        return self.revisions[-1] if self.revisions else None

    @property
    def was_consulted(self) -> bool:
        """Whether a consultation was held, on whichever revision."""
        return self.last(Kind.CLOSE) is not None

    def last(self, kind: Kind) -> EventRow | None:
        """Return the last event of a kind."""
        return next((event for event in reversed(self.events) if event.kind == kind), None)

    def at(self, sequence: int) -> EventRow | None:
        """Return the event of a number."""
        return next((event for event in self.events if event.sequence == sequence), None)

    def revision_of(self, event: EventRow) -> RevisionRow | None:
        """Return the revision that an event names."""
        named = event.revision_digest
        return next((each for each in self.revisions if each.digest == named), None)

    def answer_to(self, sequence: int) -> EventRow | None:
        """Return the event that answers another."""
        return next((event for event in self.events if event.answers == sequence), None)

    def unanswered(self, kind: Kind) -> tuple[EventRow, ...]:
        """Return the comments, or the responses, that nobody answered."""
        answered = {event.answers for event in self.events if event.kind == ANSWERED_BY[kind]}
        return tuple(
            event for event in self.events if event.kind == kind and event.sequence not in answered
        )

    @property
    def consultation_ends_at(self) -> dt.datetime | None:
        """When the last consultation ends: from then on nobody responds; None before there is one.

        Example: one whose last day is 31 March 2027 in London ends at 2027-03-31T23:00Z.
        """
        opened = self.last(Kind.CONSULT)
        return None if opened is None else instant_in(opened.body, "ends_at")

    @property
    def review_from(self) -> dt.datetime | None:
        """From when on its outcome may be held to the forecast, as its determination states."""
        accepted = self.last(Kind.ACCEPT)
        return None if accepted is None else instant_in(accepted.body, "review_from")

    @property
    def proposal(self) -> int | None:
        """The number of the proposal that waits, or was approved; None in every other state."""
        proposed = self.last(Kind.PROPOSE)
        stands = self.state in (State.WAITING, State.APPROVED)
        return proposed.proposal if proposed and stands else None

    def is_same_person(self, account: str, other: str) -> bool:
        """Return whether two accounts are of one person; of services, whether they are one."""
        if account == other:
            return True
        person = self.persons.get(account)
        return person is not None and person == self.persons.get(other)

    def parties_of(self, actor: Actor, participant: str | None) -> frozenset[Party]:
        """Return for whom somebody may act here: for a participant where they name it."""
        known = Life(self.change, persons={**self.persons, actor.account: actor.person})
        found = {Party(role) for role in actor.roles if role in (Party.REGULATOR, Party.OPERATOR)}
        if known.is_same_person(actor.account, self.change.opened_by):
            found.add(Party.AUTHOR)
        if participant is not None and (self.change.market, participant) in actor.participants:
            found.add(Party.PARTICIPANT)
        return frozenset(found)

    def wrote(self, actor: Actor) -> bool:
        """Return whether somebody wrote the last revision."""
        return self.revision is not None and self._is_of(actor, self.revision.author)

    def proposed_by(self, actor: Actor) -> bool:
        """Return whether somebody made the proposal that waits."""
        proposed = self.last(Kind.PROPOSE)
        if self.state is not State.WAITING or proposed is None:
            return False
        return self._is_of(actor, proposed.account)

    def _is_of(self, actor: Actor, account: str) -> bool:
        known = Life(self.change, persons={**self.persons, actor.account: actor.person})
        return known.is_same_person(actor.account, account)


def instant_in(body: Mapping[str, Any], name: str) -> dt.datetime | None:
    """Return an instant that a body states; None where it states none that can be read."""
    try:
        return dt.datetime.fromisoformat(body[name])
    except (LookupError, TypeError, ValueError):
        return None


def state_after(state: State | None, kind: Kind) -> State | None:
    """Return where a change stands after a step; None where the step may not follow.

    >>> state_after(State.ASSESSED, Kind.ACCEPT), state_after(State.DRAFT, Kind.ACCEPT)
    (<State.DETERMINED: 'determined'>, None)
    """
    step = STEPS[kind]
    if (state is None) != (not step.after) or (state is not None and state not in step.after):
        return None
    return step.leads_to or state


def next_event(life: Life, wanted: Wanted, account: str, at: dt.datetime) -> EventRow:
    """Return the event that a step makes; `breaches` has found that it may be taken.

    Raises:
        ValueError: it may not follow.
    """
    state = state_after(life.state, wanted.kind)
    if state is None:
        raise ValueError(f"{wanted.kind} does not follow {life.state}")
    return EventRow(
        life.change.number,
        life.sequence + 1,
        wanted.kind.value,
        state.value,
        account,
        wanted.participant,
        at,
        wanted.reason.strip(),
        life.revision.digest if life.revision else None,
        wanted.answers,
        wanted.proposal,
        wanted.body,
        life.events[-1].digest if life.events else None,
    )
