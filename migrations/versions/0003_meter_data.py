"""Meter readings as day vectors, and the files they came in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from database.guards import allow_changes, forbid_changes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("vector_count", sa.BigInteger(), nullable=False),
        sa.Column("unchanged_count", sa.BigInteger(), nullable=False),
        sa.Column("late_day_count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reading_file"),
        sa.UniqueConstraint(
            "market", "content_digest", name="uq_reading_file_market_content_digest"
        ),
        sa.CheckConstraint("last_day >= first_day", name="days_in_order"),
        sa.CheckConstraint("row_count > 0", name="row_count_positive"),
        sa.CheckConstraint("octet_length(content_digest) = 32", name="content_digest_length"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    op.create_table(
        "reading",
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("settlement_day", sa.Date(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("values", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "market", "settlement_day", "measure", "entity", "revision", name="pk_reading"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["settlement.reading_file.id"], name="fk_reading_file_id"
        ),
        sa.CheckConstraint("revision >= 1", name="revision_positive"),
        sa.CheckConstraint("cardinality(values) > 0", name="values_present"),
        sa.CheckConstraint("length(quality) = cardinality(values)", name="quality_length"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    op.create_index("ix_reading_file_id", "reading", ["file_id"], schema="settlement")
    for table in ("reading_file", "reading"):
        forbid_changes(op, f"settlement.{table}")


def downgrade() -> None:
    for table in ("reading", "reading_file"):
        allow_changes(op, f"settlement.{table}")
        op.drop_table(table, schema="settlement")
