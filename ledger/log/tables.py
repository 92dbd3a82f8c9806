"""The tables of the transparency log. Rows are only ever added."""

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from ledger.tables import SCHEMA_ARGUMENTS, digest_check


class LogLeaf(Base):
    """A fact's place in the log: an index without gaps from 0, in the order of publication.

    Rows come from the triggers of `database.logged` alone.
    """

    __tablename__ = "log_leaf"
    __table_args__ = (
        UniqueConstraint("source", "key"),
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
