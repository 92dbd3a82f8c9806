"""Published prices of a day beside nodal marginal prices, for a command: made and drawn."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from database.bulk import driver_connection
from database.session import snapshot
from market.core.events import Event, Kind
from market.core.machine import Cause, Machine, Publication
from market.core.online import OnlineMarket
from market.day_series import AT_NODES
from market.fed_days import events_of_day
from market.feeding import due
from market.law_of_days import law_in
from market.leading import course_from
from market.log import EventEntry, Submitted
from market.moments import microseconds_of
from market.nodal_study import (
    NODAL,
    PUBLISHED,
    Moment,
    NodalMarket,
    NodalStudy,
    moments,
    study,
)
from market.replaying import Stretch, batches_of, stretches
from market.rules import required_online_market
from portal.charts.chart import Chart
from portal.charts.times import Series, time_chart
from portal.charts.units import Unit
from rulebook.law import rules_for_period
from settlement.core.periods import interval_starts
from settlement.dispatch.market import dispatch_model

LOG, READINGS = "log", "readings"
Tell = Callable[[int, int], None]


class StudiedDay(NamedTuple):
    """What came of a day.

    Attributes:
        source: `LOG` where the market was told the whole day, else `READINGS`, as a feed tells it.
        law: of the day.
        bounds_micro_per_mwh: its floor and its cap.
        currency: of prices.
        found: both series.
    """

    market: str
    day: dt.date
    source: str
    law: OnlineMarket
    bounds_micro_per_mwh: tuple[int, int]
    currency: str
    found: NodalStudy


def study_day(market: str, day: dt.date, known: dt.datetime, tell: Tell) -> StudiedDay:
    """Return published prices of a day beside nodal ones.

    Raises:
        Refused: the law of the day has no market online, or the market was not told the whole day
            and readings are missing.
    """
    with snapshot() as session:
        rules = rules_for_period(session, market, day, day, known)[0].rules
        law, market_rules = required_online_market(rules), rules.market_rules
        bounds = (market_rules.price_floor_micro_per_mwh, market_rules.price_cap_micro_per_mwh)
        lines = [line.line for line in rules.grid_model.lines]
        nodal = NodalMarket.of(dispatch_model(rules), lines, law, bounds)
        stretch = _told_whole(session, market, day)
        if stretch is None:
            source, lived = READINGS, _fed(session, market, day, law, known)
        else:
            source, lived = LOG, _logged(session, market, stretch, law)
        told = list(lived)
    starts = interval_starts(day, law.zone, law.model.interval_minutes)
    ends_us = [microseconds_of(start) + law.interval_us for start in starts]
    found = study(law, nodal, told, ends_us, tell)
    return StudiedDay(market, day, source, law, bounds, market_rules.currency, found)


def _told_whole(session: Session, market: str, day: dt.date) -> Stretch | None:
    """Return the stretch of the log that a day is, once the next one began; None without it."""
    for each in stretches(driver_connection(session), market):
        if each.opening is not None and each.opening.day == day:
            return each if each.following is not None else None
    return None


def _fed(
    session: Session, market: str, day: dt.date, law: OnlineMarket, known: dt.datetime
) -> Iterator[Moment]:
    """Yield the moments of a day as a feed would tell it, but for readings: they move no price."""
    events = events_of_day(session, market, day, known)
    machine = Machine({law.digest: law})
    batches = [each.events for each in due([e for e in events if e.kind is not Kind.READING], 1)]

    def take(batch: Sequence[Event]) -> list[Publication]:
        return machine.take(batch).publications

    return moments(machine, batches, take, law.digest)


def _logged(session: Session, market: str, stretch: Stretch, law: OnlineMarket) -> Iterator[Moment]:
    """Yield the moments of a day of the log, and the end of its last interval."""
    connection = driver_connection(session)
    course = course_from(connection, market, law_in(session, market), stretch.opening)
    # The event that ends the day's last interval is the first of the next.
    last = stretch.last + 1

    def take(batch: Sequence[EventEntry]) -> list[Publication]:
        taken = course.take([Submitted(0, each.logged.event, *each[1:3]) for each in batch])
        told = [each.publication for each in taken.publications]
        is_next = batch[-1].logged.sequence >= last
        return [each for each in told if not is_next or each.cause is Cause.INTERVAL_END]

    read = batches_of(connection, market, stretch.first, last)
    batches = (each for several in read for each in several)
    return moments(course.machine, batches, take, law.digest)


def nodes_of(found: NodalStudy) -> list[tuple[str, str]]:
    """Return the names of the nodes, in the order of nodal prices."""
    return [each for each in found.names if each[0] == AT_NODES]


def picture(outcome: StudiedDay) -> Chart:
    """Return the means of all nodes at the ends of intervals, of both series, and the dearest."""
    found = outcome.found
    ends = list(found.ends)
    of_nodes = found.published[-len(nodes_of(found)) :]
    drawn = []
    for name, prices in ((PUBLISHED, of_nodes), (NODAL, found.nodal)):
        columns = prices[:, ends].T.tolist()
        drawn += [
            Series(f"{name}, mean of nodes", tuple(sum(each) // len(each) for each in columns)),
            Series(f"{name}, dearest node", tuple(max(each) for each in columns)),
        ]
    return time_chart(
        "nodal",
        f"Published and nodal marginal prices at the ends of intervals, {outcome.market}",
        [(outcome.day, len(ends))],
        drawn,
        Unit("micro per MWh", outcome.currency),
    )
