"""Row security of registrations, of what was metered and what runs found, and of people."""

from alembic import op

from database.row_security import secure_rows, unsecure_rows

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = (
    "rulebook.version",
    "settlement.reading_file",
    "settlement.reading",
    "settlement.result",
    "settlement.day_total",
    "settlement.study",
    "ledger.trail_link",
    "people.person",
    "people.account",
    "people.proposal",
    "people.approval",
    "people.account_grant",
    "people.withdrawal",
    "people.deed",
)


def upgrade() -> None:
    for table in TABLES:
        secure_rows(op.execute, table)


def downgrade() -> None:
    for table in TABLES:
        unsecure_rows(op.execute, table)
