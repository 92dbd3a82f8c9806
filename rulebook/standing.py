"""How the law stands at a moment: what is scheduled, in force, ended or superseded; pure.

A stored version says that it was decided. How it stands follows from its validity, its recorded
time and the moment that is asked about. A text outlives its rows: where a publication takes a part
of its time, or an ending the rest, it is recorded again; it was first recorded before that.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rulebook.versions import covers

Span = tuple[dt.datetime, dt.datetime | None]
"""Valid time, half open; None where it has no end."""


@dataclass(frozen=True)
class Record:
    """A version without its text; a history is of all versions of one instrument."""

    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_from: dt.datetime
    recorded_to: dt.datetime | None
    supersedes: tuple[uuid.UUID, ...]
    id: uuid.UUID
    instrument: str
    digest: bytes
    author: str
    approver: str
    approval: int
    reason: str
    origin: uuid.UUID | None


class State(StrEnum):
    """How a version stands at a moment."""

    SCHEDULED = "scheduled"
    IN_FORCE = "in force"
    ENDED = "ended"
    SUPERSEDED = "superseded"
    SUPERSEDED_IN_PART = "superseded in part"


@dataclass(frozen=True)
class Standing:
    """How a version stands.

    Attributes:
        first: the version by which its text was first recorded.
        cuts: the versions whose recording gave the text another validity, up to this one, in order.
        taker: the version that took its place, in whole or in part; None while it stands.
    """

    state: State
    first: Record
    cuts: tuple[Record, ...]
    taker: Record | None


@dataclass(frozen=True)
class TextStanding:
    """How a text stands, whatever the rows that hold it.

    Attributes:
        row: the one that stands for it: in force, else next to come, else last to have ended, else
            last superseded.
        spans: the valid times that stand, those that touch as one; of a text that is superseded,
            the one that it had last.
        first: the version by which it was first recorded.
        cuts: the versions whose recording changed its validity, in order.
        taker: the version that took the last of its time; None while any of it stands.
    """

    state: State
    row: Record
    spans: tuple[Span, ...]
    first: Record
    cuts: tuple[Record, ...]
    taker: Record | None


@dataclass(frozen=True)
class Ahead:
    """The next change of a document: from `at` on `digest` applies, or no text, if it is None."""

    at: dt.datetime
    digest: bytes | None


def standing_of(version: Record, history: Iterable[Record], moment: dt.datetime) -> Standing:
    """Return how a version stood at a moment, by what was recorded then.

    Args:
        version: recorded by then.
        history: every version of its instrument.
    """
    known = _recorded_by(history, moment)
    line = _lineage(version, known)
    cuts = tuple(_decided_by(later, known) for later in line[1:])
    if not _is_closed(version, moment):
        return Standing(_state(version, moment), line[0], cuts, None)
    goes_on = any(version.id in v.supersedes and v.digest == version.digest for v in known)
    state = State.SUPERSEDED_IN_PART if goes_on else State.SUPERSEDED
    return Standing(state, line[0], cuts, _taker(version, known))


def text_standing(
    digest: bytes, history: Iterable[Record], moment: dt.datetime
) -> TextStanding | None:
    """Return how a text stood at a moment; None where it was not recorded by then."""
    known = _recorded_by(history, moment)
    rows = [version for version in known if version.digest == digest]
    if not rows:
        return None
    standing = [version for version in rows if not _is_closed(version, moment)]
    if not standing:
        row = max(rows, key=lambda version: (version.recorded_from, version.valid_from))
        spans: tuple[Span, ...] = ((row.valid_from, row.valid_to),)
        state, taker, shown = State.SUPERSEDED, _taker(row, known), [row]
    else:
        row = min(standing, key=lambda version: _nearness(version, moment))
        spans = joined((version.valid_from, version.valid_to) for version in standing)
        state, taker, shown = _state(row, moment), None, standing
    lines = [_lineage(version, known) for version in shown]
    cuts = {v.id: v for line in lines for later in line[1:] for v in [_decided_by(later, known)]}
    first = min((line[0] for line in lines), key=lambda version: version.recorded_from)
    in_order = tuple(sorted(cuts.values(), key=lambda version: version.recorded_from))
    return TextStanding(state, row, spans, first, in_order, taker)


def ahead_of(history: Iterable[Record], at: dt.datetime, moment: dt.datetime) -> Ahead | None:
    """Return the next change of a document after an instant, by what was recorded at a moment.

    Args:
        history: every version of the document, or those recorded at the moment that apply later.
        at: the instant whose law is shown.
        moment: as known then.
    """
    standing = [v for v in _recorded_by(history, moment) if not _is_closed(v, moment)]
    following = sorted(standing, key=lambda version: version.valid_from)
    said = next((v for v in following if covers(v.valid_from, v.valid_to, at)), None)
    if said is None:
        coming = next((v for v in following if v.valid_from > at), None)
        return None if coming is None else Ahead(coming.valid_from, coming.digest)
    reached = said.valid_to
    while reached is not None:
        after = next((v for v in following if v.valid_from == reached), None)
        if after is None or after.digest != said.digest:
            return Ahead(reached, None if after is None else after.digest)
        reached = after.valid_to
    return None


def ended_by(history: Iterable[Record], moment: dt.datetime) -> Record | None:
    """Return the version by which the last end of a document was first recorded, if it has one."""
    known = _recorded_by(history, moment)
    standing = [version for version in known if not _is_closed(version, moment)]
    last = max(standing, key=lambda version: version.valid_from, default=None)
    if last is None or last.valid_to is None:
        return None
    return next(v for v in _lineage(last, known) if v.valid_to == last.valid_to)


def state_of(span: Span, moment: dt.datetime) -> State:
    """Return how law that stands for a span stands at a moment."""
    start, end = span
    if moment < start:
        return State.SCHEDULED
    return State.IN_FORCE if end is None or moment < end else State.ENDED


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, those that touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans, key=lambda span: span[0]):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


def _recorded_by(history: Iterable[Record], moment: dt.datetime) -> list[Record]:
    return [version for version in history if version.recorded_from <= moment]


def _is_closed(version: Record, moment: dt.datetime) -> bool:
    return version.recorded_to is not None and version.recorded_to <= moment


def _state(version: Record, moment: dt.datetime) -> State:
    return state_of((version.valid_from, version.valid_to), moment)


def _nearness(version: Record, moment: dt.datetime) -> tuple[int, dt.timedelta]:
    """Return by what the rows of a text are ordered, of which the first stands for it."""
    state = _state(version, moment)
    place = (State.IN_FORCE, State.SCHEDULED, State.ENDED).index(state)
    return place, abs(version.valid_from - moment)


def _lineage(version: Record, known: Sequence[Record]) -> list[Record]:
    """Return the versions of one text that took each other's place, from the first to this one."""
    line = [version]
    while True:
        last = line[-1]
        earlier = [
            v
            for v in known
            if v.id in last.supersedes
            and v.digest == last.digest
            # Else rows that name each other, as only a forger leaves them, would have no first.
            and v.recorded_from < last.recorded_from
        ]
        if not earlier:
            return line[::-1]
        line.append(min(earlier, key=lambda v: (v.recorded_from, v.valid_from)))


def _decided_by(version: Record, known: Sequence[Record]) -> Record:
    """Return the version by whose decision another was recorded: of what remained, the taker."""
    if version.origin is None:
        return version
    return next(_takers(version.supersedes, version.recorded_from, known), version)


def _taker(version: Record, known: Sequence[Record]) -> Record | None:
    """Return the version that took the place of a closed one."""
    if version.recorded_to is None:
        return None
    return next(_takers((version.id,), version.recorded_to, known), None)


def _takers(
    closed: Sequence[uuid.UUID], at: dt.datetime, known: Sequence[Record]
) -> Iterator[Record]:
    return (
        v
        for v in known
        if v.origin is None and v.recorded_from == at and set(closed) <= set(v.supersedes)
    )
