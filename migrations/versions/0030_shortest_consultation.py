"""A consultation is open as long as the market rules of its first moment say at least."""

from alembic import op

from database.changes import CREATE_CHECK_WAITS

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_CHECK_WAITS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    """Leave the function: rules that state nothing are asked for as many days as before."""
