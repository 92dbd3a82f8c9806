"""The tables of people, in the schema `people`. Rows are only ever added, but for tokens."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from ledger.tables import digest_check

SCHEMA_ARGUMENTS = {"schema": "people"}
MOMENT = DateTime(timezone=True)


def whole_number() -> Mapped[int]:
    """Return the column of a number without gaps from 1."""
    return mapped_column(BigInteger, primary_key=True, autoincrement=False)


def of_account() -> ForeignKey:
    """Return the reference to an account, which may come later in its transaction."""
    return ForeignKey("people.account.id", deferrable=True, initially="DEFERRED", use_alter=True)


class Person(Base):
    """A human being, by the name that others know; of several accounts it is still one."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("public.person_key(name) <> ''", name="name_is_given"),
        CheckConstraint("octet_length(salt) = 16", name="salt_is_long"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = whole_number()
    name: Mapped[str] = mapped_column(Text)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(MOMENT)
    recorded_by: Mapped[str | None] = mapped_column(of_account())
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class UserAccount(Base):
    """Who acts, under a name that is never given again; without a person, a service."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            r"id ~ '^[a-z][a-z0-9]*([._-][a-z0-9]+)*$' AND length(id) <= 48", name="id_is_plain"
        ),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    person: Mapped[int | None] = mapped_column(ForeignKey("people.person.number"))
    recorded_at: Mapped[datetime] = mapped_column(MOMENT)
    recorded_by: Mapped[str | None] = mapped_column(of_account())
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Founding(Base):
    """The one row that says who began: two people, and whether for a demonstration."""

    __tablename__ = "founding"
    __table_args__ = (
        CheckConstraint("once", name="happens_once"),
        CheckConstraint("operator <> regulator", name="two_accounts"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    once: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    operator: Mapped[str] = mapped_column(of_account())
    regulator: Mapped[str] = mapped_column(of_account())
    is_demonstration: Mapped[bool] = mapped_column(Boolean)
    founded_at: Mapped[datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Proposal(Base):
    """What somebody proposes: canonical JSON, and beside it the texts whose digests it names."""

    __tablename__ = "proposal"
    __table_args__ = (
        UniqueConstraint("number", "content_digest"),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("kind IN ('publication', 'ending', 'grant')", name="kind_is_known"),
        CheckConstraint("content IS JSON OBJECT WITH UNIQUE KEYS", name="content_is_json"),
        CheckConstraint(
            "content_digest = sha256(convert_to(content, 'UTF8'))", name="content_gives_digest"
        ),
        CheckConstraint("(market IS NULL) = (kind = 'grant')", name="law_is_of_a_market"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = whole_number()
    kind: Mapped[str] = mapped_column(Text)
    market: Mapped[str | None] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    texts: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    proposed_at: Mapped[datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Approval(Base):
    """The word of another person that what is proposed shall be so; it names what was read."""

    __tablename__ = "approval"
    __table_args__ = (
        ForeignKeyConstraint(
            ["proposal", "content_digest"],
            ["people.proposal.number", "people.proposal.content_digest"],
        ),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    proposal: Mapped[int] = whole_number()
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    approved_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    approved_at: Mapped[datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ProposalEnd(Base):
    """That a proposal is given up: withdrawn by who made it, or rejected by another person."""

    __tablename__ = "proposal_end"
    __table_args__ = (
        CheckConstraint("outcome IN ('withdrawn', 'rejected')", name="outcome_is_known"),
        CheckConstraint("btrim(reason) <> '' AND length(reason) <= 20000", name="reason_is_given"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    proposal: Mapped[int] = mapped_column(
        ForeignKey("people.proposal.number"), primary_key=True, autoincrement=False
    )
    outcome: Mapped[str] = mapped_column(Text)
    ended_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    ended_at: Mapped[datetime] = mapped_column(MOMENT)
    reason: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Answer(Base):
    """The word of a participant on a change of who it is or where it is paid: yes, or no."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("proposal", "participant", "agrees"),
        ForeignKeyConstraint(
            ["proposal", "content_digest"],
            ["people.proposal.number", "people.proposal.content_digest"],
        ),
        CheckConstraint("number >= 1", name="number_is_positive"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = whole_number()
    proposal: Mapped[int] = mapped_column(BigInteger)
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    market: Mapped[str] = mapped_column(Text)
    participant: Mapped[str] = mapped_column(Text)
    agrees: Mapped[bool] = mapped_column(Boolean)
    answered_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    answered_at: Mapped[datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class AccountGrant(Base):
    """A role that an account has; that of a participant is for one participant of one market."""

    __tablename__ = "account_grant"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint(
            "role IN ('regulator', 'operator', 'auditor', 'participant')", name="role_is_known"
        ),
        CheckConstraint(
            "num_nonnulls(market, participant) = CASE role WHEN 'participant' THEN 2 ELSE 0 END",
            name="participant_is_named",
        ),
        # No approval is that of the founding, which gives each of its roles once.
        Index(
            "uq_account_grant_of_founding",
            "role",
            unique=True,
            postgresql_where=text("approval IS NULL"),
        ),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = whole_number()
    account: Mapped[str] = mapped_column(ForeignKey("people.account.id"), index=True)
    role: Mapped[str] = mapped_column(Text)
    market: Mapped[str | None] = mapped_column(Text)
    participant: Mapped[str | None] = mapped_column(Text)
    approval: Mapped[int | None] = mapped_column(
        ForeignKey("people.approval.proposal"), unique=True
    )
    granted_at: Mapped[datetime] = mapped_column(MOMENT)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Withdrawal(Base):
    """The end of a grant: who took it away, and why."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("btrim(reason) <> ''", name="reason_is_given"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    grant_number: Mapped[int] = mapped_column(
        ForeignKey("people.account_grant.number"), primary_key=True
    )
    withdrawn_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    withdrawn_at: Mapped[datetime] = mapped_column(MOMENT)
    reason: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Deed(Base):
    """What a command was asked to do, and as whom, whatever came of it; a link of the trail."""

    __tablename__ = "deed"
    __table_args__ = (
        CheckConstraint("btrim(command) <> ''", name="command_is_named"),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(MOMENT)
    account: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    command: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)


class Token(Base):
    """What lets a process act as an account for some hours: the hash of a secret that it holds."""

    __tablename__ = "token"
    __table_args__ = (digest_check("hash"), SCHEMA_ARGUMENTS)

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("people.account.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(MOMENT)
    expires_at: Mapped[datetime] = mapped_column(MOMENT)
