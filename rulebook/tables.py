"""Tables of the rulebook: `rulebook.version`, bitemporal and append-only."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from database.clause_words import WORDS_OF_CLAUSES
from database.metadata import Base


class VersionRow(Base):
    """A version of a document.

    `recorded` may be closed once; every other column never changes. Two versions in force of one
    instrument never overlap in both valid and recorded time. `status` says that it was decided; how
    it stands at a moment is derived (`rulebook.standing`).
    """

    __tablename__ = "version"
    __table_args__ = (
        ExcludeConstraint(
            ("instrument", "="),
            ("valid", "&&"),
            ("recorded", "&&"),
            where="status = 'in force'",
            using="gist",
            name="ex_version_in_force_once",
        ),
        # Of the whole law no instrument is asked for, and none by its status: the index of the
        # constraint above serves neither.
        Index(
            "ix_version_market_valid_recorded",
            "market",
            "valid",
            "recorded",
            postgresql_using="gist",
        ),
        Index("ix_version_words_of_clauses", text(WORDS_OF_CLAUSES), postgresql_using="gin"),
        CheckConstraint("status IN ('in force')", name="status_known"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        CheckConstraint("octet_length(row_digest) = 32", name="row_digest_length"),
        CheckConstraint(
            "NOT isempty(valid) AND isfinite(lower(valid)) AND lower_inc(valid) "
            "AND NOT upper_inc(valid) AND (upper_inf(valid) OR isfinite(upper(valid)))",
            name="valid_half_open",
        ),
        CheckConstraint(
            "NOT isempty(recorded) AND isfinite(lower(recorded)) AND lower_inc(recorded) "
            "AND NOT upper_inc(recorded) AND (upper_inf(recorded) OR isfinite(upper(recorded)))",
            name="recorded_half_open",
        ),
        CheckConstraint(
            "origin IS NOT NULL OR reason <> '' OR lower(valid) >= lower(recorded)",
            name="retroactive_with_reason",
        ),
        {"schema": "rulebook"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=func.uuidv7())
    market: Mapped[str] = mapped_column(Text, index=True)
    instrument: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    valid: Mapped[Range[dt.datetime]] = mapped_column(TSTZRANGE)
    recorded: Mapped[Range[dt.datetime]] = mapped_column(TSTZRANGE)
    status: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    approver: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    approval: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.approval.proposal"))
    reason: Mapped[str] = mapped_column(Text)
    supersedes: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    origin: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("rulebook.version.id"))
    row_digest: Mapped[bytes] = mapped_column(LargeBinary)
