"""Appending a batch plans each of its statements once, and makes no table of one event."""

from alembic import op

from database.market_log import CREATE_APPEND

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_APPEND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    """What it was wrote the same rows, and took longer: there is nothing to undo."""
