"""Day totals: the metered energy that each day of a run used, beside its results."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_total",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("settlement_day", sa.Date(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("total_wh", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "run_id", "settlement_day", "measure", "entity", name="pk_day_total"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["settlement.run.id"],
            name="fk_day_total_run_id",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    forbid_changes(op, "settlement.day_total")


def downgrade() -> None:
    allow_changes(op, "settlement.day_total")
    op.drop_table("day_total", schema="settlement")
