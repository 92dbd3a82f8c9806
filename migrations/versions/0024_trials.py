"""Trials of drafts: kept for ever, leaves of the log, read by those who oversee the market."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts
from database.row_security import secure_rows, unsecure_rows

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLE = "settlement.trial"


def upgrade() -> None:
    def column(name: str, kind: "sa.types.TypeEngine[object] | type") -> "sa.Column[object]":
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "trial",
        sa.Column("id", sa.Uuid, primary_key=True),
        column("market", sa.Text),
        column("first_day", sa.Date),
        column("last_day", sa.Date),
        column("known_at", sa.DateTime(timezone=True)),
        column("threshold_ppm", sa.BigInteger),
        column("pins", JSONB()),
        column("drafts", JSONB()),
        column("sides", JSONB()),
        column("input_digest", sa.LargeBinary),
        column("engine_version", sa.Text),
        column("report", JSONB()),
        column("created_at", sa.DateTime(timezone=True)),
        column("digest", sa.LargeBinary),
        sa.CheckConstraint("last_day >= first_day", name="days_in_order"),
        sa.CheckConstraint("threshold_ppm >= 0", name="threshold_not_negative"),
        # Nobody settles, ingests or approves before what a trial knew.
        sa.CheckConstraint("known_at <= created_at", name="known_before_made"),
        sa.CheckConstraint("octet_length(input_digest) = 32", name="input_digest_length"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    forbid_changes(op, TABLE)
    log_facts(op, TABLE, "id")
    secure_rows(op.execute, TABLE)


def downgrade() -> None:
    unsecure_rows(op.execute, TABLE)
    forget_facts(op, TABLE)
    allow_changes(op, TABLE)
    op.drop_table("trial", schema="settlement")
