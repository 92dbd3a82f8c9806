"""Everybody reads what a trial of a consulted draft tells everybody, and its own rows of it.

Reports of trials that were made before hold neither; they are tried again to be read so.
"""

from alembic import op

from database.trial_access import FUNCTIONS

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for definition in FUNCTIONS.values():
        op.execute(definition)


def downgrade() -> None:
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
