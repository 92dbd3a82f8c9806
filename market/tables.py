"""The schema `market`: the inbox, the log, what was published, and what of it is sealed.

`event` and `publication` have a partition a day, which `market.make_days` makes when one is first
written (`database.market_log`). Rows of both, of `opening`
and of `booking` are appended by `market.append`
alone; of `head`, whatever it says follows from them, but for the epoch. `outlook` and `standing`
say what was known when an interval ended last, and are no facts (`database.market_ahead`).
"""

import datetime as dt

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from market.door import CHECKS

DIGEST = "octet_length({0}) = 32"
BY_DAY = "RANGE (day)"


class SubmissionRow(Base):
    """An event that was handed in and is not in the log yet; its number is its turn."""

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("market", "number"),
        *(CheckConstraint(check, name=name) for name, check in CHECKS.items()),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str] = mapped_column(Text)
    entity: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    numbers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    submitted_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    submitted_by: Mapped[str] = mapped_column(Text)


class EventRow(Base):
    """An event in its place: gapless in its market, chained to the one before it."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("day", "market", "key"),
        CheckConstraint("batch BETWEEN 1 AND sequence", name="batch_begins_before"),
        CheckConstraint(DIGEST.format("digest"), name="digest_length"),
        Index("ix_event_market_law", "market", "sequence", postgresql_where=text("kind = 'rules'")),
        {"schema": "market", "postgresql_partition_by": BY_DAY},
    )

    # In this order: what is asked for is a range of sequences, whichever the days.
    market: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    batch: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    entity: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    numbers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    outcome: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    submitted_by: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class PublicationRow(Base):
    """Prices of some holons from a moment on; `sequence` is the batch that moved them.

    `law` is the digest of the law by which they were made. `published_at` is when the row was
    written, by the clock of the database: for information, in no chain, and proven by nothing.
    """

    __tablename__ = "publication"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        CheckConstraint("part >= 1", name="part_begins_at_one"),
        CheckConstraint(
            "cardinality(holons) = cardinality(tightness_ppm) "
            "AND cardinality(holons) = cardinality(price_micro_per_mwh) "
            "AND cardinality(holons) = cardinality(sell_price_micro_per_mwh)",
            name="a_price_each",
        ),
        CheckConstraint(DIGEST.format("digest"), name="digest_length"),
        {"schema": "market", "postgresql_partition_by": BY_DAY},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    cause: Mapped[str] = mapped_column(Text)
    holons: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    tightness_ppm: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    price_micro_per_mwh: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    sell_price_micro_per_mwh: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    published_at: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    law: Mapped[str] = mapped_column(Text)


class BookingRow(Base):
    """A booking from a moment on, as text; `sequence` is the batch that left it so.

    Not by day: bookings are few beside events, and what is asked of them is whose they are.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        CheckConstraint("part >= 1", name="part_begins_at_one"),
        CheckConstraint(DIGEST.format("digest"), name="digest_length"),
        Index("ix_booking_market_participant", "market", "participant"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    participant: Mapped[str] = mapped_column(Text)
    record: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class HeadRow(Base):
    """Where the log of a market ends, and the epoch of who leads it."""

    __tablename__ = "head"
    __table_args__ = (
        CheckConstraint("epoch >= 1", name="epoch_begins_at_one"),
        CheckConstraint("sequence >= 0", name="sequence_begins_at_none"),
        CheckConstraint(DIGEST.format("event_digest"), name="event_digest_length"),
        CheckConstraint(DIGEST.format("publication_digest"), name="publication_digest_length"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    event_digest: Mapped[bytes] = mapped_column(LargeBinary)
    publication_digest: Mapped[bytes] = mapped_column(LargeBinary)


class OpeningRow(Base):
    """What a market knew before the first event of a local day by its clock, as text."""

    __tablename__ = "opening"
    __table_args__ = (
        UniqueConstraint("market", "sequence"),
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        CheckConstraint(DIGEST.format("digest"), name="digest_length"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class WrittenRow(Base):
    """That a day's partition has rows of a stretch of the log: from an opening to the next.

    Who asks by sequence finds by it which days to ask: a query over all would lock every partition.
    Sequence 0 is of what came before the first opening.
    """

    __tablename__ = "written"
    __table_args__ = (
        CheckConstraint("parent IN ('event', 'publication')", name="parent_is_parted"),
        CheckConstraint("sequence >= 0", name="sequence_begins_at_none"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    parent: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)


class SealedRow(Base):
    """A stretch of a market's log that is a leaf of the ledger's: the heads where it ends."""

    __tablename__ = "sealed"
    __table_args__ = (
        UniqueConstraint("market", "first_sequence"),
        CheckConstraint("first_sequence BETWEEN 1 AND last_sequence", name="in_order"),
        CheckConstraint(DIGEST.format("event_digest"), name="event_digest_length"),
        CheckConstraint(DIGEST.format("publication_digest"), name="publication_digest_length"),
        CheckConstraint(DIGEST.format("digest"), name="digest_length"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    last_sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    first_sequence: Mapped[int] = mapped_column(BigInteger)
    event_digest: Mapped[bytes] = mapped_column(LargeBinary)
    publication_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class OutlookRow(Base):
    """Prices of intervals to come as they were last: holon by holon, each in all T intervals.

    `waiting` lists products in the order of their turn: name, requests, energy in Wh, and the
    earliest moment at which one is due, in minutes since 1970.
    """

    __tablename__ = "outlook"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    law: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    begins_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    interval_minutes: Mapped[int] = mapped_column(Integer)
    interval_count: Mapped[int] = mapped_column(Integer)
    tightness_ppm: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    price_micro_per_mwh: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    sell_price_micro_per_mwh: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    waiting: Mapped[list[list[object]]] = mapped_column(JSONB)


class StandingRow(Base):
    """What a market knew after an event of the day that it is in, as text."""

    __tablename__ = "standing"
    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        {"schema": "market"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
