"""Tiles, keys and checkpoints of the transparency log."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FACTS = {"ledger.log_key": "number", "ledger.checkpoint": "size"}


def upgrade() -> None:
    op.create_table(
        "log_tile",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("level >= 0 AND index >= 0", name="place_is_not_negative"),
        sa.CheckConstraint("octet_length(hashes) = 8192", name="hashes_are_256"),
        sa.CheckConstraint("octet_length(root) = 32", name="root_is_sha256"),
        schema="ledger",
    )
    op.create_table(
        "log_key",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint(
            "cause IN ('first', 'rotation', 'loss') AND (cause = 'first') = (number = 1)",
            name="cause_is_known",
        ),
        sa.CheckConstraint("octet_length(public_key) = 32", name="public_key_is_ed25519"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("size >= 1", name="size_is_positive"),
        sa.CheckConstraint("octet_length(root) = 32", name="root_is_sha256"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
        schema="ledger",
    )
    for table in ("log_tile", "log_key", "checkpoint"):
        forbid_changes(op, f"ledger.{table}")
    for table, key in FACTS.items():
        log_facts(op, table, key)


def downgrade() -> None:
    for table in reversed(FACTS):
        forget_facts(op, table)
    for table in ("checkpoint", "log_key", "log_tile"):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
