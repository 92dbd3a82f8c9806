"""What a decision rests upon was done when it says: no row is written for another day.

And who accepts a change states a review that is still to come.
"""

from alembic import op

from database.changes import CREATE_CHECK_WAITS
from database.moments import CREATE_CHECK_MOMENT, check_moment

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLES = (
    "people.proposal",
    "people.approval",
    "people.answer",
    "people.account_grant",
    "people.withdrawal",
    "rulebook.change_event",
    "ledger.checkpoint",
)


def upgrade() -> None:
    op.execute(CREATE_CHECK_MOMENT)
    for table in TABLES:
        check_moment(op.execute, table)
    op.execute(CREATE_CHECK_WAITS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


def downgrade() -> None:
    """Take the guards of moments away; the other function refuses more, and stays."""
    for table in TABLES:
        op.execute(f"DROP TRIGGER check_moment ON {table}")
    op.execute("DROP FUNCTION people.check_moment()")
