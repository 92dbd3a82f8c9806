"""Verification of the logs of markets: no gap, both chains whole, and sealed is what is there.

Nothing stored is trusted: every digest is computed again from its row and the one before. Whether
the events, taken again, give what was published, a replay says.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import merge
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from database.bulk import driver_connection
from market import store, stored_rows
from market.handed_verification import CHECK as HANDED
from market.log import (
    NOTHING_BEFORE,
    Head,
    Sealed,
    booking_digest,
    event_digest,
    opening_digest,
    publication_digest,
)
from market.store import Connection
from market.stored_rows import StoredSealed
from market.written import EVENT, PUBLICATION
from settlement.verification import Check

GAP, CHAIN, HEAD, SEALED = "market-gap", "market-chain", "market-head", "market-sealed"
WRITTEN = "market-written"
NOT_ITS_DIGEST = "its columns give another digest after the row before it"


def verify_market_logs(session: Session) -> Iterator[Finding]:
    """Hold the log of every market to its chains, its head, and what is sealed of it."""
    connection = driver_connection(session)
    for market in stored_rows.markets(connection):
        yield from _verify(connection, market)


CHECKS = (Check("logs of markets", verify_market_logs), HANDED)
"""What `verify` holds of markets online, beside what it holds of their settlement."""


def _verify(connection: Connection, market: str) -> Iterator[Finding]:
    sealed = stored_rows.sealed_stretches(connection, market)
    ends = [each.sealed.head.sequence for each in sealed]
    of_events, of_others = _Marks(ends), _Marks(ends)
    yield from _verify_written(connection, market)
    yield from _verify_events(connection, market, of_events)
    yield from _verify_published(connection, market, of_others)
    end = Head(of_events.sequence, of_events.digest, of_others.digest)
    yield from _verify_heads(market, stored_rows.heads(connection, market), end)
    yield from _verify_sealed(market, sealed, of_events, of_others)


def _verify_written(connection: Connection, market: str) -> Iterator[Finding]:
    """Hold what names the days of a log to its rows: what it does not name, nobody reads."""
    openings = sorted({at for _, at in store.opening_places(connection, market) if at > 0})
    for parent in (EVENT, PUBLICATION):
        there = stored_rows.stretches_of_days(connection, market, parent, openings)
        named = Counter(stored_rows.written(connection, market, parent))
        for sequence, day in sorted(there | named.keys()):
            count, is_there = named[sequence, day], (sequence, day) in there
            if count != is_there:
                place = f"market.written {market} {parent} {sequence} {day}"
                rows = "rows" if is_there else "no rows"
                value = f"it stands {count} times, and the log has {rows} of the day there"
                yield damage(WRITTEN, place, value)


def _verify_heads(market: str, heads: list[Head], end: Head) -> Iterator[Finding]:
    place = f"market.head {market}"
    if len(heads) != 1:
        yield damage(HEAD, place, f"it stands {len(heads)} times, not once")
    for head in heads:
        if head.sequence != end.sequence:
            value = f"the log ends with {end.sequence}, and it names {head.sequence}"
            yield damage(HEAD, place, value)
        elif head != end:
            yield damage(HEAD, place, "the chains end with other digests than it names")


class _Marks:
    """The end of a chain as it was computed up to here, and where stretches are sealed.

    Attributes:
        sequence, digest: of the last row.
        at: the digest that each sealed stretch should name.
    """

    def __init__(self, ends: list[int]) -> None:
        self._ends = iter([*ends, None])
        self._next = next(self._ends)
        self.sequence, self.digest = 0, NOTHING_BEFORE
        self.at: dict[int, tuple[int, bytes]] = {}

    def move(self, sequence: int, digest: bytes) -> None:
        """Go on to a row; what is sealed up to before it is known then."""
        self.finish(sequence - 1)
        self.sequence, self.digest = sequence, digest

    def finish(self, sequence: int | None = None) -> None:
        """Mark the stretches that end at or before a sequence; None: all that are left."""
        while self._next is not None and (sequence is None or self._next <= sequence):
            self.at[self._next] = (self.sequence, self.digest)
            self._next = next(self._ends)


def _verify_events(connection: Connection, market: str, marks: _Marks) -> Iterator[Finding]:
    for sequence, stored, entry in stored_rows.events(connection, market):
        place = f"market.event {market} {sequence}"
        if sequence != marks.sequence + 1:
            value = "it stands twice" if sequence == marks.sequence else "none stands before it"
            yield damage(GAP, place, value)
        if entry is None:
            yield damage("unreadable", place, "it says nothing that a market's log can say")
        elif event_digest(marks.digest, market, *entry[:3]) != stored:
            yield damage(CHAIN, place, NOT_ITS_DIGEST)
        marks.move(sequence, stored)
    marks.finish()


class _Link(NamedTuple):
    """A row of the chain of publications, openings and bookings.

    Attributes:
        place: in the chain: batch, turn of its kind within a batch, and part.
        name: table and key.
        stored: its digest.
        after: gives its digest after that of the row before; None where it says nothing.
    """

    place: tuple[int, int, int]
    name: str
    stored: bytes
    after: Callable[[bytes], bytes] | None


def _verify_published(connection: Connection, market: str, marks: _Marks) -> Iterator[Finding]:
    links = (_openings(connection, market), _publications(connection, market))
    every = merge(*links, _bookings(connection, market), key=lambda link: link.place)
    for place, name, stored, after in every:
        if after is None:
            yield damage("unreadable", name, "it says nothing that a market's log can say")
        elif after(marks.digest) != stored:
            yield damage(CHAIN, name, NOT_ITS_DIGEST)
        marks.move(place[0], stored)
    marks.finish()


def _openings(connection: Connection, market: str) -> Iterator[_Link]:
    for each in store.openings(connection, market):
        name = f"market.opening {market} {each.day}"
        after = partial(_after, opening_digest, market, each[:3])
        yield _Link((each.sequence, 0, 0), name, each.digest, after)


def _publications(connection: Connection, market: str) -> Iterator[_Link]:
    for (sequence, part), stored, entry in stored_rows.publications(connection, market):
        name = f"market.publication {market} {sequence}/{part}"
        after = partial(_after, publication_digest, market, entry[:4]) if entry else None
        yield _Link((sequence, 1, part), name, stored, after)


def _bookings(connection: Connection, market: str) -> Iterator[_Link]:
    for each in stored_rows.bookings(connection, market):
        name = f"market.booking {market} {each.sequence}/{each.part}"
        after = partial(_after, booking_digest, market, each[:4])
        yield _Link((each.sequence, 2, each.part), name, each.digest, after)


def _after(
    digest: Callable[..., bytes], market: str, said: Sequence[object], before: bytes
) -> bytes:
    return digest(before, market, *said)


def _verify_sealed(
    market: str, sealed: list[StoredSealed], of_events: _Marks, of_others: _Marks
) -> Iterator[Finding]:
    expected = 1
    for (first, head), stored in sealed:
        place = f"market.sealed {market}/{head.sequence}"
        at = (of_events.at[head.sequence][1], of_others.at[head.sequence][1])
        if Sealed(first, head).digest(market) != stored:
            yield damage(SEALED, place, "its columns give another digest")
        if first != expected:
            yield damage(SEALED, place, f"it begins with {first}, and not with {expected}")
        if (head.event_digest, head.publication_digest) != at:
            yield damage(SEALED, place, "it names other digests than those of the log there")
        if of_events.at[head.sequence][0] != head.sequence:
            yield damage(SEALED, place, f"the log has no event {head.sequence}")
        expected = head.sequence + 1
