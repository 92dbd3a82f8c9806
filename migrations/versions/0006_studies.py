"""Stress studies, and a ledger that takes none of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from database.guards import allow_changes, forbid_changes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    forbid_changes(op, "settlement.study")
    op.create_check_constraint(
        "run_is_no_study", "journal", "run_kind IS DISTINCT FROM 'study'", schema="ledger"
    )


def downgrade() -> None:
    op.drop_constraint("run_is_no_study", "journal", schema="ledger", type_="check")
    allow_changes(op, "settlement.study")
    op.drop_table("study", schema="settlement")
