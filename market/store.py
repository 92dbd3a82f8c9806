"""A market's log in PostgreSQL, by psycopg alone: what leads a market has no time for more.

What it asks of every batch goes as bytes (`market.binary_rows`).

Every function takes a connection of the caller's. A session has one below it:
`database.bulk.driver_connection`.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import chain
from typing import Any

import psycopg

from database import binary
from database.bulk import vector_cursor
from market.binary_rows import APPEND, PENDING, batch_values, pending_values, submitted
from market.core.events import Event, Kind, Logged, Outcome
from market.core.machine import Cause, Publication
from market.core.pricing import Prices
from market.log import (
    NOTHING_BEFORE,
    BookingEntry,
    EventEntry,
    Head,
    Opening,
    PublicationEntry,
    Sealed,
    Submitted,
)
from market.moments import microseconds_of, moment_of
from market.written import EVENT, PUBLICATION, days_of, stretches_before

Connection = psycopg.Connection[Any]

MOST_OF_A_BATCH = 500
"""Events that are taken together at most: with more, prices would wait for them too long."""

SUBMIT = (
    "SELECT place FROM market.submit(%s, %s::date[], %s::text[], %s::text[], %s::text[], "
    "%s::timestamptz[], %s::int[], %s::bigint[], %s::int[], %s::text[], %s)"
)
NOW = "SELECT clock_timestamp()"
BEGIN_EPOCH = "SELECT market.begin_epoch(%s)"
HEAD = "SELECT sequence, event_digest, publication_digest FROM market.head WHERE market = %s"
EVENT_COLUMNS = """
SELECT sequence, batch, day, key, kind, entity, at, numbers, words, outcome, submitted_at,
       submitted_by, digest
  FROM market.event
"""
EVENTS = f"""{EVENT_COLUMNS}
 WHERE market = %s AND sequence BETWEEN %s AND %s AND day = ANY(%s) ORDER BY sequence LIMIT %s
"""
PUBLICATION_COLUMNS = """
SELECT sequence, part, day, at, cause, holons::bigint[], tightness_ppm, price_micro_per_mwh,
       sell_price_micro_per_mwh, law, digest
  FROM market.publication
"""
PUBLICATIONS = f"""{PUBLICATION_COLUMNS}
 WHERE market = %s AND sequence BETWEEN %s AND %s AND day = ANY(%s) ORDER BY sequence, part
"""
PUBLICATIONS_OF_DAY = f"""{PUBLICATION_COLUMNS}
 WHERE market = %s AND day = %s ORDER BY sequence, part
"""
RULES_BEFORE = """
SELECT day, key, kind, entity, at, numbers, words, submitted_at, submitted_by, sequence
  FROM market.event
 WHERE market = %s AND sequence < %s AND kind = 'rules' AND outcome = 'taken' AND day = ANY(%s)
 ORDER BY sequence
"""
DIGEST_BEFORE = """
SELECT digest FROM market.event WHERE market = %s AND sequence = %s AND day = ANY(%s)
"""
# Each by its index: the last of three ends, of which the batch says the later, then the kind.
PUBLISHED_BEFORE = """
SELECT digest FROM (
    (SELECT sequence, 2 AS turn, digest FROM market.booking
      WHERE market = %(market)s AND sequence < %(sequence)s
      ORDER BY sequence DESC, part DESC LIMIT 1)
    UNION ALL
    (SELECT sequence, 1, digest FROM market.publication
      WHERE market = %(market)s AND sequence < %(sequence)s AND day = ANY(%(days)s)
      ORDER BY sequence DESC, part DESC LIMIT 1)
    UNION ALL
    (SELECT sequence, 0, digest FROM market.opening
      WHERE market = %(market)s AND sequence < %(sequence)s ORDER BY sequence DESC LIMIT 1)
) AS ends ORDER BY sequence DESC, turn DESC LIMIT 1
"""
BOOKING_COLUMNS = "SELECT sequence, part, participant, record, digest FROM market.booking"
LATEST_BOOKINGS = f"""
SELECT DISTINCT ON ((record::json ->> 'number')::bigint) {BOOKING_COLUMNS.removeprefix("SELECT ")}
 WHERE market = %(market)s AND participant = coalesce(%(participant)s, participant)
 ORDER BY (record::json ->> 'number')::bigint, sequence DESC, part DESC
"""
OUTCOME_OF = "SELECT outcome FROM market.event WHERE market = %s AND day = %s AND key = %s"
BOOKINGS = f"""{BOOKING_COLUMNS}
 WHERE market = %s AND sequence BETWEEN %s AND %s ORDER BY sequence, part
"""
OPENING = "SELECT day, sequence, state, digest FROM market.opening WHERE market = %s"
OPENING_PLACES = "SELECT day, sequence FROM market.opening WHERE market = %s ORDER BY sequence"
SEALED_UP_TO = "SELECT coalesce(max(last_sequence), 0) FROM market.sealed WHERE market = %s"
SEAL = """
INSERT INTO market.sealed
    (market, first_sequence, last_sequence, event_digest, publication_digest, digest)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def submit(connection: Connection, market: str, events: Sequence[Event], by: str) -> list[int]:
    """Hand in events, each once, and return the indices of those whose key is another's."""
    rows = connection.execute(
        SUBMIT,
        [
            market,
            [event.day for event in events],
            [event.key for event in events],
            [event.kind.value for event in events],
            [event.entity for event in events],
            [moment_of(event.at_us) for event in events],
            [len(event.numbers) for event in events],
            [number for event in events for number in event.numbers],
            [len(event.words) for event in events],
            [word for event in events for word in event.words],
            by,
        ],
        prepare=True,
    )
    return [place - 1 for (place,) in rows]


def pending(connection: Connection, market: str, most: int | None = None) -> list[Submitted]:
    """Return what is in the inbox, in its turn, up to the most that a batch holds, or so many.

    Raises:
        ValueError, TypeError, OverflowError: a row is there that no market can take.
    """
    values = pending_values(market, most or MOST_OF_A_BATCH)
    return list(map(submitted, binary.rows(PENDING.ask(connection, values))))


def now(connection: Connection) -> dt.datetime:
    """Return the moment by the database's clock, by which an event is handed in."""
    row = connection.execute(NOW).fetchone()
    assert row is not None
    moment: dt.datetime = row[0]
    return moment


def begin_epoch(connection: Connection, market: str) -> int:
    """Begin an epoch, and return it: who led before appends nothing from here on."""
    row = connection.execute(BEGIN_EPOCH, [market]).fetchone()
    assert row is not None
    return int(row[0])


def append(
    connection: Connection,
    market: str,
    epoch: int,
    numbers: Sequence[int],
    entries: Sequence[EventEntry],
    publications: Sequence[PublicationEntry],
    bookings: Sequence[BookingEntry],
    opening: Opening | None,
) -> None:
    """Append a batch to the log, with what was published and booked of it: all of it, or nothing.

    Args:
        connection: in autocommit, or in a transaction of the caller's.
        epoch: that is led.
        numbers: of the submissions that become the entries, in the same order; at least one.
        opening: of the day that begins with this batch, where one does.

    Raises:
        psycopg.DatabaseError: of `FENCED_SQLSTATE`, where another leads by now.
    """
    batch = (entries, publications, bookings, opening)
    APPEND.ask(connection, batch_values(market, epoch, numbers, *batch))


def head(connection: Connection, market: str) -> Head:
    """Return where the log of a market ends."""
    row = connection.cursor(binary=True).execute(HEAD, [market], prepare=True).fetchone()
    return Head() if row is None else Head(row[0], bytes(row[1]), bytes(row[2]))


def head_before(connection: Connection, market: str, sequence: int) -> Head:
    """Return where the log ended before an event came to it."""
    before = sequence - 1
    days = days_of(connection, market, EVENT, before, before)
    of_event = _of_days(connection, DIGEST_BEFORE, [market, before, days]).fetchone()
    # The last of them lies in the stretch before, unless in this one something was published yet.
    stretches = stretches_before(connection, market, PUBLICATION, sequence)[:2]
    place = {
        "market": market,
        "sequence": sequence,
        "days": [*chain(*(at.days for at in stretches))],
    }
    published = _of_days(connection, PUBLISHED_BEFORE, place).fetchone()
    return Head(
        sequence - 1,
        bytes(of_event[0]) if of_event else NOTHING_BEFORE,
        bytes(published[0]) if published else NOTHING_BEFORE,
    )


def rules_before(
    connection: Connection, market: str, sequence: int, days: Sequence[dt.date]
) -> list[Submitted]:
    """Return the events by which law came into force before an event of the log.

    That of the law in force then, if one did, and all of some days.
    """
    last: list[tuple[Any, ...]] = []
    for stretch in stretches_before(connection, market, EVENT, sequence):
        last = _of_days(connection, RULES_BEFORE, [market, sequence, stretch.days]).fetchall()
        # A day may have rows of other stretches: an earlier one of those is not the last.
        if last and last[-1][-1] >= stretch.sequence:
            break
    of_days = _of_days(connection, RULES_BEFORE, [market, sequence, list(days)]).fetchall()
    return [Submitted(0, _event(*row[:7]), *row[7:9]) for row in (*last[-1:], *of_days)]


def events(
    connection: Connection, market: str, first: int, last: int, most: int = 2**31
) -> list[EventEntry]:
    """Return the events from one sequence to another, both included, at most so many."""
    values = [market, first, last, days_of(connection, market, EVENT, first, last), most]
    rows = connection.cursor(binary=True).execute(EVENTS.encode(), values, prepare=False)
    return list(map(event_entry, rows))


def publications(
    connection: Connection, market: str, first: int, last: int
) -> list[PublicationEntry]:
    """Return what the batches from one sequence to another published."""
    values = [market, first, last, days_of(connection, market, PUBLICATION, first, last)]
    rows = vector_cursor(connection).execute(PUBLICATIONS.encode(), values, prepare=False)
    return list(map(publication_entry, rows))


def bookings(connection: Connection, market: str, first: int, last: int) -> list[BookingEntry]:
    """Return what the batches from one sequence to another left of bookings."""
    rows = connection.execute(BOOKINGS.encode(), [market, first, last])
    return list(map(booking_entry, rows))


def latest_bookings(
    connection: Connection, market: str, participant: str | None
) -> list[BookingEntry]:
    """Return every booking as it stands, or those of one participant, by their number."""
    whose = {"market": market, "participant": participant}
    return list(map(booking_entry, connection.execute(LATEST_BOOKINGS.encode(), whose)))


def outcome_of(connection: Connection, market: str, day: dt.date, key: str) -> Outcome | None:
    """Return what became of an event; None where it is not in the log yet."""
    row = _of_days(connection, OUTCOME_OF, [market, day, key]).fetchone()
    return None if row is None else Outcome(row[0])


def booking_entry(row: Sequence[Any]) -> BookingEntry:
    """Return a row of `BOOKING_COLUMNS` as an entry."""
    sequence, part, participant, record, digest = row
    return BookingEntry(sequence, part, participant, record, bytes(digest))


def last_opening(connection: Connection, market: str) -> Opening | None:
    """Return what a market knew when its last day began; None where nothing happened yet."""
    query = f"{OPENING} ORDER BY sequence DESC LIMIT 1"
    row = connection.execute(query.encode(), [market]).fetchone()
    return None if row is None else _opening(row)


def opening_of_day(connection: Connection, market: str, day: dt.date) -> Opening | None:
    """Return what a market knew when a day began by its clock; None where none did."""
    row = connection.execute(f"{OPENING} AND day = %s".encode(), [market, day]).fetchone()
    return None if row is None else _opening(row)


def openings(connection: Connection, market: str) -> list[Opening]:
    """Return every opening, in the order of the log."""
    rows = connection.execute(f"{OPENING} ORDER BY sequence, day".encode(), [market])
    return list(map(_opening, rows))


def opening_places(connection: Connection, market: str) -> list[tuple[dt.date, int]]:
    """Return each day that began by a market's clock, and with which event, in their order."""
    return list(connection.execute(OPENING_PLACES, [market]))


def sealed_up_to(connection: Connection, market: str) -> int:
    """Return the last sequence that is sealed; 0 where none is."""
    row = connection.execute(SEALED_UP_TO, [market]).fetchone()
    return 0 if row is None else int(row[0])


def seal(connection: Connection, market: str, sealed: Sealed) -> None:
    """Append that a stretch is sealed, unless it is; the row becomes a leaf, under its lock."""
    head = sealed.head
    values = (head.sequence, head.event_digest, head.publication_digest, sealed.digest(market))
    connection.execute(SEAL, [market, sealed.first_sequence, *values])


def _of_days(connection: Connection, query: str, values: Any) -> psycopg.Cursor[Any]:
    """Ask what names its days, planned for these: other partitions are not even locked."""
    return connection.execute(query.encode(), values, prepare=False)


def event_entry(row: Sequence[Any]) -> EventEntry:
    """Return a row of `EVENT_COLUMNS` as an entry.

    Raises:
        ValueError: its kind or its outcome is none.
    """
    sequence, batch, *said, outcome, submitted_at, submitted_by, digest = row
    logged = Logged(sequence, batch, _event(*said), Outcome(outcome))
    return EventEntry(logged, submitted_at, submitted_by, bytes(digest))


def _event(
    day: dt.date,
    key: str,
    kind: str,
    entity: str,
    at: dt.datetime,
    numbers: list[int],
    words: list[str],
) -> Event:
    return Event(day, key, Kind(kind), entity, microseconds_of(at), tuple(numbers), tuple(words))


def _opening(row: tuple[Any, ...]) -> Opening:
    day, sequence, state, digest = row
    return Opening(day, sequence, state, bytes(digest))


def publication_entry(row: Sequence[Any]) -> PublicationEntry:
    """Return a row of `PUBLICATION_COLUMNS`, read by `vector_cursor`, as an entry.

    Raises:
        ValueError: its cause is none.
    """
    sequence, part, day, at, cause, holons, *prices, law, digest = row
    published = Publication(microseconds_of(at), Cause(cause), holons, Prices(*prices), law)
    return PublicationEntry(sequence, part, day, published, bytes(digest))
