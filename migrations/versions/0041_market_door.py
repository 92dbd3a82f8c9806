"""What the inbox of a market lets in, held to by the database; and what is set apart of it."""

from alembic import op

from database.market_log import CREATE_SET_APART, CREATE_SUBMIT
from market.door import CHECKS

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLE = "market.submission"
SET_APART = "market.set_apart(text, bigint, bigint)"


def replaced(statement: str) -> str:
    """Return what makes a function that a database of today has since 0038."""
    return statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def upgrade() -> None:
    for name, check in CHECKS.items():
        op.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT ck_submission_{name} CHECK ({check})")
    for statement in (CREATE_SUBMIT, CREATE_SET_APART):
        op.execute(replaced(statement))


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {SET_APART}")
    for name in CHECKS:
        op.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT ck_submission_{name}")
