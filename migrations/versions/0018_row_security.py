"""Row security: a reader sees the rows of participants for which its account may ask."""

from alembic import op

from database.row_security import FUNCTIONS, secure_rows, unsecure_rows

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = (
    "ledger.account",
    "ledger.posting",
    "ledger.invoice",
    "ledger.invoice_line",
    "ledger.dispute",
    "ledger.dispute_event",
    "ledger.attachment",
    "ledger.bank_file",
    "ledger.bank_statement",
    "ledger.bank_transaction",
    "ledger.allocation",
    "ledger.interest",
)


def upgrade() -> None:
    for definition in FUNCTIONS.values():
        op.execute(definition)
    for table in TABLES:
        secure_rows(op.execute, table)


def downgrade() -> None:
    for table in TABLES:
        unsecure_rows(op.execute, table)
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
