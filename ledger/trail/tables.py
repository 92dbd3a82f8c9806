"""The tables of the trail. Rows are only ever added."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from ledger.tables import SCHEMA_ARGUMENTS, digest_check


class TrailLink(Base):
    """A change of a row that the trail holds: a number without gaps from 1, in order of commits.

    `trail.link` says how the digests are made. Links come from the triggers of `database.chained`.
    """

    __tablename__ = "trail_link"
    __table_args__ = (
        UniqueConstraint("number", "digest"),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("change IN ('stored', 'removed')", name="change_is_known"),
        digest_check("row_digest"),
        digest_check("previous_digest"),
        digest_check(),
        Index(None, "source", "key", "number"),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    change: Mapped[str] = mapped_column(Text)
    row_digest: Mapped[bytes] = mapped_column(LargeBinary)
    previous_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class TrailHead(Base):
    """The last link when a checkpoint was made; a leaf of the log, which the checkpoint covers."""

    __tablename__ = "trail_head"
    __table_args__ = (
        ForeignKeyConstraint(
            ["number", "link_digest"], ["ledger.trail_link.number", "ledger.trail_link.digest"]
        ),
        digest_check("link_digest"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    link_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
