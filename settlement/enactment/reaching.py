"""What a stored proposal touches of what was settled: asked of law, journals and documents."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy.orm import Session

import ledger.queries
from common.calendar_years import LATEST_DAY
from ledger.invoice_queries import documents_of_days
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from rulebook import store
from rulebook.days import day_of, day_start
from rulebook.digest import document_digest
from rulebook.documents import Document, MarketRules
from rulebook.documents.market_rules import CalendarRun
from rulebook.resolve import document_in
from rulebook.versions import covers
from settlement.enactment.content import read_ending, read_publication
from settlement.enactment.reach import (
    ProposedLaw,
    Reach,
    SettledDay,
    TouchedDocument,
    days_of_other_law,
    touched_ranges,
)

UNTOUCHED = Reach((), ())


def reach_of(session: Session, stored: StoredProposal, now: dt.datetime) -> Reach | None:
    """Return what a proposal touches of what is settled and billed by now.

    Returns:
        None of a grant, and of what was approved: it is law, and the calendar says what is due.

    Raises:
        Refused: a text is not the one that was proposed.
    """
    if stored.kind is Kind.GRANT or stored.approved_at is not None or stored.market is None:
        return None
    zone = store.time_zone(session, stored.market, now)
    if zone is None:
        return UNTOUCHED  # nothing is settled without law
    return reach_of_law(session, stored.market, zone, *_proposed(stored, zone), now)


def reach_of_law(
    session: Session,
    market: str,
    zone: str,
    proposed: ProposedLaw,
    documents: Iterable[Document],
    now: dt.datetime,
) -> Reach:
    """Return what law would touch of what is settled and billed by now, were it published.

    Args:
        zone: of the market.
        proposed: what would be law.
        documents: its texts.
    """
    posted = _posted(session, market, proposed, zone)
    histories = store.records(session, market, proposed.texts)
    days = days_of_other_law(posted, zone, proposed, histories, now)
    calendars = _calendars(session, market, proposed, documents, now)
    settled = [SettledDay(day, posted[day], calendars.on(day_start(day, zone))) for day in days]
    billed = documents_of_days(session, market, days)
    return Reach(touched_ranges(settled), tuple(TouchedDocument(*each) for each in billed))


class _Calendars:
    """The settlement calendar at each instant: that of the proposed rules, else of those known."""

    def __init__(
        self, rules: Iterable[tuple[dt.datetime, dt.datetime | None, MarketRules]]
    ) -> None:
        self._rules = tuple(rules)

    def on(self, at: dt.datetime) -> tuple[CalendarRun, ...]:
        """Return the runs of the calendar in force at an instant."""
        return next(
            tuple(rules.settlement_calendar)
            for start, end, rules in self._rules
            if covers(start, end, at)
        )


def _calendars(
    session: Session,
    market: str,
    proposed: ProposedLaw,
    documents: Iterable[Document],
    now: dt.datetime,
) -> _Calendars:
    own = [(proposed.start, proposed.end, d) for d in documents if isinstance(d, MarketRules)]
    known = store.versions_known(
        session, market, now, proposed.start, proposed.end, kind="market-rules"
    )
    stand = [
        (version.valid_from, version.valid_to, document)
        for version in known
        for document, _ in [document_in(version)]
        if isinstance(document, MarketRules)
    ]
    return _Calendars([*own, *stand])


def _proposed(stored: StoredProposal, zone: str) -> tuple[ProposedLaw, tuple[Document, ...]]:
    """Return what a proposal would make law, and its documents."""
    if stored.kind is Kind.ENDING:
        ending = read_ending(stored.content)
        start = day_start(ending.day, zone)
        return ProposedLaw(start, None, {ending.instrument: None}), ()
    wanted = read_publication(stored.number, stored.content, stored.texts)
    documents = tuple(placed.document for placed in wanted.documents)
    texts = {each.instrument: document_digest(each) for each in documents}
    return ProposedLaw(wanted.valid_from, wanted.valid_to, texts), documents


def _posted(
    session: Session, market: str, proposed: ProposedLaw, zone: str
) -> dict[dt.date, tuple[str, ...]]:
    """Return the run kinds that are posted of each day of what is proposed, in order."""
    last = LATEST_DAY if proposed.end is None else day_of(proposed.end, zone)
    found: defaultdict[dt.date, tuple[str, ...]] = defaultdict(tuple)
    for day, kind in ledger.queries.posted_runs(
        session, market, day_of(proposed.start, zone), last
    ):
        found[day] = (*found[day], kind)
    return dict(found)
