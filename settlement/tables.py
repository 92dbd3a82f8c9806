"""The tables of settlement: readings and their files, runs, results, and reports on them."""

import datetime as dt
import uuid
from typing import Any

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base


class ReadingFileRow(Base):
    """One accepted file of readings, written once, after its readings; a leaf of the log.

    `content_digest` is the SHA-256 of the file's bytes, so that the same file again is known;
    `readings_root` is over the readings stored from it, as `meters.digest` says; `digest` covers
    every column of the row. Counts: `row_count` readings in the file,
    `vector_count` day vectors stored from it, `unchanged_count` day vectors equal to what was known
    already, `late_day_count` settlement days whose deadline had passed on arrival.
    """

    __tablename__ = "reading_file"
    __table_args__ = (
        UniqueConstraint("market", "content_digest"),
        CheckConstraint("last_day >= first_day", name="days_in_order"),
        CheckConstraint("row_count > 0", name="row_count_positive"),
        CheckConstraint("octet_length(content_digest) = 32", name="content_digest_length"),
        CheckConstraint("octet_length(readings_root) = 32", name="readings_root_length"),
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
    readings_root: Mapped[bytes] = mapped_column(LargeBinary)
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
        Uuid,
        # Deferred: the file's own row names the root over its readings, and is written last.
        ForeignKey("settlement.reading_file.id", deferrable=True, initially="DEFERRED"),
        index=True,
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class OnlineDayRow(Base):
    """What a market online handed over of a local day, in one revision; a leaf of the log.

    `content` says whose bookings there are and what was published, up to event `sequence` of the
    market's log.
    """

    __tablename__ = "online_day"
    __table_args__ = (
        CheckConstraint("revision >= 1", name="revision_positive"),
        CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    settlement_day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


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
        # Of rows that are added: those of earlier releases stay.
        CheckConstraint("engine_version = '3'", name="engine_is_of_this_release"),
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
        # Deferred: rows are written day by day, and the run's own row, which completes it, last.
        ForeignKey("settlement.run.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    )
    settlement_day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    entity: Mapped[str] = mapped_column(Text, primary_key=True)
    values: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class TrialMadeRow(Base):
    """One day vector that was made of a side of a trial, by solvers whose floats differ elsewhere.

    The trial's row commits to all of them by a digest of each side.
    """

    __tablename__ = "trial_made"
    __table_args__ = (
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    trial_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("settlement.trial.id"), primary_key=True
    )
    side: Mapped[str] = mapped_column(Text, primary_key=True)
    settlement_day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    entity: Mapped[str] = mapped_column(Text, primary_key=True)
    values: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class DayTotalRow(Base):
    """The metered energy of one entity that a day of a run used, summed in Wh."""

    __tablename__ = "day_total"
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
    total_wh: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class StudyRow(Base):
    """A run under an overlay, the run of the same days without it, and the report on both.

    Both runs are of kind `study`; the ledger takes no journal of that kind.
    """

    __tablename__ = "study"
    __table_args__ = (
        CheckConstraint("run_id <> before_run_id", name="runs_differ"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    run_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("settlement.run.id"), primary_key=True
    )
    before_run_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("settlement.run.id"))
    overlay: Mapped[dict[str, Any]] = mapped_column(JSONB)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class TrialRow(Base):
    """Drafts of law tried on past days beside the law as it was: what was tried, and what came out.

    `pins` are the law of the days, `drafts` hold each draft's texts whole, and `sides` what each
    side was computed from and came to. No journal names a trial.
    """

    __tablename__ = "trial"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days_in_order"),
        CheckConstraint("threshold_ppm >= 0", name="threshold_not_negative"),
        CheckConstraint("known_at <= created_at", name="known_before_made"),
        CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    market: Mapped[str] = mapped_column(Text)
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    known_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    threshold_ppm: Mapped[int] = mapped_column(BigInteger)
    pins: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    drafts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    sides: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    engine_version: Mapped[str] = mapped_column(Text)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class FairnessReportRow(Base):
    """How fair a settled period was: the runs whose results are posted of its days, and the report.

    `pins` name of each day the run and the digest of its result. No journal names a report.
    """

    __tablename__ = "fairness_report"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days_in_order"),
        CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    market: Mapped[str] = mapped_column(Text)
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    pins: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class TransitionReportRow(Base):
    """A settled period beside the market in force: the run, the prices beside it, and the report.

    `prices` are those of the period, so that the report can be made again without the file.
    """

    __tablename__ = "transition_report"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days_in_order"),
        CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        {"schema": "settlement"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    market: Mapped[str] = mapped_column(Text)
    run_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    prices: Mapped[dict[str, Any]] = mapped_column(JSONB)
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
