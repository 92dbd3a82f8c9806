"""The course of a dispute as a state machine: which step may come next, whose it is, and by when.

    opened -- accept --> accepted ------------------- settle --> settled
       |----- reject --> rejected -- escalate --.        ^
       |----- escalate, the answer is overdue --+        |
                                                v        |
                                  escalated -- uphold --> upheld
                                                `- refuse --> refused

A participant withdraws in every state that is open: all but settled, refused, withdrawn, lapsed.
Lapsed is stored nowhere: it is what the terms and a moment make of an opened or rejected dispute
that was not escalated in time. A decision that is overdue lapses nothing; it can still be taken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ledger.disputes.rules import DisputeRule
from ledger.disputes.terms import DisputeTerms


class Role(StrEnum):
    """For whom somebody takes a step."""

    PARTICIPANT = "participant"
    OPERATOR = "operator"
    REGULATOR = "regulator"


class Action(StrEnum):
    """What is done in a step."""

    OPEN = "open"
    ACCEPT = "accept"
    REJECT = "reject"
    ESCALATE = "escalate"
    UPHOLD = "uphold"
    REFUSE = "refuse"
    SETTLE = "settle"
    WITHDRAW = "withdraw"


class State(StrEnum):
    """Where a dispute stands."""

    OPENED = "opened"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ESCALATED = "escalated"
    UPHELD = "upheld"
    REFUSED = "refused"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


ROLE_OF = {
    Action.OPEN: Role.PARTICIPANT,
    Action.ACCEPT: Role.OPERATOR,
    Action.REJECT: Role.OPERATOR,
    Action.ESCALATE: Role.PARTICIPANT,
    Action.UPHOLD: Role.REGULATOR,
    Action.REFUSE: Role.REGULATOR,
    Action.SETTLE: Role.OPERATOR,
    Action.WITHDRAW: Role.PARTICIPANT,
}
"""Whose step it is."""

STATE_AFTER = {
    Action.OPEN: State.OPENED,
    Action.ACCEPT: State.ACCEPTED,
    Action.REJECT: State.REJECTED,
    Action.ESCALATE: State.ESCALATED,
    Action.UPHOLD: State.UPHELD,
    Action.REFUSE: State.REFUSED,
    Action.SETTLE: State.SETTLED,
    Action.WITHDRAW: State.WITHDRAWN,
}

NEXT = {
    State.OPENED: (Action.ACCEPT, Action.REJECT, Action.ESCALATE, Action.WITHDRAW),
    State.ACCEPTED: (Action.SETTLE, Action.WITHDRAW),
    State.REJECTED: (Action.ESCALATE, Action.WITHDRAW),
    State.ESCALATED: (Action.UPHOLD, Action.REFUSE, Action.WITHDRAW),
    State.UPHELD: (Action.SETTLE, Action.WITHDRAW),
    State.REFUSED: (),
    State.SETTLED: (),
    State.WITHDRAWN: (),
    State.LAPSED: (),
}
"""The steps that a state allows."""

ANSWERS = (Action.ACCEPT, Action.REJECT)
DECISIONS = (Action.UPHOLD, Action.REFUSE)
AWAITS_SETTLEMENT = (State.ACCEPTED, State.UPHELD)


@dataclass(frozen=True)
class Step:
    """What the machine needs to know of an event; `actor` is None where who acted is not told."""

    action: Action
    actor: str | None
    at: datetime


@dataclass(frozen=True)
class Due:
    """What is due next: the step in words, whose it is, and its last day."""

    what: str
    role: Role
    day: date


@dataclass(frozen=True)
class Course:
    """The steps of a dispute so far, its opening first, under the terms it keeps.

    Attributes:
        persons: the person of each account, where it is known; an account that is not there is
            taken for somebody of its own.
    """

    terms: DisputeTerms
    steps: tuple[Step, ...]
    persons: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def opened_at(self) -> datetime:
        """The moment of its opening."""
        return self.steps[0].at

    @property
    def escalate_by(self) -> date:
        """The last day on which it may be, or might have been, escalated."""
        rejected = [step.at for step in self.steps if step.action is Action.REJECT]
        return self.terms.escalate_by(self.opened_at, rejected[0] if rejected else None)

    def state(self, now: datetime) -> State:
        """Return where the dispute stands at a moment."""
        state = STATE_AFTER[self.steps[-1].action]
        # Nobody takes the step of lapsing, so it is no event: it follows from a day gone by.
        may_lapse = state in (State.OPENED, State.REJECTED)
        return State.LAPSED if may_lapse and self._passed(self.escalate_by, now) else state

    def is_open(self, now: datetime) -> bool:
        """Return whether anything can still follow."""
        return bool(NEXT[self.state(now)])

    def is_unanswered(self, now: datetime) -> bool:
        """Return whether the day for the answer has passed without one."""
        due = self.terms.answer_by(self.opened_at)
        return self.state(now) is State.OPENED and self._passed(due, now)

    def due(self, now: datetime) -> Due | None:
        """Return what is due next, overdue or not; None where nothing has a deadline."""
        match self.state(now):
            case State.OPENED:
                if self.is_unanswered(now):
                    return Due("escalation", Role.PARTICIPANT, self.escalate_by)
                return Due("answer", Role.OPERATOR, self.terms.answer_by(self.opened_at))
            case State.REJECTED:
                return Due("escalation", Role.PARTICIPANT, self.escalate_by)
            case State.ESCALATED:
                by = self.terms.decide_by(self.steps[-1].at)
                return Due("decision", Role.REGULATOR, by)
        return None

    def missed(self, now: datetime) -> date | None:
        """Return the day that passed without the answer or decision that was due on it, if any."""
        if self.is_unanswered(now):
            return self.terms.answer_by(self.opened_at)
        due = self.due(now)
        return due.day if due is not None and self._passed(due.day, now) else None

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the operator's answer or the regulator's decision is late."""
        return self.missed(now) is not None

    def breaches(
        self, action: Action, actor: str, role: Role, now: datetime
    ) -> Iterator[tuple[DisputeRule, str]]:
        """Yield every rule that a step would break, with the value found.

        Raises:
            LookupError: it turns on who took a step of which that is not told.
        """
        if ROLE_OF[action] is not role:
            yield DisputeRule.PARTY_IS_WRONG, f"the {role} wants to {action}"
        if now < self.steps[-1].at:
            yield DisputeRule.MOMENT_IS_EARLIER, f"{now} after {self.steps[-1].at}"
        state = self.state(now)
        if state is State.LAPSED:
            yield DisputeRule.DISPUTE_HAS_LAPSED, f"to be escalated by {self.escalate_by}"
        elif action not in NEXT[state]:
            yield DisputeRule.STEP_IS_NOT_ALLOWED, f"{action} when {state}"
        elif action is Action.ESCALATE and state is State.OPENED and not self.is_unanswered(now):
            due = self.terms.answer_by(self.opened_at)
            yield DisputeRule.STEP_IS_TOO_EARLY, f"the answer is due on {due}"
        if any(self._person(actor) == self._person(barred) for barred in self._barred_from(action)):
            yield DisputeRule.ACTS_FOR_BOTH_SIDES, f"{actor} wants to {action}"

    def steps_for(self, actor: str, role: Role, now: datetime) -> tuple[Action, ...]:
        """Return the steps that somebody may take now, for their role."""
        return tuple(
            action
            for action in NEXT[self.state(now)]
            if not any(self.breaches(action, actor, role, now))
        )

    def _barred_from(self, action: Action) -> set[str]:
        """Return the accounts that took a step for the other side."""
        barred: tuple[Action, ...] = ()
        if action in ANSWERS:
            barred = (Action.OPEN,)
        elif action in DECISIONS:
            barred = (Action.OPEN, *ANSWERS)
        acted = {step.actor for step in self.steps if step.action in barred}
        if None in acted:
            raise LookupError(f"who may {action} turns on who took other steps, which is not told")
        return {actor for actor in acted if actor is not None}

    def _person(self, account: str) -> int | str:
        person = self.persons.get(account)
        return account if person is None else person

    def _passed(self, day: date, now: datetime) -> bool:
        return self.terms.has_passed(day, now)
