"""Every row of a market's log, one after the other, to prove it: those that cannot be read, too."""

import datetime as dt
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

from database.bulk import register_vectors, vector_cursor
from market import store
from market.log import BookingEntry, EventEntry, Head, PublicationEntry, Sealed
from market.store import Connection

ROWS_AT_A_TIME = 2_000
_CURSORS = count()
"""Names of cursors: those of publications and bookings are read side by side."""
MARKETS = """
SELECT market FROM market.head UNION SELECT market FROM market.event
UNION SELECT market FROM market.publication UNION SELECT market FROM market.opening
UNION SELECT market FROM market.booking UNION SELECT market FROM market.sealed ORDER BY 1
"""
EVENTS = f"{store.EVENT_COLUMNS} WHERE market = %s ORDER BY sequence, day"
PUBLICATIONS = f"{store.PUBLICATION_COLUMNS} WHERE market = %s ORDER BY sequence, part, day"
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
    return [market for (market,) in connection.execute(MARKETS)]


def events(connection: Connection, market: str) -> Iterator[tuple[int, bytes, EventEntry | None]]:
    """Yield sequence, stored digest and entry of every event; None for one that says nothing."""
    for row in _streamed(connection, EVENTS, market, has_vectors=False):
        yield row[0], bytes(row[-1]), _read(store.event_entry, row)


def publications(
    connection: Connection, market: str
) -> Iterator[tuple[tuple[int, int], bytes, PublicationEntry | None]]:
    """Yield sequence and part, stored digest and entry of every publication, as `events` does."""
    for row in _streamed(connection, PUBLICATIONS, market, has_vectors=True):
        yield (row[0], row[1]), bytes(row[-1]), _read(store.publication_entry, row)


def publications_of_day(
    connection: Connection, market: str, day: dt.date
) -> Iterator[tuple[tuple[int, int], PublicationEntry | None]]:
    """Yield sequence and part, and entry, of each publication of a local day."""
    for row in vector_cursor(connection).execute(store.PUBLICATIONS_OF_DAY.encode(), [market, day]):
        yield (row[0], row[1]), _read(store.publication_entry, row)


def bookings(connection: Connection, market: str) -> Iterator[BookingEntry]:
    """Yield every booking as batches left it."""
    for row in _streamed(connection, BOOKINGS, market, has_vectors=False):
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


def _streamed(
    connection: Connection, query: str, market: str, *, has_vectors: bool
) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name=f"market_log_{next(_CURSORS)}") as cursor:
        if has_vectors:
            register_vectors(cursor)
        cursor.itersize = ROWS_AT_A_TIME
        cursor.execute(query.encode(), [market], binary=True)
        yield from cursor


def _read(entry_of: Any, row: tuple[Any, ...]) -> Any:
    try:
        return entry_of(row)
    except (ValueError, TypeError):
        return None
