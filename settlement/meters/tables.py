"""Tables of meter readings: the files that came in, and the day vectors they held."""

import datetime as dt
import uuid

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base


class ReadingFileRow(Base):
    """One accepted file of readings.

    `content_digest` is the SHA-256 of the file's bytes, so that the same file again is known;
    `digest` covers every column of the row. Counts: `row_count` readings in the file,
    `vector_count` day vectors stored from it, `unchanged_count` day vectors equal to what was known
    already, `late_day_count` settlement days whose deadline had passed on arrival.
    """

    __tablename__ = "reading_file"
    __table_args__ = (
        UniqueConstraint("market", "content_digest"),
        CheckConstraint("last_day >= first_day", name="days_in_order"),
        CheckConstraint("row_count > 0", name="row_count_positive"),
        CheckConstraint("octet_length(content_digest) = 32", name="content_digest_length"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    market: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    row_count: Mapped[int] = mapped_column(BigInteger)
    vector_count: Mapped[int] = mapped_column(BigInteger)
    unchanged_count: Mapped[int] = mapped_column(BigInteger)
    late_day_count: Mapped[int] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ReadingRow(Base):
    """One day vector of one entity and measure, in one revision.

    `quality` holds one letter an interval. The key begins with what a settlement asks for: a
    market's days, whole.
    """

    __tablename__ = "reading"
    __table_args__ = (
        CheckConstraint("revision >= 1", name="revision_positive"),
        CheckConstraint("cardinality(values) > 0", name="values_present"),
        CheckConstraint("length(quality) = cardinality(values)", name="quality_length"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    settlement_day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    entity: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    values: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    quality: Mapped[str] = mapped_column(Text)
    received_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    file_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("settlement.reading_file.id"), index=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary)
