"""A batch asks once whether its days have rows of its stretch of the log, and makes them if not."""

from alembic import op

from database.market_log import CREATE_APPEND

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_APPEND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    """What it was wrote the same rows, and asked more often: there is nothing to undo."""
