"""The table of studies."""

import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base


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
