"""What the commands of changes print: a change as JSON, and in lines."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from portal.change_words import event_lines, is_open, next_words
from rulebook.changes.life import Life
from rulebook.changes.steps import State


class ShownChange(NamedTuple):
    """A change, where it stands by now, and what its last revision changes, in words."""

    life: Life
    state: State
    changes: list[str]


def as_json(shown: ShownChange) -> dict[str, Any]:
    """Return a change with every revision, without texts, and every event."""
    life = shown.life
    return {
        **life.change._asdict(),
        "state": shown.state.value,
        "is_open": is_open(shown.state),
        "last_event": life.sequence,
        "proposal": life.proposal,
        "changes": shown.changes,
        "digest": life.change.digest,
        "revisions": [
            {
                **{name: value for name, value in row._asdict().items() if name != "draft"},
                "documents": {
                    name: text["digest"] for name, text in row.draft["documents"].items()
                },
                "digest": row.digest,
            }
            for row in life.revisions
        ],
        "events": [{**event._asdict(), "digest": event.digest} for event in life.events],
    }


def as_lines(shown: ShownChange) -> Iterator[str]:
    """Yield a change for a terminal: what it is about, what it changes, and what happened."""
    change, revision = shown.life.change, shown.life.revision
    yield f"Change {change.number} of {change.market}: {change.title}"
    yield f"{shown.state}; {next_words(shown.life, shown.state)}"
    yield f"Problem: {change.problem}"
    yield f"Objectives: {change.objectives}"
    yield f"Doing nothing: {change.do_nothing}"
    yield from (f"Option {at}: {option}" for at, option in enumerate(change.options, start=1))
    if change.is_urgent:
        yield f"Urgent: {change.urgency}"
    if revision is None:
        yield "No text yet."
    else:
        ends = f" to before {revision.valid_to:%Y-%m-%d %H:%M}Z" if revision.valid_to else ""
        yield (
            f"Revision {revision.number} by {revision.author}, draft "
            f"{revision.draft_digest.hex()[:16]}, wanted from "
            f"{revision.valid_from:%Y-%m-%d %H:%M}Z{ends}"
        )
        yield from (f"  {line}" for line in shown.changes)
    yield "Steps"
    yield from event_lines(shown.life)
