"""Accepted files, bank files, attachments and studies become leaves of the log."""

import sqlalchemy as sa
from alembic import op

from database.logged import forget_facts, log_facts

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FACTS = {
    "settlement.reading_file": "id",
    "settlement.study": "run_id",
    "ledger.bank_file": "market || '/' || encode(content_digest, 'hex')",
    "ledger.attachment": "encode(sha256, 'hex')",
}


def upgrade() -> None:
    op.add_column(
        "reading_file",
        sa.Column("readings_root", sa.LargeBinary, nullable=False),
        schema="settlement",
    )
    op.create_check_constraint(
        "readings_root_length",
        "reading_file",
        "octet_length(readings_root) = 32",
        schema="settlement",
    )
    # The file's row is written after its readings, as it names the root over them.
    point_readings_to_files(deferrable=True)
    for table, key in FACTS.items():
        log_facts(op, table, key)


def downgrade() -> None:
    for table in reversed(FACTS):
        forget_facts(op, table)
    point_readings_to_files(deferrable=False)
    op.drop_column("reading_file", "readings_root", schema="settlement")


def point_readings_to_files(*, deferrable: bool) -> None:
    op.drop_constraint("fk_reading_file_id", "reading", schema="settlement", type_="foreignkey")
    op.create_foreign_key(
        "fk_reading_file_id",
        "reading",
        "reading_file",
        ["file_id"],
        ["id"],
        source_schema="settlement",
        referent_schema="settlement",
        deferrable=deferrable or None,
        initially="DEFERRED" if deferrable else None,
    )
