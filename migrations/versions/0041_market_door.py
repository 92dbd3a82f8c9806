"""What the inbox of a market lets in, held to by the database; what is set apart of it; and which
days of a log have rows of which stretch of it, so that who asks by sequence locks those alone."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes
from database.market_log import CREATE_APPEND, CREATE_SET_APART, CREATE_SUBMIT, PARTITIONED
from market.door import CHECKS

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

INBOX, WRITTEN = "market.submission", "market.written"
SET_APART = "market.set_apart(text, bigint, bigint)"


def replaced(statement: str) -> str:
    """Return what makes a function that a database of today has since 0038."""
    return statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def upgrade() -> None:
    for name, check in CHECKS.items():
        op.execute(f"ALTER TABLE {INBOX} ADD CONSTRAINT ck_submission_{name} CHECK ({check})")
    op.create_table(
        "written",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("parent", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
        sa.CheckConstraint("parent IN ('event', 'publication')", name="parent_is_parted"),
        sa.CheckConstraint("sequence >= 0", name="sequence_begins_at_none"),
        schema="market",
    )
    for parent in PARTITIONED:
        op.execute(
            f"INSERT INTO {WRITTEN} (market, parent, sequence, day) SELECT DISTINCT market, "
            f"'{parent}', (SELECT coalesce(max(sequence), 0) FROM market.opening "
            "WHERE opening.market = kept.market AND opening.sequence <= kept.sequence), day "
            f"FROM market.{parent} AS kept"
        )
    forbid_changes(op, WRITTEN)
    for statement in (CREATE_SUBMIT, CREATE_APPEND, CREATE_SET_APART):
        op.execute(replaced(statement))


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {SET_APART}")
    allow_changes(op, WRITTEN)
    op.drop_table("written", schema="market")
    for name in CHECKS:
        op.execute(f"ALTER TABLE {INBOX} DROP CONSTRAINT ck_submission_{name}")
