"""How the law stands, as pages say it: by days of the market, and with what is scheduled next."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.access import Viewer
from portal.queries.rules import MarketLaw, RuleVersion, start_of_day, versions_of
from rulebook import store
from rulebook.days import day_of
from rulebook.outlook import changes_ahead
from rulebook.standing import (
    Ahead,
    Record,
    Span,
    Standing,
    State,
    TextStanding,
    ahead_of,
    ended_by,
    standing_of,
    state_of,
    text_standing,
)
from rulebook.versions import covers

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class ShownSpan:
    """Days on which a text applies, both included; None without end."""

    first_day: dt.date
    last_day: dt.date | None


@dataclass(frozen=True)
class ShownAhead:
    """The next change of a document, on the first day of what comes.

    Attributes:
        digest: of the text that applies from that day on; None where the document ends.
        is_past: whether that day has come, by the moment as of which the page speaks.
    """

    day: dt.date
    digest: bytes | None
    is_past: bool

    @property
    def last_day(self) -> dt.date:
        """The last day of what applies before it."""
        return self.day - ONE_DAY


@dataclass(frozen=True)
class ShownText:
    """How a text stands, and when it applies.

    Attributes:
        state: of the span; a text that is in force today may be scheduled again for later days.
        span: on whose days it applies that are asked about; one of `spans`.
        ahead: the next change after that; None where none is scheduled.
    """

    standing: TextStanding
    state: State
    span: ShownSpan
    spans: tuple[ShownSpan, ...]
    ahead: ShownAhead | None

    @property
    def is_superseded(self) -> bool:
        """Whether nothing of it stands."""
        return self.state is State.SUPERSEDED


@dataclass(frozen=True)
class Ending:
    """The last day of a document, and the version by which it was first recorded."""

    record: Record
    last_day: dt.date


@dataclass(frozen=True)
class HistoryEntry:
    """A version among all of its document, and how it stands."""

    record: Record
    span: ShownSpan
    standing: Standing

    @property
    def stands(self) -> bool:
        """Whether nothing took its place."""
        return self.standing.taker is None


@dataclass(frozen=True)
class ShownLaw:
    """The law of a market on a day, how each text in it stands, and what begins to apply later."""

    law: MarketLaw
    texts: dict[str, ShownText]
    coming: tuple[tuple[RuleVersion, ShownAhead], ...]

    def visible_to(self, viewer: Viewer) -> "ShownLaw":
        """Return the law without the registrations that a user may not read."""
        coming = tuple(each for each in self.coming if each[0].is_open_to(viewer))
        return ShownLaw(self.law.visible_to(viewer), self.texts, coming)


def shown_law(session: Session, law: MarketLaw, on: dt.date, moment: dt.datetime) -> ShownLaw:
    """Return how the law of a day stands at a moment, by what was recorded then."""
    at, zone = start_of_day(on, law.zone), law.zone
    in_force = {version.instrument: version for _, ones in law.kinds for version in ones}
    histories = store.records(session, law.market, in_force)
    texts = {
        instrument: text
        for instrument, version in in_force.items()
        if (text := shown_text(version.digest, histories[instrument], zone, moment, at))
    }
    begin = {
        change.digest: _ahead(change, zone, moment)
        for instrument, change in changes_ahead(session, law.market, at, moment).items()
        if instrument not in in_force and change.digest is not None
    }
    versions = {version.digest: version for version in versions_of(session, begin, zone)}
    coming = tuple((versions[digest], change) for digest, change in begin.items())
    return ShownLaw(law, texts, coming)


def shown_text(
    digest: bytes,
    history: Sequence[Record],
    zone: str,
    moment: dt.datetime,
    at: dt.datetime | None = None,
) -> ShownText | None:
    """Return how a text stands at a moment; None where it was not recorded by then.

    Args:
        digest: of the text.
        history: every version of its document.
        zone: of the market.
        moment: by what was recorded then.
        at: the instant whose law is shown; without it, where the text is or comes nearest.
    """
    standing = text_standing(digest, history, moment)
    if standing is None:
        return None
    asked = at or max(standing.row.valid_from, min(moment, _last(standing.row)))
    span = next((span for span in standing.spans if covers(*span, asked)), standing.spans[-1])
    is_superseded = standing.state is State.SUPERSEDED
    change = None if is_superseded else ahead_of(history, asked, moment)
    return ShownText(
        standing,
        State.SUPERSEDED if is_superseded else state_of(span, moment),
        shown_span(span, zone),
        tuple(shown_span(each, zone) for each in standing.spans),
        None if change is None else _ahead(change, zone, moment),
    )


def next_beginning(
    history: Iterable[Record], zone: str, at: dt.datetime, moment: dt.datetime
) -> ShownAhead | None:
    """Return when a document begins to apply, or does again, that does not at an instant."""
    change = ahead_of(history, at, moment)
    return None if change is None else _ahead(change, zone, moment)


def shown_history(history: Iterable[Record], zone: str, moment: dt.datetime) -> list[HistoryEntry]:
    """Return every version recorded by a moment, latest valid first, and how it stood."""
    known = [record for record in history if record.recorded_from <= moment]
    latest = sorted(known, key=lambda each: (each.valid_from, each.recorded_from), reverse=True)
    return [
        HistoryEntry(
            record,
            shown_span((record.valid_from, record.valid_to), zone),
            standing_of(record, known, moment),
        )
        for record in latest
    ]


def ending_of(history: Iterable[Record], zone: str, moment: dt.datetime) -> Ending | None:
    """Return how a document ends, by what was recorded at a moment; None where it does not."""
    found = ended_by(history, moment)
    if found is None or found.valid_to is None:
        return None
    return Ending(found, day_of(found.valid_to, zone) - ONE_DAY)


def shown_span(span: Span, zone: str) -> ShownSpan:
    """Return valid time as days of the market."""
    start, end = span
    return ShownSpan(day_of(start, zone), None if end is None else day_of(end, zone) - ONE_DAY)


def _last(record: Record) -> dt.datetime:
    """Return the last instant of a version; of one without end the last there is."""
    if record.valid_to is None:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
    return record.valid_to - dt.datetime.resolution


def _ahead(change: Ahead, zone: str, moment: dt.datetime) -> ShownAhead:
    return ShownAhead(day_of(change.at, zone), change.digest, change.at <= moment)
