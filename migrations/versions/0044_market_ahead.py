"""Intervals to come as who leads a market saw them last; what participants are told of theirs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from database.market_ahead import FUNCTIONS

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    def column(name: str, kind: "sa.types.TypeEngine[object] | type") -> "sa.Column[object]":
        return sa.Column(name, kind, nullable=False)

    numbers = ARRAY(sa.BigInteger)
    op.create_table(
        "outlook",
        sa.Column("market", sa.Text, primary_key=True),
        column("sequence", sa.BigInteger),
        column("law", sa.Text),
        column("at", sa.DateTime(timezone=True)),
        column("begins_at", sa.DateTime(timezone=True)),
        column("interval_minutes", sa.Integer),
        column("interval_count", sa.Integer),
        column("tightness_ppm", numbers),
        column("price_micro_per_mwh", numbers),
        column("sell_price_micro_per_mwh", numbers),
        column("waiting", JSONB),
        sa.CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        schema="market",
    )
    op.create_table(
        "standing",
        sa.Column("market", sa.Text, primary_key=True),
        column("sequence", sa.BigInteger),
        column("state", sa.Text),
        sa.CheckConstraint("sequence >= 1", name="sequence_begins_at_one"),
        schema="market",
    )
    for statement in FUNCTIONS.values():
        op.execute(statement)


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("standing", schema="market")
    op.drop_table("outlook", schema="market")
