"""What the evidence of a participant holds of its market online: the bookings of its documents.

Each as it was left last, with what it says, and the rows of the chain from there to the end of the
stretch by which it is sealed, so that it is held to a leaf of the log. A stretch that passes the
opening of a day is left out: an opening tells what everybody booked.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from heapq import merge
from operator import itemgetter

from sqlalchemy.orm import Session

from database.bulk import driver_connection
from market import store, stored_rows
from market.evidence_part import booking_row, publication_row, sealed_row
from market.log import BookingEntry
from market.stored_rows import StoredSealed
from settlement.evidence.log_part import Fact, LogPart
from settlement.evidence.market_part import STRETCH_SOURCE, Row, own_files


def own_part(
    session: Session, market: str, participant: str, numbers: Collection[int], log: LogPart
) -> tuple[Mapping[str, bytes], list[Fact]]:
    """Return the files of a participant's bookings, and the facts by which they are sealed.

    Args:
        session: of the caller.
        participant: whose bookings are opened; those of others stay closed.
        numbers: of the bookings that its documents name.
        log: up to the checkpoint.
    """
    connection = driver_connection(session)
    sealed = [
        stored
        for stored in stored_rows.sealed_stretches(connection, market)
        if log.covers(STRETCH_SOURCE, _key(market, stored))
    ]
    # As of the checkpoint and not of now: what is told after it would give it other bytes.
    through = max((each.sealed.head.sequence for each in sealed), default=0)
    latest = {
        number: entry
        for entry in store.bookings(connection, market, 1, through)
        if entry.participant == participant
        and (number := json.loads(entry.record)["number"]) in numbers
    }
    openings = [sequence for _, sequence in store.opening_places(connection, market)]
    stretches: dict[str, Row] = {}
    rows: list[Row] = []
    for stored in sealed:
        within = [each for each in latest.values() if _is_within(each, stored)]
        first = min((each.sequence for each in within), default=0)
        passes = any(first <= each <= stored.sealed.head.sequence for each in openings)
        if within and not passes:
            stretches[_key(market, stored)] = sealed_row(market, stored)
            rows += _chain(session, market, stored, within)
    facts = [Fact(STRETCH_SOURCE, key, row["digest"]) for key, row in stretches.items()]
    return own_files(stretches.values(), rows) if stretches else {}, facts


def _key(market: str, stored: StoredSealed) -> str:
    return f"{market}/{stored.sealed.head.sequence}"


def _is_within(entry: BookingEntry, stored: StoredSealed) -> bool:
    return stored.sealed.first_sequence <= entry.sequence <= stored.sealed.head.sequence


def _chain(
    session: Session, market: str, stored: StoredSealed, opened: Sequence[BookingEntry]
) -> list[Row]:
    """Return rows from the first of some bookings to the end of their stretch, these opened."""
    connection = driver_connection(session)
    first, last = min(each.sequence for each in opened), stored.sealed.head.sequence
    booked = store.bookings(connection, market, first, last)
    rows: list[Row] = list(
        merge(
            map(publication_row, store.publications(connection, market, first, last)),
            (booking_row(each, is_open=each in opened) for each in booked),
            key=itemgetter("sequence", "turn", "part"),
        )
    )
    before = store.head_before(connection, market, first).publication_digest
    return [{**rows[0], "previous_digest": before}, *rows[1:]]
