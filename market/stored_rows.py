"""Every row of a market's log, one after the other, to prove it: those that cannot be read, too."""

import datetime as dt
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from database.bulk import vector_cursor
from market import store
from market.log import BookingEntry, EventEntry, Head, PublicationEntry, Sealed
from market.written import (
    EVENT,
    PUBLICATION,
    Connection,
    partition_days,
    released,
)
from settlement.core.arrays import INT64_LIMIT

ROWS_AT_A_TIME = 2_000
_CURSORS = count()
"""Names of cursors: those of publications and bookings are read side by side."""
MARKETS = """
SELECT market FROM market.head UNION SELECT market FROM market.written
UNION SELECT market FROM market.opening UNION SELECT market FROM market.booking
UNION SELECT market FROM market.sealed
"""
MARKETS_OF_DAY = "SELECT DISTINCT market FROM market.{parent} WHERE day = %s"
STRETCHES_OF_DAY = """
SELECT DISTINCT width_bucket(sequence, %s::bigint[]) FROM market.{parent}
 WHERE market = %s AND day = %s
"""
WRITTEN = "SELECT sequence, day FROM market.written WHERE market = %s AND parent = %s"
_OF_STRETCH = """
 WHERE market = %(market)s AND day = ANY(%(days)s) AND sequence BETWEEN %(first)s AND %(last)s
   AND (sequence, {part}, day) > (%(after)s, %(part)s, %(day)s)
 ORDER BY sequence, {order} LIMIT %(most)s
"""
EVENTS = store.EVENT_COLUMNS + _OF_STRETCH.format(part="0", order="day")
PUBLICATIONS = store.PUBLICATION_COLUMNS + _OF_STRETCH.format(part="part", order="part, day")
BOOKINGS = f"{store.BOOKING_COLUMNS} WHERE market = %s ORDER BY sequence, part"
SEALED = """
SELECT first_sequence, last_sequence, event_digest, publication_digest, digest
  FROM market.sealed WHERE market = %s ORDER BY last_sequence
"""


class StoredSealed(NamedTuple):
    """A sealed stretch, with the digest that is stored of it."""

    sealed: Sealed
    digest: bytes


def markets(connection: Connection) -> list[str]:
    """Return the markets of which anything is stored."""
    found = {market for (market,) in connection.execute(MARKETS)}
    for parent in (EVENT, PUBLICATION):
        for day in partition_days(connection, parent):
            found.update(row[0] for row in _of_day(connection, MARKETS_OF_DAY, parent, [day]))
    return sorted(found)


def stretches_of_days(
    connection: Connection, market: str, parent: str, openings: list[int]
) -> set[tuple[int, dt.date]]:
    """Return of which stretches each day's partition has rows; by the openings that begin them."""
    starts = [0, *openings]
    return {
        (starts[number], day)
        for day in partition_days(connection, parent)
        for (number,) in _of_day(connection, STRETCHES_OF_DAY, parent, [openings, market, day])
    }


def written(connection: Connection, market: str, parent: str) -> list[tuple[int, dt.date]]:
    """Return of which it is named."""
    return list(connection.execute(WRITTEN, [market, parent]))


def events(connection: Connection, market: str) -> Iterator[tuple[int, bytes, EventEntry | None]]:
    """Yield sequence, stored digest and entry of every event; None for one that says nothing."""
    for row in _of_stretches(connection, EVENTS, market, EVENT):
        yield row[0], bytes(row[-1]), _read(store.event_entry, row)


def publications(
    connection: Connection, market: str
) -> Iterator[tuple[tuple[int, int], bytes, PublicationEntry | None]]:
    """Yield sequence and part, stored digest and entry of every publication, as `events` does."""
    for row in _of_stretches(connection, PUBLICATIONS, market, PUBLICATION):
        yield (row[0], row[1]), bytes(row[-1]), _read(store.publication_entry, row)


def publications_of_day(
    connection: Connection, market: str, day: dt.date
) -> Iterator[tuple[tuple[int, int], PublicationEntry | None]]:
    """Yield sequence and part, and entry, of each publication of a local day."""
    cursor = vector_cursor(connection)
    rows = cursor.execute(store.PUBLICATIONS_OF_DAY.encode(), [market, day], prepare=False)
    for row in rows:
        yield (row[0], row[1]), _read(store.publication_entry, row)


def bookings(connection: Connection, market: str) -> Iterator[BookingEntry]:
    """Yield every booking as batches left it."""
    for row in _streamed(connection, BOOKINGS, market):
        yield store.booking_entry(row)


def heads(connection: Connection, market: str) -> list[Head]:
    """Return the heads of a market, of which there is one."""
    rows = connection.execute(store.HEAD, [market])
    return [Head(sequence, bytes(one), bytes(other)) for sequence, one, other in rows]


def sealed_stretches(connection: Connection, market: str) -> list[StoredSealed]:
    """Return every sealed stretch, in the order of the log."""
    return [
        StoredSealed(Sealed(first, Head(last, bytes(of_events), bytes(of_others))), bytes(digest))
        for first, last, of_events, of_others, digest in connection.execute(SEALED, [market])
    ]


def _of_stretches(
    connection: Connection, query: str, market: str, parent: str
) -> Iterator[tuple[Any, ...]]:
    """Yield rows in the order of the log, some at a time; what was locked for them is let go.

    Where they are, the partitions themselves say: what names their days is not believed.
    """
    openings = sorted({at for _, at in store.opening_places(connection, market) if at > 0})
    days_of_stretch: dict[int, list[dt.date]] = {0: [], **{at: [] for at in openings}}
    for sequence, day in stretches_of_days(connection, market, parent, openings):
        days_of_stretch[sequence].append(day)
    firsts = [-INT64_LIMIT, *openings, INT64_LIMIT]
    for days, first, end in zip(days_of_stretch.values(), firsts, firsts[1:], strict=False):
        place = (-INT64_LIMIT, 0, dt.date.min)
        limits = {"market": market, "days": days, "last": end - 1, "most": ROWS_AT_A_TIME}
        while True:
            asked = limits | dict(zip(("after", "part", "day"), place, strict=True))
            with released(connection):
                has_vectors = parent == PUBLICATION
                cursor = (
                    vector_cursor(connection) if has_vectors else connection.cursor(binary=True)
                )
                # The first bounds the index, and the place says where in it.
                asked["first"] = max(first, place[0])
                rows = cursor.execute(query.encode(), asked, prepare=False).fetchall()
            yield from rows
            if len(rows) < ROWS_AT_A_TIME:
                break
            sequence, part, day = rows[-1][:3]
            place = (sequence, part if parent == PUBLICATION else 0, day)


def _of_day(
    connection: Connection, query: str, parent: str, values: list[Any]
) -> list[tuple[Any, ...]]:
    with released(connection):
        asked = query.format(parent=parent).encode()
        return connection.execute(asked, values, prepare=False).fetchall()


def _streamed(connection: Connection, query: str, market: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name=f"market_log_{next(_CURSORS)}") as cursor:
        cursor.itersize = ROWS_AT_A_TIME
        cursor.execute(query.encode(), [market], binary=True)
        yield from cursor


def _read(entry_of: Any, row: tuple[Any, ...]) -> Any:
    try:
        return entry_of(row)
    except (ValueError, TypeError):
        return None
