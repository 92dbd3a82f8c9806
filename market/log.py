"""A market's log as rows: what is sealed of each, and the digests that chain them.

Events are one chain, publications with openings and bookings another, each in the order of the log;
an opening comes before what its batch published, and what became of bookings comes after. The
digest of a row is

    SHA-256(0x02 || digest of the row before || fields)

where the fields are written as those of the ledger (`ledger.chain`), first the row's tag; the row
before the first is 32 zero bytes. A vector of integers is bytes: 8 each, two's complement,
big-endian. A booking is chained by a digest of whose it is and what it says, so that the chain can
be walked by who may not read it. What was published is a pure function of the events, so the second
chain, computed again, ends in the same digest; when a publication was stored is in neither.
"""

import datetime as dt
from hashlib import sha256
from typing import NamedTuple

from ledger.chain import encode
from ledger.tree import DIGEST_BYTES, leaf_hash
from market.core.events import Event, Logged
from market.core.machine import Publication
from settlement.core.arrays import Integers

EVENT_TAG = "tallystick.market-event.1"
PUBLICATION_TAG = "tallystick.market-publication.2"
SEALED_TAG = "tallystick.market-sealed.1"
OPENING_TAG = "tallystick.market-opening.1"
BOOKING_TAG = "tallystick.market-booking.2"
BOOKING_CONTENT_TAG = "tallystick.market-booking-content.1"

NOTHING_BEFORE = bytes(DIGEST_BYTES)
"""What the first row of a chain follows."""
_LINK_PREFIX = b"\x02"


class Submitted(NamedTuple):
    """An event in the inbox, by its number there: its turn."""

    number: int
    event: Event
    submitted_at: dt.datetime
    submitted_by: str


class EventEntry(NamedTuple):
    """An event of the log."""

    logged: Logged
    submitted_at: dt.datetime
    submitted_by: str
    digest: bytes


class PublicationEntry(NamedTuple):
    """A publication: of a batch, by its first sequence, and its place from 1 among that batch's.

    `day` is the local day of its moment.
    """

    sequence: int
    part: int
    day: dt.date
    publication: Publication
    digest: bytes


class BookingEntry(NamedTuple):
    """A booking as a batch left it: by its first sequence, and its place from 1 among the batch's.

    `record` is all that is known of it, as text; `participant` is whose it is.
    """

    sequence: int
    part: int
    participant: str
    record: str
    digest: bytes


class Opening(NamedTuple):
    """What a market knew before the first event of a local day by its clock, as text."""

    day: dt.date
    sequence: int
    state: str
    digest: bytes


class Head(NamedTuple):
    """Where a log ends: the last sequence, 0 where there is none, and the ends of both chains."""

    sequence: int = 0
    event_digest: bytes = NOTHING_BEFORE
    publication_digest: bytes = NOTHING_BEFORE


class Sealed(NamedTuple):
    """A stretch of the log, up to where it ended then."""

    first_sequence: int
    head: Head

    def digest(self, market: str) -> bytes:
        """Return the digest over every column, which is a leaf of the ledger's log."""
        return leaf_hash(encode(SEALED_TAG, (market, self.first_sequence, *self.head)))


def event_digest(
    before: bytes, market: str, logged: Logged, submitted_at: dt.datetime, submitted_by: str
) -> bytes:
    """Return the digest of an event of the log, after that of the one before it."""
    event = logged.event
    return _link(
        before,
        EVENT_TAG,
        (
            event.day,
            event.key,
            event.kind.value,
            event.entity,
            event.at_us,
            event.numbers,
            event.words,
            market,
            logged.sequence,
            logged.batch,
            logged.outcome.value,
            submitted_at,
            submitted_by,
        ),
    )


def opening_digest(before: bytes, market: str, day: dt.date, sequence: int, state: str) -> bytes:
    """Return the digest of an opening, after that of what was published before it."""
    return _link(before, OPENING_TAG, (market, day, sequence, state))


def booking_content_digest(participant: str, record: str) -> bytes:
    """Return the digest of whose a booking is and what it says, which alone its link is over.

    It keeps from who has the chain what they cannot guess; a guess, it confirms.
    """
    return leaf_hash(encode(BOOKING_CONTENT_TAG, (participant, record)))


def booking_digest(
    before: bytes, market: str, sequence: int, part: int, participant: str, record: str
) -> bytes:
    """Return the digest of a booking, after that of what was published or booked before it."""
    content = booking_content_digest(participant, record)
    return _link(before, BOOKING_TAG, (market, sequence, part, content))


def publication_digest(
    before: bytes, market: str, sequence: int, part: int, day: dt.date, publication: Publication
) -> bytes:
    """Return the digest of a publication, after that of the one before it."""
    prices = publication.prices
    return _link(
        before,
        PUBLICATION_TAG,
        (
            market,
            sequence,
            part,
            day,
            publication.law,
            publication.at_us,
            publication.cause.value,
            _bytes(publication.holons),
            _bytes(prices.tightness_ppm),
            _bytes(prices.price_micro_per_mwh),
            _bytes(prices.sell_price_micro_per_mwh),
        ),
    )


def _link(before: bytes, tag: str, values: tuple[object, ...]) -> bytes:
    return sha256(_LINK_PREFIX + before + encode(tag, values)).digest()


def _bytes(vector: Integers) -> bytes:
    return vector.astype(">i8").tobytes()
