"""Clauses that a search found, as pages show them: filled in, with the days on which each holds."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.access import Viewer
from portal.queries.rules import market_currency, zone_by_market
from portal.queries.standing import ShownSpan, shown_span
from rulebook import store
from rulebook.clause_search import REGISTRATION, FoundClause, find_clauses
from rulebook.clause_text import FilledText, fill_clause
from rulebook.comparing import read_version
from rulebook.days import day_of
from rulebook.versions import instant_shown


@dataclass(frozen=True)
class ShownClause:
    """A clause in one wording, of a document, with the values of a version that has it.

    Attributes:
        name: of the document, without its market.
        days: for which the wording holds, or of one that is superseded, held.
        day: on which it is shown.
        known_from, known_until: of one that is superseded, when it was last law of that day.
    """

    market: str
    name: str
    title: str
    anchor: str
    text: FilledText
    days: tuple[ShownSpan, ...]
    stands: bool
    zone: str
    day: dt.date
    known_from: dt.datetime
    known_until: dt.datetime | None

    @property
    def known_query(self) -> str:
        """What the address of its page appends, so that it reads there as it is found."""
        return "" if self.stands else f"?known={instant_shown(self.known_from)}"


class FoundClauses:
    """The clauses that a search finds, a part of which is read at a time."""

    def __init__(self, session: Session, words: str, market: str | None, viewer: Viewer) -> None:
        self._session, self._words, self._market = session, words, market
        self._own = own_registrations(viewer)
        self._count, _ = self._find(0, 1)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, part: slice, /) -> Sequence[ShownClause]:
        start, stop = part.start or 0, part.stop
        _, found = self._find(start, (self._count if stop is None else stop) - start)
        zones = zone_by_market(self._session, (_market(each) for each in found))
        versions = {
            version.id: version
            for version in store.versions_by_id(self._session, [each.version for each in found])
        }
        shown = []
        for each in found:
            market, version = _market(each), versions[each.version]
            document = read_version(version)
            currency = market_currency(self._session, market, version.valid_from)
            spans = tuple(shown_span(span, zones[market]) for span in each.spans)
            day = day_of(version.valid_from, zones[market])
            shown.append(
                ShownClause(
                    market,
                    document.name,
                    document.title,
                    each.anchor,
                    fill_clause(document, each.text, currency),
                    spans,
                    each.stands,
                    zones[market],
                    spans[0].first_day if each.stands else day,
                    version.recorded_from,
                    version.recorded_to,
                )
            )
        return shown

    def _find(self, start: int, count: int) -> tuple[int, list[FoundClause]]:
        return find_clauses(
            self._session,
            self._words,
            market=self._market,
            own=self._own,
            start=start,
            count=count,
        )


def own_registrations(viewer: Viewer) -> list[str] | None:
    """Return the registrations that a user may find; None for all of them."""
    if viewer.sees_registrations or viewer.participants is None:
        return None
    return sorted(f"{market}/{REGISTRATION}/{name}" for market, name in viewer.participants)


def _market(clause: FoundClause) -> str:
    return clause.instrument.partition("/")[0]
