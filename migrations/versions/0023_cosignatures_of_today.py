"""The web process adds co-signatures of today, and nobody adds one of a time that nothing can read.

A row that is there once stays. One of before 1970 ended `verify`, `checkpoint` and the pages of
proof for good, and rows of a time to come kept its witness out.
"""

from alembic import op

from database.row_security import secure_added_rows, unsecure_added_rows

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE, READABLE = "ledger.cosignature", "ck_cosignature_signed_at_is_readable"


def upgrade() -> None:
    op.execute(
        f"ALTER TABLE {TABLE} ADD CONSTRAINT {READABLE} "
        "CHECK (signed_at >= '1970-01-01Z' AND signed_at < '9000-01-01Z')"
    )
    secure_added_rows(op.execute, TABLE)


def downgrade() -> None:
    unsecure_added_rows(op.execute, TABLE)
    op.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT {READABLE}")
