"""What was made of the days of a trial, where they are made again: a replay reads it from there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from database.guards import allow_changes, forbid_changes
from database.row_security import secure_rows, unsecure_rows

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLE = "settlement.trial_made"


def upgrade() -> None:
    op.create_table(
        "trial_made",
        sa.Column("trial_id", sa.Uuid, sa.ForeignKey("settlement.trial.id"), primary_key=True),
        sa.Column("side", sa.Text, primary_key=True),
        sa.Column("settlement_day", sa.Date, primary_key=True),
        sa.Column("measure", sa.Text, primary_key=True),
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("values", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    forbid_changes(op, TABLE)
    secure_rows(op.execute, TABLE)


def downgrade() -> None:
    unsecure_rows(op.execute, TABLE)
    allow_changes(op, TABLE)
    op.drop_table("trial_made", schema="settlement")
