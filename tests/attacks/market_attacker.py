"""The attacker's digests of the logs of markets: both chains, their heads, and what is sealed."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from market import tables
from market.log import (
    NOTHING_BEFORE,
    Head,
    Sealed,
    booking_digest,
    event_digest,
    opening_digest,
    publication_digest,
)
from market.moments import microseconds_of

EVENTS, PUBLICATIONS = tables.EventRow.__table__, tables.PublicationRow.__table__
OPENINGS, SEALED = tables.OpeningRow.__table__, tables.SealedRow.__table__
HEADS = tables.HeadRow.__table__
BOOKINGS = tables.BookingRow.__table__
OF_MARKETS = (
    "market.event", "market.publication", "market.booking", "market.opening", "market.sealed"
)  # fmt: skip
PRICES = ("tightness_ppm", "price_micro_per_mwh", "sell_price_micro_per_mwh")


def remake_markets(session: Session) -> None:
    """Make every digest anew that rests on rows of the logs of markets."""
    for market in {row["market"] for table in (EVENTS, SEALED) for row in _rows(session, table)}:
        of_events = _remake_events(session, market)
        of_others = _remake_published(session, market)
        sequence, ends = max(of_events, default=0), (NOTHING_BEFORE, NOTHING_BEFORE)
        ends = (_end(of_events, sequence), _end(of_others, sequence))
        heads = update(HEADS).where(HEADS.c.market == market)
        session.execute(
            heads.values(sequence=sequence, event_digest=ends[0], publication_digest=ends[1])
        )
        for row in _rows(session, SEALED, market):
            last = row["last_sequence"]
            head = Head(last, _end(of_events, last), _end(of_others, last))
            _write(
                session, SEALED, row,
                event_digest=head.event_digest,
                publication_digest=head.publication_digest,
                digest=Sealed(row["first_sequence"], head).digest(market),
            )  # fmt: skip


def _remake_events(session: Session, market: str) -> dict[int, bytes]:
    before, ends = NOTHING_BEFORE, {}
    for row in _rows(session, EVENTS, market):
        event = SimpleNamespace(
            day=row["day"],
            key=row["key"],
            kind=SimpleNamespace(value=row["kind"]),
            entity=row["entity"],
            at_us=microseconds_of(row["at"]),
            numbers=tuple(row["numbers"]),
            words=tuple(row["words"]),
        )
        logged: Any = SimpleNamespace(
            event=event,
            sequence=row["sequence"],
            batch=row["batch"],
            outcome=SimpleNamespace(value=row["outcome"]),
        )
        before = event_digest(before, market, logged, row["submitted_at"], row["submitted_by"])
        _write(session, EVENTS, row, digest=before)
        ends[row["sequence"]] = before
    return ends


def _remake_published(session: Session, market: str) -> dict[int, bytes]:
    rows = [
        *((row["sequence"], 0, 0, OPENINGS, row) for row in _rows(session, OPENINGS, market)),
        *(
            (row["sequence"], turn, row["part"], table, row)
            for turn, table in enumerate((PUBLICATIONS, BOOKINGS), start=1)
            for row in _rows(session, table, market)
        ),
    ]
    before, ends = NOTHING_BEFORE, {}
    for sequence, _, part, table, row in sorted(rows, key=lambda each: each[:3]):
        if table is OPENINGS:
            before = opening_digest(before, market, row["day"], sequence, row["state"])
        elif table is BOOKINGS:
            said = (row["participant"], row["record"])
            before = booking_digest(before, market, sequence, part, *said)
        else:
            published: Any = SimpleNamespace(
                law=row["law"],
                at_us=microseconds_of(row["at"]),
                cause=SimpleNamespace(value=row["cause"]),
                holons=np.array(row["holons"]),
                prices=SimpleNamespace(**{name: np.array(row[name]) for name in PRICES}),
            )
            before = publication_digest(before, market, sequence, part, row["day"], published)
        _write(session, table, row, digest=before)
        ends[sequence] = before
    return ends


def _end(ends: dict[int, bytes], sequence: int) -> bytes:
    return ends[max(each for each in ends if each <= sequence)] if ends else NOTHING_BEFORE


def _rows(session: Session, table: Table, market: str | None = None) -> list[Any]:
    query = select(table).order_by(*table.primary_key.columns)
    if market is not None:
        query = query.where(table.c.market == market)
    return list(session.execute(query).mappings().all())


def _write(session: Session, table: Table, row: Any, **values: bytes) -> None:
    if any(row[name] != value for name, value in values.items()):
        same = [column == row[column.name] for column in table.primary_key.columns]
        session.execute(update(table).where(*same).values(**values))
