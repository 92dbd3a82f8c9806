"""What who leads asks all the time, as bytes: a row of the inbox, and a batch for the log."""

from collections.abc import Iterable, Sequence

import numpy as np

from database import binary
from database.binary import BYTEA, DATE, INT4, INT8, LISTS, MOMENT, TEXT, Statement
from market.core.events import Event, Kind
from market.log import BookingEntry, EventEntry, Opening, PublicationEntry, Submitted
from market.moments import microseconds_of, moment_of
from settlement.core.arrays import Integers

PENDING = Statement(
    b"pending",
    b"SELECT number, day, key, kind, entity, at, numbers, words, submitted_at, submitted_by "
    b"FROM market.submission WHERE market = $1 ORDER BY number LIMIT $2",
    (TEXT, INT8),
)
_TAKEN = (TEXT, INT8, INT8, LISTS[INT8], LISTS[DATE], LISTS[TEXT], LISTS[BYTEA])
_PUBLISHED = (
    *(LISTS[DATE], LISTS[MOMENT], LISTS[TEXT], LISTS[INT4], LISTS[INT4]),
    *(LISTS[INT8], LISTS[INT8], LISTS[INT8], LISTS[BYTEA], LISTS[TEXT]),
)
_BOOKED = (LISTS[TEXT], LISTS[TEXT], LISTS[BYTEA])
_OPENED = (DATE, TEXT, BYTEA)
_APPENDED = (*_TAKEN, *_PUBLISHED, *_BOOKED, *_OPENED)
_PLACES = ", ".join(f"${place}" for place, _ in enumerate(_APPENDED, start=1))
APPEND = Statement(b"append", f"SELECT market.append({_PLACES})".encode(), _APPENDED)


def pending_values(market: str, most: int) -> list[bytes]:
    """Return the values of `PENDING`."""
    return [market.encode(), binary.write_number(most)]


def submitted(row: Sequence[bytes]) -> Submitted:
    """Return a row of `PENDING`.

    Raises:
        ValueError, TypeError, OverflowError: no market can take it.
    """
    number, day, key, kind, entity, at, numbers, words, came, by = row
    event = Event(
        binary.read_day(day),
        key.decode(),
        Kind(kind.decode()),
        entity.decode(),
        microseconds_of(binary.read_moment(at)),
        binary.read_numbers(numbers),
        tuple([each.decode() for each in binary.read_list(words)]),
    )
    return Submitted(binary.read_number(number), event, binary.read_moment(came), by.decode())


def batch_values(
    market: str,
    epoch: int,
    numbers: Sequence[int],
    entries: Sequence[EventEntry],
    publications: Sequence[PublicationEntry],
    bookings: Sequence[BookingEntry],
    opening: Opening | None,
) -> list[bytes | None]:
    """Return the values of `APPEND`: what `store.append` takes."""
    days = {entry.logged.event.day for entry in entries}
    return [
        market.encode(),
        binary.write_number(epoch),
        binary.write_number(entries[0].logged.sequence),
        binary.write_list(INT8, [binary.write_number(number) for number in numbers]),
        binary.write_list(DATE, [binary.write_day(day) for day in days]),
        binary.write_texts(entry.logged.outcome.value for entry in entries),
        binary.write_list(BYTEA, [entry.digest for entry in entries]),
        *_published(publications),
        binary.write_texts(entry.participant for entry in bookings),
        binary.write_texts(entry.record for entry in bookings),
        binary.write_list(BYTEA, [entry.digest for entry in bookings]),
        *((None, None, None) if opening is None else _opened(opening)),
    ]


def _opened(opening: Opening) -> tuple[bytes, bytes, bytes]:
    return binary.write_day(opening.day), opening.state.encode(), opening.digest


def _published(entries: Sequence[PublicationEntry]) -> list[bytes]:
    made = [entry.publication for entry in entries]
    prices = [each.prices for each in made]
    counts = np.array([len(each.holons) for each in made], dtype=np.int64)
    return [
        binary.write_list(DATE, [binary.write_day(entry.day) for entry in entries]),
        binary.write_list(MOMENT, [binary.write_moment(moment_of(each.at_us)) for each in made]),
        binary.write_texts(each.cause.value for each in made),
        binary.write_vector(INT4, counts),
        binary.write_vector(INT4, _joined(each.holons for each in made)),
        binary.write_vector(INT8, _joined(each.tightness_ppm for each in prices)),
        binary.write_vector(INT8, _joined(each.price_micro_per_mwh for each in prices)),
        binary.write_vector(INT8, _joined(each.sell_price_micro_per_mwh for each in prices)),
        binary.write_list(BYTEA, [entry.digest for entry in entries]),
        binary.write_texts(each.law for each in made),
    ]


def _joined(vectors: Iterable[Integers]) -> Integers:
    return np.concatenate([np.empty(0, dtype=np.int64), *vectors])
