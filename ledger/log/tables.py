"""The tables of the transparency log. Rows are only ever added."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from ledger.tables import SCHEMA_ARGUMENTS, digest_check


class LogLeaf(Base):
    """A fact's place in the log: an index without gaps from 0, in the order of publication.

    `log.leaf` says how the hash is made. Rows come from the triggers of `database.logged` alone.
    """

    __tablename__ = "log_leaf"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        # What a journal names as its cause; the shorter key alone keeps a fact from two leaves.
        UniqueConstraint("source", "key", "digest"),
        CheckConstraint("index >= 0", name="index_is_not_negative"),
        digest_check(),
        digest_check("leaf_hash"),
        Index(None, "digest"),
        SCHEMA_ARGUMENTS,
    )

    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogTile(Base):
    """256 hashes side by side at a level of the tree, and the root above them; see `log.tiles`.

    What it holds follows from the leaves alone; it is stored so that a proof reads few rows.
    """

    __tablename__ = "log_tile"
    __table_args__ = (
        CheckConstraint("level >= 0 AND index >= 0", name="place_is_not_negative"),
        CheckConstraint("octet_length(hashes) = 8192", name="hashes_are_256"),
        digest_check("root"),
        SCHEMA_ARGUMENTS,
    )

    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)
    root: Mapped[bytes] = mapped_column(LargeBinary)


class LogKey(Base):
    """A public key that signs checkpoints from its own leaf on, until the next key's.

    `cause` is why it came: the first, a rotation, or the loss of the key before it.
    """

    __tablename__ = "log_key"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint(
            "cause IN ('first', 'rotation', 'loss') AND (cause = 'first') = (number = 1)",
            name="cause_is_known",
        ),
        CheckConstraint("octet_length(public_key) = 32", name="public_key_is_ed25519"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    public_key: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    cause: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpoint(Base):
    """A published root: the log had `size` leaves, and `note` is the text that was signed.

    It is a fact, so the next checkpoint covers it as the leaf at index `size`.
    """

    __tablename__ = "checkpoint"
    __table_args__ = (
        CheckConstraint("size >= 1", name="size_is_positive"),
        digest_check("root"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    note: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class LogWitness(Base):
    """A witness whose co-signatures the log keeps: registered, or by a later row withdrawn."""

    __tablename__ = "witness"
    __table_args__ = (
        UniqueConstraint("public_key", "cause"),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("cause IN ('registered', 'withdrawn')", name="cause_is_known"),
        CheckConstraint("octet_length(public_key) = 32", name="public_key_is_ed25519"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    cause: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Cosignature(Base):
    """That a witness had seen the checkpoint of a size, as the largest, at a moment.

    Its own signature says so; the trail holds that it was here.
    """

    __tablename__ = "cosignature"
    __table_args__ = (
        UniqueConstraint("size", "witness", "signed_at"),
        CheckConstraint("octet_length(signature) = 64", name="signature_is_ed25519"),
        CheckConstraint(
            "signed_at = date_trunc('second', signed_at)", name="signed_at_is_whole_seconds"
        ),
        CheckConstraint(
            "signed_at >= '1970-01-01Z' AND signed_at < '9000-01-01Z'", name="signed_at_is_readable"
        ),
        Index(None, "witness", "signed_at"),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, ForeignKey(LogCheckpoint.size))
    witness: Mapped[int] = mapped_column(BigInteger, ForeignKey(LogWitness.number))
    signed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    signature: Mapped[bytes] = mapped_column(LargeBinary)
