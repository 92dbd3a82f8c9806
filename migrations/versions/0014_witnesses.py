"""Witnesses that the operator registered are facts; their co-signatures are rows of the trail."""

import sqlalchemy as sa
from alembic import op

from database.chained import chain_rows, unchain_rows
from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("witness", "cosignature")


def upgrade() -> None:
    create_witness_table()
    create_cosignature_table()
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")
    log_facts(op, "ledger.witness", "number")
    # Of the trail and not the log: a checkpoint would otherwise follow every co-signature of the
    # one before it, and each would be there to be co-signed.
    chain_rows(
        op.execute, "ledger.cosignature", "number", "size", "witness", "signed_at", "signature"
    )


def downgrade() -> None:
    unchain_rows(op.execute, "ledger.cosignature")
    forget_facts(op, "ledger.witness")
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")


def create_witness_table() -> None:
    op.create_table(
        "witness",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("public_key", "cause"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("cause IN ('registered', 'withdrawn')", name="cause_is_known"),
        sa.CheckConstraint("octet_length(public_key) = 32", name="public_key_is_ed25519"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )


def create_cosignature_table() -> None:
    op.create_table(
        "cosignature",
        sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("size", sa.BigInteger, sa.ForeignKey("ledger.checkpoint.size"), nullable=False),
        sa.Column("witness", sa.BigInteger, sa.ForeignKey("ledger.witness.number"), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("size", "witness", "signed_at"),
        sa.CheckConstraint("octet_length(signature) = 64", name="signature_is_ed25519"),
        sa.CheckConstraint(
            "signed_at = date_trunc('second', signed_at)", name="signed_at_is_whole_seconds"
        ),
        sa.Index(None, "witness", "signed_at"),
        schema="ledger",
    )
