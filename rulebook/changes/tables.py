"""The tables of changes. Rows are only ever added; triggers in the migration refuse the rest."""

import datetime as dt
from typing import Any

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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base

SCHEMA_ARGUMENTS = {"schema": "rulebook"}
MOMENT = DateTime(timezone=True)


def digest_check(column: str = "digest") -> CheckConstraint:
    """Return the check that a column holds a SHA-256."""
    return CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_length")


def whole_number() -> Mapped[int]:
    """Return the column of a number without gaps from 1, or a part of such a key."""
    return mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Change(Base):
    """What somebody wants of the law, and why; what became of it, its events say."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint(
            "btrim(title) <> '' AND btrim(problem) <> '' AND btrim(objectives) <> '' "
            "AND btrim(do_nothing) <> ''",
            name="says_what_and_why",
        ),
        CheckConstraint("cardinality(options) >= 1", name="has_options"),
        CheckConstraint(
            "length(title) <= 200 AND greatest(length(problem), length(objectives), "
            "length(do_nothing), length(urgency)) <= 20000",
            name="texts_are_bounded",
        ),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = whole_number()
    market: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    problem: Mapped[str] = mapped_column(Text)
    objectives: Mapped[str] = mapped_column(Text)
    do_nothing: Mapped[str] = mapped_column(Text)
    options: Mapped[list[str]] = mapped_column(ARRAY(Text))
    urgency: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    participant: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[dt.datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Revision(Base):
    """A text of a change, for good: whole documents, and those that they were drawn from."""

    __tablename__ = "revision"
    __table_args__ = (
        UniqueConstraint("change", "digest"),
        # Of two that were made from one, one is refused.
        UniqueConstraint("change", "parent"),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("parent IS NOT DISTINCT FROM nullif(number - 1, 0)", name="parent_is_last"),
        CheckConstraint("valid_to > valid_from", name="validity_in_order"),
        CheckConstraint("draft -> 'documents' IS NOT NULL", name="draft_has_documents"),
        digest_check("draft_digest"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    change: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("rulebook.change.number"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = whole_number()
    parent: Mapped[int | None] = mapped_column(BigInteger)
    drawn_from: Mapped[dt.datetime] = mapped_column(MOMENT)
    valid_from: Mapped[dt.datetime] = mapped_column(MOMENT)
    valid_to: Mapped[dt.datetime | None] = mapped_column(MOMENT)
    draft: Mapped[dict[str, Any]] = mapped_column(JSONB)
    draft_digest: Mapped[bytes] = mapped_column(LargeBinary)
    author: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    made_at: Mapped[dt.datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ChangeEvent(Base):
    """A step of a change: who took it, when and why, and where the change stands after it."""

    __tablename__ = "change_event"
    __table_args__ = (
        # Each names the event that it answers, once.
        UniqueConstraint("change", "answers"),
        ForeignKeyConstraint(
            ["change", "answers"],
            ["rulebook.change_event.change", "rulebook.change_event.sequence"],
        ),
        ForeignKeyConstraint(
            ["change", "revision_digest"], ["rulebook.revision.change", "rulebook.revision.digest"]
        ),
        Index(
            "uq_change_event_proposed_once",
            "proposal",
            unique=True,
            postgresql_where=text("kind = 'propose'"),
        ),
        CheckConstraint("sequence >= 1", name="sequence_is_positive"),
        CheckConstraint("(sequence = 1) = (kind = 'open')", name="opening_is_first"),
        CheckConstraint("(sequence = 1) = (previous_digest IS NULL)", name="follows_another"),
        CheckConstraint("btrim(reason) <> '' AND length(reason) <= 20000", name="reason_is_given"),
        CheckConstraint(
            "(revision_digest IS NULL) <= (kind IN ('open', 'withdraw'))", name="names_revision"
        ),
        CheckConstraint("(answers IS NOT NULL) = (kind IN ('answer', 'reply'))", name="answers"),
        CheckConstraint(
            "(proposal IS NOT NULL) = (kind IN ('propose', 'approve'))", name="names_proposal"
        ),
        CheckConstraint("jsonb_typeof(body) = 'object'", name="body_is_object"),
        digest_check("previous_digest"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    change: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("rulebook.change.number"), primary_key=True, autoincrement=False
    )
    sequence: Mapped[int] = whole_number()
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    participant: Mapped[str | None] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(MOMENT)
    reason: Mapped[str] = mapped_column(Text)
    revision_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    answers: Mapped[int | None] = mapped_column(BigInteger)
    proposal: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.proposal.number"))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
