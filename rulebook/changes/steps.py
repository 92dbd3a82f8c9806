"""The steps of a change: which may follow which state, whose each is, and what it leads to; pure.

    draft -- ask-review --> in review -- consult --> in consultation -- close --> consulted
      ^                      |     '------ assess: urgent, or consulted before ------.  |
      '-- revise -- changes asked for <-- ask-changes                                v  v
                                                                                  assessed
    approved <-- approve -- waiting for approval <-- propose -- determined <-- accept --'

A revision leads from every state that is open back to a draft: what was reviewed, assessed,
determined or proposed was another text. The table is the only one: refusals, the buttons of a page,
the commands and `docs/changes.md` are made of it, and the database is held to it by a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a change stands; what follows `APPROVED` is stored in no event, the law says it."""

    DRAFT = "draft"
    IN_REVIEW = "in review"
    CHANGES_ASKED = "changes asked for"
    IN_CONSULTATION = "in consultation"
    CONSULTED = "consulted"
    ASSESSED = "assessed"
    DETERMINED = "determined"
    WAITING = "waiting for approval"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IN_FORCE = "in force"
    SUPERSEDED = "superseded"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


class Kind(StrEnum):
    """What is done in a step."""

    OPEN = "open"
    REVISE = "revise"
    ASK_REVIEW = "ask-review"
    COMMENT = "comment"
    ANSWER = "answer"
    ASK_CHANGES = "ask-changes"
    CONSULT = "consult"
    RESPOND = "respond"
    REPLY = "reply"
    CLOSE = "close"
    ASSESS = "assess"
    ACCEPT = "accept"
    REJECT = "reject"
    PROPOSE = "propose"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    NOTE = "note"


class Party(StrEnum):
    """For whom somebody takes a step; the author is whoever opened the change."""

    AUTHOR = "author"
    REGULATOR = "regulator"
    OPERATOR = "operator"
    PARTICIPANT = "participant"


@dataclass(frozen=True)
class Step:
    """One kind of step.

    Attributes:
        after: the states that it may follow; empty for the first step alone.
        leads_to: the state that follows; None where the change stands as it stood.
        by: who may take it.
        by_another: whether it is refused to the person who wrote the last revision.
        title: what a button says.
        done: what the record says, after the name of whoever did it.
        words: what is asked for as its reason.
    """

    kind: Kind
    after: frozenset[State]
    leads_to: State | None
    by: frozenset[Party]
    by_another: bool
    title: str
    done: str
    words: str

    @property
    def moves(self) -> bool:
        """Whether another state follows, so that whoever takes it must have seen all before it."""
        return self.leads_to is not None


OPEN_STATES = frozenset(
    {
        State.DRAFT,
        State.IN_REVIEW,
        State.CHANGES_ASKED,
        State.IN_CONSULTATION,
        State.CONSULTED,
        State.ASSESSED,
        State.DETERMINED,
        State.WAITING,
    }
)
"""In which a change may still become another text, or be withdrawn."""

STORED_STATES = OPEN_STATES | {State.APPROVED, State.WITHDRAWN, State.REJECTED}
"""The states that an event leads to."""

SHORTEST_CONSULTATION_DAYS = 28
"""The least that a consultation is open, where the market rules state nothing. It is no part of a
change, where whoever consults would choose it. Section 11A of the Electricity Act 1989 asks as much
for changes of licences."""

_AUTHOR, _REGULATOR = Party.AUTHOR, Party.REGULATOR
_MANAGERS = frozenset({_REGULATOR, Party.OPERATOR})
_REVIEWED = frozenset({State.IN_REVIEW, State.CHANGES_ASKED})


def _step(
    kind: Kind,
    after: frozenset[State],
    leads_to: State | None,
    by: frozenset[Party],
    title: str,
    done: str,
    words: str,
    *,
    by_another: bool = False,
) -> Step:
    return Step(kind, after, leads_to, by, by_another, title, done, words)


_STEPS = (
    _step(Kind.OPEN, frozenset(), State.DRAFT, _MANAGERS | {Party.PARTICIPANT},
          "Open a change", "opened the change", "why now"),
    _step(Kind.REVISE, OPEN_STATES, State.DRAFT, _MANAGERS | {_AUTHOR},
          "Save a revision", "wrote a revision", "what it changes of the text before"),
    _step(Kind.ASK_REVIEW, frozenset({State.DRAFT}), State.IN_REVIEW, _MANAGERS | {_AUTHOR},
          "Ask for review", "asked for review", "what to look at"),
    _step(Kind.COMMENT, _REVIEWED, None, _MANAGERS | {Party.PARTICIPANT},
          "Comment", "commented", "your comment"),
    _step(Kind.ANSWER, _REVIEWED | {State.DRAFT}, None, _MANAGERS | {_AUTHOR},
          "Answer the comment", "answered a comment", "your answer"),
    _step(Kind.ASK_CHANGES, frozenset({State.IN_REVIEW}), State.CHANGES_ASKED, _MANAGERS,
          "Ask for changes", "asked for changes", "what should be otherwise", by_another=True),
    _step(Kind.CONSULT, frozenset({State.IN_REVIEW}), State.IN_CONSULTATION,
          frozenset({_REGULATOR}), "Open the consultation", "opened the consultation",
          "what you ask those who respond", by_another=True),
    _step(Kind.RESPOND, frozenset({State.IN_CONSULTATION}), None,
          frozenset({Party.PARTICIPANT, Party.OPERATOR}),
          "Respond", "responded", "your response, which is published"),
    _step(Kind.REPLY, frozenset({State.IN_CONSULTATION}), None, frozenset({_REGULATOR}),
          "Answer the response", "answered a response", "your answer, which is published"),
    _step(Kind.CLOSE, frozenset({State.IN_CONSULTATION}), State.CONSULTED,
          frozenset({_REGULATOR}), "Close the consultation", "closed the consultation",
          "what was learnt from the responses"),
    _step(Kind.ASSESS, frozenset({State.IN_REVIEW, State.CONSULTED}), State.ASSESSED,
          frozenset({_REGULATOR}), "Freeze the assessment", "froze the assessment",
          "what the trials show", by_another=True),
    _step(Kind.ACCEPT, frozenset({State.ASSESSED}), State.DETERMINED, frozenset({_REGULATOR}),
          "Accept the change", "accepted the change", "your reasons", by_another=True),
    _step(Kind.REJECT, OPEN_STATES - {State.DRAFT, State.IN_CONSULTATION}, State.REJECTED,
          frozenset({_REGULATOR}), "Reject the change", "rejected the change", "your reasons"),
    _step(Kind.PROPOSE, frozenset({State.DETERMINED, State.WAITING}), State.WAITING, _MANAGERS,
          "Propose it as law", "proposed it as law", "the reason that the law will state"),
    _step(Kind.APPROVE, frozenset({State.WAITING}), State.APPROVED, frozenset({_REGULATOR}),
          "Approve", "approved it", "why", by_another=True),
    _step(Kind.WITHDRAW, OPEN_STATES, State.WITHDRAWN, frozenset({_AUTHOR}),
          "Withdraw the change", "withdrew the change", "why"),
    _step(Kind.NOTE, frozenset({State.APPROVED}), None, _MANAGERS,
          "Note the outcome", "noted the outcome", "what came of it, beside what was forecast"),
)  # fmt: skip

STEPS: Mapping[Kind, Step] = MappingProxyType({step.kind: step for step in _STEPS})
"""Every step, in the order in which a change takes them."""

WITHOUT_REVISION = frozenset({Kind.OPEN, Kind.WITHDRAW})
"""What may be done while no text is there."""

ANSWERED_BY: Mapping[Kind, Kind] = MappingProxyType(
    {Kind.COMMENT: Kind.ANSWER, Kind.RESPOND: Kind.REPLY}
)
"""What answers what."""

OF_A_PROPOSAL = frozenset({Kind.PROPOSE, Kind.APPROVE})
"""The steps that name a proposal."""


def transitions() -> list[tuple[str, str | None, str, list[str], bool]]:
    """Return kind, state before, state after, parties and whether another person takes it.

    As the function `rulebook.change_steps` of the database says it, in order.
    """
    return sorted(
        (
            (
                step.kind.value,
                before.value if before else None,
                (step.leads_to or before or State.DRAFT).value,
                sorted(party.value for party in step.by),
                step.by_another,
            )
            for step in _STEPS
            for before in (step.after or (None,))
        ),
        key=lambda row: (row[0], row[1] or ""),
    )
