"""Parties, tax note and term of documents; those of before keep none, and their digests."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

PARTY = (
    "legal_name",
    "tax_identifier",
    "address_lines",
    "postcode",
    "country",
    "contact_name",
    "contact_email",
)
TEXTS = [*(f"{side}_{name}" for side in ("seller", "buyer") for name in PARTY), "tax_note"]
IBANS = ["seller_iban", "buyer_iban"]
STATED = [*TEXTS, "payment_term_days"]


def upgrade() -> None:
    for name in (*TEXTS, *IBANS):
        op.add_column("invoice", sa.Column(name, sa.Text()), schema="ledger")
    op.add_column("invoice", sa.Column("payment_term_days", sa.Integer()), schema="ledger")
    op.create_check_constraint(
        "parties_are_stated",
        "invoice",
        f"num_nulls({', '.join(STATED)}) IN (0, {len(STATED)})",
        schema="ledger",
    )


def downgrade() -> None:
    op.drop_constraint("ck_invoice_parties_are_stated", "invoice", schema="ledger")
    for name in (*STATED, *IBANS):
        op.drop_column("invoice", name, schema="ledger")
