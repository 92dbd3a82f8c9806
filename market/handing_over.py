"""What a settlement of a local day is given of its market's log: published prices and bookings.

It is made of publications, openings and bookings up to an event of the log, by the law of the day
as it was known when it was handed over, so that it can be made again. A booking is of the days on
which who asked for it supplies its point. It counts by what is placed of it in intervals of the
day, whatever became of it since, as what has begun is had; by what was let go of them; and by what
is owed for what was moved or ended on the day. It is named, too, while what was refused of it on a
day before may be served, as the window of its contract is open.
Where the law has intervals of another length than when it was booked, energy is shared over those
that an interval covers, by the largest remainder; of what comes to lie in one, the price is the
mean by energy, rounded down.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from sqlalchemy.orm import Session

import ledger.store
from common.refusals import Finding, Refused
from database.bulk import driver_connection
from market import store, stored_rows
from market.core.booking_records import BookingRecord
from market.core.bookings_state import record_of
from market.core.forward import MINUTE_US
from market.core.machine import Cause
from market.core.online import OnlineMarket
from market.core.pricing import Holons
from market.core.quotes import Placed, Side
from market.day_series import AT_NODES, day_series
from market.law_book import Resolve
from market.law_of_days import law_in
from market.log import Opening, PublicationEntry
from market.moments import local_day, midnight_us
from market.store import Connection
from settlement.core.arrays import Flags, Integers
from settlement.core.contracts import MOST_WINDOW_INTERVALS
from settlement.core.periods import interval_count
from settlement.core.rounding import apportion
from settlement.meters.store import last_look, lock_readings
from settlement.runs.contract_history import history_begins
from settlement.runs.online_day_store import append_online_day, online_days_known_at
from settlement.runs.online_days import (
    HandedBack,
    HandedBooking,
    HandedDay,
    HandedPlace,
    StoredOnlineDay,
)

Law = Callable[[Session, str], Resolve]
LawOn = Callable[[dt.date], OnlineMarket | None]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FOREVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def hand_over(
    session: Session,
    market: str,
    days: Sequence[dt.date],
    *,
    now: dt.datetime,
    law: Law = law_in,
) -> list[StoredOnlineDay]:
    """Append what the log of a market says of days, where it is another than was handed over last.

    Nothing is handed over of a day of which the log says nothing, whose law is not online, or that
    is sealed. Of days before those, on which what they begin with rests, bookings are.

    Args:
        session: of the caller, in which the days are settled next.
        days: consecutive.
        now: when it is handed over.
        law: gives that of a market, as it was known at a moment.

    Raises:
        Refused: a run looked at this moment or later, so it would know what it did not.
    """
    connection = driver_connection(session)
    # Before anything is looked at: most markets have no log.
    sequence = store.head(connection, market).sequence
    if not sequence:
        return []
    lock_readings(session, market)
    log, resolve = Log.up_to(connection, market, sequence), cache(law(session, market))
    every_day = [*_booked_before(session, log, days[0], now), *days]
    of_market = ((market, day) for day in every_day)
    sealed = {day for _, day in ledger.store.sealed_at(session, of_market)}
    before = online_days_known_at(session, market, every_day[0], days[-1], FOREVER)
    found = []
    for day in every_day:
        said = None if day in sealed else made_day(log, day, now, resolve)
        last = before.get(day)
        if said is None or (last is None and not _counts(said, is_before=day < days[0])):
            continue
        content, revision = said.content, 1 if last is None else last.revision + 1
        if last is None or last.content != content:
            found.append(StoredOnlineDay(market, day, revision, sequence, content, now))
    looked = last_look(session, market)
    if found and looked is not None and looked >= now:
        raise Refused([_looked_before(market, found[0], looked)])
    for handed in found:
        append_online_day(session, handed)
    return found


def _counts(said: HandedDay, *, is_before: bool) -> bool:
    """Whether a day is handed over of which nothing was; of days before, bookings alone count."""
    return bool(said.bookings) if is_before else said.says_anything


def _booked_before(
    session: Session, log: "Log", first_day: dt.date, known: dt.datetime
) -> list[dt.date]:
    """Return the days before one on which anything may be booked that it begins with.

    Who is served what on them, as far back as a run of it looks, decides what it begins with: so a
    day comes out the same alone and in a month.
    """
    # By the clock of any zone, a moment is of the day that it is in UTC, or one beside it.
    days = {
        (EPOCH + dt.timedelta(minutes=each.start_minute)).date() + dt.timedelta(days=beside)
        for record in log.bookings
        for each in record.placed
        for beside in (-1, 0, 1)
    }
    before = sorted(day for day in days if day < first_day)
    begins = history_begins(session, log.market, first_day, known) if before else first_day
    return [day for day in before if begins <= day]


@dataclass(frozen=True)
class Log:
    """The log of a market up to an event.

    Attributes:
        openings: each day by the market's clock, and with which event it began.
        bookings: as they stood, by number.
    """

    connection: Connection
    market: str
    sequence: int
    openings: Sequence[tuple[dt.date, int]]
    bookings: Sequence[BookingRecord]

    @classmethod
    def up_to(cls, connection: Connection, market: str, sequence: int) -> "Log":
        """Return the log up to and with an event."""
        latest: dict[int, BookingRecord] = {}
        for entry in store.bookings(connection, market, 1, sequence):
            record = record_of(json.loads(entry.record))
            latest[record.number] = record
        places = store.opening_places(connection, market)
        openings = [place for place in places if place[1] <= sequence]
        bookings = [record for _, record in sorted(latest.items())]
        return cls(connection, market, sequence, openings, bookings)


def made_day(log: Log, day: dt.date, known: dt.datetime, resolve: Resolve) -> HandedDay | None:
    """Return what a log says of a day; None where its law is not online.

    Args:
        known: the moment at which law is known.
        resolve: gives law.
    """
    law = resolve(day, known)
    if law is None:
        return None
    published = _published(log, day, law, resolve)
    return HandedDay(
        log.market,
        day,
        law.model.interval_minutes,
        law.model.grid.nodes,
        published.is_known,
        published.buying,
        published.selling,
        tuple(_bookings(log.bookings, day, law, lambda on: resolve(on, known))),
    )


class _Published(NamedTuple):
    """Mean prices at nodes, shape (N, T), and of which intervals they are known."""

    buying: Integers
    selling: Integers
    is_known: Flags


def _published(log: Log, day: dt.date, law: OnlineMarket, resolve: Resolve) -> _Published:
    opening = store.opening_of_day(log.connection, log.market, day)
    following = [first for of, first in log.openings if of > day]
    end = min(following, default=log.sequence + 1)
    if (
        opening is None
        or opening.sequence > log.sequence
        or not _is_of_law(log, day, law, (opening.sequence, end), resolve)
    ):
        count = interval_count(day, law.zone, law.model.interval_minutes)
        nothing = np.zeros((len(law.model.grid.nodes), count), dtype=np.int64)
        return _Published(nothing, nothing, np.zeros(count, dtype=np.bool_))
    entries = list(_entries(log, day))
    (buying, is_known), (selling, _) = (
        _means(day, law, opening, entries, bool(following), prices)
        for prices in ("price_micro_per_mwh", "sell_price_micro_per_mwh")
    )
    return _Published(buying, selling, is_known)


def _entries(log: Log, day: dt.date) -> Iterator[PublicationEntry]:
    """Yield what was published of a day up to the end of a log.

    Raises:
        ValueError: a row says nothing that a market's log can say.
    """
    rows = stored_rows.publications_of_day(log.connection, log.market, day)
    for (sequence, part), entry in rows:
        if entry is None:
            raise ValueError(f"publication {sequence}/{part} is none")
        if sequence <= log.sequence:
            yield entry


def _means(
    day: dt.date,
    law: OnlineMarket,
    opening: Opening,
    entries: Sequence[PublicationEntry],
    has_ended: bool,
    prices: str,
) -> tuple[Integers, Flags]:
    said = json.loads(opening.state)["published"]
    before = None if said is None else np.array(said[prices], dtype=np.int64)
    if before is not None and len(before) != len(Holons(law.model)):
        before = None
    moments = [each.publication.at_us for each in entries if _is_of_now(each)]
    series = day_series(
        day,
        law,
        before,
        [each.publication for each in entries],
        # A day that goes on is known up to the last moment of which anything was published.
        None if has_ended else max(moments, default=midnight_us(day, law.zone)),
        prices=prices,
    )
    rows = [row for row, (layer, _) in enumerate(series.names) if layer == AT_NODES]
    known = series.is_published
    return np.where(known, series.published[rows], 0), known


def _is_of_now(entry: PublicationEntry) -> bool:
    return entry.publication.cause is not Cause.EX_POST


def _is_of_law(
    log: Log, day: dt.date, law: OnlineMarket, between: tuple[int, int], resolve: Resolve
) -> bool:
    """Whether all that was published on a day is of the holons of its law, in their order.

    Args:
        between: the sequences with which the day began, and with which the next did.
    """
    (first, end), names = between, Holons(law.model).names
    told = [
        *store.rules_before(log.connection, log.market, first, ()),
        *store.rules_before(log.connection, log.market, end, (day,)),
    ]
    laws = [resolve(each.event.day, each.submitted_at) for each in told]
    return bool(laws) and all(
        each is not None and Holons(each.model).names == names for each in laws
    )


def _bookings(
    records: Sequence[BookingRecord], day: dt.date, law: OnlineMarket, law_on: LawOn
) -> Iterator[HandedBooking]:
    """Yield each booking of which anything is placed on the day, or was, or was ended on it."""
    suppliers = dict(zip(law.model.supply_points, law.suppliers, strict=True))
    for record in records:
        request, who = record.request, (record.number, record.key, record.participant)
        if suppliers.get(request.point) != record.participant:
            continue
        parts = (
            tuple(_merged(_placed(record.placed, day, law))),
            tuple(_given_back(record, day, law)),
            tuple(_placed(record.let_go, day, law)),
        )
        if any(parts) or _may_be_owed(record, day, law, law_on):
            yield HandedBooking(*who, request.point, request.side.value, *parts)


def _may_be_owed(record: BookingRecord, day: dt.date, law: OnlineMarket, law_on: LawOn) -> bool:
    """Whether the window of anything that is placed on days before is open where a day begins.

    What was refused is owed within the window of its own day, whatever the law of this one is.
    """
    if law.model.fair_play is None or record.request.side is not Side.BUY:
        return False
    first = midnight_us(day, law.zone) // MINUTE_US
    return any(
        each.start_minute < first < each.end_minute + MOST_WINDOW_INTERVALS
        and first < each.end_minute + _window_minutes(record.request.point, each, law.zone, law_on)
        for each in record.placed
    )


def _window_minutes(point: str, placed: Placed, zone: str, law_on: LawOn) -> int:
    """Return for how long after an interval what it refuses is owed to a supply point."""
    law = law_on(local_day(placed.start_minute * MINUTE_US, zone))
    if law is None or law.model.fair_play is None or point not in law.model.supply_points:
        return 0
    row = law.model.supply_points.index(point)
    window = int(law.model.fair_play.contracts.point_window[row])
    return window * law.model.interval_minutes


def _given_back(record: BookingRecord, day: dt.date, law: OnlineMarket) -> Iterator[HandedBack]:
    minutes = law.model.interval_minutes
    first = midnight_us(day, law.zone) // MINUTE_US
    count = interval_count(day, law.zone, minutes)
    for each in record.given_back:
        interval = (each.minute - first) // minutes
        if 0 <= interval < count:
            yield HandedBack(interval, each.energy_wh, each.fall_micro_per_mwh)


def _merged(places: Iterable[HandedPlace]) -> Iterator[HandedPlace]:
    """Yield what comes to lie in each interval, at the mean price by energy, rounded down."""
    energy: dict[int, int] = {}
    worth: dict[int, int] = {}
    for interval, wh, price in places:
        energy[interval] = energy.get(interval, 0) + wh
        worth[interval] = worth.get(interval, 0) + wh * price
    for interval, wh in sorted(energy.items()):
        yield HandedPlace(interval, wh, worth[interval] // wh)


def _placed(placed: Iterable[Placed], day: dt.date, law: OnlineMarket) -> Iterator[HandedPlace]:
    """Yield the parts of what is placed, or was, that lie in intervals of a day, one by one."""
    minutes = law.model.interval_minutes
    first = midnight_us(day, law.zone) // MINUTE_US
    count = interval_count(day, law.zone, minutes)
    for each in placed:
        covered = [
            (interval, shared)
            for interval in range(count)
            if (shared := _shared(each.start_minute, each.end_minute, first, interval, minutes)) > 0
        ]
        # What lies outside the day is a part as any other, so that days sum to what was booked.
        outside = each.minutes - sum(shared for _, shared in covered)
        parts = apportion(each.energy_wh, [*(shared for _, shared in covered), outside])
        for (interval, _), wh in zip(covered, parts, strict=False):
            if wh:
                yield HandedPlace(interval, wh, each.price_micro_per_mwh)


def _shared(start: int, end: int, first: int, interval: int, minutes: int) -> int:
    begins = first + interval * minutes
    return min(end, begins + minutes) - max(start, begins)


def _looked_before(market: str, handed: StoredOnlineDay, looked: dt.datetime) -> Finding:
    return Finding(
        "handed-over-before",
        f"settlement.online_day {market} {handed.day}",
        f"handed over {handed.recorded_at.isoformat()}",
        f"after the last look of a run or a trial, {looked.isoformat()}",
        "set the clock right, and settle again; what was known at an instant must stay as it was",
    )
