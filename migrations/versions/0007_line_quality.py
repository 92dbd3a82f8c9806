"""Quality of what invoice lines rest on; lines of before keep none, and their digests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHECKS = {
    "quality_is_known": "quality IN ('measured', 'estimated', 'none')",
    "estimated_quantity_is_metered": (
        "estimated_quantity IS NULL"
        " OR (quantity IS NOT NULL AND coalesce(quality, 'none') <> 'none')"
    ),
}


def upgrade() -> None:
    op.add_column("invoice_line", sa.Column("quality", sa.Text()), schema="ledger")
    op.add_column("invoice_line", sa.Column("estimated_quantity", sa.BigInteger()), schema="ledger")
    for name, condition in CHECKS.items():
        op.create_check_constraint(name, "invoice_line", condition, schema="ledger")


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(f"ck_invoice_line_{name}", "invoice_line", schema="ledger")
    for column in ("estimated_quantity", "quality"):
        op.drop_column("invoice_line", column, schema="ledger")
