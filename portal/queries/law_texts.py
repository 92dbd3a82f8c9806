"""The text of the law on a day, whole or a clause, and the history of a document."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.access import Viewer
from portal.charts.chart import Chart
from portal.law_access import is_open
from portal.law_timeline import MOST_ROWS, letters_of, timeline_chart
from portal.queries.rules import market_currency, start_of_day
from portal.queries.standing import ShownSpan, shown_span
from rulebook import store
from rulebook.akoma_ntoso import Act, akoma_ntoso
from rulebook.clause_readings import (
    Replaced,
    closed_by,
    readings_of,
    replaced_readings,
    standing_at,
)
from rulebook.clause_text import FilledText, fill_clause
from rulebook.comparing import Law, law_at, read_version, texts_of
from rulebook.comparison import Text
from rulebook.documents import KINDS, Document, MarketRules
from rulebook.standing import Record
from rulebook.versions import instant_shown

ON_PAGES_OF_THEIR_OWN = "registration"
MOST_CLOSED = 20
"""Versions that stand no more of which a clause is read, those that stood last."""
MOST_STRETCHES = 100
"""Versions of a document of which a clause is read; a longer history is cut around the day."""


@dataclass(frozen=True)
class WholeLaw:
    """The law of a market on a day: each document with its clauses, registrations by name alone.

    Attributes:
        texts: documents with their clauses, the values that they name filled in.
        registrations: the instruments of those that the reader may open.
    """

    law: Law
    texts: tuple[tuple[Document, tuple[tuple[str, FilledText], ...]], ...]
    registrations: tuple[str, ...]


@dataclass(frozen=True)
class ShownReading:
    """A reading of a clause, and the days on which it holds."""

    days: ShownSpan
    text: FilledText | None
    is_asked_for: bool


@dataclass(frozen=True)
class ShownReplaced:
    """How a clause read for days, until the law for them became another."""

    days: ShownSpan
    text: FilledText
    known_from: dt.datetime
    known_until: dt.datetime | None

    @property
    def known_query(self) -> str:
        """What the address of its page appends, so that it reads there as it did."""
        return f"?known={instant_shown(self.known_from)}"


@dataclass(frozen=True)
class ClauseOnDay:
    """A clause of the law on a day, and its other readings, in the order of time.

    Attributes:
        reading: what it says on the day; None where the document or the clause is no law then.
        replaced: how it read by what was known before, those that were replaced last first.
        left_out: how many versions of the document are too far from the day to be shown.
    """

    title: str
    zone: str
    reading: ShownReading | None
    readings: tuple[ShownReading, ...]
    replaced: tuple[ShownReplaced, ...]
    left_out: int


@dataclass(frozen=True)
class History:
    """When each text of a document applied, as known when; `texts` are (letter, digest)."""

    title: str
    chart: Chart
    texts: tuple[tuple[str, bytes], ...]


def whole_law(
    session: Session, market: str, day: dt.date, known: dt.datetime, viewer: Viewer
) -> WholeLaw:
    """Return the law of a market on a day, as known at a moment; nothing before the first."""
    law = law_at(session, market, day, known)
    names = [name for name in law.digests if not _is_registration(name)]
    texts = texts_of(session, law, names)
    in_order = sorted(texts.values(), key=lambda text: _place(text.document))
    return WholeLaw(
        law,
        tuple((text.document, tuple(_clauses(text))) for text in in_order),
        tuple(name for name in law.digests if _is_registration(name) and is_open(name, viewer)),
    )


def clause_on(
    session: Session, instrument: str, anchor: str, day: dt.date, known: dt.datetime
) -> ClauseOnDay | None:
    """Return a clause on a day as known at a moment; None where no version ever had it."""
    market = instrument.partition("/")[0]
    history = store.records(session, market, [instrument]).get(instrument, [])
    zone = store.time_zone(session, market, known)
    if zone is None:
        return None
    at = start_of_day(day, zone)
    standing = standing_at(history, known)
    before = [each for each in standing if each.valid_from <= at][-MOST_STRETCHES // 2 :]
    after = [each for each in standing if each.valid_from > at][: MOST_STRETCHES // 2]
    near = [*before, *after]
    stretches = [
        ((record.valid_from, record.valid_to), text) for record, text in _texts(session, near)
    ]
    found = readings_of(anchor, stretches)
    readings = [
        ShownReading(shown_span(each.span, zone), each.text, each.holds_at(at)) for each in found
    ]
    if not any(each.text for each in readings):
        return None
    asked = next((each for each in readings if each.is_asked_for and each.text), None)
    title = stretches[-1][1].document.title
    closed = _texts(session, closed_by(history, known)[:MOST_CLOSED])
    replaced = tuple(
        _shown_replaced(each, zone) for each in replaced_readings(anchor, found, closed)
    )
    return ClauseOnDay(title, zone, asked, tuple(readings), replaced, len(standing) - len(near))


def _texts(session: Session, records: Sequence[Record]) -> list[tuple[Record, Text]]:
    identities = [record.id for record in records]
    versions = {version.id: version for version in store.versions_by_id(session, identities)}
    found = []
    for record in records:
        document = read_version(versions[record.id])
        currency = _currency(session, document, record.valid_from)
        found.append((record, Text(document, currency)))
    return found


def _shown_replaced(replaced: Replaced, zone: str) -> ShownReplaced:
    reading, record = replaced.reading, replaced.record
    if reading.text is None:
        raise ValueError("what was replaced is a text")
    days = shown_span(reading.span, zone)
    return ShownReplaced(days, reading.text, record.recorded_from, record.recorded_to)


def act_on(session: Session, instrument: str, day: dt.date, known: dt.datetime) -> str | None:
    """Return a document of a day, as known at a moment, as Akoma Ntoso; None where it is no law."""
    market = instrument.partition("/")[0]
    law = law_at(session, market, day, known)
    identity = law.rows.get(instrument)
    if identity is None:
        return None
    (version,) = store.versions_by_id(session, [identity])
    times = version.valid_from, version.valid_to, version.recorded_from
    act = Act(read_version(version), version.digest, *times)
    return akoma_ntoso(act, law.zone, law.currency)


def history_of(session: Session, instrument: str, now: dt.datetime) -> History | None:
    """Return the history of a document; None where there is none."""
    market = instrument.partition("/")[0]
    history = store.records(session, market, [instrument]).get(instrument, [])
    zone = store.time_zone(session, market, now)
    if not history or zone is None:
        return None
    in_order = sorted(history, key=lambda each: (each.recorded_from, each.valid_from))
    (last,) = store.versions_by_id(session, [in_order[-1].id])
    title = read_version(last).title
    told = {record.digest for record in in_order[-MOST_ROWS:]}
    letters = letters_of(in_order)
    texts = tuple((letter, digest) for digest, letter in letters.items() if digest in told)
    return History(title, timeline_chart(title, history, zone, now), texts)


def _currency(session: Session, document: Document, instant: dt.datetime) -> str:
    if isinstance(document, MarketRules):
        return document.currency
    return market_currency(session, document.market, instant)


def _clauses(text: Text) -> Iterator[tuple[str, FilledText]]:
    for clause in text.document.clauses:
        yield clause.anchor, fill_clause(text.document, clause.text, text.currency)


def _is_registration(instrument: str) -> bool:
    return instrument.split("/")[1] == ON_PAGES_OF_THEIR_OWN


def _place(document: Document) -> tuple[int, str]:
    return list(KINDS).index(document.kind), document.instrument
