"""Row security of registrations, of what was metered and what runs found, and of people."""

from alembic import op

from database.row_security import POLICIES, secure_rows, unsecure_rows

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


REPLACED = "ledger.bank_statement"
SEEN_BEFORE = (
    "(SELECT people.sees_as('operator', 'auditor')) OR (market, number) IN "
    "(SELECT market, statement_number FROM ledger.bank_transaction)"
)


def upgrade() -> None:
    op.execute(f"ALTER POLICY reads ON {REPLACED} USING ({POLICIES[REPLACED]})")
    for table in TABLES:
        secure_rows(op.execute, table)


def downgrade() -> None:
    op.execute(f"ALTER POLICY reads ON {REPLACED} USING ({SEEN_BEFORE})")
    for table in TABLES:
        unsecure_rows(op.execute, table)
