"""What who runs a market is told of its log: counts, what was kept apart, and who leads."""

from alembic import op

from database.market_watch import FUNCTIONS

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in FUNCTIONS.values():
        op.execute(statement)


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
