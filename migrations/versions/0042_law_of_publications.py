"""Publications name the law by which they were made; everybody is told whether somebody leads.

The digest of a publication is over its law from here on, and that of a booking over the digest of
its content. No version that was released kept a market's log, so none is carried over: where
something is published, the column that may not be empty refuses, and the log is to be made anew.
"""

import sqlalchemy as sa
from alembic import op

from database.market_log import CREATE_APPEND
from database.market_watch import FOR_EVERYBODY

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

WITHOUT_LAW = (
    "market.append(text, bigint, bigint, bigint[], date[], text[], bytea[], date[], timestamptz[], "
    "text[], int[], int[], bigint[], bigint[], bigint[], bytea[], text[], text[], bytea[], date, "
    "text, bytea)"
)


def upgrade() -> None:
    op.add_column("publication", sa.Column("law", sa.Text, nullable=False), schema="market")
    op.create_index(
        "ix_event_market_law",
        "event",
        ["market", "sequence"],
        schema="market",
        postgresql_where=sa.text("kind = 'rules'"),
    )
    # A database that is made today has the one with law since 0038.
    op.execute(f"DROP FUNCTION IF EXISTS {WITHOUT_LAW}")
    op.execute(CREATE_APPEND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for statement in FOR_EVERYBODY.values():
        op.execute(statement)


def downgrade() -> None:
    for function in FOR_EVERYBODY:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_index("ix_event_market_law", "event", schema="market")
    op.drop_column("publication", "law", schema="market")
