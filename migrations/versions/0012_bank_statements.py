"""Bank statements, their payments, and decisions about what they pay."""

import sqlalchemy as sa
from alembic import op

from database.guards import allow_changes, forbid_changes
from database.logged import forget_facts, log_facts

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("bank_file", "bank_statement", "bank_transaction", "allocation")


def upgrade() -> None:
    op.create_table(
        "bank_file",
        sa.Column("content_digest", sa.LargeBinary, primary_key=True),
        text("market"),
        text("name"),
        digest("content"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        text("received_by"),
        digest("digest"),
        digest_check("content_digest"),
        digest_check("digest"),
        schema="ledger",
    )
    op.create_table(
        "bank_statement",
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "file_digest",
            sa.LargeBinary,
            sa.ForeignKey("ledger.bank_file.content_digest"),
            nullable=False,
        ),
        text("identification"),
        whole("sequence_number"),
        text("iban"),
        text("currency"),
        sa.Column("opened_on", sa.Date, nullable=False),
        sa.Column("closed_on", sa.Date, nullable=False),
        whole("opening_minor"),
        whole("closing_minor"),
        whole("transaction_count"),
        digest("previous_digest"),
        digest("digest"),
        sa.UniqueConstraint("market", "iban", "identification"),
        sa.CheckConstraint("number >= 1", name="number_is_positive"),
        sa.CheckConstraint("transaction_count >= 0", name="transaction_count_is_not_negative"),
        sa.CheckConstraint("closed_on >= opened_on", name="closes_after_it_opens"),
        digest_check("previous_digest"),
        digest_check("digest"),
        schema="ledger",
    )
    create_transactions()
    create_allocations()
    for table in TABLES:
        forbid_changes(op, f"ledger.{table}")
    name = "market || '-bank-' || lpad(number::text, greatest(6, length(number::text)), '0')"
    log_facts(op, "ledger.bank_statement", name)


def create_transactions() -> None:
    op.create_table(
        "bank_transaction",
        *transaction_key(),
        whole("entry"),
        whole("part"),
        whole("amount_minor"),
        sa.Column("booked_on", sa.Date, nullable=False),
        sa.Column("value_on", sa.Date, nullable=False),
        sa.Column("is_reversal", sa.Boolean, nullable=False),
        text("bank_reference"),
        text("end_to_end"),
        text("counterparty"),
        text("counterparty_iban"),
        text("reference"),
        text("remittance"),
        digest("digest"),
        sa.ForeignKeyConstraint(
            ["market", "statement_number"],
            ["ledger.bank_statement.market", "ledger.bank_statement.number"],
        ),
        sa.CheckConstraint("line >= 1", name="line_is_positive"),
        digest_check("digest"),
        schema="ledger",
    )


def create_allocations() -> None:
    op.create_table(
        "allocation",
        *transaction_key(),
        sa.Column("decision", sa.BigInteger, primary_key=True, autoincrement=False),
        text("method"),
        text("reason"),
        text("decided_by"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "journal_number",
            sa.BigInteger,
            sa.ForeignKey("ledger.journal.number"),
            nullable=False,
            unique=True,
        ),
        sa.Column("reverses", sa.BigInteger, sa.ForeignKey("ledger.journal.number")),
        digest("digest"),
        sa.ForeignKeyConstraint(
            ["market", "statement_number", "line"],
            [
                "ledger.bank_transaction.market",
                "ledger.bank_transaction.statement_number",
                "ledger.bank_transaction.line",
            ],
        ),
        sa.CheckConstraint("decision >= 1", name="decision_is_positive"),
        sa.CheckConstraint(
            "method IN ('reference', 'account', 'person', 'none')", name="method_is_known"
        ),
        sa.CheckConstraint("(decision = 1) = (reverses IS NULL)", name="later_decision_reverses"),
        digest_check("digest"),
        schema="ledger",
    )


def downgrade() -> None:
    forget_facts(op, "ledger.bank_statement")
    for table in reversed(TABLES):
        allow_changes(op, f"ledger.{table}")
        op.drop_table(table, schema="ledger")


def transaction_key() -> list["sa.Column[object]"]:
    return [
        sa.Column("market", sa.Text, primary_key=True),
        sa.Column("statement_number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    ]


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False)


def digest(name: str) -> "sa.Column[bytes]":
    return sa.Column(name, sa.LargeBinary, nullable=False)


def digest_check(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")
