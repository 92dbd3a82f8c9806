"""What the evidence of a run holds of its market online: what it published, and what seals it.

Openings, publications and bookings are one chain. Of a booking its place and the digest of its
content are given, by which the chain can be walked; whose it is and what it says only to who may
open it. The chain is given from the last opening before the run's first
day, as whatever was published of a day came after the day began by the market's clock, and up to
the end of a sealed stretch: the last that the checkpoint covers, or the first after no reading of
the run's days is taken any more.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy.orm import Session

from database.bulk import driver_connection
from market import store, stored_rows
from market.log import BookingEntry, PublicationEntry, booking_content_digest
from market.moments import moment_of
from market.store import Connection
from market.stored_rows import StoredSealed
from settlement.evidence.log_part import Fact, LogPart, require_covered
from settlement.evidence.market_part import (
    BOOKING,
    OPENING,
    PUBLICATION,
    STRETCH_SOURCE,
    Row,
    last_word,
    published_files,
)
from settlement.runs.run import Run

MayOpen = Callable[[str], bool]
"""Whether a participant's bookings may be read by who is given evidence."""


def may_open_none(participant: str) -> bool:
    """Of what is given to anybody: bookings are said to be there, and no more."""
    return False


def may_open_all(participant: str) -> bool:
    """Of what is given to operators and auditors: they read every booking."""
    return True


class _Stretch(NamedTuple):
    """A day by the market's clock, and the sequences of its rows of the log, both included."""

    day: dt.date
    first: int
    last: int


def opened_part(session: Session, run: Run, log: LogPart) -> Mapping[str, bytes]:
    """Return what `published_part` does, with what every booking says.

    For evidence of a run, which holds every meter and every document, too, and is given to those
    alone who may read every booking.
    """
    return published_part(session, run, log, may_open=may_open_all)


def published_part(
    session: Session, run: Run, log: LogPart, *, may_open: MayOpen = may_open_none
) -> Mapping[str, bytes]:
    """Return the files of what was published of a run's days; none where nothing can be.

    Args:
        session: of the caller.
        run: whose days they are.
        log: up to the checkpoint.
        may_open: which bookings are given with their content.

    Raises:
        Refused: the log has a sealed stretch with another digest.
    """
    ending = last_word(session, run)
    if ending is None:
        return {}
    connection, market = driver_connection(session), run.market
    keyed = {_key(market, each): each for each in stored_rows.sealed_stretches(connection, market)}
    sealed = {key: each for key, each in keyed.items() if log.covers(STRETCH_SOURCE, key)}
    facts = [Fact(STRETCH_SOURCE, key, each.digest) for key, each in sealed.items()]
    require_covered(session, log, facts)
    ends = [each.sealed.head.sequence for each in sealed.values()]
    places = store.opening_places(connection, market)
    days = choose_days(places, ends, run.first_day, ending)
    return published_files(
        (sealed_row(market, each) for each in sealed.values()),
        ((each.day, _rows(connection, market, each, may_open)) for each in days),
    )


def choose_days(
    openings: Sequence[tuple[dt.date, int]],
    ends: Sequence[int],
    first_day: dt.date,
    ending: dt.date,
) -> list[_Stretch]:
    """Return the days of a log that evidence holds.

    Args:
        openings: each day by the market's clock and the sequence that it begins with, in order.
        ends: the last sequence of each sealed stretch, in order.
        first_day: of the run.
        ending: the day from which on nothing of the run's days can come any more.
    """
    closing = next((sequence for day, sequence in openings if day >= ending), None)
    after = (end for end in ends if closing is not None and end >= closing)
    through = next(after, ends[-1] if ends else 0)
    before = [place for place in openings if place[0] < first_day][-1:]
    chosen = [*before, *(place for place in openings if place[0] >= first_day)]
    following = [sequence - 1 for _, sequence in chosen[1:]]
    return [
        _Stretch(day, first, min(last, through))
        for (day, first), last in zip(chosen, [*following, through], strict=True)
        if first <= through
    ] if chosen else []  # fmt: skip


def _key(market: str, stored: StoredSealed) -> str:
    return f"{market}/{stored.sealed.head.sequence}"


def sealed_row(market: str, stored: StoredSealed) -> Row:
    """Return a sealed stretch as evidence has it."""
    first, head = stored.sealed
    return {
        "market": market,
        "first_sequence": first,
        "last_sequence": head.sequence,
        "event_digest": head.event_digest,
        "publication_digest": head.publication_digest,
        "digest": stored.digest,
    }


def _rows(
    connection: Connection, market: str, stretch: _Stretch, may_open: MayOpen
) -> Iterator[Row]:
    opening = store.opening_of_day(connection, market, stretch.day)
    assert opening is not None, "its place was read in this transaction"
    before = store.head_before(connection, market, opening.sequence)
    first = {"turn": OPENING, "part": 0, "previous_digest": before.publication_digest}
    yield opening._asdict() | first
    published = store.publications(connection, market, stretch.first, stretch.last)
    booked = store.bookings(connection, market, stretch.first, stretch.last)
    yield from merge(
        map(publication_row, published),
        (booking_row(each, is_open=may_open(each.participant)) for each in booked),
        key=itemgetter("sequence", "turn", "part"),
    )


def booking_row(entry: BookingEntry, *, is_open: bool) -> Row:
    """Return a booking as a batch left it, as evidence has it: with what it says, or without."""
    content = {"participant": entry.participant, "record": entry.record}
    return {
        "sequence": entry.sequence,
        "turn": BOOKING,
        "part": entry.part,
        "content_digest": booking_content_digest(entry.participant, entry.record),
        "digest": entry.digest,
        **(content if is_open else {}),
    }


def publication_row(entry: PublicationEntry) -> Row:
    """Return a publication as evidence has it."""
    published = entry.publication
    prices = published.prices
    return {
        "sequence": entry.sequence,
        "turn": PUBLICATION,
        "part": entry.part,
        "day": entry.day,
        "law": published.law,
        "at": moment_of(published.at_us),
        "cause": published.cause.value,
        "holons": published.holons.tolist(),
        "tightness_ppm": prices.tightness_ppm.tolist(),
        "price_micro_per_mwh": prices.price_micro_per_mwh.tolist(),
        "sell_price_micro_per_mwh": prices.sell_price_micro_per_mwh.tolist(),
        "digest": entry.digest,
    }
