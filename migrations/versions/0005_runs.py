"""Settlement runs and their results."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from database.guards import allow_changes, forbid_changes

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    for table in ("run", "result"):
        forbid_changes(op, f"settlement.{table}")


def downgrade() -> None:
    for table in ("result", "run"):
        allow_changes(op, f"settlement.{table}")
        op.drop_table(table, schema="settlement")
