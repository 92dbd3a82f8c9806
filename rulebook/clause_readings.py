"""How a clause read over time: the same words over days on end are one reading; pure."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rulebook.clause_text import FilledText, fill_clause
from rulebook.comparison import Text
from rulebook.documents import Document
from rulebook.standing import Record, Span
from rulebook.versions import covers


@dataclass(frozen=True)
class Reading:
    """What a clause says for a span; `text` is None where the document has no such clause."""

    anchor: str
    span: Span
    text: FilledText | None

    def holds_at(self, instant: dt.datetime) -> bool:
        """Return whether it is what the clause says at an instant."""
        return covers(*self.span, instant)


def readings_of(anchor: str, stretches: Iterable[tuple[Span, Text]]) -> list[Reading]:
    """Return the readings of a clause, in the order of time.

    Args:
        anchor: of the clause.
        stretches: when each text of the document applies, and the text, in any order.
    """
    found: list[Reading] = []
    for span, text in sorted(stretches, key=lambda each: each[0][0]):
        reading = Reading(anchor, span, _reading(text.document, anchor, text.currency))
        last = found[-1] if found else None
        if last is not None and last.text == reading.text and last.span[1] == span[0]:
            found[-1] = replace(last, span=(last.span[0], span[1]))
        else:
            found.append(reading)
    return found


@dataclass(frozen=True)
class Replaced:
    """What a clause said, by what was known then, for days of which it says something else now."""

    reading: Reading
    record: Record


def replaced_readings(
    anchor: str, readings: Iterable[Reading], closed: Iterable[tuple[Record, Text]]
) -> list[Replaced]:
    """Return how a clause read for days that other law was recorded for since.

    Args:
        anchor: of the clause.
        readings: what it says now.
        closed: versions that stand no more, and their texts, those that stood last first.
    """
    now = list(readings)
    found: dict[tuple[str, Span], Replaced] = {}
    for record, text in closed:
        said = _reading(text.document, anchor, text.currency)
        for reading in now:
            span = _shared((record.valid_from, record.valid_to), reading.span)
            if said is not None and span is not None and reading.text != said:
                replaced = Replaced(Reading(anchor, span, said), record)
                found.setdefault((str(said), span), replaced)
    return list(found.values())


def _shared(first: Span, second: Span) -> Span | None:
    ends = [end for end in (first[1], second[1]) if end is not None]
    start, end = max(first[0], second[0]), min(ends) if ends else None
    return (start, end) if end is None or start < end else None


def closed_by(history: Iterable[Record], moment: dt.datetime) -> list[Record]:
    """Return the versions that stood no more at a moment, those that stood last first."""
    closed = [each for each in history if each.recorded_to and each.recorded_to <= moment]
    return sorted(closed, key=lambda each: (each.recorded_to, each.valid_from), reverse=True)


def standing_at(history: Iterable[Record], moment: dt.datetime) -> list[Record]:
    """Return the versions that stood at a moment, in the order in which they apply."""
    known = (each for each in history if covers(each.recorded_from, each.recorded_to, moment))
    return sorted(known, key=lambda each: each.valid_from)


def _reading(document: Document, anchor: str, currency: str) -> FilledText | None:
    clause = next((each for each in document.clauses if each.anchor == anchor), None)
    return None if clause is None else fill_clause(document, clause.text, currency)
