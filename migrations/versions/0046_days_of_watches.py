"""What is told of who leads a market names the days that it reads, and markets nobody ever led."""

from alembic import op

from database.market_watch import FOR_EVERYBODY, FUNCTIONS

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for function, statement in {**FUNCTIONS, **FOR_EVERYBODY}.items():
        op.execute(f"DROP FUNCTION {function}")
        op.execute(statement)


def downgrade() -> None:
    """What an earlier state asks for is told by these as well."""
