"""The tables of bank statements and of what they pay. Rows are only ever added.

Amounts are in minor units, with the sign of the operator's bank account; digests are described in
`ledger.payments.statements`.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base
from ledger.tables import SCHEMA_ARGUMENTS, digest_check, follow_by_journal


class BankFile(Base):
    """A file as the bank sent it, kept whole; of several markets where each found its own in it."""

    __tablename__ = "bank_file"
    __table_args__ = (digest_check("content_digest"), digest_check(), SCHEMA_ARGUMENTS)

    content_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    market: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class BankStatement(Base):
    """A statement of the operator's account, numbered without gaps and chained by market."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        # A bank begins its identifications again, and not every bank has numbers.
        UniqueConstraint(
            "market",
            "account",
            "identification",
            "closed_on",
            "sequence_number",
            name="uq_bank_statement_identity",
            postgresql_nulls_not_distinct=True,
        ),
        ForeignKeyConstraint(
            ["file_digest", "market"],
            ["ledger.bank_file.content_digest", "ledger.bank_file.market"],
        ),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("transaction_count >= 0", name="transaction_count_is_not_negative"),
        CheckConstraint("closed_on >= opened_on", name="closes_after_it_opens"),
        digest_check("previous_digest"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    file_digest: Mapped[bytes] = mapped_column(LargeBinary)
    identification: Mapped[str] = mapped_column(Text)
    sequence_number: Mapped[int | None] = mapped_column(BigInteger)
    account: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    opened_on: Mapped[date]
    closed_on: Mapped[date]
    opening_minor: Mapped[int] = mapped_column(BigInteger)
    closing_minor: Mapped[int] = mapped_column(BigInteger)
    transaction_count: Mapped[int] = mapped_column(BigInteger)
    previous_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class BankTransaction(Base):
    """One payment of a statement."""

    __tablename__ = "bank_transaction"
    __table_args__ = (
        ForeignKeyConstraint(
            ["market", "statement_number"],
            ["ledger.bank_statement.market", "ledger.bank_statement.number"],
        ),
        CheckConstraint("line >= 1", name="line_is_positive"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    statement_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry: Mapped[int] = mapped_column(BigInteger)
    part: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    booked_on: Mapped[date]
    value_on: Mapped[date]
    is_reversal: Mapped[bool]
    bank_reference: Mapped[str] = mapped_column(Text)
    end_to_end: Mapped[str] = mapped_column(Text)
    counterparty: Mapped[str] = mapped_column(Text)
    counterparty_account: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    remittance: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Allocation(Base):
    """A decision about a transaction: what it pays of which documents. The latest holds."""

    __tablename__ = "allocation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["market", "statement_number", "line"],
            [
                "ledger.bank_transaction.market",
                "ledger.bank_transaction.statement_number",
                "ledger.bank_transaction.line",
            ],
        ),
        CheckConstraint("decision >= 1", name="decision_is_positive"),
        CheckConstraint(
            "method IN ('reference', 'account', 'person', 'none')", name="method_is_known"
        ),
        CheckConstraint("(decision = 1) = (reverses IS NULL)", name="later_decision_reverses"),
        CheckConstraint(
            "cardinality(documents) = cardinality(amounts_minor)", name="document_has_an_amount"
        ),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    statement_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    decision: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    method: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    documents: Mapped[tuple[str, ...]] = mapped_column(ARRAY(Text, as_tuple=True))
    amounts_minor: Mapped[tuple[int, ...]] = mapped_column(ARRAY(BigInteger, as_tuple=True))
    journal_number: Mapped[int] = mapped_column(follow_by_journal(), unique=True)
    reverses: Mapped[int | None] = mapped_column(ForeignKey("ledger.journal.number"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Interest(Base):
    """The interest that a document has borne up to a day: what its journal moves is the difference.

    `number` counts from 1 what was posted of a document.
    """

    __tablename__ = "interest"
    __table_args__ = (
        UniqueConstraint("document", "number"),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("annual_rate_ppm >= 0", name="rate_is_not_negative"),
        CheckConstraint("days_in_year >= 1", name="year_has_days"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    until: Mapped[date]
    borne_micro: Mapped[int] = mapped_column(BigInteger)
    annual_rate_ppm: Mapped[int] = mapped_column(BigInteger)
    days_in_year: Mapped[int] = mapped_column(BigInteger)
    grace_days: Mapped[int] = mapped_column(BigInteger)
    journal_number: Mapped[int] = mapped_column(follow_by_journal(), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
