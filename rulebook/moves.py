"""Whether the law of some days is still what it was at a moment, and what made it another; pure.

Law is compared by its texts, not by its rows: what was published for other days records the rest of
a version again, and leaves the law of these days as it was.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rulebook.standing import Record, Span


class Stretch(NamedTuple):
    """A time, half open, throughout which one text is law; `end` is None where it has no end."""

    start: dt.datetime
    end: dt.datetime | None
    digest: bytes


class Move(NamedTuple):
    """That the law of a document became another.

    Attributes:
        at: when it was recorded.
        approval: the proposal that was approved then; None where it cannot be told.
        starts: the first instant whose law is another.
    """

    at: dt.datetime
    approval: int | None
    starts: dt.datetime


def first_move(
    history: Sequence[Record],
    span: Span,
    since: dt.datetime,
    known: dt.datetime | None = None,
) -> Move | None:
    """Return by what the law of a span first became another after a moment.

    Args:
        history: every version of one instrument, known now or earlier.
        span: the instants asked about.
        since: the moment as of whose knowledge the law is taken.
        known: a later moment, as of which it is compared; None for what stands.

    Returns:
        None where the law of the span is what it was: nothing was recorded for it, or what was
        recorded says the same.
    """
    then, by_now = _law(history, span, since), _law(history, span, known)
    if then == by_now:
        return None
    later = sorted({each.recorded_from for each in history if each.recorded_from > since})
    at = next((moment for moment in later if _law(history, span, moment) != then), since)
    named = {each.approval for each in history if each.recorded_from == at and not each.origin}
    return Move(at, min(named, default=None), _first_difference(then, by_now))


def _law(history: Iterable[Record], span: Span, known: dt.datetime | None) -> list[Stretch]:
    """Return what was law within a span as known at a moment, None for what stands; in order."""
    start, end = span
    found: list[Stretch] = []
    for record in sorted(history, key=lambda each: each.valid_from):
        if not _is_known(record, known):
            continue
        starts, ends = max(record.valid_from, start), _earlier(record.valid_to, end)
        if ends is not None and ends <= starts:
            continue
        if found and found[-1].end == starts and found[-1].digest == record.digest:
            found[-1] = found[-1]._replace(end=ends)
        else:
            found.append(Stretch(starts, ends, record.digest))
    return found


def _is_known(record: Record, known: dt.datetime | None) -> bool:
    if known is None:
        return record.recorded_to is None
    return record.recorded_from <= known and (
        record.recorded_to is None or known < record.recorded_to
    )


def _first_difference(then: Sequence[Stretch], by_now: Sequence[Stretch]) -> dt.datetime:
    for one, other in zip_longest(then, by_now):
        if one == other:
            continue
        if one is None or other is None:
            return (one or other).start
        if one.start != other.start or one.digest != other.digest:
            return min(one.start, other.start)
        return min(each.end for each in (one, other) if each.end is not None)
    raise ValueError("both are the same law")


def _earlier(one: dt.datetime | None, other: dt.datetime | None) -> dt.datetime | None:
    """Return the earlier of two ends, of which None is none."""
    return min((each for each in (one, other) if each is not None), default=None)
