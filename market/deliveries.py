"""What a settlement tells a market of its bookings: what was delivered, and what not taken.

A delivery is told at the end of its interval, whenever it is settled; a later run tells those alone
of which it says otherwise. So a booking becomes delivered or missed, and the memory of the queue
counts what the meter says: as lacking what was refused, and not what nobody wished for. What is
served later of what was refused is told of the interval that served it, and what is declined then
as not taken of it, as far as that lies inside the window that was asked for. Nothing is told of a
day that the market's clock has not left.
"""

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.refusals import refuse_any
from database.bulk import driver_connection
from ledger.journal import STUDY
from market import store
from market.core.booking_records import BookingRecord
from market.core.bookings_state import record_of
from market.core.events import Event, Kind
from market.core.forward import MINUTE_US
from market.core.online import OnlineMarket
from market.inbox import submit
from market.law_of_days import laws_of_days
from market.log import BookingEntry
from market.moments import local_day, midnight_us
from settlement.core.arrays import Integers
from settlement.core.booked import DECLINED, DELIVERED, LATE, REFUSED, booking_and_point
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
    connection = driver_connection(session)
    opening = store.last_opening(connection, run.market)
    if opening is None:
        return
    settled = _settled(session, run)
    records = _by_number(store.latest_bookings(connection, run.market, None))
    # What was late or declined by a run before, and is not by this one, is corrected.
    late = {
        number
        for number, record in records.items()
        if any(each.late_wh or record.placed_at(each.start_minute) is None for each in record.told)
    }
    # A run is of days that all have law.
    laws = laws_of_days(session, run.market, run.first_day, run.last_day, run.known_at)
    for day, law in sorted(laws.items()):
        if law is None or opening.day <= day:
            continue
        for number in sorted(records.keys() & (settled[day].keys() | late)):
            of_booking = settled[day].get(number)
            yield from events_of_booking(records[number], run.id, Day.of(day, law), of_booking)


def _settled(
    session: Session, run: Run
) -> defaultdict[dt.date, defaultdict[int, dict[str, Integers]]]:
    """Return what a run says of bookings, by day, number and measure, none negative."""
    settled: defaultdict[dt.date, defaultdict[int, dict[str, Integers]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for vector in series(session, run.id, (DELIVERED, REFUSED, LATE, DECLINED)):
        number, _ = booking_and_point(vector.entity)
        settled[vector.day][number][vector.measure] = abs(vector.values)
    return settled


class Day(NamedTuple):
    """A local day in minutes since 1970.

    Attributes:
        minutes: length of its intervals by its law.
    """

    first_minute: int
    end_minute: int
    minutes: int
    zone: str

    @classmethod
    def of(cls, day: dt.date, law: OnlineMarket) -> "Day":
        """Return a day by its law."""
        first, end = (midnight_us(day, law.zone, days=days) // MINUTE_US for days in (0, 1))
        return cls(first, end, law.model.interval_minutes, law.zone)


def _by_number(entries: list[BookingEntry]) -> Mapping[int, BookingRecord]:
    records = (record_of(json.loads(entry.record)) for entry in entries)
    return {record.number: record for record in records}


def events_of_booking(
    record: BookingRecord, run_id: uuid.UUID, day: Day, settled: Mapping[str, Integers] | None
) -> Iterator[Event]:
    """Yield what a run says of a booking on a day, interval by interval.

    Args:
        settled: by measure; None where the run says nothing of it: then nothing of it was late, and
            nothing declined.
    """
    before = {each.start_minute: each for each in record.told}
    asked = record.request
    for start in range(day.first_minute, day.end_minute, day.minutes):
        interval = (start - day.first_minute) // day.minutes
        placed, told = record.placed_at(start), before.get(start)
        # Booked by law of other intervals, a part of one is delivered by none that is settled.
        if placed is not None and (settled is None or placed.minutes != day.minutes):
            continue
        energy_wh = not_taken_wh = late_wh = declined_wh = 0
        if settled is not None and placed is not None:
            energy_wh = int(settled[DELIVERED][interval])
            not_taken_wh = placed.energy_wh - energy_wh - int(settled[REFUSED][interval])
        end = start + day.minutes
        if settled is not None and asked.earliest_minute <= start and end <= asked.latest_minute:
            late_wh = int(settled[LATE][interval])
            declined_wh = int(settled[DECLINED][interval]) if DECLINED in settled else 0
        says = energy_wh, not_taken_wh + declined_wh, late_wh
        if told is not None:
            if says == (told.energy_wh, told.not_taken_wh, told.late_wh):
                continue
        elif placed is None and not (late_wh or declined_wh):
            continue
        is_late = placed is None or late_wh or declined_wh or (told is not None and told.late_wh)
        at_us = end * MINUTE_US
        yield Event(
            local_day(at_us, day.zone),
            f"delivery/{record.number}/{start}/{run_id}",
            Kind.DELIVERY,
            asked.point,
            at_us,
            (start, *(says if is_late else says[:2])),
            (record.key,),
        )
