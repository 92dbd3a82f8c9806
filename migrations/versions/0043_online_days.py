"""What markets online hand over of local days: appended, leaves of the log."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts
from database.row_security import secure_rows, unsecure_rows

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

TABLE = "settlement.online_day"


def upgrade() -> None:
    def column(name: str, kind: "sa.types.TypeEngine[object] | type") -> "sa.Column[object]":
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "online_day",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("settlement_day", sa.Date, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        column("sequence", sa.BigInteger),
        column("content", sa.Text),
        column("recorded_at", sa.DateTime(timezone=True)),
        column("digest", sa.LargeBinary),
        sa.CheckConstraint("revision >= 1", name="revision_positive"),
        sa.CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        schema="settlement",
    )
    forbid_changes(op, TABLE)
    log_facts(op, TABLE, "market || '/' || settlement_day || '/' || revision")
    secure_rows(op.execute, TABLE)


def downgrade() -> None:
    unsecure_rows(op.execute, TABLE)
    forget_facts(op, TABLE)
    allow_changes(op, TABLE)
    op.drop_table("online_day", schema="settlement")
