"""The tables of disputes. Rows are only ever added; triggers in the migration refuse the rest.

They are in the schema of the ledger; digests are described in `ledger.disputes.sealing`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from ledger.tables import SCHEMA_ARGUMENTS, digest_check


class Attachment(Base):
    """A file that was attached to a step, stored once whoever attached it."""

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("sha256 = sha256(content)", name="content_gives_sha256"),
        CheckConstraint("octet_length(content) BETWEEN 1 AND 10000000", name="content_is_bounded"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Dispute(Base):
    """A line that was disputed, numbered without gaps in its market, and the rule it keeps."""

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("num_nonnulls(claimed_micro, claimed_quantity) = 1", name="claim_is_one"),
        CheckConstraint("coalesce(claimed_micro, claimed_quantity) > 0", name="claim_is_positive"),
        ForeignKeyConstraint(
            ["invoice_id", "line"], ["ledger.invoice_line.invoice_id", "ledger.invoice_line.line"]
        ),
        digest_check("line_digest"),
        digest_check("terms_digest"),
        digest_check(),
        Index(None, "invoice_id", "line"),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    participant: Mapped[str] = mapped_column(Text)
    invoice_id: Mapped[UUID]
    line: Mapped[int]
    line_digest: Mapped[bytes] = mapped_column(LargeBinary)
    claimed_micro: Mapped[int | None] = mapped_column(BigInteger)
    claimed_quantity: Mapped[int | None] = mapped_column(BigInteger)
    terms_digest: Mapped[bytes] = mapped_column(LargeBinary)
    time_zone: Mapped[str] = mapped_column(Text)
    raise_within_days: Mapped[int]
    answer_within_days: Mapped[int]
    escalate_within_days: Mapped[int]
    decide_within_days: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class DisputeEvent(Base):
    """One step of a dispute; `number` is gapless in the market, `step` in the dispute."""

    __tablename__ = "dispute_event"
    __table_args__ = (
        UniqueConstraint("market", "dispute_number", "step"),
        ForeignKeyConstraint(
            ["market", "dispute_number"], ["ledger.dispute.market", "ledger.dispute.number"]
        ),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("(step = 1) = (action = 'open')", name="opening_is_first"),
        CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        CheckConstraint("btrim(actor) <> ''", name="actor_is_named"),
        CheckConstraint(
            "num_nonnulls(upheld_micro, upheld_quantity) = (action = 'uphold')::int",
            name="upheld_is_one",
        ),
        CheckConstraint("(run_id IS NOT NULL) = (action = 'settle')", name="settled_by_a_run"),
        CheckConstraint(
            "(cardinality(journal_numbers) > 0) = (action = 'settle')", name="settled_by_journals"
        ),
        CheckConstraint(
            "num_nonnulls(note_id, note_line) IN (0, 2) AND (note_id IS NULL OR action = 'settle')",
            name="note_settles",
        ),
        CheckConstraint(
            "(attachment_name IS NULL) = (attachment_sha256 IS NULL)", name="attachment_is_named"
        ),
        digest_check("previous_digest"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    dispute_number: Mapped[int] = mapped_column(BigInteger)
    step: Mapped[int]
    action: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    role: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(Text)
    upheld_micro: Mapped[int | None] = mapped_column(BigInteger)
    upheld_quantity: Mapped[int | None] = mapped_column(BigInteger)
    run_id: Mapped[UUID | None]
    journal_numbers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    note_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger.invoice.id"))
    note_line: Mapped[int | None]
    attachment_name: Mapped[str | None] = mapped_column(Text)
    attachment_sha256: Mapped[bytes | None] = mapped_column(ForeignKey("ledger.attachment.sha256"))
    previous_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
