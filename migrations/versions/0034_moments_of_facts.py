"""Every fact that says when it was done states the present moment, and not decisions alone."""

from alembic import op

from database.moments import check_moment

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = (
    "people.person",
    "people.account",
    "people.founding",
    "rulebook.change",
    "rulebook.revision",
    "ledger.invoice",
    "ledger.bank_file",
    "ledger.allocation",
    "ledger.dispute_event",
    "ledger.seal",
    "ledger.log_key",
    "ledger.witness",
)


def upgrade() -> None:
    for table in TABLES:
        check_moment(op.execute, table)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER check_moment ON {table}")
