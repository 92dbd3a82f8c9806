"""Row security of what was metered, and of what runs found."""

from alembic import op

from database.row_security import secure_rows, unsecure_rows

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = ("settlement.reading", "settlement.result", "settlement.day_total")


def upgrade() -> None:
    for table in TABLES:
        secure_rows(op.execute, table)


def downgrade() -> None:
    for table in TABLES:
        unsecure_rows(op.execute, table)
