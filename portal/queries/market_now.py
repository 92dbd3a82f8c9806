"""What a market published, as its page shows it: what holds now, the last days, the last few."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from market.core.machine import Cause
from market.places import Place
from market.tables import HeadRow, PublicationRow
from portal.queries.rules import market_zone, rule_on
from rulebook.documents import AllocationPolicy, GridModel, MarketRules
from rulebook.store import markets

WHOLE = (Cause.RULES, Cause.TICK, Cause.INTERVAL_END)
"""What tells of every part of the grid as it is then."""
LAST_SHOWN = 8
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
        published_at: when it was stored.
    """

    place: Place
    day: dt.date
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
    """The law of a market that its page is read by, in force on a local day."""

    day: dt.date
    rules: MarketRules
    grid: GridModel
    policy: AllocationPolicy | None

    @property
    def zone(self) -> str:
        """By whose clock its days are."""
        return self.rules.time_zone


@dataclass(frozen=True)
class ListedMarket:
    """A market with law, and whether it is online.

    Attributes:
        is_led: whether somebody ever led it.
        last: what was published last of its present; None before the first.
    """

    market: str
    zone: str
    is_online: bool
    is_led: bool
    last: Published | None


def list_markets(session: Session, now: dt.datetime) -> list[ListedMarket]:
    """Return every market that has law, whether it is online or not."""
    led = set(session.scalars(select(HeadRow.market)))
    found = []
    for market in markets(session):
        zone = market_zone(session, market)
        last = last_of_now(session, market)
        law = law_of(session, market, _day_of(last, zone, now))
        is_online = law is not None and law.rules.online is not None
        found.append(ListedMarket(market, zone, is_online, market in led, last))
    return found


def law_of(session: Session, market: str, day: dt.date) -> OnlineLaw | None:
    """Return the law of a market on a local day, as it is known now; None where it has none."""
    rules, grid, policy = (
        rule_on(session, f"{market}/{kind}", day)
        for kind in ("market-rules", "grid-model", "allocation-policy")
    )
    if rules is None or grid is None:
        return None
    assert isinstance(rules.document, MarketRules)
    assert isinstance(grid.document, GridModel)
    found = policy.document if policy is not None else None
    return OnlineLaw(
        day, rules.document, grid.document, found if isinstance(found, AllocationPolicy) else None
    )


def law_now(
    session: Session, market: str, last: Published | None, now: dt.datetime
) -> OnlineLaw | None:
    """Return the law of the day that a market is in, by its clock; before that, of today."""
    return law_of(session, market, _day_of(last, market_zone(session, market), now))


def _day_of(last: Published | None, zone: str, now: dt.datetime) -> dt.date:
    return now.astimezone(ZoneInfo(zone)).date() if last is None else last.day


def is_led(session: Session, market: str) -> bool:
    """Return whether somebody ever led a market."""
    return session.get(HeadRow, market) is not None


def last_of_now(session: Session, market: str) -> Published | None:
    """Return what a market published last of its present, and not of an interval that passed."""
    query = select(PublicationRow).where(
        PublicationRow.market == market, PublicationRow.cause != Cause.EX_POST
    )
    row = session.scalars(query.order_by(*_latest_first()).limit(1)).first()
    return None if row is None else _published(row)


def since_whole(session: Session, market: str) -> list[Published]:
    """Return what holds now, in its order: the last that told of every part, and what moved since.

    Nothing before the first.
    """
    whole = session.execute(
        select(PublicationRow.sequence, PublicationRow.part)
        .where(PublicationRow.market == market, PublicationRow.cause.in_(WHOLE))
        .order_by(*_latest_first())
        .limit(1)
    ).first()
    if whole is None:
        return []
    rows = session.scalars(
        select(PublicationRow)
        .where(
            PublicationRow.market == market,
            tuple_(PublicationRow.sequence, PublicationRow.part) >= tuple_(*whole),
            PublicationRow.cause != Cause.EX_POST,
        )
        .order_by(PublicationRow.sequence, PublicationRow.part)
    )
    return [_published(row) for row in rows]


def interval_ends(session: Session, market: str, first: dt.date, last: dt.date) -> list[Published]:
    """Return what was published at the ends of intervals, of moments of these local days."""
    rows = session.scalars(
        select(PublicationRow)
        .where(
            PublicationRow.market == market,
            PublicationRow.day.between(first, last),
            PublicationRow.cause == Cause.INTERVAL_END,
        )
        .order_by(PublicationRow.sequence, PublicationRow.part)
    )
    return [_published(row) for row in rows]


def last_published(session: Session, market: str) -> list[tuple[Published, int]]:
    """Return the last few publications, latest first, each with the parts that it tells of."""
    rows = session.execute(
        select(PublicationRow, func.cardinality(PublicationRow.holons))
        .where(PublicationRow.market == market)
        .order_by(*_latest_first())
        .limit(LAST_SHOWN)
    )
    return [(_published(row), count) for row, count in rows]


def newest_place(session: Session, market: str) -> Place:
    """Return the place after which a stream goes on; that of nothing before the first."""
    row = session.execute(
        select(PublicationRow.sequence, PublicationRow.part)
        .where(PublicationRow.market == market)
        .order_by(*_latest_first())
        .limit(1)
    ).first()
    return Place() if row is None else Place(*row)


def _latest_first() -> tuple[ColumnElement[int], ...]:
    return PublicationRow.sequence.desc(), PublicationRow.part.desc()


def _published(row: PublicationRow) -> Published:
    return Published(
        Place(row.sequence, row.part),
        row.day,
        row.at,
        row.published_at,
        Cause(row.cause),
        row.holons,
        row.tightness_ppm,
        row.price_micro_per_mwh,
        row.sell_price_micro_per_mwh,
    )
