"""What the page of bookings reads: bookings, the points that may ask, what is owed, what is ahead.

Row security decides whose bookings there are: a participant's own, and all to operators and
auditors. Prices ahead are public.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from database.bulk import driver_connection
from market import store
from market.ahead import Waiting
from market.core.booking_records import BookingRecord
from market.core.bookings_state import record_of
from market.core.events import Outcome
from market.core.forward import MINUTE_US
from market.moments import microseconds_of
from market.rules import HANDED_IN
from portal.queries.rules import market_zone, rule_on
from rulebook.documents import MarketRules, Registration
from rulebook.documents.market_rules import Product

_OUTCOME = text("SELECT market.own_outcome(:market, :day, :key)")
_OWED = text("SELECT supply_point, settlement_day, owed_w FROM market.own_owed(:market)")
_AHEAD = "law, at, begins_at, interval_minutes, interval_count, waiting, cardinality(tightness_ppm)"
_VECTORS = ("tightness_ppm", "price_micro_per_mwh", "sell_price_micro_per_mwh")


@dataclass(frozen=True)
class Ahead:
    """The intervals to come of a market, as they were kept last.

    Attributes:
        law: digest of the law by which they were made.
        at: by the market's clock.
        begins_at: the first of them.
        count: T, how many there are.
        holons: of how many parts of the grid prices are known.
        waiting: who waits for room, by product, in their turn.
    """

    market: str
    law: str
    at: dt.datetime
    begins_at: dt.datetime
    minutes: int
    count: int
    holons: int
    waiting: tuple[Waiting, ...]

    def starts(self) -> list[dt.datetime]:
        """Return when each interval begins."""
        step = dt.timedelta(minutes=self.minutes)
        return [self.begins_at + number * step for number in range(self.count)]

    def begun(self, now: dt.datetime) -> int:
        """Return how many of them have begun by a moment."""
        return sum(each <= now for each in self.starts())

    def without(self, begun: int) -> "Ahead":
        """Return it without the first few."""
        step = dt.timedelta(minutes=self.minutes)
        begins_at, count = self.begins_at + begun * step, self.count - begun
        return replace(self, begins_at=begins_at, count=count)


@dataclass(frozen=True)
class PartAhead:
    """Tightness and prices of one part of the grid, in each interval to come."""

    tightness_ppm: Sequence[int]
    price_micro: Sequence[int]
    sell_micro: Sequence[int]

    def without(self, begun: int) -> "PartAhead":
        """Return it without the first few intervals."""
        vectors = (self.tightness_ppm, self.price_micro, self.sell_micro)
        return PartAhead(*(each[begun:] for each in vectors))


def begun_us(rules: MarketRules | None, clock: dt.datetime | None, now: dt.datetime) -> int:
    """Return up to when intervals have begun, in microseconds since 1970: by whatever law says.

    Args:
        rules: of the market; None where it has none.
        clock: of the market; None before it has one.
        now: by the wall.
    """
    clock_us = 0 if clock is None else microseconds_of(clock)
    return max(clock_us, microseconds_of(now)) if runs_in_real_time(rules) else clock_us


def runs_in_real_time(rules: MarketRules | None) -> bool:
    """Whether an interval of a market has begun once its start has come by the wall."""
    return rules is not None and rules.online is not None and rules.online.begun_by == HANDED_IN


@dataclass(frozen=True)
class OwnPoint:
    """A supply point for which somebody may ask.

    Attributes:
        product: of its contract; None where the rules name none of that name.
    """

    participant: str
    point: str
    title: str
    node: str
    households: int
    product: Product | None


@dataclass(frozen=True)
class Owed:
    """What a settled day left owed to a supply point, served within its window or missed."""

    point: str
    day: dt.date
    energy_wh: int


def ahead(session: Session, market: str) -> Ahead | None:
    """Return the intervals to come of a market; None where nothing is kept of them."""
    found = parts_ahead(session, market, ())
    return found and found[0]


def parts_ahead(
    session: Session, market: str, indices: Sequence[int]
) -> tuple[Ahead, list[PartAhead]] | None:
    """Return the intervals to come, and some parts of the grid in them, by their index.

    In one statement, as what is kept is put in the place of what was. A part that there is not has
    no values.
    """
    columns = [
        f"{name}[{index} * interval_count + 1 : ({index} + 1) * interval_count]"
        for index in map(int, indices)
        for name in _VECTORS
    ]
    query = f"SELECT {', '.join([_AHEAD, *columns])} FROM market.outlook WHERE market = %s"
    row = driver_connection(session).execute(query.encode(), [market]).fetchone()
    if row is None:
        return None
    law, at, begins_at, minutes, count, waiting, values, *vectors = row
    kept = tuple(Waiting(*each) for each in waiting)
    parts = [PartAhead(*vectors[first : first + 3]) for first in range(0, len(vectors), 3)]
    return Ahead(market, law, at, begins_at, minutes, count, values // count, kept), parts


def local_day(session: Session, market: str, moment: dt.datetime) -> dt.date:
    """Return the local day of a moment where a market is."""
    return moment.astimezone(ZoneInfo(market_zone(session, market))).date()


def market_rules(session: Session, market: str, day: dt.date) -> MarketRules | None:
    """Return the market rules of a day; None where it has none."""
    found = rule_on(session, f"{market}/market-rules", day)
    return found.document if found and isinstance(found.document, MarketRules) else None


def own_points(
    session: Session, rules: MarketRules, acts_for: Iterable[tuple[str, str]], day: dt.date
) -> list[OwnPoint]:
    """Return the supply points that some participants of a market answer for on a day."""
    products = {each.product: each for each in rules.products}
    found = []
    for market, participant in sorted(acts_for):
        if market != rules.market:
            continue
        registered = rule_on(session, f"{market}/registration/{participant}", day)
        if registered is None or not isinstance(registered.document, Registration):
            continue
        found += [
            OwnPoint(
                participant,
                each.supply_point,
                each.title,
                each.node,
                each.household_count or 1,
                products.get(each.product),
            )
            for each in registered.document.supply_points
        ]
    return found


def bookings(session: Session, market: str) -> list[BookingRecord]:
    """Return every booking that this reader may see as it stands, the latest first."""
    entries = store.latest_bookings(driver_connection(session), market, None)
    return [record_of(json.loads(each.record)) for each in reversed(entries)]


def became(
    session: Session, market: str, found: Mapping[str, object]
) -> tuple[str | None, BookingRecord | None]:
    """Return what became of an event of one's own, and the booking that it left.

    Args:
        found: of the act that handed it in: `event`, `day`, `booking` and `after`.
    """
    asked = {"market": market, "day": found["day"], "key": found["event"]}
    outcome = session.scalar(_OUTCOME, asked)
    if outcome is None or outcome not in tuple(Outcome):
        return outcome, None
    entries = store.latest_bookings(driver_connection(session), market, None)
    of_booking = (
        record_of(json.loads(each.record))
        for each in entries
        if each.sequence > int(str(found["after"]))
    )
    return outcome, next((each for each in of_booking if each.key == found["booking"]), None)


def own_owed(session: Session, market: str, rules: MarketRules) -> list[Owed]:
    """Return what the last day that was settled and posted left owed to one's own points."""
    return [
        Owed(point, day, owed_w * rules.interval_minutes // 60)
        for point, day, owed_w in session.execute(_OWED, {"market": market})
    ]


def minute_of(moment: dt.datetime) -> int:
    """Return a moment in minutes since 1970, rounded down."""
    return microseconds_of(moment) // MINUTE_US
