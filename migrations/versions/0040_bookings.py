"""Bookings as batches left them, beside what was published; suppliers see their own."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes
from database.market_log import CREATE_APPEND
from database.row_security import secure_rows, unsecure_rows

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLE = "market.booking"
WITHOUT_BOOKINGS = (
    "market.append(text, bigint, bigint, bigint[], date[], text[], bytea[], date[], timestamptz[], "
    "text[], int[], int[], bigint[], bigint[], bigint[], bytea[], date, text, bytea)"
)


def upgrade() -> None:
    def column(name: str, kind: "sa.types.TypeEngine[object] | type") -> "sa.Column[object]":
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "booking",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        column("participant", sa.Text),
        column("record", sa.Text),
        column("digest", sa.LargeBinary),
        sa.CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        sa.CheckConstraint("part >= 1", name="part_begins_at_one"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        sa.Index("ix_booking_market_participant", "market", "participant"),
        schema="market",
    )
    forbid_changes(op, TABLE)
    secure_rows(op.execute, TABLE)
    # A database that is made today has the one with bookings since 0038.
    op.execute(f"DROP FUNCTION IF EXISTS {WITHOUT_BOOKINGS}")
    op.execute(CREATE_APPEND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    unsecure_rows(op.execute, TABLE)
    allow_changes(op, TABLE)
    op.drop_table("booking", schema="market")
