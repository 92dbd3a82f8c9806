"""Meter readings as day vectors with the files they came in; runs, their results, and studies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from database.guards import allow_changes, forbid_changes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("reading_file", "reading", "run", "result", "study")


def upgrade() -> None:
    create_reading_tables()
    create_run_tables()
    for table in TABLES:
        forbid_changes(op, f"settlement.{table}")


def downgrade() -> None:
    for table in reversed(TABLES):
        allow_changes(op, f"settlement.{table}")
        op.drop_table(table, schema="settlement")


def create_reading_tables() -> None:
    create_reading_file_table()
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


def create_reading_file_table() -> None:
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


def create_run_tables() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pins", JSONB(), nullable=False),
        sa.Column("input_digest", sa.LargeBinary(), nullable=False),
        sa.Column("engine_version", sa.Text(), nullable=False),
        sa.Column("result_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.CheckConstraint("last_day >= first_day", name="days_in_order"),
        sa.CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        sa.CheckConstraint("octet_length(result_digest) = 32", name="result_digest_length"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    op.create_table(
        "result",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("settlement_day", sa.Date(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("values", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "settlement_day", "measure", "entity", name="pk_result"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["settlement.run.id"],
            name="fk_result_run_id",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    create_study_table()


def create_study_table() -> None:
    op.create_table(
        "study",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("before_run_id", sa.Uuid(), nullable=False),
        sa.Column("overlay", JSONB(), nullable=False),
        sa.Column("report", JSONB(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_study"),
        sa.ForeignKeyConstraint(["run_id"], ["settlement.run.id"], name="fk_study_run_id"),
        sa.ForeignKeyConstraint(
            ["before_run_id"], ["settlement.run.id"], name="fk_study_before_run_id"
        ),
        sa.CheckConstraint("run_id <> before_run_id", name="runs_differ"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
