"""What a market published, as its page shows it: what holds now, the last days, the last few."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, text, tuple_
from sqlalchemy.orm import Session

from database.bulk import driver_connection
from market.core.machine import Cause
from market.places import Place
from market.tables import HeadRow, PublicationRow
from market.written import PUBLICATION, days_of, stretches_before
from portal.queries.market_watch import Leadership, leaderships
from portal.queries.rules import market_zone, online_on, rule_on, zone_by_market
from rulebook.documents import AllocationPolicy, GridModel, MarketRules
from rulebook.store import markets

WHOLE = (Cause.RULES, Cause.TICK, Cause.INTERVAL_END)
"""What tells of every part of the grid as it is then."""
LAST_SHOWN = 8
NO_END = 2**63 - 1
"""After every sequence of a log."""
Kind = TypeVar("Kind", MarketRules, GridModel, AllocationPolicy)
_LAW_TOLD = text("SELECT day, known_at FROM market.law_told(:market, :law)")
WHY = {
    Cause.MOVED: "prices moved by more than the deadband",
    Cause.INTERVAL_END: "an interval ended",
    Cause.TICK: "a tick of the rules",
    Cause.RULES: "law came into force",
    Cause.EX_POST: "an interval has its readings: the price ex post",
}


@dataclass(frozen=True)
class Published:
    """Prices of some parts of a grid from a moment on, by their index in the order of the law.

    Attributes:
        at: by the market's clock; ex post, when the interval began that is priced.
        published_at: when it was stored, by the clock of the database: for information, as no
            digest is over it.
        law: the digest of the law by which it was made, which says what each index is.
    """

    place: Place
    day: dt.date
    law: str
    at: dt.datetime
    published_at: dt.datetime
    cause: Cause
    holons: Sequence[int]
    tightness_ppm: Sequence[int]
    price_micro_per_mwh: Sequence[int]
    sell_price_micro_per_mwh: Sequence[int]

    @property
    def why(self) -> str:
        """Its cause in words."""
        return WHY[self.cause]


@dataclass(frozen=True)
class OnlineLaw:
    """The law of a market that its page is read by.

    Attributes:
        day: a local day on which it is in force.
        digest: by which publications name it; None of law that the market was not told.
    """

    day: dt.date
    rules: MarketRules
    grid: GridModel
    policy: AllocationPolicy | None
    digest: str | None = None

    @property
    def zone(self) -> str:
        """By whose clock its days are."""
        return self.rules.time_zone


@dataclass(frozen=True)
class ListedMarket:
    """A market with law, and whether it is online.

    Attributes:
        leadership: who leads it; None where nobody ever did.
        last: what was published last of its present; None before the first.
    """

    market: str
    zone: str
    is_online: bool
    leadership: Leadership | None
    last: Published | None


def list_markets(session: Session, now: dt.datetime) -> list[ListedMarket]:
    """Return every market that has law, whether it is online or not."""
    named = markets(session)
    zones, led = zone_by_market(session, named), leaderships(session)
    days = {market: now.astimezone(ZoneInfo(zone)).date() for market, zone in zones.items()}
    online, last = online_on(session, days), _last_of_each(session, named)
    return [
        ListedMarket(market, zones[market], market in online, led.get(market), last.get(market))
        for market in named
    ]


def _last_of_each(session: Session, named: Collection[str]) -> dict[str, Published]:
    led = session.scalars(select(HeadRow.market).where(HeadRow.market.in_(named)))
    found = {market: last_of_now(session, market) for market in led}
    return {market: last for market, last in found.items() if last is not None}


def law_of(
    session: Session,
    market: str,
    day: dt.date,
    known: dt.datetime | None = None,
    digest: str | None = None,
) -> OnlineLaw | None:
    """Return the law of a market on a local day; None where it has none.

    Args:
        session: of the caller.
        market: whose law it is.
        day: a local day.
        known: as it was known then; without it, as it is known now.
        digest: by which publications name it.
    """
    rules = _document(session, f"{market}/market-rules", MarketRules, day, known)
    grid = _document(session, f"{market}/grid-model", GridModel, day, known)
    policy = _document(session, f"{market}/allocation-policy", AllocationPolicy, day, known)
    if rules is None or grid is None:
        return None
    return OnlineLaw(day, rules, grid, policy, digest)


def _document(
    session: Session, instrument: str, kind: type[Kind], day: dt.date, known: dt.datetime | None
) -> Kind | None:
    version = rule_on(session, instrument, day, known)
    return version.document if version and isinstance(version.document, kind) else None


def law_told(session: Session, market: str, digest: str) -> OnlineLaw | None:
    """Return the law that a market was told and that publications name by a digest.

    It is that of the day that was told, as it was known then, whatever became law since: the same
    for ever. None where the market was told of none by that name.
    """
    told = session.execute(_LAW_TOLD, {"market": market, "law": digest}).one_or_none()
    return None if told is None else law_of(session, market, told.day, told.known_at, digest)


def law_now(
    session: Session, market: str, last: Published | None, now: dt.datetime
) -> OnlineLaw | None:
    """Return the law by which a market's prices are made; before the first, that of today."""
    if last is not None:
        return law_told(session, market, last.law)
    today = now.astimezone(ZoneInfo(market_zone(session, market))).date()
    return law_of(session, market, today)


def laws_of(
    session: Session, market: str, law: OnlineLaw, published: Sequence[Published]
) -> dict[str, OnlineLaw]:
    """Return the law of each of some publications, by its digest, of which one is known already."""
    others = {each.law for each in published} - {law.digest}
    found = {digest: law_told(session, market, digest) for digest in others} | {law.digest: law}
    return {digest: each for digest, each in found.items() if digest and each}


def last_of_now(session: Session, market: str) -> Published | None:
    """Return what a market published last of its present, and not of an interval that passed."""
    query = select(PublicationRow).where(PublicationRow.cause != Cause.EX_POST)
    rows = _latest(session, market, query, 1)
    return _published(rows[0][0]) if rows else None


def since_whole(session: Session, market: str) -> list[Published]:
    """Return what holds now, in its order: the last that told of every part, and what moved since.

    Nothing before the first.
    """
    places = select(PublicationRow.sequence, PublicationRow.part)
    whole = _latest(session, market, places.where(PublicationRow.cause.in_(WHOLE)), 1)
    if not whole:
        return []
    connection, first = driver_connection(session), whole[0].sequence
    rows = session.scalars(
        select(PublicationRow)
        .where(
            PublicationRow.market == market,
            _of_days(days_of(connection, market, PUBLICATION, first, NO_END)),
            tuple_(PublicationRow.sequence, PublicationRow.part) >= tuple_(*whole[0]),
            PublicationRow.cause != Cause.EX_POST,
        )
        .order_by(PublicationRow.sequence, PublicationRow.part)
    )
    return [_published(row) for row in rows]


def interval_ends(session: Session, market: str, first: dt.date, last: dt.date) -> list[Published]:
    """Return what was published at the ends of intervals, of moments of these local days."""
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    rows = session.scalars(
        select(PublicationRow)
        .where(
            PublicationRow.market == market,
            _of_days(days),
            PublicationRow.cause == Cause.INTERVAL_END,
        )
        .order_by(PublicationRow.sequence, PublicationRow.part)
    )
    return [_published(row) for row in rows]


def last_published(session: Session, market: str) -> list[tuple[Published, int]]:
    """Return the last few publications, latest first, each with the parts that it tells of."""
    query = select(PublicationRow, func.cardinality(PublicationRow.holons))
    rows = _latest(session, market, query, LAST_SHOWN)
    return [(_published(row), count) for row, count in rows]


def newest_place(session: Session, market: str) -> Place:
    """Return the place after which a stream goes on; that of nothing before the first."""
    rows = _latest(session, market, select(PublicationRow.sequence, PublicationRow.part), 1)
    return Place(*rows[0]) if rows else Place()


def _latest(
    session: Session, market: str, query: Select[*tuple[Any, ...]], count: int
) -> list[Row[*tuple[Any, ...]]]:
    """Return the last few publications of a market that a query asks for, latest first.

    From one stretch of its log to the one before, so that no more days are asked than need be.
    """
    found: list[Row[*tuple[Any, ...]]] = []
    end = NO_END
    for stretch in stretches_before(driver_connection(session), market, PUBLICATION, NO_END):
        rows = session.execute(
            query.where(
                PublicationRow.market == market,
                _of_days(stretch.days),
                # A day may have rows of later stretches, which were asked for before.
                PublicationRow.sequence >= stretch.sequence,
                PublicationRow.sequence < end,
            )
            .order_by(PublicationRow.sequence.desc(), PublicationRow.part.desc())
            .limit(count - len(found))
        )
        found += rows
        end = stretch.sequence
        if len(found) == count:
            break
    return found


def _of_days(days: Sequence[dt.date]) -> ColumnElement[bool]:
    """Return that a publication is of some days, which stand in the statement itself.

    So it is planned for these, and other partitions are not even locked.
    """
    return PublicationRow.day.in_(bindparam(None, days, expanding=True, literal_execute=True))


def _published(row: PublicationRow) -> Published:
    return Published(
        Place(row.sequence, row.part),
        row.day,
        row.law,
        row.at,
        row.published_at,
        Cause(row.cause),
        row.holons,
        row.tightness_ppm,
        row.price_micro_per_mwh,
        row.sell_price_micro_per_mwh,
    )
