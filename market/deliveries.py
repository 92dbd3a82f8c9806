"""What a settlement tells a market of its bookings: what was delivered, and what not taken.

A delivery is told at the end of its interval, whenever it is settled; a later run tells those alone
of which it says otherwise. So a booking becomes delivered or missed, and the memory of the queue
counts what the meter says: as lacking what was refused, and not what nobody wished for. Nothing is
told of a day that the market's clock has not left.
"""

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy.orm import Session

from common.refusals import refuse_any
from database.bulk import driver_connection
from ledger.journal import STUDY
from market import store
from market.core.booking_records import BookingRecord
from market.core.bookings_state import record_of
from market.core.events import Event, Kind
from market.core.forward import MINUTE_US
from market.inbox import submit
from market.law_of_days import laws_of_days
from market.log import BookingEntry
from market.moments import local_day, midnight_us
from settlement.core.arrays import Integers
from settlement.core.booked import DELIVERED, REFUSED, booking_and_point
from settlement.runs.run import Run
from settlement.runs.store import series

BY = "settlement"
"""Who hands deliveries in, as the log keeps it."""


def tell_deliveries(session: Session, run: Run) -> int:
    """Hand in what a run says was delivered of bookings, and return how many intervals are told.

    Args:
        session: of the caller, in which the run is stored.

    Raises:
        Refused: the market was told something else under a key of these.
    """
    events = list(deliveries_of(session, run))
    refuse_any(submit(session, run.market, events, by=BY))
    return len(events)


def deliveries_of(session: Session, run: Run) -> Iterator[Event]:
    """Yield what a run says of intervals of bookings that the market was told otherwise, or not."""
    if run.kind == STUDY:
        return
    settled: defaultdict[dt.date, defaultdict[int, dict[str, Integers]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for vector in series(session, run.id, (DELIVERED, REFUSED)):
        number, _ = booking_and_point(vector.entity)
        settled[vector.day][number][vector.measure] = abs(vector.values)
    if not settled:
        return
    connection = driver_connection(session)
    opening = store.last_opening(connection, run.market)
    records = _by_number(store.latest_bookings(connection, run.market, None))
    # A run is of days that all have law.
    laws = laws_of_days(session, run.market, min(settled), max(settled), run.known_at)
    for day, of_day in sorted(settled.items()):
        law = laws[day]
        if law is None or opening is None or opening.day <= day:
            continue
        for number, values in sorted(of_day.items()):
            if number in records:
                parts = values[DELIVERED], values[REFUSED]
                yield from _told(records[number], run.id, day, law.zone, parts)


def _by_number(entries: list[BookingEntry]) -> Mapping[int, BookingRecord]:
    records = (record_of(json.loads(entry.record)) for entry in entries)
    return {record.number: record for record in records}


def _told(
    record: BookingRecord,
    run_id: uuid.UUID,
    day: dt.date,
    zone: str,
    parts: tuple[Integers, Integers],
) -> Iterator[Event]:
    values, refused = parts
    first = midnight_us(day, zone) // MINUTE_US
    minutes = (midnight_us(day, zone, days=1) // MINUTE_US - first) // len(values)
    before = {each.start_minute: (each.energy_wh, each.not_taken_wh) for each in record.told}
    for placed in record.placed:
        interval = (placed.start_minute - first) // minutes
        # Booked by law of other intervals, a part of one is delivered by none that is settled.
        if placed.minutes != minutes or not 0 <= interval < len(values):
            continue
        energy_wh = int(values[interval])
        not_taken_wh = placed.energy_wh - energy_wh - int(refused[interval])
        if before.get(placed.start_minute) == (energy_wh, not_taken_wh):
            continue
        at_us = placed.end_minute * MINUTE_US
        yield Event(
            local_day(at_us, zone),
            f"delivery/{record.number}/{placed.start_minute}/{run_id}",
            Kind.DELIVERY,
            record.request.point,
            at_us,
            (placed.start_minute, energy_wh, not_taken_wh),
            (record.key,),
        )
