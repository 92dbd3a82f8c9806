"""The tables of the ledger. Rows are only ever added; triggers in the migration refuse the rest.

Amounts are in the account's commodity (micro of a currency, or Wh); digests are described in
`ledger.chain`.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from database.metadata import Base

SCHEMA = "ledger"
SCHEMA_ARGUMENTS = {"schema": SCHEMA}


def follow_by_journal() -> ForeignKey:
    """Return the key of a cause to its journal, which stands after it in the same transaction."""
    return ForeignKey("ledger.journal.number", deferrable=True, initially="DEFERRED")


def digest_check(column: str = "digest") -> CheckConstraint:
    """Return the constraint that a column holds a SHA-256 digest."""
    return CheckConstraint(f"octet_length({column}) = 32", name=f"{column}_is_sha256")


class Account(Base):
    """An account, opened by the first journal that posts to it; its code says all it is."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(
            "code = market || ':' || commodity || ':' || coalesce(participant, '-')"
            " || ':' || kind || ':' || subject",
            name="code_is_made_of_its_parts",
        ),
        CheckConstraint(
            "market || commodity || coalesce(participant, '') || kind || subject !~ '[:[:space:]]'",
            name="parts_are_names",
        ),
        digest_check(),
        Index(None, "participant", "market"),
        SCHEMA_ARGUMENTS,
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    market: Mapped[str] = mapped_column(Text)
    participant: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    commodity: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Journal(Base):
    """What moved together, numbered without gaps from 1 and chained to the journal before."""

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("market", "settlement_day", "run_kind"),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("posting_count >= 0", name="posting_count_is_not_negative"),
        CheckConstraint(
            "(run_id IS NULL) = (run_kind IS NULL)"
            " AND (run_kind IS NULL OR settlement_day IS NOT NULL)",
            name="run_is_named",
        ),
        CheckConstraint("run_kind IS DISTINCT FROM 'study'", name="run_is_no_study"),
        CheckConstraint(
            "cause_source IN ('settlement.run', 'ledger.invoice', 'ledger.allocation',"
            " 'ledger.interest', 'ledger.seal')",
            name="cause_is_of_the_list",
        ),
        CheckConstraint(
            "CASE WHEN cause_source = 'settlement.run'"
            " THEN run_id IS NOT NULL AND cause_key = run_id::text ELSE run_id IS NULL END",
            name="run_is_the_cause",
        ),
        # A cause moves money once: of a run, once a settlement day.
        UniqueConstraint(
            "cause_source",
            "cause_key",
            "settlement_day",
            name="uq_journal_cause",
            postgresql_nulls_not_distinct=True,
        ),
        ForeignKeyConstraint(
            ["cause_source", "cause_key", "cause_digest"],
            ["ledger.log_leaf.source", "ledger.log_leaf.key", "ledger.log_leaf.digest"],
            name="fk_journal_cause",
        ),
        digest_check("input_digest"),
        digest_check("previous_digest"),
        digest_check(),
        Index(None, "run_id"),
        Index("ix_journal_without_run", "market", postgresql_where=text("run_id IS NULL")),
        SCHEMA_ARGUMENTS,
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    market: Mapped[str] = mapped_column(Text)
    settlement_day: Mapped[date | None]
    run_id: Mapped[UUID | None]
    run_kind: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    posted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    posting_count: Mapped[int]
    input_digest: Mapped[bytes] = mapped_column(LargeBinary)
    cause_source: Mapped[str] = mapped_column(Text)
    cause_key: Mapped[str] = mapped_column(Text)
    cause_digest: Mapped[bytes] = mapped_column(LargeBinary)
    previous_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)


class Posting(Base):
    """One movement of one account; the postings of a journal arrive in one statement.

    A trigger looks their journals and accounts up, all together; a foreign key would a row.
    """

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("line >= 1", name="line_is_positive"),
        CheckConstraint("amount <> 0", name="amount_moves"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    journal_number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Invoice(Base):
    """A document of a series, numbered without gaps from 1; + means that the participant pays.

    `participant_number` counts the documents of a participant, of all series, without gaps too: so
    whoever got one of them knows of every one before it.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('invoice', 'credit note', 'debit note', 'self-billed invoice',"
            " 'self-billed credit note', 'self-billed debit note')",
            name="kind_is_known",
        ),
        CheckConstraint("number >= 1", name="number_is_positive"),
        CheckConstraint("participant_number >= 1", name="participant_number_is_positive"),
        UniqueConstraint("market", "participant", "participant_number"),
        CheckConstraint("line_count >= 1", name="line_count_is_positive"),
        CheckConstraint("extract(day FROM billing_month) = 1", name="billing_month_is_first_day"),
        CheckConstraint(
            "(original IS NULL) = (kind IN ('invoice', 'self-billed invoice'))",
            name="note_names_original",
        ),
        CheckConstraint(
            "amount_micro::numeric + rounding_micro = net_minor::numeric * minor_unit_micro",
            name="net_is_amount_rounded",
        ),
        CheckConstraint("net_minor + tax_minor = due_minor", name="due_is_net_and_tax"),
        CheckConstraint(
            "(checkpoint_size IS NULL) = (checkpoint_root IS NULL)", name="checkpoint_is_whole"
        ),
        digest_check("previous_digest"),
        digest_check("checkpoint_root"),
        digest_check(),
        Index(None, "participant", "market", "billing_month"),
        SCHEMA_ARGUMENTS,
    )

    series: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(Text)
    market: Mapped[str] = mapped_column(Text)
    participant: Mapped[str] = mapped_column(Text)
    participant_number: Mapped[int] = mapped_column(BigInteger)
    billing_month: Mapped[date]
    original: Mapped[UUID | None] = mapped_column(ForeignKey("ledger.invoice.id"))
    run_id: Mapped[UUID | None]
    last_journal_number: Mapped[int] = mapped_column(ForeignKey("ledger.journal.number"))
    journal_number: Mapped[int | None] = mapped_column(follow_by_journal(), unique=True)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_on: Mapped[date]
    currency: Mapped[str] = mapped_column(Text)
    minor_unit_micro: Mapped[int] = mapped_column(BigInteger)
    amount_micro: Mapped[int] = mapped_column(BigInteger)
    rounding_micro: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    due_minor: Mapped[int] = mapped_column(BigInteger)
    line_count: Mapped[int]
    previous_digest: Mapped[bytes] = mapped_column(LargeBinary)
    seller_legal_name: Mapped[str] = mapped_column(Text)
    seller_tax_identifier: Mapped[str] = mapped_column(Text)
    seller_address_lines: Mapped[str] = mapped_column(Text)
    seller_postcode: Mapped[str] = mapped_column(Text)
    seller_country: Mapped[str] = mapped_column(Text)
    seller_contact_name: Mapped[str] = mapped_column(Text)
    seller_contact_email: Mapped[str] = mapped_column(Text)
    seller_iban: Mapped[str | None] = mapped_column(Text)
    buyer_legal_name: Mapped[str] = mapped_column(Text)
    buyer_tax_identifier: Mapped[str] = mapped_column(Text)
    buyer_address_lines: Mapped[str] = mapped_column(Text)
    buyer_postcode: Mapped[str] = mapped_column(Text)
    buyer_country: Mapped[str] = mapped_column(Text)
    buyer_contact_name: Mapped[str] = mapped_column(Text)
    buyer_contact_email: Mapped[str] = mapped_column(Text)
    buyer_iban: Mapped[str | None] = mapped_column(Text)
    payment_term_days: Mapped[int]
    checkpoint_size: Mapped[int | None] = mapped_column(ForeignKey("ledger.checkpoint.size"))
    checkpoint_root: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)


class InvoiceLine(Base):
    """One line of a document; its amount is exact, before the document's one rounding."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        CheckConstraint("line >= 1", name="line_is_positive"),
        CheckConstraint("(quantity IS NULL) = (quantity_unit IS NULL)", name="quantity_has_a_unit"),
        CheckConstraint("quality IN ('measured', 'estimated', 'none')", name="quality_is_known"),
        CheckConstraint(
            "estimated_quantity IS NULL OR (quantity IS NOT NULL AND quality <> 'none')",
            name="estimated_quantity_is_metered",
        ),
        CheckConstraint(
            "tax_category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')", name="tax_category_is_known"
        ),
        CheckConstraint(
            "tax_rate_ppm = 0 OR (tax_category = 'S' AND tax_rate_ppm BETWEEN 0 AND 1000000)",
            name="tax_rate_is_of_standard",
        ),
        CheckConstraint("tax_note <> ''", name="tax_is_explained"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("ledger.invoice.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int | None] = mapped_column(BigInteger)
    quantity_unit: Mapped[str | None] = mapped_column(Text)
    amount_micro: Mapped[int] = mapped_column(BigInteger)
    quality: Mapped[str] = mapped_column(Text)
    estimated_quantity: Mapped[int | None] = mapped_column(BigInteger)
    clauses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    rule_digests: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    tax_category: Mapped[str] = mapped_column(Text)
    tax_rate_ppm: Mapped[int] = mapped_column(BigInteger)
    tax_note: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Seal(Base):
    """A settlement day to which nothing more is posted: who closed it, why, and after what."""

    __tablename__ = "seal"
    __table_args__ = (
        CheckConstraint("begins_at < ends_at", name="day_has_a_length"),
        CheckConstraint("sealed_by <> '' AND reason <> ''", name="sealed_by_someone"),
        CheckConstraint("last_journal_number < journal_number", name="anchor_is_last"),
        digest_check("last_journal_digest"),
        digest_check(),
        SCHEMA_ARGUMENTS,
    )

    market: Mapped[str] = mapped_column(Text, primary_key=True)
    settlement_day: Mapped[date] = mapped_column(primary_key=True)
    journal_number: Mapped[int] = mapped_column(follow_by_journal(), index=True)
    begins_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sealed_by: Mapped[str] = mapped_column(ForeignKey("people.account.id"))
    reason: Mapped[str] = mapped_column(Text)
    sealed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_journal_number: Mapped[int] = mapped_column(ForeignKey("ledger.journal.number"))
    last_journal_digest: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
