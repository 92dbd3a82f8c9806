"""What is said of a change: for commands and pages alike."""

import datetime as dt
from collections.abc import Iterator, Sequence

from portal.dispute_words import day_in_words
from rulebook.changes.life import Actor, Life
from rulebook.changes.records import EventRow, RevisionRow, draft_of_revision
from rulebook.changes.steps import OPEN_STATES, STEPS, Kind, State, Step
from rulebook.documents import MarketRules
from rulebook.edit_words import edit_lines
from settlement.enactment.change_list import ListedChange

NEXT: dict[State, str] = {
    State.DRAFT: "Its author writes it, and asks for review.",
    State.IN_REVIEW: "Others comment; the regulator opens the consultation, or asks for changes.",
    State.CHANGES_ASKED: "Its author revises it, and asks for review again.",
    State.IN_CONSULTATION: "Participants respond; the regulator answers each, and closes it.",
    State.CONSULTED: "The regulator freezes the assessment.",
    State.ASSESSED: "The regulator accepts it or rejects it, with reasons.",
    State.DETERMINED: "It is proposed as law.",
    State.WAITING: "A regulator who neither wrote nor proposed it reads it and approves it, or a "
    "regulator rejects it.",
    State.APPROVED: "It is law as its versions say.",
    State.SCHEDULED: "It is law, and applies from its first day on.",
    State.IN_FORCE: "Its outcome is held to what was forecast, from the day that was determined.",
    State.SUPERSEDED: "Other law took its place.",
    State.ENDED: "Its last day has passed.",
    State.WITHDRAWN: "Nothing follows.",
    State.REJECTED: "Nothing follows.",
}
"""What comes next, by state."""

REBASE = "rebase"
"""A step that saves a revision by itself: what the text changes, laid over the law of its day."""

URGENT_NEXT = "Others comment; the regulator assesses it at once, as it is urgent."


def next_words(life: Life, state: State) -> str:
    """Return what comes next."""
    if state is State.IN_REVIEW and life.change.is_urgent:
        return URGENT_NEXT
    if state is State.IN_REVIEW and life.was_consulted:
        return "Others comment; the regulator assesses it, or opens another consultation."
    return NEXT[state]


def another_words(life: Life, actor: Actor, steps: Sequence[Step]) -> Iterator[str]:
    """Yield who may take steps that are refused to somebody because of what they did before.

    Args:
        steps: those that are refused for that alone, in the order of the table.
    """
    if steps and life.wrote(actor):
        titles = " and ".join(f"“{step.title}”" for step in steps)
        yield f"{titles}: you wrote this text, so a regulator who did not decides on it."
    elif steps:
        yield f"“{steps[0].title}”: you proposed it, so a regulator who did not approves it."


_ENDED_BY_REVISION: dict[State, str] = {
    State.IN_REVIEW: "its review ends, and comments on revision {number} are of another text",
    State.IN_CONSULTATION: "its consultation ends, open until the end of {last_day}, and what was "
    "found of revision {number} is void",
    State.CONSULTED: "what was learnt in its consultation is of revision {number}, another text",
    State.ASSESSED: "the assessment of revision {number} is void",
    State.DETERMINED: "the assessment of revision {number} and its acceptance are void",
    State.WAITING: "the assessment of revision {number} and its acceptance are void, and proposal "
    "{proposal} waits no longer",
}
"""What a new revision ends, by state. Of a draft nothing, nor where changes were asked for."""


def revision_ends(life: Life) -> str:
    """Say what a new revision ends of a change that is past its draft; empty where nothing."""
    state, consulted = life.state, life.last(Kind.CONSULT)
    if state not in _ENDED_BY_REVISION:
        return ""
    ends = _ENDED_BY_REVISION[state].format(
        number=len(life.revisions),
        proposal=life.proposal,
        last_day=day_in_words(dt.date.fromisoformat(consulted.body["last_day"]))
        if consulted
        else "",
    )
    return (
        f"Law change {life.change.number} is {state.value}. A revision takes it back to a draft: "
        f"{ends}."
    )


def event_words(event: EventRow) -> str:
    """Return what happened, to be read after the name of whoever did it."""
    words = STEPS[Kind(event.kind)].done
    if event.answers:
        words += f" (event {event.answers})"
    if event.proposal:
        words += f" (proposal {event.proposal})"
    return words


def changed_words(life: Life, revision: RevisionRow, currency: str) -> list[str]:
    """Return what a revision changes of what it was drawn from, a line for each change.

    Raises:
        Refused: its text was altered.
    """
    draft = draft_of_revision(life.change.market, revision)
    own = [text.currency for _, text in draft if isinstance(text, MarketRules)]
    return list(edit_lines(draft.edits, own[0] if own else currency))


def listed_line(each: ListedChange) -> str:
    """Return a change on one line of a list."""
    name = f"change {each.number}" if each.number else f"proposal {each.proposal}"
    urgent = ", urgent" if each.is_urgent else ""
    of_whom = f" for {each.participant}" if each.participant else ""
    return (
        f"{name:<14} {each.state}{urgent}  {each.market}: {each.title}; "
        f"{'opened' if each.number else 'proposed'} by {each.by}{of_whom} at "
        f"{each.opened_at:%Y-%m-%d %H:%M}Z"
    )


def is_open(state: State) -> bool:
    """Return whether something may still become of a change before it is law."""
    return state in OPEN_STATES


def event_lines(life: Life) -> Iterator[str]:
    """Yield every step of a change, with its words indented below."""
    for event in life.events:
        of_whom = f" for {event.participant}" if event.participant else ""
        yield (
            f"{event.sequence:>4}  {event.at:%Y-%m-%d %H:%M}Z  {event.account}{of_whom} "
            f"{event_words(event)}: {event.state}"
        )
        yield from (f"      {line}" for line in event.reason.splitlines())
        yield from (f"      {name}: {value}" for name, value in stated(event))


def stated(event: EventRow) -> Iterator[tuple[str, str]]:
    """Yield what else a step states, in words."""
    body = event.body
    names = {
        "instrument": "document",
        "clause": "clause",
        "last_day": "last day of responses",
        "review_on": "outcome looked at from",
        "uncounted": "not counted",
    }
    for key, name in names.items():
        if body.get(key):
            yield name, str(body[key])
    for trial in body.get("trials") or ():
        yield "trial", trial
