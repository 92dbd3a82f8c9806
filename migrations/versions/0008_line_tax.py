"""Tax category of invoice lines that lie outside the tax base; lines of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("invoice_line", sa.Column("tax_category", sa.Text()), schema="ledger")
    op.create_check_constraint(
        "tax_category_is_untaxed", "invoice_line", "tax_category = 'E'", schema="ledger"
    )


def downgrade() -> None:
    op.drop_constraint("ck_invoice_line_tax_category_is_untaxed", "invoice_line", schema="ledger")
    op.drop_column("invoice_line", "tax_category", schema="ledger")
