"""The trail: a chain beside the log, whose head is a leaf of every checkpoint."""

import sqlalchemy as sa
from alembic import op

from database.chained import DROP_FUNCTIONS, FUNCTIONS
from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("trail_link", "trail_head")


def upgrade() -> None:
    create_link_table()
    create_head_table()
    for definition in FUNCTIONS:
        op.execute(definition)
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")
    op.execute(
        "CREATE TRIGGER only_by_rows BEFORE INSERT ON ledger.trail_link "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.only_by_rows()"
    )
    log_facts(op, "ledger.trail_head", "number")


def downgrade() -> None:
    forget_facts(op, "ledger.trail_head")
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")
    for statement in DROP_FUNCTIONS:
        op.execute(statement)


def create_link_table() -> None:
    op.create_table(
        "trail_link",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("row_digest", sa.LargeBinary, nullable=False),
        sa.Column("previous_digest", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("number", "digest"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("change IN ('stored', 'removed')", name="change_is_known"),
        *(
            sa.CheckConstraint(f"octet_length({name}) = 32", name=f"{name}_is_sha256")
            for name in ("row_digest", "previous_digest", "digest")
        ),
        sa.Index(None, "source", "key", "number"),
        schema="ledger",
    )


def create_head_table() -> None:
    op.create_table(
        "trail_head",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("link_digest", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["number", "link_digest"], ["ledger.trail_link.number", "ledger.trail_link.digest"]
        ),
        *(
            sa.CheckConstraint(f"octet_length({name}) = 32", name=f"{name}_is_sha256")
            for name in ("link_digest", "digest")
        ),
        schema="ledger",
    )
