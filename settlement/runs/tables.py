"""Tables of settlement runs and their results."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    LargeBinary,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base


class RunRow(Base):
    """One settlement of consecutive days: what it was computed from, and what came out.

    A row is written once, complete, after its results; there is no unfinished run in the table.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days_in_order"),
        CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        CheckConstraint("octet_length(result_digest) = 32", name="result_digest_length"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    market: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    known_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    pins: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    engine_version: Mapped[str] = mapped_column(Text)
    result_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ResultRow(Base):
    """One day vector of a run's results."""

    __tablename__ = "result"
    __table_args__ = (
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    run_id: Mapped[uuid.UUID] = mapped_column(
        Uuid,
        ForeignKey("settlement.run.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    )
    settlement_day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    entity: Mapped[str] = mapped_column(Text, primary_key=True)
    values: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
